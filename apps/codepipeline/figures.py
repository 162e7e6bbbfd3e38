"""How well changes come out, in four figures over 30 days; each says how it is counted.

After DORA's four keys, https://dora.dev/guides/dora-metrics-four-keys/, as far as executions of
pipelines tell them.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any

from django.core.cache import caches
from django.db.models import Exists, OuterRef, Subquery
from django.utils.timezone import now

from apps.live.fragment import FRAGMENT_CACHE
from apps.mirror.state import State
from apps.projects.held import Held
from apps.source.models import Commit

from .models import Action, Execution
from .of_project import DEPLOYS, deploying, of

WINDOW = timedelta(days=30)
# Executions that are counted: the newest of both windows.
MOST = 5_000
# Fewer say nothing.
ENOUGH = 3
BUCKETS = 10
SPARK_WIDTH, SPARK_HEIGHT = 112, 36
KEPT_SECONDS = 600
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that began to deploy and is over."""

    pipeline: int
    well: bool
    began: datetime
    ended: datetime
    revision: str
    committed: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure as the tile shows it.

    value   "" where there is not enough yet; `lacks` says what for.
    trend   how it differs from the 30 days before, "" where that is not known.
    better  whether that is good; None where it is neither.
    spark   the path of its line over the window, `area` the path below it.
    """

    name: str
    label: str
    counted: str
    value: str = ""
    unit: str = ""
    lacks: str = ""
    trend: str = ""
    rises: bool = False
    better: bool | None = None
    spark: str = ""
    area: str = ""


def figures(held: Held) -> dict[str, Any] | None:
    """What the tile of figures shows; None where no pipeline deploys anything."""
    rows = [row for row in of(held).rows if deploying(row)]
    if not rows:
        return None
    at = now()
    known = repr([(row.pk, row.version) for row in rows]) + f"{at:%Y%m%d%H}"
    key = f"figures:{hashlib.sha256(known.encode()).hexdigest()}"
    cache = caches[FRAGMENT_CACHE]
    told: list[Figure] | None = cache.get(key)
    if told is None:
        told = figures_of(_runs([row.pk for row in rows], at), at)
        cache.set(key, told, timeout=KEPT_SECONDS)
    return {"figures": told}


def _runs(pipelines: Sequence[int], at: datetime) -> list[Run]:
    """Return the executions of both windows that began to deploy and are over, the oldest first."""
    deploys = Action.objects.filter(execution=OuterRef("pk"), category=DEPLOYS)
    commit = Commit.objects.filter(commit_id=OuterRef("revision_id"), committed_at__isnull=False)
    rows = (
        Execution.objects.filter(
            pipeline__in=pipelines,
            state__in=(State.DONE, State.FAILED),
            started_at__gte=at - 2 * WINDOW,
        )
        .annotate(committed=Subquery(commit.order_by("pk").values("committed_at")[:1]))
        .filter(Exists(deploys))
        .order_by("-started_at", "-pk")
    )
    columns = (
        "pipeline_id",
        "state",
        "started_at",
        "ended_at",
        "last_update",
        "revision_id",
        "committed",
    )
    return [
        Run(pipeline, state == State.DONE, began, ended or update or began, revision, committed)
        for pipeline, state, began, ended, update, revision, committed in reversed(
            list(rows.values_list(*columns)[:MOST])
        )
    ]


def figures_of(runs: Sequence[Run], at: datetime) -> list[Figure]:
    """Return the four figures from executions that deployed, the oldest first."""
    edge = at - WINDOW
    late = [run for run in runs if run.ended >= edge]
    early = [run for run in runs if run.ended < edge]
    # With less history than two windows there is nothing to compare with.
    whole = bool(runs) and runs[0].began <= at - 2 * WINDOW + timedelta(days=3)
    before = early if whole else []
    days = max(1.0, min(WINDOW, at - runs[0].began).total_seconds() / DAY) if runs else 1.0
    length = min(WINDOW, timedelta(days=days))
    buckets = _buckets(late, at - length, length)
    return [
        _frequency(late, before, days, buckets),
        _lead_time(late, before, buckets),
        _failures(late, before, buckets),
        _restoring(late, before, buckets),
    ]


def _buckets(runs: Iterable[Run], begin: datetime, length: timedelta) -> list[list[Run]]:
    parts: list[list[Run]] = [[] for _ in range(BUCKETS)]
    for run in runs:
        share = (run.ended - begin) / length
        parts[min(BUCKETS - 1, max(0, int(share * BUCKETS)))].append(run)
    return parts


def _frequency(
    late: Sequence[Run], before: Sequence[Run], days: float, buckets: Sequence[Sequence[Run]]
) -> Figure:
    counted = (
        "Executions that deployed and succeeded, a day, over 30 days (or as many as are known). "
        "An execution deploys once an action of the category Deploy began in it."
    )
    label, name = "Deployment frequency", "frequency"
    done = [run for run in late if run.well]
    if len(done) < ENOUGH:
        lacks = f"{len(done)} of {ENOUGH} deployments so far"
        return Figure(name=name, label=label, counted=counted, lacks=lacks)
    rate = len(done) / days
    value, unit = (f"{rate:.1f}", "a day") if rate >= 1 else (f"{rate * 7:.1f}", "a week")
    earlier = sum(run.well for run in before) / (WINDOW.total_seconds() / DAY)
    line = [float(sum(run.well for run in some)) for some in buckets]
    return Figure(
        name=name,
        label=label,
        counted=counted,
        value=value,
        unit=unit,
        **_compared(rate, earlier if before else None, more_is_better=True),
        **_spark(line),
    )


def _lead(runs: Iterable[Run]) -> list[float]:
    """Seconds from each commit to when it first was out."""
    seen: set[tuple[int, str]] = set()
    found = []
    for run in runs:
        told = (run.pipeline, run.revision)
        if run.well and run.committed and told not in seen and run.ended >= run.committed:
            seen.add(told)
            found.append((run.ended - run.committed).total_seconds())
    return found


def _lead_time(
    late: Sequence[Run], before: Sequence[Run], buckets: Sequence[Sequence[Run]]
) -> Figure:
    counted = (
        "From a commit to the end of the first execution that deployed it, the median of 30 days. "
        "Only commits of repositories that are mirrored have a time; others are left out."
    )
    times = _lead(late)
    return _timed("lead", "Lead time for changes", counted, times, _lead(before), buckets, _lead)


def _failures(
    late: Sequence[Run], before: Sequence[Run], buckets: Sequence[Sequence[Run]]
) -> Figure:
    counted = (
        "Of the executions that began to deploy and are over, the share that failed, over 30 days. "
        "What was stopped or overtaken counts neither way."
    )
    label, name = "Change failure rate", "failures"
    if len(late) < ENOUGH:
        lacks = f"{len(late)} of {ENOUGH} deployments so far"
        return Figure(name=name, label=label, counted=counted, lacks=lacks)
    rate = _share(late)
    earlier = _share(before) if before else None
    trend: dict[str, Any] = {}
    if earlier is not None:
        points = rate - earlier
        trend = _trend(f"{abs(points):.1f} pt", points, more_is_better=False, still=0.05)
    return Figure(
        name=name,
        label=label,
        counted=counted,
        value=f"{rate:.1f}",
        unit="%",
        **trend,
        **_spark([_share(some) if some else None for some in buckets]),
    )


def _share(runs: Sequence[Run]) -> float:
    return 100 * sum(not run.well for run in runs) / len(runs) if runs else 0.0


def _outages(runs: Iterable[Run]) -> list[float]:
    """Seconds from the first failure in a row to the next success, of each pipeline."""
    found = []
    for _, some in groupby(sorted(runs, key=lambda run: (run.pipeline, run.ended)), _pipeline):
        since: datetime | None = None
        for run in some:
            if run.well and since is not None:
                found.append((run.ended - since).total_seconds())
                since = None
            elif not run.well and since is None:
                since = run.ended
    return found


def _pipeline(run: Run) -> int:
    return run.pipeline


def _restoring(
    late: Sequence[Run], before: Sequence[Run], buckets: Sequence[Sequence[Run]]
) -> Figure:
    counted = (
        "From the end of the first failed deployment in a row to the end of the next one that "
        "succeeded in the same pipeline, the median of 30 days."
    )
    label, name = "Time to restore", "restoring"
    times = _outages(late)
    if not times:
        well = len(late) >= ENOUGH and all(run.well for run in late)
        lacks = "nothing failed in 30 days" if well else "nothing was restored yet"
        return Figure(name=name, label=label, counted=counted, lacks=lacks)
    return _timed(name, label, counted, times, _outages(before), buckets, _outages, enough=1)


def _timed(  # noqa: PLR0913 - what a figure in time is made of
    name: str,
    label: str,
    counted: str,
    times: Sequence[float],
    earlier: Sequence[float],
    buckets: Sequence[Sequence[Run]],
    measure: Callable[[Iterable[Run]], list[float]],
    *,
    enough: int = ENOUGH,
) -> Figure:
    if len(times) < enough:
        lacks = f"{len(times)} of {enough} changes with a time so far"
        return Figure(name=name, label=label, counted=counted, lacks=lacks)
    value = median(times)
    trend: dict[str, Any] = {}
    if earlier:
        apart = value - median(earlier)
        trend = _trend(lasting(abs(apart)), apart, more_is_better=False, still=60)
    line = [median(told) if (told := measure(some)) else None for some in buckets]
    return Figure(
        name=name,
        label=label,
        counted=counted,
        value=lasting(value),
        unit="median",
        **trend,
        **_spark(line),
    )


def lasting(seconds: float) -> str:
    """A length of time in its two largest units: "3h 12m", "24m", "2d 4h"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)}s"
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 1440:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    return f"{minutes // 1440}d {minutes % 1440 // 60}h"


def _compared(value: float, earlier: float | None, *, more_is_better: bool) -> dict[str, Any]:
    if not earlier:
        return {}
    change = 100 * (value - earlier) / earlier
    return _trend(f"{abs(change):.0f} %", change, more_is_better=more_is_better, still=0.5)


def _trend(words: str, change: float, *, more_is_better: bool, still: float) -> dict[str, Any]:
    if abs(change) < still:
        return {"trend": "as before"}
    rises = change > 0
    return {"trend": words, "rises": rises, "better": rises == more_is_better}


def _spark(values: Sequence[float | None]) -> dict[str, Any]:
    """A line through the parts of the window; one without a value is passed over."""
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return {}
    most = max(value for _, value in known) or 1.0
    step = SPARK_WIDTH / (BUCKETS - 1)
    points = [
        (round(at * step, 1), round(SPARK_HEIGHT - 2 - value / most * (SPARK_HEIGHT - 6), 1))
        for at, value in known
    ]
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
    area = f"{line}L{points[-1][0]:g} {SPARK_HEIGHT} {points[0][0]:g} {SPARK_HEIGHT}Z"
    return {"spark": line, "area": area}
