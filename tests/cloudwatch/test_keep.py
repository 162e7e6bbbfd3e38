"""Points: kept in chunks, thinned with age, changed by nothing twice, forgotten in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.cloudwatch import keep
from apps.cloudwatch.models import Chunk, Kept, Metric
from apps.cloudwatch.records import Points
from apps.mirror.models import Change, Scope

pytestmark = [pytest.mark.sql, pytest.mark.django_db]

NOON = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
HOUR = 3600


def at(minute: float) -> int:
    """Epoch seconds so many minutes after noon."""
    return int(NOON.timestamp() + minute * 60)


@pytest.fixture
def errors(scope: Scope) -> Metric:
    return make(scope, "errors", "Sum")


def make(scope: Scope, key: str, statistic: str, period: int = 60) -> Metric:
    return Metric.objects.create(
        scope=scope,
        key=key,
        namespace="AWS/Lambda",
        metric_name="Errors",
        statistic=statistic,
        period=period,
    )


def read(minutes: dict[float, float], since: float = 0, until: float = 60, period: int = 60) -> Any:
    """What a reading from and to so many minutes after noon found."""
    values = tuple((at(minute), value) for minute, value in sorted(minutes.items()))
    return Points(
        since=NOON + timedelta(minutes=since),
        until=NOON + timedelta(minutes=until),
        period=period,
        values=values,
    )


def points(metric: Metric, resolution: int, minutes: float = 180) -> list[float | None]:
    end = NOON + timedelta(minutes=minutes)
    return keep.read_points([metric.pk], resolution, NOON, end)[metric.pk]


def test_points_are_kept_with_their_gaps(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({0: 1, 1: 2, 3: 4})})
    assert points(errors, 60, 5) == [1, 2, None, 4, None]
    assert not Change.objects.exists()


def test_the_same_again_writes_no_chunk(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({0: 1, 1: 2})})
    with CaptureQueriesContext(
        connection,
    ) as queries:
        keep.keep_points(scope, {"errors": read({0: 1, 1: 2})})
    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE"))]
    assert [sql for sql in written if "cloudwatch_chunk" in sql] == []


def test_the_newest_point_may_be_completed(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({0: 1, 1: 2})})
    keep.keep_points(scope, {"errors": read({1: 5, 2: 1}, since=0)})
    assert points(errors, 60, 3) == [1, 5, 1]


@pytest.mark.parametrize(
    ("statistic", "thinned"),
    [("Sum", 15), ("Average", 3), ("p95", 3), ("Minimum", 1), ("Maximum", 5), ("SampleCount", 15)],
)
def test_coarser_points_are_made_of_finer_ones(scope: Scope, statistic: str, thinned: float):
    metric = make(scope, "m", statistic)
    keep.keep_points(scope, {"m": read({0: 1, 1: 2, 2: 3, 3: 4, 4: 5})})
    assert points(metric, 300, 10) == [thinned, None]
    assert points(metric, 3600, 60) == [thinned]


def test_what_arrives_bit_by_bit_thins_to_the_same(scope: Scope, errors: Metric):
    whole = make(scope, "whole", "Sum")
    minutes = {float(minute): float(minute % 7) for minute in range(150)}
    keep.keep_points(scope, {"whole": read(minutes, until=150)})
    for end in range(10, 151, 10):
        some = {minute: value for minute, value in minutes.items() if end - 25 <= minute < end}
        since = max(0, end - 25)
        keep.keep_points(scope, {"errors": read(some, since=since, until=end)})
    for resolution in (60, 300, 3600):
        assert points(errors, resolution) == points(whole, resolution)


def test_a_series_of_five_minutes_has_no_finer_points(scope: Scope):
    metric = make(scope, "cpu", "Average", period=300)
    keep.keep_points(scope, {"cpu": read({0: 10, 5: 20, 10: 30}, period=300)})
    assert points(metric, 300, 15) == [10, 20, 30]
    assert points(metric, 60, 5) == [None] * 5
    assert points(metric, 3600, 60) == [20]


def test_no_sum_is_made_of_a_time_that_was_read_in_part(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({32: 1, 33: 1, 36: 2}, since=32)})
    # The first five minutes and the hour began before anything was read.
    assert points(errors, 300, 40) == [None] * 7 + [2]
    assert points(errors, 3600, 60) == [None]


def test_after_a_pause_the_gap_is_a_gap(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({0: 1}, until=10)})
    keep.keep_points(scope, {"errors": read({61: 3}, since=60, until=70)})
    kept = Kept.objects.get(metric=errors)
    assert kept.whole_from == NOON + timedelta(minutes=60)
    assert kept.read_to == NOON + timedelta(minutes=70)
    assert points(errors, 60, 62).count(None) == 60


def test_what_was_answered_in_part_is_kept_and_not_noted_as_read(scope: Scope, errors: Metric):
    part = replace(read({0: 1}, until=10), whole=False)
    keep.keep_points(scope, {"errors": part})
    assert not Kept.objects.exists()
    keep.keep_points(scope, {"errors": read({0: 1, 1: 2}, until=10)})
    keep.keep_points(scope, {"errors": replace(read({11: 5}, since=5, until=20), whole=False)})
    kept = Kept.objects.get(metric=errors)
    assert kept.read_to == NOON + timedelta(minutes=10)
    assert points(errors, 60, 12) == [1, 2, *[None] * 9, 5]
    keep.keep_points(scope, {"errors": read({10: 3, 11: 5}, since=5, until=20)})
    kept.refresh_from_db()
    assert (kept.whole_from, kept.read_to) == (NOON, NOON + timedelta(minutes=20))
    assert points(errors, 300, 15) == [3, None, 8]


def test_a_past_that_was_answered_in_part_is_not_noted_as_fetched(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({60: 7}, since=60, until=70)})
    past = read({0: 100}, since=0, until=120, period=300)
    keep.fill_past({errors.pk: [past, replace(past, period=3600, whole=False)]})
    assert points(errors, 300, 5) == [100]
    assert Kept.objects.get(metric=errors).filled_at is None


def test_a_past_that_is_fetched_does_not_touch_what_was_read(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({60: 7, 61: 8}, since=60, until=70)})
    past = read({0: 100, 5: 200, 60: 999}, since=0, until=120, period=300)
    hours = read({-120: 5, -60: 6, 60: 999}, since=-120, until=120, period=3600)
    keep.fill_past({errors.pk: [past, hours]})
    assert points(errors, 300, 65) == [100, 200, *[None] * 10, 15]
    assert keep.read_points([errors.pk], 3600, NOON - timedelta(hours=2), NOON)[errors.pk] == [5, 6]
    assert Kept.objects.get(metric=errors).filled_at is not None


def test_points_of_many_series_are_read_and_written_in_as_many_queries(scope: Scope):
    counts = []
    for number in (2, 60):
        names = [f"m{number}-{one}" for one in range(number)]
        made = [make(scope, name, "Sum") for name in names]
        with CaptureQueriesContext(connection) as writing:
            keep.keep_points(scope, {name: read({0: 1, 1: 2}) for name in names})
        with CaptureQueriesContext(connection) as reading:
            found = keep.read_points([one.pk for one in made], 60, NOON, NOON + timedelta(hours=1))
        assert len(found) == number
        assert len(reading) == 1
        counts.append(len(writing))
    assert counts[0] == counts[1]


def test_series_are_looked_up_once_and_chunks_once_a_level(scope: Scope, errors: Metric):
    keep.keep_points(scope, {"errors": read({0: 1, 5: 2})})
    with CaptureQueriesContext(connection) as queries:
        keep.keep_points(scope, {"errors": read({0: 1, 5: 2, 6: 3})})
    asked = [one["sql"] for one in queries if one["sql"].startswith("SELECT")]
    assert sum('FROM "cloudwatch_metric"' in sql for sql in asked) == 1
    assert sum('FROM "cloudwatch_chunk"' in sql for sql in asked) == len(keep.LEVELS)


def test_points_are_forgotten_in_their_time(scope: Scope, errors: Metric):
    minutes = {float(minute): 1.0 for minute in range(0, 180)}
    keep.keep_points(scope, {"errors": read(minutes, until=180)})
    assert set(Chunk.objects.values_list("resolution", flat=True)) == {60, 300, 3600}
    keep.forget_points(NOON + timedelta(hours=14))
    assert set(Chunk.objects.values_list("resolution", flat=True)) == {300, 3600}
    keep.forget_points(NOON + timedelta(days=6))
    assert set(Chunk.objects.values_list("resolution", flat=True)) == {3600}
    keep.forget_points(NOON + timedelta(days=60))
    assert not Chunk.objects.exists()
