"""A log group's tail and searches: read in bites, capped, and told where they cannot be read."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from apps.cloudwatch import follow, looks, tasks
from apps.cloudwatch.follow import bite, lines_of
from apps.cloudwatch.models import LogGroup
from apps.cloudwatch.searches import Reading, reading_of, search_in, tail_of
from apps.mirror.looks import LOOKS
from apps.mirror.models import Operation, Scope
from tests import factories
from tests.flight import Fault, Flight

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def group(scope: Scope) -> LogGroup:
    return LogGroup.objects.create(scope=scope, key="/aws/lambda/image-resizer")


BEGIN = int(time.time()) * 1000


@pytest.fixture(autouse=True)
def around_the_events() -> Iterator[None]:
    """However late in a run it is: a tail reads back so many minutes only."""
    with time_machine.travel(BEGIN / 1000):
        yield


def event(number: int, message: str = "", begin: int = BEGIN) -> dict[str, Any]:
    return {
        "logStreamName": "2026/[$LATEST]ab",
        "timestamp": begin + number * 1000,
        "message": message or f"line {number}\n",
        "ingestionTime": begin + number * 1000,
        "eventId": f"{number:056d}",
    }


def read(reading: Reading) -> list[str]:
    contents = reading.contents()
    if contents is None:
        return []
    return [line for part in reading.store.parts(contents, 0, 10_000) for line in part.lines]


def note(reading: Reading) -> dict[str, str]:
    contents = reading.contents()
    return (contents.note if contents else None) or {}


def test_the_tail_reads_what_is_new_and_nothing_twice(group: LogGroup, aws: Any):
    flight = aws(
        Flight().script(
            "logs:FilterLogEvents",
            {"events": [event(1), event(2)]},
            {"events": [event(2), event(3)]},
            {"events": []},
        )
    )
    for _ in range(3):
        assert bite(tail_of(group.pk)) == follow.FOLLOWING
    assert [line.rpartition(" ")[2] for line in read(tail_of(group.pk))] == ["1", "2", "3"]
    asked = flight.calls("logs:FilterLogEvents")
    # From shortly before the newest event on: others may arrive behind it.
    assert asked[1]["startTime"] == event(2)["timestamp"] - follow.OVERLAP
    assert "endTime" not in asked[0]


def test_a_group_busier_than_its_reader_is_not_remembered_for_ever(
    group: LogGroup, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follow, "MOST_SEEN", 8)

    def busy(params: Any) -> dict[str, Any]:
        page = int(params.get("nextToken", "0"))
        # Four events a second at first, then thirty within one.
        numbers = range(page * 10, page * 10 + 10)
        many = [event(min(number // 4, 10)) | {"eventId": str(number)} for number in numbers]
        following = {"nextToken": str(page + 1)} if page < 7 else {}
        return {"events": many, **following}

    flight = aws(Flight().on("logs:FilterLogEvents", busy))
    reading = tail_of(group.pk)
    kept = []
    save = type(reading.store).save

    def saved(store: Any, contents: Any) -> None:
        kept.append(len(follow.Place.of(contents.token, reading).seen))
        save(store, contents)

    monkeypatch.setattr(type(reading.store), "save", saved)
    assert bite(reading) == follow.FOLLOWING
    assert len(flight.calls("logs:FilterLogEvents")) == 8
    assert max(kept) <= 8
    assert len(read(reading)) == 80
    # Whatever it no longer remembers is not asked for again.
    monkeypatch.setattr(follow, "MOST_SEEN", 1000)
    flight.on("logs:FilterLogEvents", {"events": []})
    bite(reading)
    assert flight.calls("logs:FilterLogEvents")[-1]["startTime"] == event(10)["timestamp"] + 1


def test_pages_are_followed_to_their_end(group: LogGroup, aws: Any):
    flight = aws(
        Flight().script(
            "logs:FilterLogEvents",
            {"events": [event(1)], "nextToken": "more"},
            {"events": [], "nextToken": "still more"},
            {"events": [event(2)]},
        )
    )
    search = search_in(group.pk, "line", "1h")
    assert bite(search) is None
    tokens = [call.get("nextToken") for call in flight.calls("logs:FilterLogEvents")]
    assert tokens == [None, "more", "still more"]
    first = flight.calls("logs:FilterLogEvents")[0]
    assert first["filterPattern"] == "line"
    assert first["endTime"] - first["startTime"] == 3600 * 1000
    assert len(read(search)) == 2
    contents = search.contents()
    assert contents is not None
    assert contents.done


def test_a_search_ends_after_so_many_events(
    group: LogGroup, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follow, "MOST_EVENTS", 3)
    pages = [{"events": [event(n), event(n + 1)], "nextToken": str(n)} for n in (1, 3, 5, 7)]
    flight = aws(Flight().script("logs:FilterLogEvents", *pages))
    search = search_in(group.pk, "", "1h")
    assert bite(search) is None
    assert len(flight.calls("logs:FilterLogEvents")) == 2
    assert note(search)["title"] == "The first 3 events are shown"


@pytest.mark.parametrize(
    ("fault", "state", "title"),
    [
        (
            Fault("InvalidParameterException", "Invalid character(s) in term 'a=b'"),
            "failed",
            "CloudWatch Logs refuses this search",
        ),
        (Fault("ResourceNotFoundException", "no group"), "unknown", "no longer has this group"),
        (Fault("AccessDeniedException", "no"), "failed", "The log cannot be read"),
        (Fault("ThrottlingException", "slower"), "waiting", "Reading is throttled"),
    ],
)
def test_what_keeps_from_reading_is_said(
    group: LogGroup, aws: Any, monkeypatch: pytest.MonkeyPatch, fault: Fault, state: str, title: str
):
    monkeypatch.setattr("apps.aws.calls.time.sleep", lambda _seconds: None)
    aws(Flight().on("logs:FilterLogEvents", fault))
    search = search_in(group.pk, "a=b", "1h")
    pause = bite(search)
    assert (pause is None) == (state != "waiting")
    assert note(search)["state"] == state
    assert title in note(search)["title"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_what_failed_is_asked_again_by_whoever_looks_next(
    group: LogGroup, aws: Any, queued: Any, code: str
):
    cache.clear()
    flight = Flight().script(
        "logs:FilterLogEvents", Fault(code, "no"), Fault(code, "no"), {"events": [event(1)]}
    )
    aws(flight)
    for reading in (tail_of(group.pk), search_in(group.pk, "", "1h")):
        looks.watch(reading)
        [(_, arguments)] = queued
        tasks.follow_group(*arguments)
        assert note(reading)["title"] != ""
        queued.clear()
    # Nobody reads by himself; a look does, and what was cured meanwhile is read.
    looks.watch(tail_of(group.pk))
    [(_, arguments)] = queued
    tasks.follow_group(*arguments)
    assert len(read(tail_of(group.pk))) == 1
    assert note(tail_of(group.pk)) == {}


def test_a_refused_pattern_is_not_asked_again(group: LogGroup, aws: Any, queued: Any):
    cache.clear()
    aws(Flight().on("logs:FilterLogEvents", Fault("InvalidParameterException", "bad pattern")))
    search = search_in(group.pk, "a=b", "1h")
    bite(search)
    looks.watch(search)
    assert queued == []


def test_a_refused_pattern_is_no_trouble_of_the_scope(group: LogGroup, aws: Any):
    aws(Flight().on("logs:FilterLogEvents", Fault("InvalidParameterException", "bad pattern")))
    search = search_in(group.pk, "a=b", "1h")
    bite(search)
    assert note(search)["text"] == "bad pattern"
    assert not Operation.objects.exclude(health="ok").exists()


def test_nothing_found_is_said(group: LogGroup, aws: Any):
    aws(Flight().on("logs:FilterLogEvents", {"events": []}))
    search = search_in(group.pk, "nothing", "1h")
    bite(search)
    assert note(search)["title"] == "Nothing matches"
    bite(tail_of(group.pk))
    assert note(tail_of(group.pk))["title"] == "No event in the last minutes"


def test_an_event_of_several_lines_is_several_lines():
    found = lines_of(event(1, "Traceback:\n  File x\nBoom\n", 1790000000000))
    assert found == [
        "2026-09-21 14:13:21.000 2026/[$LATEST]ab Traceback:",
        "      File x",
        "    Boom",
    ]
    assert lines_of({}) == ["1970-01-01 00:00:00.000  "]


def test_one_reads_for_all_who_watch(group: LogGroup, queued: Any):
    cache.clear()
    for _ in range(5):
        looks.watch(tail_of(group.pk))
    assert len(queued) == 1
    [(name, (look, number, ticket))] = queued
    assert (name, look, number) == ("cloudwatch.follow_group", "grouptail", group.pk)
    assert ticket


def test_the_reader_comes_back_while_somebody_watches(group: LogGroup, aws: Any, queued: Any):
    aws(Flight().on("logs:FilterLogEvents", {"events": [event(1)]}))
    looks.watch(tail_of(group.pk))
    [(_, arguments)] = queued
    queued.clear()
    tasks.follow_group(*arguments)
    assert queued == [("cloudwatch.follow_group", arguments)]
    # Another with another ticket leaves it alone.
    queued.clear()
    tasks.follow_group("grouptail", group.pk, "another")
    assert queued == []
    cache.delete(f"look:grouptail:{group.pk}:watched")
    tasks.follow_group(*arguments)
    assert queued == []


def test_a_search_says_how_much_it_found(group: LogGroup, aws: Any):
    search = search_in(group.pk, "", "1h")
    flight = Flight().on("logs:FilterLogEvents", {"events": [event(1), event(2, "two\nlines")]})
    aws(flight)
    bite(search)
    told = note(search)
    assert (told["state"], told["title"]) == ("done", "2 events found, in 3 lines")


def test_the_stream_gets_lines_and_notes(group: LogGroup, aws: Any):
    aws(Flight().on("logs:FilterLogEvents", {"events": [event(1), event(2)]}))
    bite(tail_of(group.pk))
    look = LOOKS.by_name["grouptail"]
    told = look.since(group.pk, 0)
    assert (told["id"], told["next"], told["done"]) == (f"grouptail-{group.pk}", 2, False)
    assert told["html"].count("<li") == 2
    assert look.since(group.pk, 2)["html"] == ""


def test_who_may_see_the_group_may_see_its_lines(group: LogGroup, monkeypatch: pytest.MonkeyPatch):
    from django.db.models import Q

    from apps.mirror.visibility import VISIBILITY

    user = factories.make_user()
    search = search_in(group.pk, "x", "1h")
    assert reading_of("groupsearch", search.number) == search
    for name, number in (("grouptail", group.pk), ("groupsearch", search.number)):
        assert LOOKS.by_name[name].permitted(user, number)
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    for name, number in (("grouptail", group.pk), ("groupsearch", search.number)):
        assert not LOOKS.by_name[name].permitted(user, number)
    assert not LOOKS.by_name["groupsearch"].permitted(user, 5)
