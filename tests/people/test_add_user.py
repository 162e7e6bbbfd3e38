"""`manage.py add_user`: a member of the team, and the link that lets them in."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_member_comes_in_by_the_link_that_is_printed_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("add_user", "checkout-developer", "--base-url", "https://dash.example.com")
    link = capsys.readouterr().out.strip()
    assert link.startswith("https://dash.example.com/enter/")
    user = get_user_model().objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("checkout-developer", False, False)
    assert not user.has_usable_password()
    client = Client()
    client.post(link.removeprefix("https://dash.example.com"))
    assert client.get("/").status_code == 200
    assert client.get("/aws/accounts/").status_code == 404


def test_staff_may_connect_accounts_and_may_have_an_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("add_user", "release-manager", "--staff", "--email", "release@example.com")
    user = get_user_model().objects.get()
    assert (user.is_staff, user.email) == (True, "release@example.com")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Taken"], "There is a user 'Taken' already"),
        (["new", "--email", "TAKEN@example.com"], "has the address"),
        (["two words"], "username"),
        ([""], "username"),
        (["x" * 200], "username"),
        (["new", "--email", "nonsense"], "email"),
    ],
)
def test_a_name_that_cannot_be_is_told_and_nobody_is_made(arguments: list[str], says: str) -> None:
    get_user_model().objects.create(username="taken", email="taken@example.com")
    with pytest.raises(CommandError, match=says):
        call_command("add_user", *arguments)
    assert get_user_model().objects.count() == 1
