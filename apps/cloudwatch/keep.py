"""Keeps the points of series in chunks, finer ones for less long; reads them back as arrays.

    GetMetricData ──▶ minutes ──▶ five minutes ──▶ hours      (each made of the finer one)

Written aside of the mirror, without a Change: a thousand series have a million points a day.
"""

import math
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

from django.db.models import Q
from django.utils.timezone import now

from apps.mirror.models import Scope
from apps.mirror.store import again, update_rows
from apps.mirror.tail import tell_aside

from .models import Chunk, Kept, Metric
from .records import Points

KIND = "cloudwatch.metric"
# Series whose points are written in one transaction.
BATCH = 100
NOTHING = math.nan
_NONE: "array[float]" = array("d")


@dataclass(frozen=True, slots=True)
class Level:
    """Points so many seconds apart, so many seconds of them to a row, kept for so long."""

    resolution: int
    span: int
    keep: timedelta

    @property
    def size(self) -> int:
        """Points of a chunk."""
        return self.span // self.resolution


# What ranges of up to three hours, a day and thirty days are drawn from, and somewhat more.
LEVELS = (
    Level(60, 3 * 3600, timedelta(hours=9)),
    Level(300, 86400, timedelta(days=4)),
    Level(3600, 8 * 86400, timedelta(days=40)),
)
BY_RESOLUTION = {level.resolution: level for level in LEVELS}


# --- Writing --------------------------------------------------------------------------------------


def keep_points(scope: Scope, aside: Mapping[str, Points | None]) -> None:
    """Keep what a sweep read; the same again changes nothing. See `Resource.aside`."""
    read = {key: points for key, points in aside.items() if points is not None}
    keys = iter(sorted(read))
    while batch := list(islice(keys, BATCH)):
        rows = Metric.objects.filter(scope=scope, key__in=batch)
        told = list(rows.values_list("pk", "key", "statistic"))
        by_id = {pk: read[key] for pk, key, _ in told}
        statistics = {pk: statistic for pk, _, statistic in told}
        again(lambda by_id=by_id, of=statistics: _keep_swept(by_id, of))  # type: ignore[misc]
    if read:
        tell_aside(KIND, scope.pk)


def fill_past(read: Mapping[int, Sequence[Points]]) -> None:
    """Keep a past that was fetched by series' id: only what no sweep has read."""
    ids = iter(sorted(read))
    while batch := list(islice(ids, BATCH)):
        again(lambda batch=batch: _fill({pk: read[pk] for pk in batch}))  # type: ignore[misc]


def _keep_swept(read: Mapping[int, Points], statistics: Mapping[int, str]) -> None:
    whole = {pk: at.timestamp() for pk, at in _note_read(read).items()}
    shelf = Shelf()
    for level in LEVELS:
        own = {pk: some.values for pk, some in read.items() if some.period == level.resolution}
        shelf.put(level, own)
    for finer, coarser in pairwise(LEVELS):
        made = {pk: some.values for pk, some in read.items() if some.period <= finer.resolution}
        shelf.derive(finer, coarser, made, statistics, whole)
    shelf.save()


def _note_read(read: Mapping[int, Points]) -> dict[int, datetime]:
    """Note how far series were read whole; return from when on each has no gap of ours.

    Of one that was answered in part nothing is noted: it is asked for the same time again.
    """
    kept = _locked(read)
    fresh: list[Kept] = []
    known: dict[int, dict[str, Any]] = {}
    whole: dict[int, datetime] = {}
    for pk, points in read.items():
        row = kept.get(pk)
        gap = row is None or points.since > row.read_to
        whole[pk] = points.since if row is None or gap else row.whole_from
        if not points.whole:
            continue
        if row is None:
            fresh.append(Kept(metric_id=pk, read_to=points.until, whole_from=whole[pk]))
        else:
            read_to = max(points.until, row.read_to)
            known[pk] = {"read_to": read_to, "whole_from": whole[pk]}
    Kept.objects.bulk_create(fresh)
    update_rows(Kept, known)
    return whole


def _fill(read: Mapping[int, Sequence[Points]]) -> None:
    kept = _locked(read)
    shelf = Shelf()
    for level in LEVELS:
        made: dict[int, list[tuple[int, float]]] = {}
        for pk, several in read.items():
            end = kept[pk].whole_from.timestamp() if pk in kept else math.inf
            made[pk] = [
                (at, value)
                for points in several
                if points.period == level.resolution
                for at, value in points.values
                if at < end
            ]
        shelf.put(level, made)
    shelf.save()
    whole = [pk for pk, several in read.items() if all(points.whole for points in several)]
    Kept.objects.filter(pk__in=whole).update(filled_at=now())


def _locked(read: Iterable[int]) -> dict[int, Kept]:
    """A sweep and somebody who looks may write into the same chunk: one after the other."""
    rows = Kept.objects.filter(pk__in=list(read)).select_for_update().order_by("pk")
    return {row.pk: row for row in rows}


class Shelf:
    """Chunks that are being written, of many series; in the caller's transaction."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int, int], array[float]] = {}
        self._ids: dict[tuple[int, int, int], int] = {}
        self._touched: set[tuple[int, int, int]] = set()

    def put(self, level: Level, made: Mapping[int, Iterable[tuple[int, float]]]) -> None:
        """Put (epoch seconds, value) into their slots."""
        span, resolution = level.span, level.resolution
        pairs = {pk: list(some) for pk, some in made.items()}
        self._fetch(level, {(pk, at - at % span) for pk, some in pairs.items() for at, _ in some})
        for pk, some in pairs.items():
            # Points come in the order of their times: mostly all of a series lie in one chunk.
            start, end, held = 0, 0, _NONE
            for at, value in some:
                if not start <= at < end:
                    start = at - at % span
                    end, held = start + span, self._held[pk, resolution, start]
                slot = (at - start) // resolution
                if held[slot] != value:
                    held[slot] = value
                    self._touched.add((pk, resolution, start))

    def derive(
        self,
        finer: Level,
        coarser: Level,
        values: Mapping[int, Iterable[tuple[int, float]]],
        statistics: Mapping[int, str],
        whole: Mapping[int, float],
    ) -> None:
        """Make the coarser points of what was put into the finer level.

        Not those of a time of which the finer level knows a part only.
        """
        width = coarser.resolution
        buckets: list[tuple[int, int]] = []
        for pk, points in values.items():
            since = whole.get(pk, math.inf)
            begins = dict.fromkeys([at - at % width for at, _ in points])
            buckets += [(pk, begin) for begin in begins if begin >= since]
        self._fetch(finer, {(pk, _start(finer, begin)) for pk, begin in buckets})
        made: dict[int, list[tuple[int, float]]] = {}
        for pk, begin in buckets:
            start = _start(finer, begin)
            first = (begin - start) // finer.resolution
            count = coarser.resolution // finer.resolution
            held = self._held[pk, finer.resolution, start][first : first + count]
            some = [value for value in held if not math.isnan(value)]
            if some:
                made.setdefault(pk, []).append((begin, thinned(statistics.get(pk, ""), some)))
        self.put(coarser, made)

    def save(self) -> None:
        """Write what differs."""
        known = {self._ids[key]: key for key in sorted(self._touched & self._ids.keys())}
        update_rows(Chunk, {pk: {"values": _packed(self._held[key])} for pk, key in known.items()})
        Chunk.objects.bulk_create(
            [
                Chunk(
                    metric_id=pk,
                    resolution=resolution,
                    start=datetime.fromtimestamp(start, UTC),
                    values=_packed(self._held[pk, resolution, start]),
                )
                for pk, resolution, start in sorted(self._touched - self._ids.keys())
            ],
            batch_size=200,
        )

    def _fetch(self, level: Level, wanted: set[tuple[int, int]]) -> None:
        missing = {
            (pk, start) for pk, start in wanted if (pk, level.resolution, start) not in self._held
        }
        if not missing:
            return
        by_start: dict[int, list[int]] = {}
        for pk, start in missing:
            by_start.setdefault(start, []).append(pk)
        # A question for each start, of which there are few: to tell them apart by answers, each
        # row's time would have to be read.
        for start, ids in by_start.items():
            found = Chunk.objects.filter(
                metric__in=ids,
                resolution=level.resolution,
                start=datetime.fromtimestamp(start, UTC),
            )
            for row_id, pk, packed in found.values_list("pk", "metric_id", "values"):
                key = (pk, level.resolution, start)
                self._held[key], self._ids[key] = _unpacked(packed), row_id
        for pk, start in missing:
            empty = array("d", [NOTHING]) * level.size
            self._held.setdefault((pk, level.resolution, start), empty)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


_THINNED: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": math.fsum,
    "SampleCount": math.fsum,
    "Minimum": min,
    "Maximum": max,
}


def thinned(statistic: str, values: Sequence[float]) -> float:
    """Return what stands for several points: their sum or extreme; of averages the mean.

    A percentile of percentiles is none: their mean is near enough for a picture.
    """
    return _THINNED.get(statistic, _mean)(values)


def _start(level: Level, at: int) -> int:
    return at // level.span * level.span


def _packed(values: "array[float]") -> bytes:
    if sys.byteorder == "big":
        values = array("d", values)
        values.byteswap()
    return values.tobytes()


def _unpacked(packed: Any) -> "array[float]":
    values = array("d")
    values.frombytes(bytes(packed))
    if sys.byteorder == "big":
        values.byteswap()
    return values


# --- Reading and forgetting -----------------------------------------------------------------------


def read_points(
    metrics: Iterable[int], resolution: int, since: datetime, until: datetime
) -> dict[int, list[float | None]]:
    """Return for each series its points from `since` (rounded down) up to `until`, None for gaps.

    One query for all of them.
    """
    level = BY_RESOLUTION[resolution]
    first = int(since.timestamp()) // resolution * resolution
    count = max(0, -(-(int(until.timestamp()) - first) // resolution))
    ids = list(metrics)
    found: dict[int, list[float | None]] = {pk: [None] * count for pk in ids}
    chunks = Chunk.objects.filter(
        metric__in=ids,
        resolution=resolution,
        start__gt=datetime.fromtimestamp(first - level.span, UTC),
        start__lt=until,
    )
    for pk, start, packed in chunks.values_list("metric_id", "start", "values"):
        offset = (int(start.timestamp()) - first) // resolution
        line = found[pk]
        for slot, value in enumerate(_unpacked(packed), offset):
            if 0 <= slot < count and not math.isnan(value):
                line[slot] = value
    return found


def forget_points(at: datetime | None = None) -> int:
    """Delete chunks past their level's time; return how many."""
    at = at or now()
    old = Q()
    for level in LEVELS:
        old |= Q(
            resolution=level.resolution,
            start__lt=at - level.keep - timedelta(seconds=level.span),
        )
    forgotten = 0
    while ids := list(Chunk.objects.filter(old).order_by("pk").values_list("pk", flat=True)[:500]):
        Chunk.objects.filter(pk__in=ids).delete()
        forgotten += len(ids)
    return forgotten
