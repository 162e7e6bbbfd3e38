"""People come into projects, change places and leave; nobody is left outside by a slip."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.utils.timezone import now

from apps.people.models import Profile, hash_of
from apps.projects import deeds
from apps.projects.models import Invitation, Membership, Project
from apps.projects.roles import Role
from tests.factories import make_pipeline, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, Any]:
    names = ("owner", "contributor", "viewer", "stranger")
    return {name: make_user(name, reads_everything=False) for name in names}


@pytest.fixture
def project(people: dict[str, Any]) -> Project:
    roles = {name: people[name] for name in ("owner", "contributor", "viewer")}
    return make_project("Checkout", make_pipeline("checkout"), **roles)


def as_user(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def role_of(project: Project, user: Any) -> str:
    found = Membership.objects.filter(project=project, user=user).first()
    return found.role if found else ""


def test_an_owner_adds_changes_and_removes(project: Project, people: dict[str, Any]):
    client, newcomer = as_user(people["owner"]), make_user("newcomer", reads_everything=False)
    path = f"/projects/{project.slug}/team/"
    client.post(f"{path}add/", {"who": "NEWCOMER", "role": "viewer"})
    assert role_of(project, newcomer) == "viewer"
    client.post(f"{path}{newcomer.pk}/role/", {"role": "contributor"})
    assert role_of(project, newcomer) == "contributor"
    client.post(f"{path}{newcomer.pk}/remove/")
    assert role_of(project, newcomer) == ""


@pytest.mark.parametrize("name", ["contributor", "viewer", "stranger"])
def test_nobody_else_changes_who_is_in_it(project: Project, people: dict[str, Any], name: str):
    client, path = as_user(people[name]), f"/projects/{project.slug}/team/"
    owner = people["owner"].pk
    before = set(Membership.objects.values_list("user", "role"))
    for address, values in (
        ("add/", {"who": "stranger", "role": "owner"}),
        (f"{people[name].pk}/role/", {"role": "owner"}),
        (f"{owner}/remove/", {}),
        ("invite/", {"role": "owner"}),
    ):
        assert client.post(path + address, values).status_code == 404
    assert set(Membership.objects.values_list("user", "role")) == before
    assert not Invitation.objects.exists()


def test_the_last_owner_stays(project: Project, people: dict[str, Any]):
    client, owner = as_user(people["owner"]), people["owner"]
    path = f"/projects/{project.slug}/team/{owner.pk}/"
    for address, values in (("remove/", {}), ("role/", {"role": "viewer", "sure": "1"})):
        page = client.post(path + address, values, follow=True)
        assert "last owner" in page.text
        assert role_of(project, owner) == "owner"
    deeds.set_role(project, people["viewer"].pk, Role.OWNER)
    page = client.post(f"{path}remove/", follow=True)
    assert role_of(project, owner) == ""
    assert "You have left" in page.text


def test_an_owner_who_cannot_come_in_is_no_last_owner(project: Project, people: dict[str, Any]):
    gone = make_user("gone", reads_everything=False)
    deeds.add(project, gone, Role.OWNER)
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    client, owner = as_user(people["owner"]), people["owner"]
    path = f"/projects/{project.slug}/team/"
    assert "last owner" in client.post(f"{path}{owner.pk}/remove/", follow=True).text
    with pytest.raises(deeds.RefusedError, match="last owner"):
        deeds.set_role(project, owner.pk, Role.VIEWER)
    assert role_of(project, owner) == "owner"
    # Who is switched off may be taken out.
    client.post(f"{path}{gone.pk}/remove/")
    assert role_of(project, gone) == ""


def test_what_only_others_can_take_back_is_asked_first(project: Project, people: dict[str, Any]):
    deeds.add(project, people["stranger"], Role.OWNER)
    client, owner, viewer = as_user(people["owner"]), people["owner"], people["viewer"]
    deeds.invite(project, owner, Role.VIEWER, "Ada <b>")
    invitation = Invitation.open().get()
    path = f"/projects/{project.slug}/team/"
    page = client.get(path).text
    for address, said in (
        (f"{viewer.pk}/remove/", "Take viewer out of Checkout?"),
        (f"{owner.pk}/remove/", "Leave Checkout?"),
        (f"invitations/{invitation.pk}/withdraw/", "The link for Ada &lt;b&gt;, as viewer"),
    ):
        assert f'href="{path}{address}"' in page
        assert f'action="{path}{address}"' not in page
        asked = client.get(path + address)
        assert said in asked.text
        assert f'action="{path}{address}"' in asked.text
    asked = client.post(f"{path}{owner.pk}/role/", {"role": "contributor"})
    assert "Give away your ownership?" in asked.text
    assert (role_of(project, owner), role_of(project, viewer)) == ("owner", "viewer")
    assert Invitation.open().exists()
    client.post(f"{path}{viewer.pk}/role/", {"role": "contributor"})
    assert role_of(project, viewer) == "contributor"
    client.post(f"{path}{owner.pk}/role/", {"role": "contributor", "sure": "1"})
    assert role_of(project, owner) == "contributor"
    for address in (f"{viewer.pk}/remove/", f"invitations/{invitation.pk}/withdraw/"):
        assert client.get(path + address).status_code == 404
    assert client.get(f"{path}{owner.pk}/remove/").status_code == 200
    other = as_user(people["stranger"])
    assert other.get(f"{path}{999999}/remove/").status_code == 404
    assert other.get(f"{path}invitations/999999/withdraw/").status_code == 404


def test_somebody_who_is_added_while_they_join_is_in_once(
    project: Project, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    token = deeds.invite(project, people["owner"], Role.CONTRIBUTOR)
    invitation = Invitation.objects.get(token_hash=hash_of(token))
    really = QuerySet.get

    def added_after_the_look(rows: Any, *which: Any, **values: Any) -> Any:
        if rows.model is not Membership:
            return really(rows, *which, **values)
        monkeypatch.setattr(QuerySet, "get", really)
        Membership(project=project, user=people["stranger"], role="viewer").save()
        raise Membership.DoesNotExist

    monkeypatch.setattr(QuerySet, "get", added_after_the_look)
    assert deeds.join(invitation, people["stranger"]) is Role.CONTRIBUTOR
    assert role_of(project, people["stranger"]) == "contributor"


def test_somebody_who_is_in_it_or_is_not_known_is_told_at_the_form(
    project: Project, people: dict[str, Any]
):
    client, path = as_user(people["owner"]), f"/projects/{project.slug}/team/add/"
    for who, said in (("viewer", "already"), ("<b>nobody</b>", "invite them by a link")):
        page = client.post(path, {"who": who, "role": "owner"})
        assert page.status_code == 422
        assert said in page.text
        assert "<b>nobody" not in page.text
    assert role_of(project, people["viewer"]) == "viewer"


def test_an_invitation_lets_one_person_in_once(project: Project, people: dict[str, Any]):
    owner, stranger = as_user(people["owner"]), as_user(people["stranger"])
    page = owner.post(f"/projects/{project.slug}/team/invite/", {"role": "contributor"})
    link = page.text.partition('id="invitation-link"')[2].partition(">")[2].partition("<")[0]
    path = link.removeprefix("http://testserver")
    # A preview of the link uses nothing up, and who is signed out is sent to the door.
    assert "Join Checkout" in Client().get(path).text
    assert "Sign in to join" in Client().get(path).text
    assert Client().post(path).status_code == 200
    assert "Join as stranger" in stranger.get(path).text
    assert stranger.post(path).status_code == 302
    assert role_of(project, people["stranger"]) == "contributor"
    late = as_user(make_user("late", reads_everything=False))
    for answer in (late.get(path), late.post(path)):
        assert answer.status_code == 410
        assert "used already" in answer.text
    # The token stands nowhere.
    assert path.split("/")[-2] not in repr(list(Invitation.objects.values()))


def test_an_invitation_lowers_nobody(project: Project, people: dict[str, Any]):
    invitation = Invitation(role="viewer", project=project, created_by=people["owner"])
    token = deeds.invite(project, people["owner"], Role.VIEWER)
    client = as_user(people["contributor"])
    client.post(f"/projects/join/{token}/")
    assert role_of(project, people["contributor"]) == "contributor"
    assert str(invitation) == "invitation to Checkout"


def test_one_that_is_over_or_withdrawn_opens_nothing(project: Project, people: dict[str, Any]):
    token = deeds.invite(project, people["owner"], Role.VIEWER)
    client = as_user(people["stranger"])
    Invitation.objects.update(expires_at=now() - timedelta(seconds=1))
    assert "Its time is over" in client.post(f"/projects/join/{token}/").text
    second = deeds.invite(project, people["owner"], Role.VIEWER)
    found = Invitation.open().get()
    as_user(people["owner"]).post(f"/projects/{project.slug}/team/invitations/{found.pk}/withdraw/")
    assert client.post(f"/projects/join/{second}/").status_code == 410
    assert role_of(project, people["stranger"]) == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.sql
def test_of_two_owners_who_leave_at_once_one_stays(people: dict[str, Any]):
    project = make_project("Checkout", owner=people["owner"])
    deeds.add(project, people["viewer"], Role.OWNER)
    start, refused = threading.Barrier(2), []

    def leave(user: Any) -> None:
        try:
            start.wait(timeout=10)
            deeds.remove(project, user.pk)
        except deeds.RefusedError:
            refused.append(user)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(people[n],)) for n in ("owner", "viewer")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(refused) == 1
    assert Membership.objects.filter(project=project, role="owner").count() == 1


def test_the_team_page_of_many_asks_no_more(
    project: Project, people: dict[str, Any], django_assert_max_num_queries: Any
):
    for number in range(30):
        deeds.add(project, make_user(f"p{number}", reads_everything=False), Role.VIEWER)
    client = as_user(people["owner"])
    client.get(f"/projects/{project.slug}/team/")
    with django_assert_max_num_queries(25):
        page = client.get(f"/projects/{project.slug}/team/")
    assert page.text.count('class="member"') == 33


def test_an_address_that_its_owner_wrote_brings_nobody_in(project: Project, people: dict[str, Any]):
    """Whoever writes a colleague's address into their own profile is not taken for them."""
    path = f"/projects/{project.slug}/team/add/"
    as_user(people["stranger"]).post("/people/me/", {"email": "new.colleague@example.com"})
    wanted = {"who": "new.colleague@example.com", "role": "contributor"}
    page = as_user(people["owner"]).post(path, wanted)
    assert page.status_code == 422
    assert "nobody vouched for the address" in page.text
    assert role_of(project, people["stranger"]) == ""
    Profile.objects.filter(user=people["stranger"]).update(email_unconfirmed=False)
    as_user(people["owner"]).post(path, wanted)
    assert role_of(project, people["stranger"]) == "contributor"


@pytest.mark.parametrize("fate", ["removed", "demoted", "switched off"])
def test_an_invitation_ends_with_the_right_to_invite(
    project: Project, people: dict[str, Any], fate: str
):
    inviter = people["contributor"]
    deeds.set_role(project, inviter.pk, Role.OWNER)
    path = f"/projects/join/{deeds.invite(project, inviter, Role.OWNER)}/"
    client = as_user(people["stranger"])
    assert client.get(path).status_code == 200
    if fate == "removed":
        deeds.remove(project, inviter.pk)
    elif fate == "demoted":
        deeds.set_role(project, inviter.pk, Role.CONTRIBUTOR)
    else:
        get_user_model().objects.filter(pk=inviter.pk).update(is_active=False)
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 410
        assert "withdrawn" in answer.text
    assert role_of(project, people["stranger"]) == ""
    assert not Invitation.open().exists()


def test_administrators_invite_without_being_in_it(project: Project, people: dict[str, Any]):
    administrator = make_user("administrator", staff=True)
    path = f"/projects/join/{deeds.invite(project, administrator, Role.VIEWER)}/"
    as_user(people["stranger"]).post(path)
    assert role_of(project, people["stranger"]) == "viewer"


def test_the_link_leads_where_people_reach_the_dashboard(
    project: Project, people: dict[str, Any], settings: Any
):
    settings.SITE_URL = "https://dash.example.com/"
    page = as_user(people["owner"]).post(
        f"/projects/{project.slug}/team/invite/", {"role": "viewer"}
    )
    assert "https://dash.example.com/projects/join/" in page.text
    assert "testserver/projects/join" not in page.text
