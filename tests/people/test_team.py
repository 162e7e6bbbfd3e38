"""The administrators' pages of people: who is here, who is made, and what is done about them."""

import html
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.api.models import ApiToken
from apps.people import deeds
from apps.people.accounts import make_sign_in_link
from apps.people.models import Profile, SignInLink
from tests.people.conftest import signed_in_as
from tests.people.making import make_user

pytestmark = pytest.mark.django_db
NEW = {"username": "mara", "display_name": "Mara Lindqvist", "email": "mara@example.com"}


def page(client: Client, path: str) -> str:
    return html.unescape(client.get(path).content.decode())


def do(client: Client, user: Any, name: str) -> str:
    """Do it, and return what the page says of it."""
    answer = client.post(f"/people/{user.pk}/{name}/", follow=True)
    found = re.findall(r'<div class="break">(.*?)</div>', html.unescape(answer.content.decode()))
    return " ".join(found)


def test_everybody_else_does_not_find_the_pages(signed_in: Client, member: Any) -> None:
    paths = ["/people/", "/people/new/", f"/people/{member.pk}/", f"/people/{member.pk}/link/"]
    for path in paths:
        assert signed_in.get(path).status_code == 404, path
        assert signed_in.post(path, NEW).status_code == 404, path
    assert get_user_model().objects.count() == 1
    assert SignInLink.objects.count() == 0


def test_an_administrator_who_is_switched_off_is_none(administrator: Any, admin: Client) -> None:
    get_user_model().objects.update(is_active=False)
    assert admin.get("/people/").status_code == 302


def test_people_are_listed_with_what_matters_of_them(admin: Client, member: Any) -> None:
    member.email = "dev@example.com"
    member.last_login = now() - timedelta(days=2)
    member.save()
    Profile.objects.create(user=member, display_name="Dev <b>", reads_everything=True)
    TOTP.activate(member, "JBSWY3DPEHPK3PXP")
    make_user("old.timer")
    get_user_model().objects.filter(username="old.timer").update(is_active=False)
    raw = admin.get("/people/").content.decode()
    assert "Dev &lt;b&gt;" in raw
    rows = re.findall(r"<tr>(.*?)</tr>", raw.partition("<tbody>")[2], re.S)
    told = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    assert "checkout-developer dev@example.com Member reads everything On Active" in told[0]
    assert "Switched off never" in told[1]
    assert "release-manager (you) Administrator Off Active" in told[2]


def test_people_are_found_by_each_word(admin: Client, member: Any) -> None:
    Profile.objects.create(user=member, display_name="Mara Lindqvist")
    assert "Mara Lindqvist" in page(admin, "/people/?q=lind+CHECKOUT")
    assert "Nobody fits" in page(admin, "/people/?q=lind+nobody")


def test_the_list_comes_in_pages_and_costs_the_same_however_many_there_are(admin: Client) -> None:
    def cost() -> int:
        admin.get("/people/")
        with CaptureQueriesContext(connection) as captured:
            admin.get("/people/")
        return len(captured)

    few = cost()
    for number in range(60):
        user = make_user(f"person-{number:02}")
        if number % 3 == 0:
            Profile.objects.create(user=user, display_name=f"Person {number}")
    assert cost() == few
    first = page(admin, "/people/")
    onward = re.search(r'href="\?q=&after=([^"]+)"', first)
    assert onward
    second = page(admin, f"/people/?after={onward[1]}")
    assert "person-59" in second
    assert "person-59" not in first
    assert "person-00" not in second


def test_a_person_is_made_with_a_link_that_is_shown_once(admin: Client) -> None:
    answer = admin.post("/people/new/", NEW)
    text = html.unescape(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    link = re.search(r"http://testserver(/enter/[\w-]+/)", text)
    assert link
    user = get_user_model().objects.get(username="mara")
    assert (user.is_staff, user.email, user.has_usable_password()) == (
        False,
        "mara@example.com",
        False,
    )
    assert user.profile.name == "Mara Lindqvist"
    assert not user.profile.email_unconfirmed
    assert link[1] not in page(admin, f"/people/{user.pk}/")
    newcomer = Client()
    newcomer.post(link[1])
    assert signed_in_as(newcomer) == "mara"


def test_the_link_leads_where_people_reach_the_dashboard(admin: Client, settings: Any) -> None:
    settings.SITE_URL = "https://dash.example.com"
    assert "https://dash.example.com/enter/" in admin.post("/people/new/", NEW).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("username", "Release-Manager", "There is a person of this name already"),
        ("username", "boss@example.com", "There is a person of this name already"),
        ("username", "two words", "valid username"),
        ("username", "", "This field is required"),
        ("username", "x" * 151, "at most 150"),
        ("email", "BOSS@example.com", "Somebody else has this address"),
        ("email", "nonsense", "This is no mail address"),
    ],
)
def test_what_cannot_be_makes_nobody_and_stays_entered(
    admin: Client, administrator: Any, field: str, value: str, says: str
) -> None:
    get_user_model().objects.update(email="boss@example.com")
    answer = admin.post("/people/new/", {**NEW, field: value})
    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert says in text
    assert 'value="Mara Lindqvist"' in text
    assert get_user_model().objects.count() == 1


def test_an_administrator_may_be_made_at_once(admin: Client) -> None:
    admin.post("/people/new/", {**NEW, "administrator": "on"})
    assert get_user_model().objects.get(username="mara").is_staff


def test_names_and_addresses_are_corrected_and_vouched_for(admin: Client, member: Any) -> None:
    Profile.objects.create(user=member, email_unconfirmed=True, time_zone="Asia/Tokyo")
    given = {"display_name": "Dev", "email": "dev@example.com"}
    assert admin.post(f"/people/{member.pk}/", given).status_code == 302
    profile = Profile.objects.get(user=member)
    assert (profile.name, profile.email_unconfirmed) == ("Dev", False)
    assert profile.time_zone == "Asia/Tokyo"
    answer = admin.post(f"/people/{member.pk}/", {**given, "email": "nonsense"})
    assert answer.status_code == 422
    assert get_user_model().objects.get(pk=member.pk).email == "dev@example.com"


def test_what_hurts_is_asked_first_and_asking_does_nothing(admin: Client, member: Any) -> None:
    text = page(admin, f"/people/{member.pk}/")
    assert f'<a class="btn btn-small btn-danger" href="/people/{member.pk}/deactivate/"' in text
    asked = page(admin, f"/people/{member.pk}/deactivate/")
    assert "signed out everywhere at once" in asked
    assert "csrfmiddlewaretoken" in asked
    assert get_user_model().objects.get(pk=member.pk).is_active
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(get_user_model().objects.get(username="release-manager"))
    assert strict.post(f"/people/{member.pk}/deactivate/").status_code == 403


def test_who_is_switched_off_is_out_at_once_and_stays_out_when_switched_on(
    admin: Client, member: Any, signed_in: Client
) -> None:
    token_row = ApiToken(name="wallboard", user=member)
    token = token_row.renew()
    token_row.save()
    link = make_sign_in_link(member, "")
    assert signed_in.get("/people/me/").status_code == 200
    assert "Switched off" in do(admin, member, "deactivate")
    assert signed_in.get("/people/me/").status_code == 302
    assert Client().post(link).status_code == 410
    header = {"Authorization": f"Bearer {token}"}
    refused = Client().get("/api/v1/scopes", headers=header)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_asleep")
    stopped = Client().post(
        "/accounts/login/", {"login": member.username, "password": "open sesame"}, follow=True
    )
    assert "Ask an administrator" in stopped.content.decode()
    assert "Switched on" in do(admin, member, "activate")
    # What was open before does not open again by itself.
    assert signed_in.get("/people/me/").status_code == 302
    assert Client().post(link).status_code == 410
    assert Client().get("/api/v1/scopes", headers=header).status_code == 200


def test_rights_are_given_and_taken(admin: Client, member: Any) -> None:
    client = Client()
    client.force_login(member)
    assert "Is an administrator now" in do(admin, member, "administrator")
    assert client.get("/people/").status_code == 200
    assert "no administrator any more" in do(admin, member, "no-administrator")
    assert client.get("/people/").status_code == 404
    assert "Reads everything now" in do(admin, member, "reads-everything")
    assert Profile.objects.get(user=member).reads_everything
    assert "Reads what projects give" in do(admin, member, "reads-projects")
    assert not Profile.objects.get(user=member).reads_everything


def test_the_last_administrator_stays(admin: Client, administrator: Any) -> None:
    asleep = make_user("asleep", staff=True)
    get_user_model().objects.filter(pk=asleep.pk).update(is_active=False)
    for name in ("deactivate", "no-administrator"):
        assert admin.post(f"/people/{administrator.pk}/{name}/").status_code == 302
        assert "This is the last administrator" in page(admin, "/health/")
        administrator.refresh_from_db()
        assert (administrator.is_active, administrator.is_staff) == (True, True)
    assert "so it is refused" in page(admin, f"/people/{administrator.pk}/")
    make_user("second", staff=True)
    admin.post(f"/people/{administrator.pk}/no-administrator/")
    administrator.refresh_from_db()
    assert not administrator.is_staff
    assert admin.get("/people/").status_code == 404


def test_a_second_factor_is_reset_and_its_sessions_end(
    admin: Client, member: Any, signed_in: Client
) -> None:
    assert "reset-second-factor" not in page(admin, f"/people/{member.pk}/")
    TOTP.activate(member, "JBSWY3DPEHPK3PXP")
    assert "Be sure that it is them" in page(admin, f"/people/{member.pk}/reset-second-factor/")
    assert "The second factor is gone" in do(admin, member, "reset-second-factor")
    assert not Authenticator.objects.exists()
    assert signed_in.get("/people/me/").status_code == 302


def test_what_administrators_do_is_in_the_log(
    admin: Client, administrator: Any, member: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        do(admin, member, "deactivate")
        admin.post(f"/people/{administrator.pk}/link/")
    told = {record.message: record for record in caplog.records}
    deed = told["people.deed"]
    assert (deed.deed, deed.of, deed.by) == ("deactivate", member.pk, administrator.pk)
    assert told["people.link"].of == administrator.pk
    assert "/enter/" not in caplog.text


def test_a_link_is_made_by_a_form_alone(admin: Client, member: Any) -> None:
    admin.get(f"/people/{member.pk}/link/")
    assert SignInLink.objects.count() == 0
    text = admin.post(f"/people/{member.pk}/link/").content.decode()
    link = re.search(r"http://testserver(/enter/[\w-]+/)", text)
    assert link
    client = Client()
    client.post(link[1])
    assert signed_in_as(client) == member.username


def test_an_address_is_confirmed_and_a_connection_taken_away(admin: Client, member: Any) -> None:
    member.email = "dev@example.com"
    member.save()
    Profile.objects.create(user=member, email_unconfirmed=True)
    SocialAccount.objects.create(user=member, provider="sso", uid="dev")
    text = page(admin, f"/people/{member.pk}/")
    assert "They wrote this address themself" in text
    assert "The address is confirmed" in do(admin, member, "confirm-address")
    assert not Profile.objects.get().email_unconfirmed
    assert "The connection is gone" in do(admin, member, "disconnect")
    assert SocialAccount.objects.count() == 0


@pytest.mark.parametrize("name", ["activate", "disconnect", "confirm-address", "made-up"])
def test_what_is_not_to_be_done_any_more_is_told(admin: Client, member: Any, name: str) -> None:
    for answer in (
        admin.get(f"/people/{member.pk}/{name}/", follow=True),
        admin.post(f"/people/{member.pk}/{name}/", follow=True),
    ):
        assert answer.redirect_chain == [(f"/people/{member.pk}/", 302)]
        assert "not to be done any more" in answer.content.decode()


def test_nobody_is_not_found(admin: Client) -> None:
    for path in ("/people/999999/", "/people/999999/link/"):
        assert admin.get(path).status_code == 404


@pytest.mark.sql
@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_leave_at_once_one_stays() -> None:
    users = [make_user("one", staff=True), make_user("two", staff=True)]
    gate, told = threading.Barrier(2), []

    def leave(user: Any) -> None:
        gate.wait(5)
        try:
            told.append(deeds.unmake_administrator(user).refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == [False, True]
    assert get_user_model().objects.filter(is_staff=True).count() == 1
