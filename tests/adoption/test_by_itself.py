"""With ADOPT=auto pages say that projects set themselves up, and whom these let in."""

from typing import Any

import pytest
from django.test import Client

from apps.adoption import by_itself, deeds
from apps.adoption.keep import renew
from apps.adoption.models import Proposal
from apps.mirror.models import Scope
from apps.projects.models import Project
from tests.adoption.test_deeds import make_shop, proposal
from tests.adoption.test_pages import client_of
from tests.factories import make_scope, make_user

pytestmark = pytest.mark.django_db

PAGES = ("/", "/projects/")


@pytest.fixture
def user(settings: Any) -> Any:
    settings.ADOPT = "auto"
    return make_user("administrator", staff=True)


@pytest.fixture
def administrator(user: Any) -> Client:
    return client_of(user)


def test_what_is_about_to_adopt_itself_is_not_waiting_for_anybody(administrator: Client):
    make_shop()
    make_shop("pay")
    renew()
    for path in PAGES:
        page = administrator.get(path).text
        assert "2 projects are being set up" in page, path
        assert "They are there in a moment" in page
        assert "Look and accept" not in page
    etag = administrator.get("/")["ETag"]
    by_itself.accept_all()
    page = administrator.get("/", headers={"If-None-Match": etag})
    assert (page.status_code, "set up" in page.text) == (200, False)
    page = administrator.get("/projects/").text
    assert "being set up" not in page
    assert ">Shop</a>" in page


def test_while_all_is_being_read_they_are_announced(administrator: Client, user: Any):
    make_scope()
    Scope.objects.update(first_swept_at=None)
    for path in PAGES:
        page = administrator.get(path).text
        assert "Projects are set up by themselves" in page, path
        assert "once every account and region was read" in page
        member = client_of(make_user(f"member{len(path)}", reads_everything=False))
        assert "set up by themselves" not in member.get(path).text
    Scope.objects.update(first_swept_at=user.date_joined)
    assert "set up by themselves" not in administrator.get("/").text


def test_what_a_person_decided_waits_for_them_and_is_said_so(administrator: Client, user: Any):
    make_shop()
    make_shop("pay")
    renew()
    deeds.rename(proposal().pk, "The shop")
    page = administrator.get("/").text
    assert "1 project is being set up" in page
    assert "1 project proposed" in page
    by_itself.accept_all()
    page = administrator.get("/").text
    assert "being set up" not in page
    assert "1 project proposed" in page
    assert str(Proposal.objects.get()) == "The shop"


def test_nobody_is_told_so_where_people_are_asked(administrator: Client, user: Any, settings: Any):
    settings.ADOPT = "ask"
    make_shop()
    renew()
    Scope.objects.update(first_swept_at=None)
    page = administrator.get("/").text
    assert "1 project proposed" in page
    assert "set up" not in page
    assert "ADOPT" not in administrator.get("/people/new/").text
    deeds.accept(proposal().pk, user)
    assert "ADOPT" not in administrator.get("/projects/shop/team/").text


def test_who_makes_a_person_or_looks_at_a_team_learns_whom_projects_let_in(
    administrator: Client, user: Any
):
    make_shop()
    make_shop("pay")
    renew()
    deeds.accept(proposal("Pay").pk, user)
    by_itself.accept_all()
    page = administrator.get("/people/new/").text
    assert "let into the projects that adopted themselves" in page
    assert "<code>ADOPT=ask</code>" in page
    assert {one.slug for one in Project.objects.all()} == {"pay", "shop"}
    assert (
        "everybody with an account here is let in" in administrator.get("/projects/shop/team/").text
    )
    assert "ADOPT" not in administrator.get("/projects/pay/team/").text
