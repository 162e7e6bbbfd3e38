"""Deeds on issues are done once, looked for before they are repeated, and recorded."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from apps.audit.models import Outcome, Record
from apps.deeds import asking as deed_asking
from apps.deeds import performing
from apps.deeds import tasks as deed_tasks
from apps.deeds.acts import Untold
from apps.deeds.models import Deed
from apps.issues import asking, tasks
from apps.issues.acting import KEEPERS, LaterError, RefusedError, Standing, UnsureError
from apps.issues.doing import ASSIGN, COMMENT, CREATE, MOVE, bears
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Hint
from apps.projects.models import Membership, Project

from .making import Keeper, make_issue

pytestmark = pytest.mark.django_db
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = (CREATE, COMMENT, MOVE, ASSIGN)
SAID = {"title": "Checkout failed", "text": "It broke.", "labels": [], "type": "10001"}


@pytest.fixture
def create(project: Project, tracker: Tracker, people: dict[str, Any], keeper: Keeper) -> Deed:
    who = people["contributor"]
    return asking.ask(CREATE, tracker, SAID, who=who, project=project)


@pytest.fixture
def ask(issue: Issue, project: Project, people: dict[str, Any], keeper: Keeper) -> Any:
    def asked(what: str, **said: Any) -> Deed:
        return asking.ask(what, issue, said, who=people["contributor"], project=project)

    return asked


def again(deed: Deed, later: timedelta = timedelta(0)) -> Deed:
    """Its time has come: somebody performs it."""
    waits = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.WAITING)
    waits.update(not_before=now() - timedelta(seconds=1))
    performing.perform(deed.pk)
    deed.refresh_from_db()
    return deed


def hinted() -> set[tuple[str, str]]:
    return set(Hint.objects.values_list("kind", "row_key"))


# --- Done -----------------------------------------------------------------------------------------


def test_an_issue_is_made_recorded_and_read(create: Deed, keeper: Keeper, people: dict[str, Any]):
    again(create)
    assert create.outcome == Deed.Outcome.DONE
    ((_, (key, draft, mark)),) = keeper.calls
    assert (key, draft.title, draft.type) == ("SHOP", "Checkout failed", "10001")
    assert draft.text == "It broke.\n\n— contributor, by CodeStar Dash"
    assert mark == bears(create)
    assert create.made["key"] == "SHOP-100"
    told = Record.objects.get()
    assert told.told == "created issue SHOP-100: Checkout failed"
    assert (told.who, told.outcome) == (people["contributor"], Outcome.DONE)
    assert told.detail["made"] == "SHOP-100"
    assert hinted() == {("jira.issue", "SHOP-100")}


@pytest.mark.parametrize(
    ("what", "said", "told"),
    [
        (COMMENT, {"text": "Seen."}, "commented on SHOP-12"),
        (
            MOVE,
            {"transition": "21", "to": "In Progress", "before": "To Do"},
            "moved SHOP-12 to In Progress",
        ),
        (
            ASSIGN,
            {"person": "p-2", "name": "Release Manager", "before": "p-1"},
            "assigned SHOP-12 to Release Manager",
        ),
        (
            ASSIGN,
            {"person": "", "name": "", "before": "p-1"},
            "assigned SHOP-12 to nobody",
        ),
    ],
)
def test_each_deed_is_sent_once_and_told_in_words(
    ask: Any, keeper: Keeper, what: str, said: dict[str, str], told: str
):
    deed = again(ask(what, **said))
    assert deed.outcome == Deed.Outcome.DONE
    assert len(keeper.sent()) == 1
    assert Record.objects.get().told == told
    assert hinted() == {("jira.issue", "SHOP-12")}
    again(deed)
    assert len(keeper.sent()) == 1


def test_a_name_below_a_text_is_told_letter_by_letter(
    ask: Any, keeper: Keeper, people: dict[str, Any]
):
    profile = people["contributor"]
    profile.username = "@everyone [x](http://evil.example.com)\n# Big"
    profile.save()
    again(ask(COMMENT, text="Hello"))
    (text,) = keeper.comments.values()
    assert "\n#" not in text
    assert "[x]" not in text
    assert "\\@everyone" in text


# --- What goes wrong ------------------------------------------------------------------------------


def test_what_the_keeper_refuses_is_told_in_its_words(create: Deed, keeper: Keeper):
    keeper.fails = [RefusedError("Field 'component' is required.")]
    again(create)
    assert (create.outcome, create.reason) == ("refused", "Field 'component' is required.")
    assert Record.objects.get().outcome == Outcome.REFUSED
    assert Record.objects.get().reason == "Field 'component' is required."


def test_what_was_not_sent_is_sent_later(create: Deed, keeper: Keeper):
    keeper.fails = [LaterError("The quota is spent.", timedelta(minutes=3))]
    again(create)
    assert (create.outcome, create.begun_at) == ("waiting", None)
    assert create.reason == "The quota is spent."
    assert create.not_before > now() + timedelta(minutes=2)
    performing.perform(create.pk)
    assert keeper.sent() == ["create"], "not before its time"
    again(create)
    assert create.outcome == "done"
    assert keeper.sent() == ["create", "create"]


def test_what_can_never_be_sent_fails_in_the_end(create: Deed, keeper: Keeper):
    keeper.fails = [LaterError("The site does not answer.")] * 20
    for _ in range(12):
        again(create)
    assert (create.outcome, create.reason) == ("failed", "The site does not answer.")
    assert len(keeper.sent()) == len(performing.PAUSES) + 1


@pytest.mark.parametrize("error", [UnsureError("timeout"), ValueError("no JSON")])
def test_what_was_done_and_not_answered_is_found_and_not_repeated(
    create: Deed, keeper: Keeper, error: Exception
):
    keeper.silent = {"create": error}
    again(create)
    assert create.outcome == "waiting"
    again(create)
    assert (create.outcome, create.made["key"]) == ("done", "SHOP-100")
    assert keeper.sent() == ["create"]
    assert len(keeper.issues) == 1


@pytest.mark.parametrize(
    ("what", "said", "name", "stands"),
    [
        (COMMENT, {"text": "Seen."}, "comment", ""),
        (
            MOVE,
            {"transition": "21", "to": "In Progress", "before": "To Do"},
            "transition",
            "It is In Progress now",
        ),
        (
            ASSIGN,
            {"person": "p-2", "name": "R", "before": "p-1"},
            "assign",
            "It is assigned to R now",
        ),
        (ASSIGN, {"person": "", "name": "", "before": "p-1"}, "assign", "Nobody is assigned now"),
    ],
)
def test_the_effect_of_each_is_looked_for_and_told_as_ours_by_its_mark_alone(
    ask: Any, keeper: Keeper, what: str, said: dict[str, str], name: str, stands: str
):
    keeper.silent = {name: UnsureError("timeout")}
    deed = again(ask(what, **said))
    assert deed.outcome == "waiting"
    again(deed)
    assert deed.outcome == ("unknown" if stands else "done")
    assert deed.reason == (Untold(stands).told if stands else "")
    assert keeper.sent() == [name]


def lost(deed: Deed, keeper: Keeper) -> Deed:
    """It was sent, and neither it nor its effect was ever heard of."""
    keeper.fails = [UnsureError("timeout")]
    for _ in range(len(performing.LOOKS) + 1):
        again(deed)
    assert deed.outcome == "unknown"
    return deed


def test_what_is_not_to_be_found_is_unknown_and_never_repeated_by_itself(
    create: Deed, keeper: Keeper
):
    lost(create, keeper)
    assert "not to be found" in create.reason
    assert Record.objects.get().outcome == Outcome.UNKNOWN
    assert Record.objects.get().told.endswith("nobody knows how it ended")
    again(create)
    assert keeper.sent() == ["create"]


def test_a_person_looks_again_and_it_is_there(create: Deed, keeper: Keeper):
    lost(create, keeper)
    keeper.issues[bears(create)] = None  # type: ignore[assignment]
    assert deed_asking.look_again(create)
    again(create)
    assert (create.outcome, create.made["key"]) == ("done", "SHOP-100")
    assert keeper.sent() == ["create"]
    assert not deed_asking.look_again(create), "it is decided"


def test_a_person_says_do_it_again_and_it_is_looked_for_once_more(create: Deed, keeper: Keeper):
    lost(create, keeper)
    assert deed_asking.do_again(create)
    again(create)
    assert create.outcome == "waiting"
    again(create)
    assert create.outcome == "done"
    assert keeper.sent() == ["create", "create"]
    assert [name for name, _ in keeper.calls[-2:]] == ["made", "create"]


def test_who_says_do_it_again_of_what_is_there_by_now_does_nothing(create: Deed, keeper: Keeper):
    lost(create, keeper)
    keeper.issues[bears(create)] = None  # type: ignore[assignment]
    deed_asking.do_again(create)
    again(create)
    assert create.outcome == "done"
    assert keeper.sent() == ["create"]


# --- Two at once, and who died --------------------------------------------------------------------


def test_a_deed_that_somebody_is_at_is_left_to_them(create: Deed, keeper: Keeper):
    Deed.objects.filter(pk=create.pk).update(claimed_until=now() + timedelta(minutes=4))
    performing.perform(create.pk)
    assert keeper.calls == []
    assert performing.due() == []


def test_who_died_while_it_was_sent_is_followed_by_one_who_looks(create: Deed, keeper: Keeper):
    gone = now() - timedelta(minutes=1)
    Deed.objects.filter(pk=create.pk).update(begun_at=gone, claimed_until=gone)
    assert performing.due() == [create.pk]
    again(create)
    assert keeper.sent() == []
    assert [name for name, _ in keeper.calls] == ["made"]


def test_who_comes_back_after_their_lease_ends_nothing(create: Deed, keeper: Keeper):
    def slow(*_told: Any) -> Any:
        Deed.objects.filter(pk=create.pk).update(claimed_until=now() + timedelta(hours=1))
        raise RefusedError("no")

    keeper.create = slow  # type: ignore[method-assign]
    again(create)
    assert create.outcome == "waiting"
    assert not Record.objects.exists()


def test_what_is_due_is_handed_out_once(create: Deed, queued: list[Any]):
    queued.clear()
    deed_tasks.resume_deeds()
    deed_tasks.resume_deeds()
    assert queued == [("deeds.perform", (create.pk,))]


@pytest.mark.django_db(transaction=True)
@pytest.mark.sql
def test_of_two_workers_at_the_same_moment_one_does_it(
    project: Project, tracker: Tracker, people: dict[str, Any], keeper: Keeper
):
    who = people["contributor"]
    deed = asking.ask(CREATE, tracker, SAID, who=who, project=project)
    start = threading.Barrier(2)

    def work() -> None:
        try:
            start.wait(timeout=10)
            performing.perform(deed.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert keeper.sent() == ["create"]
    deed.refresh_from_db()
    assert deed.outcome == "done"
    assert Record.objects.count() == 1


# --- What changed meanwhile -----------------------------------------------------------------------


def test_who_was_taken_out_meanwhile_does_nothing_any_more(
    create: Deed, keeper: Keeper, people: dict[str, Any]
):
    Membership.objects.filter(user=people["contributor"]).delete()
    again(create)
    assert create.outcome == "refused"
    assert "may not do it any more" in create.reason
    assert keeper.calls == []


def test_where_writing_was_switched_off_meanwhile_nothing_is_sent(create: Deed, keeper: Keeper):
    keeper.why_not = "Writing is off for this site."
    again(create)
    assert (create.outcome, create.reason) == ("refused", "Writing is off for this site.")
    assert keeper.calls == []


def test_where_no_keeper_is_any_more_it_fails(create: Deed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(KEEPERS.by_provider, "jira")
    again(create)
    assert (create.outcome, create.reason) == (
        "refused",
        "Nothing is written there: it is only read.",
    )


def test_an_issue_that_was_moved_meanwhile_is_left_where_it_is(ask: Any, keeper: Keeper):
    keeper.stands["SHOP-12"] = Standing(status="In Review", assignee_id="p-1")
    said = {"transition": "21", "to": "In Progress", "before": "To Do"}
    deed = again(ask(MOVE, **said))
    assert deed.outcome == "refused"
    assert "It is In Review by now" in deed.reason
    assert keeper.sent() == []


def test_an_issue_that_is_there_already_needs_nothing(ask: Any, keeper: Keeper):
    keeper.stands["SHOP-12"] = Standing(status="In Progress", assignee_id="p-1")
    said = {"transition": "21", "to": "In Progress", "before": "To Do"}
    assert again(ask(MOVE, **said)).outcome == "done"
    assert keeper.sent() == []


def test_an_issue_that_was_given_to_another_meanwhile_stays_theirs(ask: Any, keeper: Keeper):
    keeper.stands["SHOP-12"] = Standing(status="To Do", assignee_id="p-9")
    deed = again(ask(ASSIGN, person="p-2", name="R", before="p-1"))
    assert deed.outcome == "refused"
    assert keeper.sent() == []


def test_how_an_issue_stands_is_asked_again_where_nobody_answered(ask: Any, keeper: Keeper):
    keeper.fails = [UnsureError("timeout")]
    said = {"transition": "21", "to": "In Progress", "before": "To Do"}
    deed = again(ask(MOVE, **said))
    assert (deed.outcome, deed.begun_at) == ("waiting", None)
    assert again(deed).outcome == "done"


# --- Asked twice ----------------------------------------------------------------------------------


def test_a_mark_is_one_deed_and_its_persons_alone(
    create: Deed, tracker: Tracker, project: Project, people: dict[str, Any]
):
    same = asking.ask(
        CREATE,
        tracker,
        SAID,
        who=people["contributor"],
        project=project,
        mark=create.mark,
    )
    assert same.pk == create.pk
    with pytest.raises(ValueError, match="another"):
        asking.ask(CREATE, tracker, SAID, who=people["owner"], project=project, mark=create.mark)


def test_who_may_be_assigned_is_read_in_a_task(tracker: Tracker, keeper: Keeper, queued: list[Any]):
    from apps.issues.acting_forms import people_of

    make_issue(tracker)
    assert [one.name for one in people_of(tracker)] == ["Checkout Developer"]
    people_of(tracker)
    assert queued == [("issues.read_people", (tracker.pk,))]
    assert keeper.calls == []
    tasks.read_people(tracker.pk)
    assert [one.id for one in people_of(tracker)] == ["p-1", "p-2"]


def test_the_kinds_that_are_named_are_those_that_are_declared() -> None:
    from apps.issues.kinds import ISSUES, TRACKERS
    from apps.mirror.resource import REGISTER

    assert set(REGISTER.kinds_in(Issue)) == set(ISSUES)
    assert set(REGISTER.kinds_in(Tracker)) == set(TRACKERS)
