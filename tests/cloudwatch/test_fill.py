"""The past of a series is fetched when somebody looks at it, once, and never in the way."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.cloudwatch import fill, keep, tasks
from apps.cloudwatch.models import Kept, Metric
from apps.cloudwatch.records import Points
from apps.mirror.models import Operation, Scope
from tests.flight import Fault, Flight

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def metric(scope: Scope) -> Metric:
    """A series that was read for the last hour."""
    made = Metric.objects.create(
        scope=scope,
        key="errors",
        namespace="AWS/Lambda",
        metric_name="Errors",
        statistic="Sum",
        dimensions={"FunctionName": "image-resizer"},
        period=60,
    )
    hour_ago = now().replace(second=0, microsecond=0) - timedelta(hours=1)
    keep.keep_points(scope, {"errors": Points(hour_ago, now(), 60, ())})
    return made


def test_a_range_that_was_read_lacks_nothing(metric: Metric):
    assert fill.lacking([metric], now() - timedelta(minutes=30)) == []
    assert fill.lacking([metric], now() - timedelta(hours=12)) == [metric.pk]


def test_the_past_is_fetched_in_a_call_for_each_resolution_and_kept(
    metric: Metric, scope: Scope, aws: Any
):
    moment = int((now() - timedelta(hours=20)).timestamp()) // 3600 * 3600
    said = {"Id": "m0", "Timestamps": [moment], "Values": [7.0], "StatusCode": "Complete"}
    flight = aws(Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": [said]}))
    fill.fill([metric.pk])
    calls = flight.calls("cloudwatch:GetMetricData")
    assert [call["MetricDataQueries"][0]["MetricStat"]["Period"] for call in calls] == [
        60,
        300,
        3600,
    ]
    since = now() - timedelta(days=2)
    for resolution in (300, 3600):
        found = keep.read_points([metric.pk], resolution, since, now())[metric.pk]
        assert [value for value in found if value is not None] == [7.0]
    assert fill.lacking([metric], now() - timedelta(days=30)) == []


def test_a_call_asks_for_as_many_series_as_fit_into_one_page(
    metric: Metric, scope: Scope, aws: Any
):
    more = [
        Metric(
            scope=scope,
            key=f"errors-{number:03d}",
            namespace="AWS/Lambda",
            metric_name="Errors",
            statistic="Sum",
            dimensions={"FunctionName": f"f-{number}"},
            period=60,
        )
        for number in range(999)
    ]
    Metric.objects.bulk_create(more)
    flight = aws(Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": []}))
    fill.fill(list(Metric.objects.values_list("pk", flat=True)))
    sizes: dict[int, list[int]] = {60: [], 300: [], 3600: []}
    for call in flight.calls("cloudwatch:GetMetricData"):
        queries = call["MetricDataQueries"]
        period = queries[0]["MetricStat"]["Period"]
        points = len(queries) * (call["EndTime"] - call["StartTime"]) / period
        assert points <= 100_800
        sizes[period].append(len(queries))
    assert {period: sum(some) for period, some in sizes.items()} == dict.fromkeys(sizes, 1000)
    # 500 to a call were cut into two pages and four: 4 and 8 in all.
    assert [len(some) for some in sizes.values()] == [3, 3, 8]


def test_minutes_are_filled_only_where_there_are_any(metric: Metric, scope: Scope, aws: Any):
    Metric.objects.filter(pk=metric.pk).update(period=300)
    flight = aws(Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": []}))
    fill.fill([metric.pk])
    calls = flight.calls("cloudwatch:GetMetricData")
    assert [call["MetricDataQueries"][0]["MetricStat"]["Period"] for call in calls] == [300, 3600]


def test_the_minutes_before_a_cold_start_are_fetched(metric: Metric, scope: Scope, aws: Any):
    moment = int((now() - timedelta(hours=2)).timestamp()) // 60 * 60
    said = {"Id": "m0", "Timestamps": [moment], "Values": [3.0], "StatusCode": "Complete"}
    aws(Flight().on("cloudwatch:GetMetricData", {"MetricDataResults": [said]}))
    since = now() - timedelta(hours=3)
    before = Kept.objects.get(metric=metric)
    assert fill.unread_to(before, since) == before.whole_from
    fill.fill([metric.pk])
    assert fill.unread_to(Kept.objects.get(metric=metric), since) is None
    [values] = keep.read_points([metric.pk], 60, since, now()).values()
    assert [value for value in values if value is not None] == [3.0]


def test_a_past_that_is_refused_is_told_and_not_asked_for_again_at_once(
    metric: Metric, scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    aws(Flight().on("cloudwatch:GetMetricData", Fault("AccessDeniedException", "no")))
    assert fill.claim([metric.pk]) == [metric.pk]
    fill.fill([metric.pk])
    assert Operation.objects.get(operation="cloudwatch:GetMetricData").health == "denied"
    assert fill.claim([metric.pk]) == []
    assert Kept.objects.get(metric=metric).filled_at is None
    assert fill.refused([metric])
    # What was cured meanwhile is read soon.
    later = time.time() + 16 * 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert fill.claim([metric.pk]) == [metric.pk]


def test_pages_hear_of_points_and_of_the_end_of_a_reading_however_it_ended(
    metric: Metric, scope: Scope, aws: Any, heard: list[tuple[str, str]]
):
    topic = f"aside:cloudwatch.metric@{scope.pk}"
    keep.keep_points(scope, {"errors": Points(now() - timedelta(minutes=5), now(), 60, ())})
    assert [told for told, _ in heard] == [topic]
    heard.clear()
    keep.keep_points(scope, {"errors": None})
    assert heard == []
    aws(Flight().on("cloudwatch:GetMetricData", Fault("AccessDeniedException", "no")))
    tasks.fill_past([metric.pk])
    assert topic in [told for told, _ in heard]
