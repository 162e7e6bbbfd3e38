"""Draws the metrics of a resource, whatever its kind: what its panel and its page show."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import now

from apps.aws.denials import denial
from apps.live.fragment import FRAGMENT_CACHE

from . import fill, plan
from .charts import DEFAULT, RANGES, Mark, Range, draw, whole_slots
from .collect import floored
from .keep import KIND, read_points
from .models import Kept, Metric
from .near import alarms_on, marks_near
from .tasks import fill_past
from .watched import series_of_alarm

KEPT_SECONDS = 3600
# CloudWatch completes its newest points after they are over.
SETTLES = timedelta(minutes=1)


def range_named(name: str) -> Range:
    """Return the range of this name, the usual one where there is none."""
    return RANGES.get(name, RANGES[DEFAULT])


def measured(user: Any, kind: str, row: Any, span: Range) -> dict[str, Any]:
    """Return what the panel of a row's metrics is drawn from; reads on where a past is missing."""
    metrics = plan.metrics_of(kind, row)
    kept = {one.metric_id: one for one in Kept.objects.filter(metric__in=metrics)}
    until = end_of(kept.values())
    since = until - span.past
    filling = read_past(metrics, since)
    unread = any(fill.unread_to(one, since) for one in kept.values())
    marks, everywhere = marks_near(user, kind, row, since, until) if metrics else ([], False)
    limits = _limits(kind, row)
    return {
        "measurable": plan.has_metrics(kind, row),
        "charts": pictures_of(metrics, kept, span, until, marks, limits),
        "marks": list(reversed(marks)),
        "everywhere": everywhere,
        "alarms": [] if kind == "cloudwatch.alarm" else alarms_on(user, kind, row),
        "filling": bool(filling),
        "lacks": unread and not filling,
        "span": span,
        "ranges": RANGES.values(),
        "since": since,
        "until": until,
        "topics": f"aside:{KIND}@{row.scope_id}",
    }


def end_of(kept: Iterable[Kept]) -> datetime:
    """Return up to when any of these series was read last, the present where none was."""
    return floored(max((one.read_to for one in kept), default=now()), 60)


def read_past(metrics: Sequence[Metric], since: datetime) -> set[int]:
    """Let a worker fetch what is lacking since; return the ids of the series that are under way.

    Nothing is fetched while CloudWatch refuses: its answer is known.
    """
    lacking = fill.lacking(metrics, since)
    if not lacking or fill.refused(metrics):
        return set()
    if claimed := fill.claim(lacking):
        fill_past.delay(claimed)
    return fill.under_way(lacking)


def _limits(kind: str, row: Any) -> dict[str, float]:
    """Return the thresholds to be drawn by series' key."""
    if kind != "cloudwatch.alarm" or row.threshold is None or not row.metric_name:
        return {}
    told = {name: getattr(row, name) for name in plan.OF_ALARMS}
    return {series.key: row.threshold for series in series_of_alarm(told)}


def pictures_of(  # noqa: PLR0913 - what pictures are drawn of
    metrics: Sequence[Metric],
    kept: dict[int, Kept],
    span: Range,
    until: datetime,
    marks: Sequence[Mark],
    limits: dict[str, float],
) -> list[SafeString]:
    """Return the charts, from the cache where nothing is new."""
    told = repr([(mark.at, mark.title, mark.state, mark.url) for mark in marks])
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    # One chart has room beside it for what it is of.
    alone = len(metrics) == 1

    def key_of(metric: Metric) -> str:
        read = kept.get(metric.pk)
        moments = (read.read_to, read.whole_from, read.filled_at) if read else ()
        known = ":".join(f"{at.timestamp():.0f}" if at else "" for at in moments)
        when = f"{span.name}:{until.timestamp():.0f}:{known}"
        shape = f"{limits.get(metric.key)}:{alone:d}"
        return f"chart:{metric.pk}:{metric.version}:{when}:{digest}:{shape}"

    keys = {metric.pk: key_of(metric) for metric in metrics}
    cache = caches[FRAGMENT_CACHE]
    pictures: dict[str, str] = cache.get_many(keys.values())
    missing = [metric for metric in metrics if keys[metric.pk] not in pictures]
    drawn = _drawn(missing, kept, span, until, marks, limits, alone=alone)
    fresh = {keys[pk]: html for pk, html in drawn.items()}
    if fresh:
        cache.set_many(fresh, timeout=KEPT_SECONDS)
    every = pictures | fresh
    return [mark_safe(every[keys[metric.pk]]) for metric in metrics]  # noqa: S308 - templates escape


def _drawn(  # noqa: PLR0913 - as above
    metrics: Sequence[Metric],
    kept: Mapping[int, Kept],
    span: Range,
    until: datetime,
    marks: Sequence[Mark],
    limits: dict[str, float],
    *,
    alone: bool,
) -> dict[int, str]:
    drawn: dict[int, str] = {}
    points = series_points(metrics, kept, span, until)
    for metric in metrics:
        found = points[metric.pk]
        chart = draw(
            metric.label or metric.metric_name,
            metric.unit,
            found.values,
            found.first,
            found.step,
            until,
            ticks=span.ticks,
            marks=marks,
            limit=limits.get(metric.key),
            whole_to=found.whole_to,
            unread_to=found.unread_to,
        )
        context = {
            "chart": chart,
            "metric": metric,
            "span": span,
            "cure": cure_of(metric),
            "alone": alone,
        }
        drawn[metric.pk] = render_to_string("cloudwatch/chart.html", context)
    return drawn


def cure_of(metric: Metric) -> str:
    """Return what is to be done where a series was not answered whole, "" where it was."""
    if metric.status == "Forbidden":
        return denial(metric.status, metric.message, "cloudwatch:GetMetricData").cure
    if metric.status in ("InternalError", "PartialData"):
        return "The next reading asks for the same time again; nothing needs to be done."
    return ""


@dataclass(frozen=True, slots=True)
class Found:
    """Points of a series: they begin at `first`, `step` seconds apart, None for gaps.

    whole_to   periods that end later are not over, or were not when the series was read.
    unread_to  of what was before nothing was asked, so a gap there says nothing; None: all was.
    """

    first: datetime
    step: int
    values: list[float | None]
    whole_to: datetime
    unread_to: datetime | None

    @property
    def complete(self) -> bool:
        """Whether the last value is of a period that is over; True where there is no value."""
        slots = [slot for slot, value in enumerate(self.values) if value is not None]
        whole = whole_slots(len(self.values), self.first, self.step, self.whole_to)
        return not slots or slots[-1] < whole


def series_points(
    metrics: Sequence[Metric], kept: Mapping[int, Kept], span: Range, until: datetime
) -> dict[int, Found]:
    """Return the points of series in a range that ends at `until`; a query for each resolution."""
    by_step: dict[int, list[int]] = {}
    for metric in metrics:
        by_step.setdefault(max(span.resolution, metric.period), []).append(metric.pk)
    found: dict[int, Found] = {}
    since = until - span.past
    for step, ids in by_step.items():
        first = floored(since, step)
        points = read_points(ids, step, first, until)
        for pk in ids:
            read = kept.get(pk)
            read_to = read.read_to if read else until
            unread_to = fill.unread_to(read, since) if read else until
            found[pk] = Found(first, step, points[pk], read_to - SETTLES, unread_to)
    return found
