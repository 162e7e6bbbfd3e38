"""The tiles of alarms and metrics on a project's page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, Window
from django.urls import reverse

from apps.mirror.lists import pictures
from apps.mirror.state import State
from apps.projects.held import Held
from apps.projects.offers import OFFERS, Standing, Teller
from apps.projects.tiles import TILES, Area, Tile

from . import fill, fragments, load, measured
from .charts import Mark, Range
from .keep import KIND as METRIC
from .models import Alarm, Metric
from .tasks import fill_past

ALARM = "cloudwatch.alarm"
# Alarms that stand in a line each, red first; the others are counted.
ALARMS = 7

# --- Alarms ---------------------------------------------------------------------------------------


def _alarms_of(held: Held) -> list[Any]:
    """The first alarms, red first, each with how many there are and how many are red."""
    rows = Alarm.objects.for_list().filter(pk__in=held[ALARM], gone_at=None)
    red = Count("pk", filter=Q(state=State.FAILED))
    return list(rows.annotate(total=Window(Count("pk")), red=Window(red))[:ALARMS])


def alarms(held: Held) -> dict[str, Any]:
    """What the tile of alarms shows."""
    rows = held.once(ALARM, _alarms_of)
    lines = pictures(fragments.ALARM_LINE, load.alarm_rows(rows))
    total = rows[0].total if rows else 0
    return {
        "lines": list(lines.values()),
        "red": rows[0].red if rows else 0,
        "count": total,
        "more": max(0, total - len(rows)),
        "topics": [f"{fragments.ALARM_LINE.name}:{pk}" for pk in lines],
    }


def _standings(held: Held) -> list[Standing]:
    """Each alarm that is red, and that there are others."""
    return [
        Standing(
            state=row.state,
            name=row.key,
            what="alarm",
            url=row.get_absolute_url(),
            since=row.state_transitioned,
            word="Alarm" if row.state == State.FAILED else "",
        )
        for row in held.once(ALARM, _alarms_of)
    ]


# --- Metrics --------------------------------------------------------------------------------------

RANGES = {
    one.name: one
    for one in (
        Range("1h", "1 hour", timedelta(hours=1), 60, 900),
        Range("6h", "6 hours", timedelta(hours=6), 300, 7200),
        Range("24h", "24 hours", timedelta(hours=24), 300, 21600),
        Range("7d", "7 days", timedelta(days=7), 3600, 2 * 86400),
    )
}
USUAL = "6h"
# Things whose metrics are shown, and charts of each.
THINGS, CHARTS = 2, 3
# What tells most of how an application fares comes first: (namespace, dimension that names the
# thing, kind in words, metrics by statistic in the order of their charts).
TELLING: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]] = (
    (
        "AWS/ApplicationELB",
        "LoadBalancer",
        "Load balancer",
        (
            ("TargetResponseTime", "p95"),
            ("RequestCount", "Sum"),
            ("HTTPCode_Target_5XX_Count", "Sum"),
        ),
    ),
    (
        "AWS/Lambda",
        "FunctionName",
        "Function",
        (("Duration", "p95"), ("Invocations", "Sum"), ("Errors", "Sum")),
    ),
    (
        "AWS/ECS",
        "ServiceName",
        "Service",
        (("CPUUtilization", "Average"), ("MemoryUtilization", "Average")),
    ),
    (
        "AWS/ElasticBeanstalk",
        "EnvironmentName",
        "Environment",
        (("EnvironmentHealth", "Maximum"),),
    ),
    (
        "AWS/EC2",
        "AutoScalingGroupName",
        "Auto Scaling group",
        (("CPUUtilization", "Average"),),
    ),
    ("AWS/CodeBuild", "ProjectName", "Build project", (("Duration", "Average"),)),
)


def metrics(held: Held) -> dict[str, Any] | None:
    """What the tile of metrics shows: some things, each by a few small charts."""
    rows = Metric.objects.filter(pk__in=held[METRIC], gone_at=None).select_related("kept")
    things = _things(list(rows))
    chosen = [metric for _, some in things[:THINGS] for metric in some]
    if not chosen:
        return None
    span = RANGES.get(held.asked.get("range", ""), RANGES[USUAL])
    kept = {one.pk: one.kept for one in chosen if hasattr(one, "kept")}
    until = measured.end_of(kept.values())
    since = until - span.past
    marks = _marks(held)
    drawn = measured.pictures_of(chosen, kept, span, until, marks, {})
    by_id = {metric.pk: picture for metric, picture in zip(chosen, drawn, strict=True)}
    return {
        "things": [
            {"name": name, "charts": [by_id[metric.pk] for metric in some]}
            for name, some in things[:THINGS]
        ],
        "more": max(0, len(things) - THINGS),
        "span": span,
        "ranges": list(RANGES.values()),
        "until": until,
        "filling": _fill(chosen, since),
        "here": reverse("projects:tile", args=[held.project.slug, "metrics"]),
        "page": held.project.get_absolute_url(),
        "topics": [f"aside:{METRIC}@{pk}" for pk in sorted({one.scope_id for one in chosen})],
    }


def _things(rows: Sequence[Metric]) -> list[tuple[str, list[Metric]]]:
    """Group series by what they are of, what tells most first: [(name, series)]."""
    found: dict[tuple[int, str, str], dict[int, Metric]] = {}
    names: dict[tuple[int, str, str], str] = {}
    for metric in rows:
        for place, (namespace, dimension, word, wanted) in enumerate(TELLING):
            named = metric.dimensions.get(dimension)
            shape = (metric.metric_name, metric.statistic)
            if metric.namespace != namespace or not named or shape not in wanted:
                continue
            # Of more dimensions than those that name it, a series is of a part of the thing.
            if len(metric.dimensions) > 1 + (dimension == "ServiceName"):
                continue
            thing = (place, str(named), str(metric.scope_id))
            found.setdefault(thing, {})[wanted.index(shape)] = metric
            names[thing] = f"{word} {_short(str(named))}"
    return [
        (names[thing], [some[at] for at in sorted(some)][:CHARTS])
        for thing, some in sorted(
            found.items(), key=lambda pair: (pair[0][0], -len(pair[1]), pair[0])
        )
    ]


def _short(name: str) -> str:
    """A load balancer's dimension is "app/<name>/<id>"."""
    parts = name.split("/")
    return parts[1] if len(parts) == 3 else name


def _marks(held: Held) -> list[Mark]:
    return [
        Mark(one.at, one.title, one.url, one.state, one.status, "Execution")
        for tell in OFFERS.moments
        for one in tell(held)
    ]


def _fill(chosen: Sequence[Metric], since: Any) -> bool:
    """Let a worker fetch what the range lacks; return whether it is under way."""
    lacking = [one.pk for one in chosen if hasattr(one, "kept") and fill.unread_to(one.kept, since)]
    if not lacking or fill.refused(chosen):
        return False
    if claimed := fill.claim(lacking):
        fill_past.delay(claimed)
    return bool(fill.under_way(lacking))


OFFERS.add(Teller(kinds=(ALARM,), heard=(ALARM,), standings=_standings))

TILES.add(
    Tile(
        name="metrics",
        label="Metrics",
        icon="chart-line",
        says="How the application fares, with what came out marked on it.",
        size=Area.WIDE,
        place=20,
        kinds=(METRIC,),
        load=metrics,
        template="cloudwatch/tiles.html#metrics",
        heard=(METRIC,),
        every=60,
    )
)
TILES.add(
    Tile(
        name="alarms",
        label="Alarms",
        icon="bell",
        says="What is in alarm, and the last 24 hours of each.",
        size=Area.SIDE,
        place=10,
        kinds=(ALARM,),
        load=alarms,
        template="cloudwatch/tiles.html#alarms",
        heard=(ALARM,),
        every=300,
    )
)
