"""The tail tells open pages what moved: once, to those who may know, and loses nothing."""

import json
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import Q

from apps.live.bus import BUS, CHANGES
from apps.live.fragment import FRAGMENTS, Fragment
from apps.mirror import tail as tailing
from apps.mirror.listener import Message, listener_for, number_in
from apps.mirror.looks import LOOKS, Look
from apps.mirror.models import Change
from apps.mirror.tail import GAP_PATIENCE, Tail, newest_change
from apps.mirror.visibility import VISIBILITY
from tests.factories import make_pipeline, make_scope, make_user

pytestmark = [pytest.mark.sql, pytest.mark.django_db]
PIPELINE = "codepipeline.pipeline"


class Page:
    """An open page: what it was told."""

    def __init__(self, user: Any, *topics: str) -> None:
        self.told: list[Message] = []
        self.listener = listener_for(user, topics, self.told.append)

    def events(self) -> list[tuple[str, Any]]:
        return [(message.event, json.loads(message.data)) for message in self.told]

    def fragments(self) -> list[str]:
        return [data["id"] for event, data in self.events() if event == "fragment"]

    def refreshes(self) -> list[str]:
        return [data["topic"] for event, data in self.events() if event == "refresh"]


@pytest.fixture
def drawn(monkeypatch):
    """A fragment "badge" of pipelines; counts how often each row was drawn."""
    counts: Counter[int] = Counter()

    def load(ids):
        from apps.codepipeline.models import Pipeline

        return {row.pk: {"row": row} for row in Pipeline.objects.filter(pk__in=ids)}

    class Badge(Fragment):
        def render(self, ids):
            counts.update(ids)
            return {pk: f"<b>{context['row'].key}</b>" for pk, context in load(ids).items()}

    badge = Badge(name="badge", of=PIPELINE, template="", load=load)
    monkeypatch.setattr(FRAGMENTS, "by_name", {"badge": badge})
    return counts


@pytest.fixture
def clock(monkeypatch):
    """The tail's own clock, which a test moves: clock[0] += seconds."""
    at = [1000.0]
    monkeypatch.setattr(tailing.time, "monotonic", lambda: at[0])
    return at


@pytest.fixture
def tail(db, clock, drawn):
    """A tail without a thread that has followed for a while: a test turns it by hand."""
    made = Tail()

    def open_page(page: Page) -> Page:
        made._listeners.add(page.listener)
        return page

    made.open = open_page
    change(make_pipeline("earlier"))
    made._begin()
    # Databases leave gaps where a transaction was rolled back: they are given up by now.
    clock[0] += GAP_PATIENCE + 1
    made._turn()
    drawn.clear()
    return made


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def pipelines(db):
    return [make_pipeline(f"p{number}") for number in range(3)]


def change(row: Any, verb: str = "changed", pk: int | None = None, **more: Any) -> Change:
    subjects = more.pop("subjects", [f"{PIPELINE}:{row.pk}"])
    return Change.objects.create(
        pk=pk,
        scope=row.scope,
        kind=PIPELINE,
        row_id=row.pk,
        key=row.key,
        verb=verb,
        subjects=subjects,
        **more,
    )


# --- Topics ---------------------------------------------------------------------------------------


def test_topics_of_a_page_are_read(user, drawn, pipelines):
    one, two = pipelines[0].pk, pipelines[1].pk
    lists = f"list:{PIPELINE}", "touched:scope", f"touched:{PIPELINE}"
    page = Page(user, f"badge:{one}", f"badge:{two}", *lists)
    assert page.listener.fragments == {"badge": {one, two}}
    assert not page.listener.incomplete
    assert page.listener.lists == {PIPELINE}
    assert page.listener.touched == {"scope", PIPELINE}
    assert page.listener.scopes


def test_a_log_is_followed_from_the_line_a_page_has(user, drawn):
    page = Page(user, "log:5@120", "log:6", "log:7@x")
    assert page.listener.looks == {("log", 5): 120, ("log", 6): 0, ("log", 7): 0}


@pytest.mark.parametrize(
    "topic",
    [
        *("", ":", "badge", "badge:", "badge:x", "badge:-1", "badge:²", "badge:٣", "unknown:1"),
        *("list:unknown.kind", "touched:nothing", "badge:" + "9" * 5000, "log:²", "list:"),
    ],
)
def test_topics_nobody_knows_are_left_out(user, drawn, topic):
    page = Page(user, topic)
    assert page.listener.fragments == {}
    assert page.listener.looks == {}
    assert page.listener.lists == page.listener.touched == set()


@pytest.mark.parametrize("text", ["", "x", "-1", "²", "٣", "1.5", " 1", "9" * 19])
def test_what_is_no_id_is_none(text):
    assert number_in(text) is None


# --- Telling --------------------------------------------------------------------------------------


def test_a_change_reaches_the_pages_that_show_its_row(tail, user, pipelines):
    shows, other = tail.open(Page(user, f"badge:{pipelines[0].pk}")), tail.open(Page(user))
    noted = change(pipelines[0])
    tail._turn()
    (message,) = shows.told
    assert (message.event, message.change) == ("fragment", noted.pk)
    assert json.loads(message.data) == {"id": f"badge-{pipelines[0].pk}", "html": "<b>p0</b>"}
    assert other.told == []
    tail._turn()
    assert len(shows.told) == 1


def test_a_change_is_drawn_once_for_all_who_look(tail, pipelines, drawn):
    users = [make_user(f"viewer-{number}") for number in range(3)]
    pages = [tail.open(Page(user, f"badge:{pipelines[0].pk}")) for user in users for _ in range(4)]
    change(pipelines[0])
    change(pipelines[0])
    tail._turn()
    assert drawn == {pipelines[0].pk: 1}
    assert all(len(page.told) == 1 for page in pages)


def test_nothing_is_drawn_where_nobody_looks(tail, user, pipelines, drawn):
    change(pipelines[0])
    tail._turn()
    tail.open(Page(user, f"badge:{pipelines[1].pk}", f"list:{PIPELINE}"))
    change(pipelines[0])
    tail._turn()
    assert drawn == {}


def test_whatever_a_change_is_about_looks_different(tail, user, pipelines):
    page = tail.open(Page(user, *(f"badge:{row.pk}" for row in pipelines)))
    subjects = ["codepipeline.stage:77", *(f"{PIPELINE}:{row.pk}" for row in pipelines[:2])]
    change(pipelines[0], subjects=subjects)
    tail._turn()
    assert page.fragments() == [f"badge-{row.pk}" for row in pipelines[:2]]


@pytest.mark.parametrize(
    ("verb", "refreshed"),
    [("appeared", True), ("gone", True), ("returned", True), ("changed", False)],
)
def test_a_list_is_fetched_anew_when_rows_come_or_go(tail, user, pipelines, verb, refreshed):
    page = tail.open(Page(user, f"list:{PIPELINE}", "list:codebuild.build"))
    change(pipelines[0], verb)
    tail._turn()
    assert page.refreshes() == ([f"list:{PIPELINE}"] if refreshed else [])


def test_summaries_are_told_at_most_every_two_seconds(tail, user, pipelines, clock):
    page = tail.open(Page(user, f"touched:{PIPELINE}"))
    for _ in range(3):
        change(pipelines[0])
        tail._turn()
        clock[0] += 0.5
    assert page.events() == [("touched", {"kinds": [PIPELINE]})]
    clock[0] += 2
    tail._turn()
    assert len(page.told) == 2
    clock[0] += 5
    tail._turn()
    assert len(page.told) == 2


def test_what_is_kept_aside_of_a_scope_touches_pages_that_show_it(tail, user):
    here = make_scope().pk
    shows = tail.open(Page(user, f"aside:{PIPELINE}@{here}"))
    topics = (f"{PIPELINE}@{here + 1}", f"codebuild.build@{here}", f"nothing@{here}", "")
    others = [tail.open(Page(user, f"aside:{topic}")) for topic in topics]
    tail._heard(f"aside:{PIPELINE}@{here}", "")
    tail._turn()
    assert shows.events() == [("touched", {"kinds": [PIPELINE]})]
    assert [other.told for other in others] == [[]] * 4


def test_progress_of_a_scope_touches_pages_that_show_it(tail, user):
    shows, other = tail.open(Page(user, "touched:scope")), tail.open(Page(user))
    tail._heard("scope", "3")
    tail._turn()
    assert shows.events() == [("touched", {"kinds": ["scope"]})]
    assert other.told == []


def test_a_page_that_closed_is_told_nothing_and_cannot_open_again(tail, user, pipelines):
    page = tail.open(Page(user, f"badge:{pipelines[0].pk}"))
    tail.remove(page.listener)
    # A thread that was slow to begin must not bring it back.
    tail.add(page.listener)
    change(pipelines[0])
    tail._turn()
    assert page.told == []
    assert tail._thread is None


# --- Who may know ---------------------------------------------------------------------------------


def test_each_is_told_only_what_they_may_see_and_that_is_asked_each_time(
    tail, user, pipelines, monkeypatch
):
    stranger = make_user("stranger")
    hidden: set[int] = set()
    asked: list[Any] = []

    def rule(who: Any, _model: Any) -> Q:
        asked.append(who.pk)
        return Q() if who.pk not in hidden else Q(pk__in=[])

    monkeypatch.setattr(VISIBILITY.rule, "rows", rule)
    topic = f"badge:{pipelines[0].pk}"
    theirs, mine = tail.open(Page(stranger, topic)), tail.open(Page(user, topic))
    asked.clear()
    hidden.add(stranger.pk)
    change(pipelines[0])
    tail._turn()
    assert (len(theirs.told), len(mine.told)) == (0, 1)
    # Memberships change: the next news goes by the new ones.
    hidden.clear()
    hidden.add(user.pk)
    change(pipelines[0])
    tail._turn()
    assert (len(theirs.told), len(mine.told)) == (1, 1)
    assert Counter(asked) == {stranger.pk: 2, user.pk: 2}


def test_that_something_came_or_moved_is_told_to_nobody_who_may_not_know_of_it(
    tail, user, pipelines, monkeypatch
):
    stranger = make_user("stranger")

    def rule(who: Any, _model: Any) -> Q:
        return Q() if who.pk != stranger.pk else Q(pk=pipelines[1].pk)

    monkeypatch.setattr(VISIBILITY.rule, "rows", rule)
    topics = (f"list:{PIPELINE}", f"touched:{PIPELINE}")
    theirs, mine = tail.open(Page(stranger, *topics)), tail.open(Page(user, *topics))
    change(pipelines[0], verb=Change.Verb.APPEARED)
    tail._turn()
    assert theirs.told == []
    assert [message.event for message in mine.told] == ["refresh", "touched"]
    # Of what they may know they hear, also where it only moved beside what came.
    change(pipelines[0], verb=Change.Verb.APPEARED)
    change(pipelines[1])
    tail._turn()
    assert [message.event for message in theirs.told] == ["touched"]


def test_what_is_kept_aside_is_told_to_nobody_who_may_not_know_of_its_scope(
    tail, user, clock, monkeypatch
):
    stranger, here = make_user("stranger"), make_scope().pk
    hidden = {stranger.pk}
    monkeypatch.setattr(
        VISIBILITY.rule, "scopes", lambda who: Q(pk__in=[]) if who.pk in hidden else Q()
    )
    topic = f"aside:{PIPELINE}@{here}"
    theirs, mine = tail.open(Page(stranger, topic)), tail.open(Page(user, topic))
    tail._heard(topic, "")
    tail._turn()
    assert (len(theirs.told), len(mine.told)) == (0, 1)
    # Nothing is owed to who could not see it then; the next news goes by what holds then.
    hidden.clear()
    hidden.add(user.pk)
    clock[0] += 3
    tail._turn()
    assert (len(theirs.told), len(mine.told)) == (0, 1)
    tail._heard(topic, "")
    tail._turn()
    assert (len(theirs.told), len(mine.told)) == (1, 1)


def test_users_of_many_pages_are_asked_for_their_scopes_once(tail, user, django_assert_num_queries):
    here, there = make_scope().pk, make_scope("222233334444").pk
    topics = [f"aside:{PIPELINE}@{pk}" for pk in (here, there)]
    pages = [tail.open(Page(user, *topics)) for _ in range(3)]
    for topic in topics:
        tail._heard(topic, "")
    # The log, what they may see.
    with django_assert_num_queries(2):
        tail._turn()
    assert [len(page.told) for page in pages] == [1, 1, 1]


def test_a_user_with_many_pages_is_asked_for_once(tail, user, pipelines, django_assert_num_queries):
    for row in pipelines:
        tail.open(Page(user, f"badge:{row.pk}"))
    change(pipelines[0], subjects=[f"{PIPELINE}:{row.pk}" for row in pipelines])
    # The log, the rows drawn, what is put aside, what they see.
    with django_assert_num_queries(4):
        tail._turn()


# --- The log's gaps -------------------------------------------------------------------------------


def test_an_id_that_commits_late_is_told_when_it_comes(tail, user, pipelines, clock):
    page = tail.open(Page(user, *(f"badge:{row.pk}" for row in pipelines)))
    newest = newest_change()
    change(pipelines[1], pk=newest + 2)
    tail._turn()
    # Told at once; but a page that reconnects now must ask again from before the gap.
    assert page.fragments() == [f"badge-{pipelines[1].pk}"]
    assert page.told[-1].change == newest
    tail._turn()
    assert len(page.told) == 1
    clock[0] += 1
    change(pipelines[0], pk=newest + 1)
    tail._turn()
    assert page.fragments() == [f"badge-{pipelines[1].pk}", f"badge-{pipelines[0].pk}"]
    assert tail.last == newest + 2
    assert page.told[-1].change == newest + 2


def test_an_id_that_never_commits_is_given_up_after_a_while(tail, user, pipelines, clock):
    page = tail.open(Page(user, f"badge:{pipelines[0].pk}"))
    newest = newest_change()
    change(pipelines[0], pk=newest + 5)
    tail._turn()
    assert tail.last == newest
    clock[0] += GAP_PATIENCE + 0.1
    tail._turn()
    assert tail.last == newest + 5
    assert len(page.told) == 1


def test_many_changes_behind_a_gap_are_told_without_waiting_for_it(
    tail, user, pipelines, clock, monkeypatch
):
    monkeypatch.setattr(tailing, "READ_AT_ONCE", 2)
    page = tail.open(Page(user, f"badge:{pipelines[0].pk}"))
    newest = newest_change()
    for number in range(2, 8):
        change(pipelines[0], pk=newest + number)
    for _ in range(3):
        tail._turn()
    assert len(page.told) == 3
    assert tail.last == newest
    assert max(tail._ahead) == newest + 7


def test_an_id_missing_when_following_begins_is_waited_for(user, pipelines, drawn, clock):
    first = change(pipelines[0])
    change(pipelines[1], pk=first.pk + 2)
    tail = Tail()
    tail._begin()
    page = Page(user, *(f"badge:{row.pk}" for row in pipelines))
    tail._listeners.add(page.listener)
    tail._turn()
    # What was there before the page came is not told to it.
    assert page.told == []
    change(pipelines[2], pk=first.pk + 1)
    tail._turn()
    assert page.fragments() == [f"badge-{pipelines[2].pk}"]


def test_a_database_that_is_away_for_a_moment_costs_no_news(tail, user, pipelines, monkeypatch):
    page = tail.open(Page(user, f"badge:{pipelines[0].pk}", "touched:scope"))
    change(pipelines[0])
    tail._heard("scope", "1")
    badge = FRAGMENTS.by_name["badge"]

    def away(_ids):
        raise DatabaseError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(type(badge), "render", lambda _self, ids: away(ids))
        with pytest.raises(DatabaseError):
            tail._turn()
    assert page.told == []
    tail._turn()
    assert [event for event, _ in page.events()] == ["fragment", "touched"]


def test_a_picture_that_cannot_be_drawn_keeps_nothing_else_back(
    tail, user, pipelines, monkeypatch, caplog
):
    def broken(_self, _ids):
        raise ValueError("no such filter")

    monkeypatch.setattr(type(FRAGMENTS.by_name["badge"]), "render", broken)
    page = tail.open(Page(user, f"badge:{pipelines[0].pk}", f"list:{PIPELINE}"))
    change(pipelines[0], "appeared")
    tail._turn()
    assert page.refreshes() == [f"list:{PIPELINE}"]
    assert "fragment.failed" in caplog.text


# --- What a page missed ---------------------------------------------------------------------------


def test_a_page_is_told_what_it_missed(tail, user, pipelines):
    since = change(pipelines[0]).pk
    later = change(pipelines[1])
    tail._turn()
    page = Page(user, *(f"badge:{row.pk}" for row in pipelines))
    tail.replay(page.listener, since)
    assert page.fragments() == [f"badge-{pipelines[1].pk}"]
    assert page.told[-1].change == later.pk


def test_a_page_of_an_empty_house_misses_nothing_that_comes_after(tail, user):
    Change.objects.all().delete()
    page = Page(user, f"list:{PIPELINE}")
    change(make_pipeline("first"), "appeared", pk=1)
    tail.replay(page.listener, 0)
    assert page.refreshes() == [f"list:{PIPELINE}"]


def test_a_page_that_knows_nothing_is_not_told_the_past(tail, user, pipelines):
    change(pipelines[0], "appeared")
    page = Page(user, f"list:{PIPELINE}", f"badge:{pipelines[0].pk}")
    tail.replay(page.listener, None)
    assert page.told == []


def test_a_page_that_missed_too_much_fetches_itself_anew(tail, user, pipelines, monkeypatch):
    monkeypatch.setattr(tailing, "LONGEST_REPLAY", 3)
    since = change(pipelines[0]).pk
    for _ in range(4):
        newest = change(pipelines[0])
    page = Page(user, f"badge:{pipelines[0].pk}")
    tail.replay(page.listener, since)
    assert page.refreshes() == ["gap"]
    assert page.told[0].change == newest.pk


def test_a_page_older_than_what_is_kept_of_the_log_fetches_itself_anew(tail, user, pipelines):
    since = change(pipelines[0]).pk
    change(pipelines[0])
    kept = change(pipelines[0])
    Change.objects.filter(pk__lt=kept.pk).delete()
    page = Page(user, f"badge:{pipelines[0].pk}")
    tail.replay(page.listener, since)
    assert page.refreshes() == ["gap"]


def test_only_the_last_message_of_a_batch_bears_its_id(tail, user, pipelines):
    """A connection cut between two of them asks for both again."""
    page = tail.open(Page(user, *(f"badge:{row.pk}" for row in pipelines), f"list:{PIPELINE}"))
    for row in pipelines:
        newest = change(row, "appeared")
    tail._turn()
    assert [message.change for message in page.told] == [0, 0, 0, newest.pk]
    assert b"id:" not in page.told[0].encode()
    assert page.told[-1].encode().startswith(f"id: {newest.pk}\nevent: refresh\n".encode())


# --- Looks ----------------------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch):
    """A look "log" whose lines a test writes; `denied` are users who may not see it."""
    lines: list[str] = []
    denied: set[Any] = set()

    def since(row_id: int, first: int) -> dict[str, Any]:
        upto = min(len(lines), first + 2)
        return {
            "id": f"log-{row_id}",
            "html": "".join(lines[first:upto]),
            "first": first,
            "next": upto,
            "done": False,
            "more": upto < len(lines),
            "fragments": [],
        }

    monkeypatch.setattr(LOOKS, "by_name", {})
    LOOKS.add(
        Look(
            name="log",
            provider="aws",
            calls=(),
            permitted=lambda user, _row_id: user.pk not in denied,
            watch=lambda _row_id: None,
            since=since,
        )
    )
    since.lines, since.denied = lines, denied
    return since


def test_a_log_is_told_from_where_each_page_is(tail, user, log):
    ahead, behind, other = (tail.open(Page(user, t)) for t in ("log:1@2", "log:1", "log:2"))
    log.lines += ["a", "b", "c"]
    tail._heard("log:1", "")
    tail._turn()
    assert [(d["html"], d["first"], d["next"]) for _, d in behind.events()] == [
        ("ab", 0, 2),
        ("c", 2, 3),
    ]
    assert [(d["html"], d["first"], d["next"]) for _, d in ahead.events()] == [("c", 2, 3)]
    assert other.told == []
    log.lines.append("d")
    tail._heard("log:1", "")
    tail._turn()
    assert behind.events()[-1][1]["first"] == 3


def test_a_log_is_told_only_to_who_may_see_it(tail, user, log):
    page = tail.open(Page(user, "log:1"))
    log.lines.append("a")
    log.denied.add(user.pk)
    tail._heard("log:1", "")
    tail._turn()
    assert page.told == []


def test_a_page_that_connects_is_told_the_log_so_far(tail, user, log):
    log.lines.append("a")
    page = Page(user, "log:1")
    tail.replay(page.listener, None)
    assert [data["html"] for _, data in page.events()] == ["a"]


# --- The thread -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_thread_wakes_when_the_bus_speaks(user, drawn, monkeypatch):
    row = make_pipeline("threaded")
    came = threading.Event()
    listener = listener_for(user, [f"badge:{row.pk}"], lambda _message: came.set())
    tail = Tail()
    monkeypatch.setattr(tailing, "PATIENCE", 30.0)
    tail.add(listener)
    change(row)
    # With Redis, a word said before the bus listens is lost: it is said until it is heard.
    for _ in range(50):
        BUS.publish(CHANGES, "1")
        if came.wait(0.1):
            break
    assert came.is_set()
    thread = tail._thread
    monkeypatch.setattr(tailing, "IDLE", 0.0)
    tail.remove(listener)
    # It was waiting; whatever wakes it lets it see that nobody listens any more.
    tail._wake.set()
    thread.join(5)
    assert not thread.is_alive()
    assert tail._thread is None


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_ended_for_want_of_pages_is_followed_by_another(user, drawn, monkeypatch):
    row = make_pipeline("threaded")
    tail = Tail()
    monkeypatch.setattr(tailing, "PATIENCE", 0.02)
    monkeypatch.setattr(tailing, "IDLE", 0.0)
    for _ in range(2):
        came = threading.Event()
        listener = listener_for(user, [f"badge:{row.pk}"], lambda _message, e=came: e.set())
        tail.add(listener)
        thread = tail._thread
        change(row)
        assert came.wait(5)
        tail.remove(listener)
        thread.join(5)
        assert not thread.is_alive()
