"""API tokens as people make and revoke them, and as administrators see everybody's."""

import html
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.api.models import ApiToken, Scope
from apps.codepipeline.models import Pipeline
from apps.people.models import Profile
from tests.factories import make_pipeline, make_project, make_scope, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(db: None) -> Any:
    return make_user("checkout-developer")


@pytest.fixture
def signed_in(member: Any) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(make_user("admin", staff=True))
    return client


def made(client: Client, name: str = "wallboard", days: str = "90", project: str = "") -> str:
    answer = client.post("/tokens/", {"name": name, "days": days, "project": project})
    found = re.search(r'<pre id="new-token"[^>]*>(csd_[\w-]+)</pre>', answer.content.decode())
    assert found, answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    return found[1]


def ask(token: str) -> Any:
    return Client().get("/api/v1/scopes", headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_shown_once_and_opens_the_api_until_it_ends(
    signed_in: Client, member: Any
) -> None:
    token = made(signed_in)
    assert ask(token).status_code == 200
    row = ApiToken.objects.get()
    assert (row.user, row.scope) == (member, Scope.READ)
    assert row.expires_at is not None
    assert abs(row.expires_at - now() - timedelta(days=90)) < timedelta(minutes=1)
    page = signed_in.get("/tokens/").content.decode()
    assert row.prefix in page
    assert token not in page
    with time_machine.travel(row.expires_at + timedelta(seconds=1)):
        refused = ask(token)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
        assert f"expired on {row.expires_at:%-d %B %Y at %H:%M} UTC" in refused.json()["detail"]
        assert "checkout-developer" not in refused.content.decode()


def test_one_without_an_end_does_not_end(signed_in: Client) -> None:
    token = made(signed_in, days="0")
    assert ApiToken.objects.get().expires_at is None
    with time_machine.travel(now() + timedelta(days=4000)):
        assert ask(token).status_code == 200


def test_the_page_says_when_a_token_was_used_last(signed_in: Client) -> None:
    token = made(signed_in)
    assert 'data-label="Last used">never' in signed_in.get("/tokens/").content.decode()
    ask(token)
    assert 'data-label="Last used"><time' in signed_in.get("/tokens/").content.decode()


def test_a_revoked_token_is_refused_at_once_and_says_why(signed_in: Client) -> None:
    token = made(signed_in)
    row = ApiToken.objects.get()
    path = f"/tokens/{row.pk}/revoke/"
    assert "Programs that use the token" in signed_in.get(path).content.decode()
    assert ask(token).status_code == 200
    assert signed_in.post(path)["Location"] == "/tokens/"
    refused = ask(token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    assert "was revoked" in refused.json()["detail"]
    page = signed_in.get("/tokens/").content.decode()
    assert "1 revoked" in page
    # Its name is free again.
    assert made(signed_in) != token
    signed_in.post(path)
    assert "was revoked before" in html.unescape(signed_in.get("/health/").content.decode())


def test_who_has_not_the_whole_token_is_told_nothing(signed_in: Client) -> None:
    token = made(signed_in)
    ApiToken.objects.update(revoked_at=now())
    for other in (token[:-1], token + "x", token.upper(), ApiToken.objects.get().sha256):
        assert ask(other).json()["code"] == "unauthorized", other


@pytest.mark.parametrize(
    ("name", "days", "says"),
    [
        ("", "90", "This field is required"),
        ("\u200b \u202e", "90", "Say what uses the token"),
        ("x" * 65, "90", "at most 64 characters"),
        ("wallboard", "90", "You have a token of this name"),
        (" wallboard ", "90", "You have a token of this name"),
        ("other", "91", "not one of the available choices"),
        ("other", "-1", "not one of the available choices"),
    ],
)
def test_what_cannot_be_makes_no_token(signed_in: Client, name: str, days: str, says: str) -> None:
    made(signed_in)
    answer = signed_in.post("/tokens/", {"name": name, "days": days})
    assert answer.status_code == 422
    assert says in html.unescape(answer.content.decode())
    assert "csd_" not in re.sub(r"csd_\S{8}…", "", answer.content.decode())
    assert ApiToken.objects.count() == 1


def test_two_people_may_use_one_name_and_one_person_may_not(
    signed_in: Client, admin: Client
) -> None:
    made(signed_in)
    made(admin)
    row = ApiToken.objects.first()
    assert row is not None
    with pytest.raises(IntegrityError):
        ApiToken.objects.create(name=row.name, user=row.user, sha256="x", prefix="x")


def test_anothers_token_is_not_found_and_not_listed(signed_in: Client, admin: Client) -> None:
    made(admin, "secret-project")
    row = ApiToken.objects.get()
    assert "secret-project" not in signed_in.get("/tokens/").content.decode()
    for path in (f"/tokens/{row.pk}/revoke/", "/tokens/everybody/", "/tokens/999999/revoke/"):
        assert signed_in.get(path).status_code == 404, path
    assert signed_in.post(f"/tokens/{row.pk}/revoke/").status_code == 404
    row.refresh_from_db()
    assert row.revoked_at is None


def test_administrators_see_and_revoke_everybodys(
    signed_in: Client, admin: Client, member: Any
) -> None:
    token = made(signed_in, "wall <b>")
    page = admin.get("/tokens/everybody/").content.decode()
    assert "wall &lt;b&gt;" in page
    assert "checkout-developer" in page
    row = ApiToken.objects.get()
    assert "of checkout-developer" in admin.get(f"/tokens/{row.pk}/revoke/").content.decode()
    assert admin.post(f"/tokens/{row.pk}/revoke/")["Location"] == "/tokens/everybody/"
    assert ask(token).status_code == 401
    assert "Nobody has a token" in admin.get("/tokens/everybody/").content.decode()
    for query in ("checkout", row.prefix):
        assert "No token fits" in admin.get(f"/tokens/everybody/?q={query}").content.decode()


def test_everybodys_list_costs_the_same_however_many_there_are(admin: Client) -> None:
    def cost() -> int:
        admin.get("/tokens/everybody/")
        with CaptureQueriesContext(connection) as captured:
            assert admin.get("/tokens/everybody/").status_code == 200
        return len(captured)

    make_token(make_user("somebody"), "first")
    few = cost()
    for number in range(60):
        make_token(make_user(f"person-{number}"), f"token-{number}")
    assert cost() == few
    assert "after=" in admin.get("/tokens/everybody/").content.decode()


def make_token(user: Any, name: str) -> ApiToken:
    row = ApiToken(user=user, name=name)
    row.renew()
    row.save()
    return row


def test_only_a_form_revokes_and_only_ones_own_pages_form(member: Any) -> None:
    row = make_token(member, "wallboard")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert strict.post(f"/tokens/{row.pk}/revoke/").status_code == 403
    assert strict.post("/tokens/", {"name": "x", "days": "90"}).status_code == 403


def _command(*args: str) -> str:
    out = StringIO()
    call_command("api_token", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_makes_what_ends_and_lists_what_opens(member: Any) -> None:
    token = _command("wallboard", "--user", member.username, "--days", "7").strip()
    assert ask(token).status_code == 200
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    assert abs(row.expires_at - now() - timedelta(days=7)) < timedelta(minutes=1)
    make_token(make_user("other"), "script")
    listed = _command("--list")
    assert (
        f"{row.prefix}…  wallboard  of checkout-developer  Reads what its owner sees  valid  until"
        in listed
    )
    assert "script  of other  Reads what its owner sees  valid  without end  never used" in listed
    assert token not in listed
    assert _command("--list", "--user", "other").count("\n") == 1


def test_the_command_asks_whose_where_two_have_the_name(member: Any) -> None:
    other = make_user("other")
    mine, theirs = make_token(member, "wallboard"), make_token(other, "wallboard")
    with pytest.raises(CommandError, match="say whose, --user"):
        _command("wallboard", "--revoke")
    _command("wallboard", "--revoke", "--user", "other")
    for row in (mine, theirs):
        row.refresh_from_db()
    assert (mine.revoked_at, theirs.revoked_at is not None) == (None, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "1 to 64 characters"),
        (["x", "--user", "checkout-developer", "--days", "-1"], "--days"),
        (["x", "--user", "checkout-developer", "--scope", "write"], "invalid choice"),
    ],
)
def test_the_command_says_what_cannot_be(member: Any, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        _command(*arguments)
    assert ApiToken.objects.count() == 0


# --- for one project ------------------------------------------------------------------------------


@pytest.fixture
def two_projects(member: Any) -> tuple[Any, Any]:
    """The member owns both."""
    places = {"checkout": make_scope(), "loyalty": make_scope("444455556666")}
    one, other = (
        make_project(name.title(), make_pipeline(name, scope), owner=member)
        for name, scope in places.items()
    )
    return one, other


def seen(token: str) -> dict[str, list[str]]:
    """What a token shows, by list."""
    head = {"Authorization": f"Bearer {token}"}
    columns = {"pipelines": "name", "projects": "name", "scopes": "account"}
    told = {name: Client().get(f"/api/v1/{name}", headers=head).json() for name in columns}
    return {name: sorted({item[columns[name]] for item in told[name]["items"]}) for name in columns}


@pytest.mark.parametrize("staff", [False, True], ids=["a member's", "an administrator's"])
def test_a_token_of_one_project_shows_that_one(two_projects: Any, member: Any, staff: bool) -> None:
    type(member).objects.filter(pk=member.pk).update(is_staff=staff)
    client = Client()
    client.force_login(member)
    token = made(client, project="checkout")
    assert seen(token) == {
        "pipelines": ["checkout"],
        "projects": ["Checkout"],
        "scopes": ["111122223333"],
    }
    foreign = Pipeline.objects.get(key="loyalty").pk
    head = {"Authorization": f"Bearer {token}"}
    for path in (f"pipelines/{foreign}", "projects/loyalty"):
        assert Client().get(f"/api/v1/{path}", headers=head).status_code == 404
    everything = made(client, "everything")
    assert seen(everything)["pipelines"] == ["checkout", "loyalty"]
    assert "Reads Checkout" in html.unescape(client.get("/tokens/").text)


def test_it_opens_as_long_as_its_owner_may_see_the_project(
    two_projects: Any, signed_in: Client, member: Any
) -> None:
    Profile.objects.filter(user=member).delete()
    token = made(signed_in, project="checkout")
    assert ask(token).status_code == 200
    two_projects[0].memberships.all().delete()
    refused = ask(token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_outside")
    assert "Checkout" not in refused.text
    two_projects[0].delete()
    assert ask(token).json()["code"] == "unauthorized"


def test_nobody_makes_one_for_a_project_they_may_not_know_of(
    two_projects: Any, member: Any, signed_in: Client
) -> None:
    Profile.objects.filter(user=member).delete()
    make_project("Theirs")
    told = [
        signed_in.post("/tokens/", {"name": "x", "days": "30", "project": slug})
        for slug in ("theirs", "nobodys")
    ]
    assert [answer.status_code for answer in told] == [422, 422]
    assert told[0].text.replace("theirs", "nobodys").count("nobodys") == told[1].text.count(
        "nobodys"
    )
    assert "Theirs" not in told[0].text
    with pytest.raises(CommandError, match=r"is in no project theirs\. Known: checkout, loyalty"):
        call_command("api_token", "x", user=member.username, project="theirs")
    assert not ApiToken.objects.exists()


def test_one_of_a_scope_that_is_none_opens_nothing(signed_in: Client) -> None:
    token = made(signed_in)
    ApiToken.objects.update(scope="write")
    assert ask(token).json()["code"] == "token_unknown"
