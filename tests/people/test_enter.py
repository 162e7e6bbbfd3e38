import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.timezone import now

from apps.people.accounts import claim, find_link, make_sign_in_link
from apps.people.models import SignInLink
from tests.people.making import make_user

pytestmark = pytest.mark.django_db


def path_of(link: str) -> str:
    return link.removeprefix("https://dash.example.com")


def new_link(name: str = "owner") -> str:
    return path_of(make_sign_in_link(make_user(name), "https://dash.example.com/"))


def signed_in(client: Client) -> bool:
    return client.get("/health/").status_code == 200


def test_a_link_shows_a_button_and_the_button_signs_in(client: Client) -> None:
    link = new_link()
    page = client.get(link)
    assert page.status_code == 200
    assert "Sign in as owner" in page.content.decode()
    assert not signed_in(client)
    answer = client.post(link)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert signed_in(client)


def test_looking_at_a_link_does_not_use_it_up(client: Client) -> None:
    link = new_link()
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert client.post(link).status_code == 302


def test_the_button_needs_its_token(client: Client) -> None:
    link = new_link()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(link).status_code == 403
    assert SignInLink.objects.get().used_at is None


def test_a_link_opens_once(client: Client) -> None:
    link = new_link()
    assert client.post(link).status_code == 302
    stranger = Client()
    for answer in (stranger.get(link), stranger.post(link)):
        assert answer.status_code == 410
        assert "It was used already" in answer.content.decode()
        assert "sign_in_link USER" in answer.content.decode()
    assert not signed_in(stranger)


def test_of_two_at_once_one_comes_in() -> None:
    link = new_link()
    token = link.split("/")[2]
    first, second = find_link(token), find_link(token)
    assert first is not None
    assert second is not None
    assert [claim(first), claim(second)] == [True, False]


def test_an_old_link_does_not_open(client: Client) -> None:
    link = new_link()
    with time_machine.travel(now() + timedelta(days=1, minutes=1)):
        assert "Its time is over" in client.get(link).content.decode()
        assert client.post(link).status_code == 410


def test_a_newer_link_replaces_the_unused_one(client: Client) -> None:
    user = make_user("owner")
    old = path_of(make_sign_in_link(user, "https://dash.example.com"))
    new = path_of(make_sign_in_link(user, "https://dash.example.com"))
    assert client.get(old).status_code == 410
    assert client.get(new).status_code == 200


def test_a_user_who_was_switched_off_stays_out(client: Client) -> None:
    link = new_link()
    SignInLink.objects.get().user.__class__.objects.update(is_active=False)
    answer = client.post(link)
    assert answer.status_code == 410
    assert "The account is switched off: ask an administrator" in answer.content.decode()


def test_an_unknown_token_says_what_to_do(client: Client) -> None:
    answer = client.get("/enter/nonsense/")
    assert answer.status_code == 410
    assert "not one of ours" in answer.content.decode()


def test_the_token_is_not_in_the_database() -> None:
    token = new_link().split("/")[2]
    assert token not in str(SignInLink.objects.values().get())


def test_the_page_is_kept_nowhere(client: Client) -> None:
    assert "no-store" in client.get(new_link())["Cache-Control"]


def test_the_command_prints_the_link_alone(client: Client) -> None:
    make_user("owner")
    out = StringIO()
    call_command("sign_in_link", "owner", "--base-url", "https://dash.example.com", stdout=out)
    assert re.fullmatch(r"https://dash\.example\.com/enter/[\w-]{40,}/\n", out.getvalue())
    assert client.post(path_of(out.getvalue().strip())).status_code == 302


def test_the_command_names_who_is_missing() -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("sign_in_link", "nobody")


@pytest.mark.parametrize("fate", [{"is_staff": False, "is_superuser": False}, {"is_active": False}])
def test_a_link_ends_with_the_right_to_make_it(client: Client, fate: dict[str, bool]) -> None:
    administrator, member = make_user("administrator", staff=True), make_user("member")
    link = path_of(make_sign_in_link(member, "https://dash.example.com", administrator))
    assert client.get(link).status_code == 200
    type(administrator).objects.filter(pk=administrator.pk).update(**fate)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
    assert not signed_in(client)
