"""The pace of calls: free until AWS asks to slow down, then learned and shared, people first."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from apps.aws.reaching import PUBLISHED
from apps.mirror import throttle as throttling
from apps.mirror.throttle import SharedThrottle

API = "codepipeline:GetPipelineState"
SLOW = "cloudtrail:LookupEvents"
# On a whole minute: windows of any length begin there.
BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

both = pytest.mark.redis


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    cache.clear()
    # The tests' clock begins anew each time, and so does what was called when.
    monkeypatch.setattr(throttling, "_MADE", type(throttling._MADE)())
    yield
    cache.clear()


@pytest.fixture
def clock():
    with time_machine.travel(BEGIN, tick=False) as traveller:
        yield traveller


def rate_of(api, scope="1"):
    return cache.get(f"rate:{scope}:{api}")


def busy(throttle, clock, *, calls_a_second, api=API):
    """Call at this rate for five seconds."""
    for _ in range(5 * calls_a_second):
        throttle.before(api)
        clock.shift(timedelta(seconds=1 / calls_a_second))


@both
def test_nobody_waits_before_aws_asks_to_slow_down():
    throttle = SharedThrottle("1")
    assert {throttle.before(API) for _ in range(100)} == {0.0}
    throttle.succeeded(API)
    assert rate_of(API) is None


@both
def test_the_first_throttle_halves_the_observed_rate(clock):
    throttle = SharedThrottle("1")
    busy(throttle, clock, calls_a_second=20)
    throttle.throttled(API)
    assert rate_of(API) == pytest.approx(10, rel=0.05)


def test_throttles_that_arrive_together_count_once_and_later_ones_again(clock):
    throttle = SharedThrottle("1")
    busy(throttle, clock, calls_a_second=20)
    for _ in range(8):
        throttle.throttled(API)
    assert rate_of(API) == pytest.approx(10, rel=0.05)
    clock.shift(timedelta(seconds=2))
    for _ in range(40):
        throttle.before(API)
    throttle.throttled(API)
    assert rate_of(API) == pytest.approx(5, rel=0.05)


def test_the_pace_is_never_slower_than_a_call_in_five_seconds(clock):
    throttle = SharedThrottle("1")
    throttle.before(API)
    for _ in range(10):
        throttle.throttled(API)
        clock.shift(timedelta(seconds=2))
    assert rate_of(API) == 0.2


def test_after_a_quiet_while_the_pace_creeps_up_by_tenths(clock):
    throttle = SharedThrottle("1")
    busy(throttle, clock, calls_a_second=20)
    throttle.throttled(API)
    learned = rate_of(API)
    throttle.before(API)
    for _ in range(10):
        throttle.succeeded(API)
    assert rate_of(API) == pytest.approx(learned * 1.1)
    clock.shift(timedelta(seconds=6))
    throttle.succeeded(API)
    assert rate_of(API) == pytest.approx(learned * 1.21)


def test_what_was_learned_is_forgotten_when_nobody_calls(clock):
    throttle = SharedThrottle("1")
    busy(throttle, clock, calls_a_second=20)
    throttle.throttled(API)
    clock.shift(timedelta(minutes=16))
    assert {throttle.before(API) for _ in range(50)} == {0.0}


def departures(throttle, clock, api, calls):
    """Return how many calls leave in each second, where every caller waits as told."""
    at = Counter()
    for _ in range(calls):
        at[int(throttle.before(api))] += 1
    return at


def test_an_api_with_a_published_rate_starts_there(clock):
    throttle = SharedThrottle("1", PUBLISHED)
    leaving = departures(throttle, clock, "logs:DescribeLogStreams", 60)
    # 25 a second, less the fifth that is kept for people.
    assert leaving == {0: 20, 1: 20, 2: 20}
    assert PUBLISHED["logs:DescribeLogStreams"] == 25


def test_a_slow_api_is_spread_over_longer_windows(clock):
    throttle = SharedThrottle("1", PUBLISHED)
    waits = [throttle.before(SLOW) for _ in range(12)]
    for second in range(0, 9):
        leaving = [wait for wait in waits if second <= wait < second + 1.25]
        assert len(leaving) <= 3


def test_creeping_up_stops_at_the_published_rate(clock):
    throttle = SharedThrottle("1", PUBLISHED)
    throttle.before(SLOW)
    throttle.throttled(SLOW)
    for _ in range(60):
        clock.shift(timedelta(seconds=6))
        throttle.before(SLOW)
        throttle.succeeded(SLOW)
    assert rate_of(SLOW) == 2.0


def test_nobody_leaves_together_with_others_however_slow_the_pace_is(clock):
    throttle = SharedThrottle("1", {SLOW: 0.25})
    waits = [throttle.before(SLOW) for _ in range(16)]
    # A call in five seconds is what sweeps get of that; all keep their places.
    for at in range(0, 100, 10):
        assert sum(1 for wait in waits if at <= wait < at + 9.9) <= 3


def test_nobody_is_told_to_wait_longer_than_a_sweep_can_bear(clock):
    throttle = SharedThrottle("1", {SLOW: 0.25})
    assert max(throttle.before(SLOW) for _ in range(100)) <= 110


def test_calls_of_a_moment_are_not_taken_for_a_rate_of_five_seconds(clock):
    throttle = SharedThrottle("1")
    for _ in range(8):
        throttle.before(API)
        clock.shift(timedelta(seconds=0.025))
    throttle.throttled(API)
    assert rate_of(API) == pytest.approx(8, rel=0.1)


def test_what_several_readings_of_this_process_called_counts_together(clock):
    first, second = SharedThrottle("1"), SharedThrottle("1")
    for _ in range(50):
        first.before(API)
        second.before(API)
        clock.shift(timedelta(seconds=0.1))
    second.throttled(API)
    assert rate_of(API) == pytest.approx(10, rel=0.1)


@both
def test_what_one_worker_learns_another_follows(clock):
    mine, theirs = SharedThrottle("1"), SharedThrottle("1")
    busy(mine, clock, calls_a_second=20)
    mine.throttled(API)
    clock.shift(timedelta(seconds=2))
    waits = [worker.before(API) for _ in range(10) for worker in (mine, theirs)]
    # 10 a second less a fifth, for both together.
    assert sum(1 for wait in waits if wait < 1) in (7, 8)
    assert sum(1 for wait in waits if 1 <= wait < 2) in (7, 8)


@both
def test_another_scope_and_another_api_are_left_alone(clock):
    throttle = SharedThrottle("1")
    busy(throttle, clock, calls_a_second=20)
    throttle.throttled(API)
    clock.shift(timedelta(seconds=2))
    other = SharedThrottle("2")
    assert {other.before(API) for _ in range(50)} == {0.0}
    assert {throttle.before("codebuild:ListBuilds") for _ in range(50)} == {0.0}


@both
def test_a_person_gets_through_though_sweeps_queue_for_minutes(clock):
    throttle = SharedThrottle("1")
    busy(throttle, clock, calls_a_second=20)
    throttle.throttled(API)
    clock.shift(timedelta(seconds=2))
    for _ in range(50):
        throttle.before(API)
    people = SharedThrottle("1", urgent=True)
    assert people.before(API) == 0.0
    assert people.before(API) == 0.0
    assert people.before(API) > 0.0
