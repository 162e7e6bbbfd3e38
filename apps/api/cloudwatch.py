"""CloudWatch in the API: alarms with what became of them, and metrics as series of points."""

from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.cloudwatch.digest import children_named, with_red_children
from apps.cloudwatch.measured import end_of, range_named, read_past, series_points
from apps.cloudwatch.models import Alarm, AlarmHistory, Kept, Metric
from apps.cloudwatch.named import children_of
from apps.cloudwatch.plan import metrics_of
from apps.cloudwatch.words import threshold
from apps.mirror.resource import REGISTER

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, in_state, thing

alarms = Router()
metrics = Router()

# Items of its history that an alarm is told with.
HISTORY = 100
# What has series here: the kinds of `WATCHED`, and alarms.
MeasuredKind = Literal[
    "codebuild.project",
    "awslambda.function",
    "ec2.instance",
    "ec2.autoscalinggroup",
    "ec2.loadbalancer",
    "ecs.service",
    "beanstalk.environment",
    "cloudwatch.alarm",
]
RangeName = Literal["1h", "3h", "12h", "1d", "7d", "30d"]


class NarrowAlarms(Narrow):
    """Which alarms are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the name, description, metric or rule."
    )
    type: Literal["MetricAlarm", "CompositeAlarm", ""] = Field("", description="AWS's word.")


class AlarmItem(Thing):
    """An alarm and how it fares."""

    name: str
    type: str
    description: str
    condition: str = Field(description="When it is red, in words; a composite alarm's rule.")
    since: datetime | None = Field(description="Since when it has its state.")
    reason: str = Field(description="What CloudWatch says of its state.")
    actions_enabled: bool
    namespace: str
    metric_name: str
    dimensions: dict[str, str]
    threshold: float | None


class Happened(Schema):
    """One thing that became of an alarm."""

    at: datetime | None
    type: str
    summary: str
    status: str = Field(description="The state it came to; empty for what is no change of state.")
    state: str
    reason: str
    action: str = Field(description="ARN of what an action was done to.")
    error: str


class Child(Schema):
    """An alarm that a composite alarm asks."""

    arn: str
    name: str
    id: int | None = Field(description="See /alarms/{id}; null where it is not mirrored.")
    status: str
    state: str


class AlarmDetail(AlarmItem):
    """An alarm with what it would do, what it asks, and what became of it."""

    alarm_rule: str
    alarm_actions: list[str]
    ok_actions: list[str]
    insufficient_data_actions: list[str]
    children: list[Child]
    history: list[Happened]


class NarrowMetrics(Narrow):
    """Which series are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the namespace, the metric or its dimensions."
    )


class MetricItem(Thing):
    """A series: a metric of certain dimensions by one statistic. `arn` is our own name of it."""

    namespace: str
    metric_name: str
    statistic: str
    dimensions: dict[str, str]
    unit: str
    label: str
    period: int = Field(description="Seconds between its finest points.")
    message: str = Field(description="What CloudWatch says beside the points.")


class Points(Schema):
    """Points of a series: `values[n]` begins `n * step` seconds after `start`, null for a gap."""

    start: datetime
    step: int
    values: list[float | None]
    complete: bool = Field(
        description="False where the last value is of a period that was not over when it was read: "
        "a sum so far. Leave it out, or ask again later."
    )
    unread_until: datetime | None = Field(
        description="Of what was before CloudWatch was not asked: null there is no gap. "
        "null: all of the range was read."
    )


class MetricDetail(MetricItem):
    """A series with its points."""

    points: Points
    being_read: bool = Field(
        description="Whether what this range lacks is being read from CloudWatch: ask again soon."
    )


class Span(Schema):
    """How far back."""

    range: RangeName = Field("3h", description="How far back from when it was read last.")


@alarms.get("", response=answers(PageOf[AlarmItem]))
def list_alarms(request: HttpRequest, narrow: Query[NarrowAlarms], paging: Query[Paging]) -> Any:
    """Alarms by name."""
    rows = Alarm.objects.for_list().present().visible_to(request.user).matching(**narrow.dict())
    found, following = page_of(rows, paging, name="alarms", by="key")
    items = [_alarm(request, row) for row in with_red_children(found)]
    return {"items": items, "next_cursor": following}


@alarms.get("/{int:alarm_id}", response=answers(AlarmDetail))
def one_alarm(request: HttpRequest, alarm_id: int) -> Any:
    """An alarm with its history, the newest first."""
    rows = Alarm.objects.visible_to(request.user).select_related("scope")
    row = get_object_or_404(rows, pk=alarm_id)
    items = AlarmHistory.objects.filter(scope=row.scope_id, alarm_name=row.key)
    children = children_named([row])
    return {
        **_alarm(request, row),
        **columns(row, "alarm_rule", "alarm_actions", "ok_actions", "insufficient_data_actions"),
        "children": [
            _child(arn, children.get((row.scope_id, arn)))
            for arn in children_of(row.alarm_rule, row.arn)
        ],
        "history": [
            {
                "type": item.item_type,
                **columns(item, "at", "summary", "status", "state", "reason", "action", "error"),
            }
            for item in items.order_by("-at", "-pk")[:HISTORY]
        ],
    }


def _alarm(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "cloudwatch.alarm", row),
        "name": row.key,
        "type": row.alarm_type,
        "condition": threshold(row),
        "since": row.state_transitioned,
        "reason": row.state_reason,
        **columns(
            row,
            "description",
            "actions_enabled",
            "namespace",
            "metric_name",
            "dimensions",
            "threshold",
        ),
    }


def _child(arn: str, row: Any) -> dict[str, Any]:
    return {
        "arn": arn,
        "name": arn.rpartition(":alarm:")[2],
        "id": row.pk if row else None,
        "status": row.status if row else "",
        "state": row.state if row else "unknown",
    }


@metrics.get("", response=answers(PageOf[MetricItem]))
def list_metrics(request: HttpRequest, narrow: Query[NarrowMetrics], paging: Query[Paging]) -> Any:
    """Series by name."""
    wanted = narrow.dict()
    rows = Metric.objects.select_related("scope").present().visible_to(request.user)
    rows = in_state(rows, "cloudwatch.metric", wanted.pop("state"))
    rows = rows.containing(wanted.pop("q"), "key", "label").narrowed(**wanted)
    found, following = page_of(rows, paging, name="metrics", by="key")
    return {"items": [_metric(request, row) for row in found], "next_cursor": following}


@metrics.get("/{int:metric_id}", response=answers(MetricDetail))
def one_metric(request: HttpRequest, metric_id: int, span: Query[Span]) -> Any:
    """A series with its points."""
    rows = Metric.objects.select_related("scope").visible_to(request.user)
    row = get_object_or_404(rows, pk=metric_id)
    return _with_points(request, [row], span.range)[0]


@metrics.get("/of/{kind}/{int:row_id}", response=answers(PageOf[MetricDetail]))
def metrics_of_row(request: HttpRequest, kind: MeasuredKind, row_id: int, span: Query[Span]) -> Any:
    """All series of a resource with their points; its kind as in /rows."""
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        raise Http404
    rows: Any = resource.model._default_manager
    row = get_object_or_404(rows.visible_to(request.user).select_related("scope"), pk=row_id)
    # A resource has few series: they are one page.
    return {"items": _with_points(request, metrics_of(kind, row), span.range), "next_cursor": None}


def _with_points(request: HttpRequest, rows: list[Metric], name: str) -> list[dict[str, Any]]:
    span = range_named(name)
    kept = {one.metric_id: one for one in Kept.objects.filter(metric__in=rows)}
    until = end_of(kept.values())
    filling = read_past(rows, until - span.past)
    found = series_points(rows, kept, span, until)
    return [
        {
            **_metric(request, row),
            "points": {
                "start": found[row.pk].first,
                "step": found[row.pk].step,
                "values": found[row.pk].values,
                "complete": found[row.pk].complete,
                "unread_until": found[row.pk].unread_to,
            },
            "being_read": row.pk in filling,
        }
        for row in rows
    ]


def _metric(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "cloudwatch.metric", row),
        "arn": row.key,
        **columns(
            row,
            "namespace",
            "metric_name",
            "statistic",
            "dimensions",
            "unit",
            "label",
            "period",
            "message",
        ),
    }
