"""Alarms and metrics in the API: what they say, why, for whom, and at what cost."""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.api.cloudwatch import MeasuredKind
from apps.cloudwatch import keep, tasks
from apps.cloudwatch.models import Alarm, AlarmHistory, Kept, Metric
from apps.cloudwatch.records import Points
from apps.cloudwatch.watched import WATCHED, series_of
from apps.mirror.models import Scope
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import Program, make_build, make_scope
from tests.flown import queued

__all__ = ["queued"]

pytestmark = pytest.mark.django_db

ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:"


def make_alarm(scope: Scope, name: str, status: str = "ALARM", **more: Any) -> Alarm:
    made: Alarm = Alarm.objects.create(
        **{
            "scope": scope,
            "key": name,
            "arn": f"{ARN}{name}",
            "alarm_type": "MetricAlarm",
            "status": status,
            "state": {"ALARM": "failed", "OK": "done"}[status],
            "state_reason": f"{name} crossed",
            "namespace": "Shop",
            "metric_name": "Errors",
            "statistic": "Sum",
            "dimensions": {"Service": "checkout"},
            "comparison_operator": "GreaterThanThreshold",
            "threshold": 5.0,
            "period": 60,
            "evaluation_periods": 1,
            **more,
        }
    )
    return made


def make_composite(scope: Scope, name: str, *children: str) -> Alarm:
    rule = " OR ".join(f'ALARM("{child}")' for child in children)
    more = {"alarm_type": "CompositeAlarm", "alarm_rule": rule, "metric_name": ""}
    return make_alarm(scope, name, **more, state_reason=f"{ARN}{children[0]} transitioned to ALARM")


def test_an_alarm_says_where_it_is_how_it_fares_and_why(program: Program, scope: Scope):
    row = make_alarm(scope, "errors")
    [item] = program.json("alarms")["items"]
    assert (item["id"], item["arn"], item["name"]) == (row.pk, f"{ARN}errors", "errors")
    assert (item["account"], item["region"]) == ("111122223333", "eu-west-1")
    assert (item["status"], item["state"], item["why"]) == ("ALARM", "failed", "errors crossed")
    assert item["condition"].startswith("Sum of Errors above 5 for 1 minute")
    assert item["url"] == f"http://testserver/cloudwatch/alarms/{row.pk}/"
    assert "#alarmsV2:alarm/errors" in item["console_url"]


def test_a_composite_alarm_tells_its_red_childrens_reasons(program: Program, scope: Scope):
    make_alarm(scope, "errors")
    make_alarm(scope, "latency", "OK")
    row = make_composite(scope, "unhealthy", "errors", "latency", "elsewhere")
    body = program.json(f"alarms/{row.pk}")
    assert body["why"].splitlines() == [
        "errors: errors crossed",
        f"{ARN}errors transitioned to ALARM",
    ]
    assert [(one["name"], one["state"]) for one in body["children"]] == [
        ("errors", "failed"),
        ("latency", "done"),
        ("elsewhere", "unknown"),
    ]


def test_an_alarm_has_its_history(program: Program, scope: Scope):
    row = make_alarm(scope, "errors", alarm_actions=["arn:aws:sns:eu-west-1:1:on-call"])
    for minute in range(3):
        AlarmHistory.objects.create(
            scope=scope,
            alarm=row,
            alarm_name="errors",
            key=f"k{minute}",
            at=now() - timedelta(minutes=minute),
            item_type="StateUpdate",
            summary=f"{minute} minutes ago",
        )
    body = program.json(f"alarms/{row.pk}")
    assert [item["summary"] for item in body["history"]] == [
        "0 minutes ago",
        "1 minutes ago",
        "2 minutes ago",
    ]
    assert body["alarm_actions"] == ["arn:aws:sns:eu-west-1:1:on-call"]


def test_alarms_are_narrowed(program: Program, scope: Scope):
    make_alarm(scope, "errors")
    make_alarm(scope, "latency", "OK")
    make_composite(scope, "unhealthy", "errors")
    make_scope("444455556666", "us-east-1")

    def named(**params: str) -> list[str]:
        return [item["name"] for item in program.json("alarms", **params)["items"]]

    assert named(state="done") == ["latency"]
    assert named(type="CompositeAlarm") == ["unhealthy"]
    assert named(q="late") == ["latency"]
    assert named(region="us-east-1") == []


@pytest.mark.sql
def test_lists_ask_as_much_for_many_as_for_few(program: Program, scope: Scope):
    counts = []
    for number in (2, 20):
        for one in range(number):
            make_alarm(scope, f"alarm-{number}-{one}")
            make_composite(scope, f"composite-{number}-{one}", f"alarm-{number}-{one}")
        program.json("alarms")
        with CaptureQueriesContext(connection) as queries:
            program.json("alarms")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.fixture
def project(scope: Scope) -> Any:
    return make_build(scope).project


@pytest.fixture
def measured(scope: Scope, project: Any) -> list[Metric]:
    """The project's series with a point a minute ago."""
    end = now().replace(second=0, microsecond=0)
    made = []
    for series in series_of("codebuild.project", project.key, project.arn):
        metric = Metric.objects.create(
            scope=scope,
            key=series.key,
            namespace=series.namespace,
            metric_name=series.name,
            statistic=series.statistic,
            dimensions=dict(series.dimensions),
            unit=series.unit,
            label=series.label,
            period=series.period,
            status="Complete",
            state="done",
        )
        moment = int(end.timestamp()) - 60
        keep.keep_points(
            scope, {series.key: Points(end - timedelta(hours=2), end, 60, ((moment, 7.0),))}
        )
        made.append(metric)
    return made


def test_a_resource_has_its_series_by_range(program: Program, project: Any, measured: list[Metric]):
    body = program.json(f"metrics/of/codebuild.project/{project.pk}", range="1h")
    assert body["next_cursor"] is None
    assert [item["metric_name"] for item in body["items"]] == [
        "Duration",
        "SucceededBuilds",
        "FailedBuilds",
    ]
    points = body["items"][0]["points"]
    assert points["step"] == 60
    assert len(points["values"]) in (60, 61)
    assert [value for value in points["values"] if value is not None] == [7.0]
    assert body["items"][0]["dimensions"] == {"ProjectName": project.key}
    body = program.json(f"metrics/of/codebuild.project/{project.pk}", range="30d")
    assert body["items"][0]["points"]["step"] == 3600


def test_a_range_goes_back_from_when_it_was_read_last(
    program: Program, project: Any, measured: list[Metric]
):
    read_to = now().replace(second=0, microsecond=0) - timedelta(minutes=30)
    Kept.objects.update(read_to=read_to)
    for body in (
        program.json(f"metrics/of/codebuild.project/{project.pk}", range="1h")["items"][0],
        program.json(f"metrics/{measured[0].pk}", range="1h"),
    ):
        start = datetime.fromisoformat(body["points"]["start"])
        assert start == read_to - timedelta(hours=1)
        assert len(body["points"]["values"]) == 60


def test_a_past_that_was_never_read_is_asked_for_and_told(
    program: Program, project: Any, measured: list[Metric], queued: Any
):
    cache.clear()
    path = f"metrics/of/codebuild.project/{project.pk}"

    def being_read(**params: str) -> list[bool]:
        return [item["being_read"] for item in program.json(path, **params)["items"]]

    assert being_read(range="1h") == [False] * 3
    assert queued == []
    assert being_read(range="30d") == [True] * 3
    [(name, (ids,))] = queued
    assert (name, sorted(ids)) == ("cloudwatch.fill", sorted(one.pk for one in measured))
    # Nobody asks twice, and who asks meanwhile hears that it is under way.
    assert program.json(f"metrics/{measured[0].pk}", range="7d")["being_read"]
    assert len(queued) == 1
    # What failed is not under way.
    tasks.fill_past(ids)
    assert being_read(range="30d") == [False] * 3


def test_series_are_listed_and_told_one_by_one(program: Program, measured: list[Metric]):
    items = program.json("metrics", q="Duration")["items"]
    assert [item["id"] for item in items] == [measured[0].pk]
    assert items[0]["arn"] == measured[0].key
    assert items[0]["console_url"].startswith("https://eu-west-1.console.aws.amazon.com/cloudwatch")
    body = program.json(f"metrics/{measured[0].pk}")
    assert 7.0 in body["points"]["values"]
    program.json(f"metrics/{measured[0].pk}", status=422, range="2h")


def test_what_one_may_not_see_is_not_there(
    program: Program, scope: Scope, project: Any, measured: list[Metric], monkeypatch: Any
):
    row = make_alarm(scope, "errors")
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert program.json("alarms")["items"] == []
    assert program.json("metrics")["items"] == []
    for path in (
        f"alarms/{row.pk}",
        f"metrics/{measured[0].pk}",
        f"metrics/of/codebuild.project/{project.pk}",
        "metrics/of/codebuild.project/99999999999999999999",
    ):
        assert program.json(path, status=404)["code"] == "not_found"


def test_an_hour_that_is_not_over_is_told_to_be_so_far(
    program: Program, project: Any, measured: list[Metric]
):
    path = f"metrics/{measured[0].pk}"
    assert program.json(path, range="30d")["points"]["complete"] is False
    # Read two hours later, the same hour is over.
    Kept.objects.update(read_to=now() + timedelta(hours=2))
    assert program.json(path, range="30d")["points"]["complete"] is True
    # Without any value there is none that is not complete.
    empty = program.json(f"metrics/{measured[0].pk}", range="1h")["points"]
    assert set(empty["values"]) == {None}
    assert empty["complete"] is True


def test_what_was_not_read_is_told_from_a_gap(program: Program, measured: list[Metric]):
    path = f"metrics/{measured[0].pk}"
    assert program.json(path, range="1h")["points"]["unread_until"] is None
    told = program.json(path, range="7d")["points"]["unread_until"]
    assert datetime.fromisoformat(told) == Kept.objects.get(metric=measured[0]).whole_from
    Kept.objects.update(filled_at=now())
    assert program.json(path, range="7d")["points"]["unread_until"] is None


def test_what_is_not_understood_is_answered_by_what_is_possible(
    program: Program, project: Any, measured: list[Metric]
):
    path = f"metrics/of/codebuild.project/{project.pk}"
    for wrong, parameter, possible in (
        (program.json(path, status=422, range="2h"), "range", "'1h', '3h', '12h'"),
        (program.json("metrics/of/codebuild.build/1", status=422), "kind", "'ecs.service'"),
        (program.json("metrics/of/nothing.at.all/1", status=422), "kind", "'cloudwatch.alarm'"),
        (program.json("metrics", status=422, limit="0"), "limit", "greater than or equal to 1"),
    ):
        assert wrong["code"] == "invalid"
        [told] = wrong["errors"]
        assert told["parameter"] == parameter
        assert possible in told["message"]
    assert program.json("metrics", status=400, cursor="nonsense")["code"] == "bad_cursor"


def test_every_kind_that_is_watched_may_be_asked_for():
    assert set(get_args(MeasuredKind)) == {*WATCHED, "cloudwatch.alarm"}
