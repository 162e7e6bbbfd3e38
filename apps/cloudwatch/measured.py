"""Draws the metrics of a resource, whatever its kind: what its panel and its page show."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import now

from apps.aws.denials import denial
from apps.live.fragment import FRAGMENT_CACHE

from . import fill, plan
from .charts import DEFAULT, RANGES, Mark, Range, draw
from .collect import floored
from .keep import read_points
from .models import Kept, Metric
from .near import alarms_on, marks_near
from .tasks import fill_past
from .watched import series_of_alarm

KEPT_SECONDS = 3600


def range_named(name: str) -> Range:
    """Return the range of this name, the usual one where there is none."""
    return RANGES.get(name, RANGES[DEFAULT])


def measured(user: Any, kind: str, row: Any, span: Range) -> dict[str, Any]:
    """Return what the panel of a row's metrics is drawn from; reads on where a past is missing."""
    metrics = plan.metrics_of(kind, row)
    kept = {one.metric_id: one for one in Kept.objects.filter(metric__in=metrics)}
    until = end_of(kept.values())
    since = until - span.past
    filling = read_past(metrics, span, since)
    marks, everywhere = marks_near(user, kind, row, since, until) if metrics else ([], False)
    limits = _limits(kind, row)
    return {
        "charts": _pictures(metrics, kept, span, until, marks, limits),
        "marks": list(reversed(marks)),
        "everywhere": everywhere,
        "alarms": [] if kind == "cloudwatch.alarm" else alarms_on(user, kind, row),
        "filling": bool(filling),
        "span": span,
        "ranges": RANGES.values(),
        "since": since,
        "until": until,
    }


def end_of(kept: Iterable[Kept]) -> datetime:
    """Return up to when any of these series was read last, the present where none was."""
    return floored(max((one.read_to for one in kept), default=now()), 60)


def read_past(metrics: Sequence[Metric], span: Range, since: datetime) -> set[int]:
    """Let a worker fetch what a range lacks; return the ids of the series that are under way.

    Minutes are not fetched afterwards: soon enough they are there.
    """
    if span.resolution not in fill.RESOLUTIONS:
        return set()
    lacking = fill.lacking(metrics, since)
    if claimed := fill.claim(lacking):
        fill_past.delay(claimed)
    return fill.under_way(lacking)


def _limits(kind: str, row: Any) -> dict[str, float]:
    """Return the thresholds to be drawn by series' key."""
    if kind != "cloudwatch.alarm" or row.threshold is None or not row.metric_name:
        return {}
    told = {name: getattr(row, name) for name in plan.OF_ALARMS}
    return {series.key: row.threshold for series in series_of_alarm(told)}


def _pictures(  # noqa: PLR0913 - what pictures are drawn of
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

    def key_of(metric: Metric) -> str:
        read = kept.get(metric.pk)
        filled = read.filled_at.timestamp() if read and read.filled_at else 0
        when = f"{span.name}:{until.timestamp():.0f}:{filled:.0f}"
        return f"chart:{metric.pk}:{metric.version}:{when}:{digest}:{limits.get(metric.key)}"

    keys = {metric.pk: key_of(metric) for metric in metrics}
    cache = caches[FRAGMENT_CACHE]
    pictures: dict[str, str] = cache.get_many(keys.values())
    missing = [metric for metric in metrics if keys[metric.pk] not in pictures]
    fresh = {keys[pk]: html for pk, html in _drawn(missing, span, until, marks, limits).items()}
    if fresh:
        cache.set_many(fresh, timeout=KEPT_SECONDS)
    every = pictures | fresh
    return [mark_safe(every[keys[metric.pk]]) for metric in metrics]  # noqa: S308 - templates escape


def _drawn(
    metrics: Sequence[Metric],
    span: Range,
    until: datetime,
    marks: Sequence[Mark],
    limits: dict[str, float],
) -> dict[int, str]:
    drawn: dict[int, str] = {}
    points = series_points(metrics, span, until)
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
        )
        context = {"chart": chart, "metric": metric, "span": span, "cure": cure_of(metric)}
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
    """Points of a series: they begin at `first`, `step` seconds apart, None for gaps."""

    first: datetime
    step: int
    values: list[float | None]


def series_points(metrics: Sequence[Metric], span: Range, until: datetime) -> dict[int, Found]:
    """Return the points of series in a range that ends at `until`; a query for each resolution."""
    by_step: dict[int, list[int]] = {}
    for metric in metrics:
        by_step.setdefault(max(span.resolution, metric.period), []).append(metric.pk)
    found: dict[int, Found] = {}
    for step, ids in by_step.items():
        first = floored(until - span.past, step)
        points = read_points(ids, step, first, until)
        found |= {pk: Found(first, step, points[pk]) for pk in ids}
    return found
