"""Open pages end when their reader may see them no more, and look anew when they may see more."""

import json
import threading
import time
from typing import Any

import pytest

from apps.mirror.listener import LOST, Message, listener_for
from apps.mirror.models import Scope
from apps.mirror.tail import Tail
from apps.projects import deeds
from apps.projects.generations import Memo
from apps.projects.models import Holding, Project
from apps.projects.roles import Role
from tests.factories import hold, make_pipeline, make_project, make_scope, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


class Page:
    """An open page: what it was told."""

    def __init__(self, tail: Tail, user: Any, *topics: str) -> None:
        self.told: list[Message] = []
        self.listener = listener_for(user, topics, self.told.append)
        tail._listeners.add(self.listener)
        self.tail = tail

    @property
    def over(self) -> bool:
        return self.listener not in self.tail._listeners

    def events(self) -> list[tuple[str, Any]]:
        return [(one.event, json.loads(one.data)) for one in self.told]


@pytest.fixture
def tail() -> Tail:
    made = Tail()
    made._begin()
    return made


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def project(viewer: Any) -> Project:
    return make_project("Checkout", viewer=viewer, owner=make_user("owner"))


def told(tail: Tail) -> None:
    """What the bus says when memberships or holdings have changed."""
    tail._heard("audience", "")
    tail._turn()


def test_the_project_s_page_ends_with_the_membership(tail: Tail, viewer: Any, project: Project):
    page, other = Page(tail, viewer, f"project:{project.pk}"), Page(tail, viewer, "touched:scope")
    deeds.set_role(project, viewer.pk, Role.CONTRIBUTOR)
    told(tail)
    assert not page.over
    deeds.remove(project, viewer.pk)
    told(tail)
    assert (page.events()[-1], page.over) == ((LOST, {}), True)
    assert (other.events()[-1][0], other.over) == ("refresh", False)


def test_a_page_of_a_row_ends_when_the_row_leaves_the_project(
    tail: Tail, viewer: Any, project: Project
):
    pipeline, kept = make_pipeline("checkout"), make_pipeline("kept")
    hold(project, pipeline, kept)
    topics = f"pipeline-row:{pipeline.pk}", f"pipeline-row:{kept.pk}"
    page, other = Page(tail, viewer, *topics), Page(tail, viewer, topics[1])
    told(tail)
    assert not page.over
    project.holdings.filter(row_id=pipeline.pk).delete()
    told(tail)
    assert (page.over, other.over) == (True, False)


def test_lists_are_fetched_anew_when_there_is_more_to_see(
    tail: Tail, viewer: Any, project: Project
):
    page = Page(tail, viewer, "list:codepipeline.pipeline")
    hold(project, make_pipeline("checkout"))
    told(tail)
    assert page.events() == [("refresh", {"topic": "audience"})]


def test_whoever_is_no_administrator_any_more_loses_what_only_those_see(tail: Tail):
    user = make_user("administrator", staff=True)
    page = Page(tail, user, f"pipeline-row:{make_pipeline('unadopted').pk}")
    told(tail)
    assert not page.over
    type(user).objects.filter(pk=user.pk).update(is_staff=False, is_superuser=False)
    told(tail)
    assert page.over


def test_a_change_that_nobody_told_of_is_noticed_with_the_next_heartbeat(
    tail: Tail, viewer: Any, project: Project
):
    page = Page(tail, viewer, f"project:{project.pk}")
    tail.look_again(page.listener)
    assert not page.told
    deeds.remove(project, viewer.pk)
    tail.look_again(page.listener)
    assert page.over


def test_a_page_of_a_project_one_is_not_in_is_told_nothing_of_it(tail: Tail, project: Project):
    page = Page(tail, make_user("stranger", reads_everything=False), f"project:{project.pk}")
    told(tail)
    assert page.over


def test_a_row_one_may_not_know_of_and_one_that_is_not_there_are_the_same(
    tail: Tail, viewer: Any, project: Project
):
    secret, missing = make_pipeline("secret"), 999_999
    pages = [Page(tail, viewer, f"pipeline-row:{pk}") for pk in (secret.pk, missing)]
    for page in pages:
        tail.replay(page.listener, None)
    told(tail)
    assert pages[0].events() == pages[1].events()
    assert [page.over for page in pages] == [False, False]
    # The page that showed it is fetched anew, and says what there is to say.
    assert ("refresh", {"topic": "audience"}) in pages[0].events()


def test_scopes_are_told_of_to_who_may_know_of_them(tail: Tail, viewer: Any, project: Project):
    ours, theirs = make_scope("111122223333"), make_scope("444455556666")
    hold(project, make_pipeline("checkout", ours))
    pages = [Page(tail, one, "touched:scope") for one in (viewer, make_user("reader"))]

    def owed(scope: Scope) -> list[bool]:
        for page in pages:
            page.listener.owed.clear()
            page.listener.told_at = time.monotonic()
        tail._heard("scope", str(scope.pk))
        tail._turn()
        return [bool(page.listener.owed) for page in pages]

    assert owed(theirs) == [False, True]
    assert owed(ours) == [True, True]


def test_rights_that_were_taken_are_noticed_with_the_next_heartbeat(tail: Tail):
    user = make_user("administrator", staff=True, reads_everything=False)
    pipeline = make_pipeline("unadopted")
    page = Page(tail, user, f"pipeline-row:{pipeline.pk}")
    tail.look_again(page.listener)
    assert not page.told
    # By another program, and the message was lost.
    type(user).objects.filter(pk=user.pk).update(is_staff=False, is_superuser=False)
    tail.look_again(page.listener)
    assert (page.events(), page.over) == ([(LOST, {})], True)


def test_what_is_held_is_never_kept_under_a_later_number(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """Another thread that looks in the middle of reading waits: both are of one moment."""
    memo = Memo()
    memo._listening = True
    number = memo.number()
    assert number
    other = threading.Thread(target=memo.begin)
    during: list[int] = []

    def read(*_columns: str) -> Any:
        other.start()
        other.join(0.1)
        during.append(memo._number)
        return Holding.objects.none()

    monkeypatch.setattr(Holding.objects, "values_list", read)
    assert memo.held() == {}
    other.join()
    assert during == [number]
    assert memo._number == 0
