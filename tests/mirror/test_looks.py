"""The line store and the one follower, whatever is looked at."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.aws import calls
from apps.aws.wire import client_config
from apps.mirror.linestore import CHUNK_LINES, Contents, LineStore
from apps.mirror.looks import LEASE_SECONDS, Follower, Look, Looks

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def counted(lines: Iterable[str], state: Any) -> Any:
    """A renderer's state: how many lines there were."""
    return (state or 0) + len(list(lines))


def store(max_lines: int = 5_000, max_bytes: int = 8_000_000) -> LineStore:
    return LineStore("look:toy:1", max_lines, max_bytes, after=counted)


def numbered(first: int, last: int) -> list[str]:
    return [f"line {n}" for n in range(first, last)]


def held(kept: LineStore, contents: Contents, first: int = 0) -> list[str]:
    return [
        line
        for part in kept.parts(contents, first, 1_000_000)
        for line in (part.lines or [f"missing {part.missing}"])
    ]


def test_lines_come_back_in_order_from_any_line_on():
    kept = store()
    contents = kept.begin()
    kept.extend(contents, numbered(0, 1_200))
    kept.extend(contents, numbered(1_200, 1_201))
    kept.save(contents)
    found = kept.open()
    assert found is not None
    assert held(kept, found) == numbered(0, 1_201)
    assert held(kept, found, 499) == numbered(499, 1_201)
    assert held(kept, found, 1_201) == []


def test_an_answer_has_no_more_lines_than_asked_for():
    kept = store()
    contents = kept.begin()
    kept.extend(contents, numbered(0, 1_200))
    parts = list(kept.parts(contents, 100, 700))
    assert sum(len(part.lines) for part in parts) == 700
    assert parts[-1].next == 800


def test_a_full_store_keeps_the_head_and_the_tail_and_says_what_is_missing():
    kept = store(max_lines=1_500)
    contents = kept.begin()
    for start in range(0, 10_000, 100):
        kept.extend(contents, numbered(start, start + 100))
    assert contents.next == 10_000
    assert contents.kept <= 1_500
    lines = held(kept, contents)
    assert lines[:CHUNK_LINES] == numbered(0, CHUNK_LINES)
    assert lines[CHUNK_LINES] == f"missing {contents.left_out}"
    assert lines[-1] == "line 9999"
    assert len(lines) == contents.kept + 1


def test_a_page_that_reads_inside_the_gap_is_told_of_the_rest_of_it():
    kept = store(max_lines=1_000)
    contents = kept.begin()
    kept.extend(contents, numbered(0, 5_000))
    part = next(iter(kept.parts(contents, 600, 10)))
    assert (part.first, part.missing) == (600, contents.left_out - 100)


def test_bytes_count_as_well_as_lines():
    kept = store(max_bytes=1_000_000)
    contents = kept.begin()
    for _ in range(40):
        kept.extend(contents, ["x" * 100_000])
    assert contents.next == 40
    assert contents.left_out > 20
    assert held(kept, contents)[-1] == "x" * 100_000


def test_a_state_is_known_at_any_line():
    kept = store(max_lines=1_000)
    contents = kept.begin()
    kept.extend(contents, numbered(0, 3_456))
    for part in kept.parts(contents, 3_300, 50):
        assert (part.state or 0) == part.first


def test_what_the_cache_forgot_is_a_gap_and_no_error():
    kept = store()
    contents = kept.begin()
    kept.extend(contents, numbered(0, 1_200))
    cache.delete(f"look:toy:1:{contents.run}:500")
    assert held(kept, contents)[500] == "missing 500"
    kept.extend(contents, ["more"])
    assert held(kept, contents)[-1] == "more"


def test_a_new_reading_is_not_mixed_with_an_old_one():
    kept = store()
    old = kept.begin()
    kept.extend(old, ["old"])
    fresh = kept.begin()
    kept.extend(fresh, ["new"])
    assert held(kept, fresh) == ["new"]


def test_lone_surrogates_and_empty_lines_survive_the_store():
    kept = store()
    contents = kept.begin()
    kept.extend(contents, ["", "\ud800", "", ""])
    kept.extend(contents, [""])
    assert held(kept, contents) == ["", "\ud800", "", "", ""]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1_300), max_size=8), st.integers(700, 2_000))
def test_however_lines_come_the_newest_are_there_and_the_count_is_right(
    bites: list[int], max_lines: int
):
    cache.clear()
    kept = store(max_lines=max_lines)
    contents = kept.begin()
    read = 0
    for bite in bites:
        kept.extend(contents, numbered(read, read + bite))
        read += bite
    assert contents.next == read
    at = 0
    for part in kept.parts(contents, 0, 1_000_000):
        assert part.first == at
        assert list(part.lines) == ([] if part.missing else numbered(at, at + len(part.lines)))
        at = part.next
    assert at == read


def test_what_is_said_is_news_once():
    contents = Contents(run="a")
    note = {"state": "failed", "title": "no", "text": "", "cure": ""}
    assert contents.say(note)
    assert not contents.say(dict(note))
    assert contents.say(None)


def test_however_many_watch_one_follower_is_started():
    follower = Follower("look:toy:2")
    tickets = [follower.watch() for _ in range(50)]
    assert sum(ticket is not None for ticket in tickets) == 1
    [ticket] = filter(None, tickets)
    assert follower.take(ticket)
    assert follower.watch() is None
    assert not follower.take("another")
    assert follower.take(ticket)


def test_who_left_makes_room_for_the_next():
    follower = Follower("look:toy:3")
    ticket = follower.watch()
    assert ticket is not None
    assert follower.take(ticket)
    follower.leave("not mine")
    assert follower.watch() is None
    follower.leave(ticket)
    assert follower.watch() is not None


def test_nobody_watches_until_somebody_says_so():
    follower = Follower("look:toy:4")
    assert not follower.watched
    follower.watch()
    assert follower.watched


def test_a_look_is_declared_once_and_found_by_where_it_reads():
    looks = Looks()
    look = Look(
        name="log",
        provider="aws",
        calls=("logs:GetLogEvents",),
        permitted=lambda user, pk: True,
        watch=lambda pk: None,
        since=lambda pk, first: {},
    )
    looks.add(look)
    assert looks.of("aws") == [look]
    assert looks.of("github") == []
    with pytest.raises(ValueError, match="twice"):
        looks.add(look)


def test_an_overtaken_writer_doubles_no_line():
    kept = store()
    contents = kept.begin()
    kept.extend(contents, numbered(0, 3))
    kept.save(contents)
    # Two read on from the same place; the first has written, but not told of it, when the second
    # does.
    for _ in range(2):
        mine = kept.open()
        assert mine is not None
        kept.extend(mine, numbered(3, 6))
    assert held(kept, contents) == numbered(0, 3)
    kept.save(mine)
    found = kept.open()
    assert found is not None
    assert held(kept, found) == numbered(0, 6)


def test_lines_that_another_writer_took_away_are_told_as_missing():
    kept = store()
    behind = kept.begin()
    kept.extend(behind, numbered(0, 3))
    kept.save(behind)
    ahead = kept.open()
    assert ahead is not None
    kept.extend(ahead, numbered(3, 8))
    kept.extend(behind, numbered(3, 4))
    assert held(kept, ahead) == [*numbered(0, 4), "missing 4"]
    assert held(kept, ahead, 6) == ["missing 2"]
    kept.extend(ahead, numbered(8, 10))
    assert ahead.next == 10
    assert held(kept, ahead) == [*numbered(0, 4), "missing 4", *numbered(8, 10)]


def test_a_lease_outlives_the_longest_call_of_a_follower():
    config = client_config()
    longest = calls.ATTEMPTS * (config.connect_timeout + config.read_timeout + calls.LONGEST_PAUSE)
    assert longest - calls.LONGEST_PAUSE * (calls.ATTEMPTS - 2) <= LEASE_SECONDS
