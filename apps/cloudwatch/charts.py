"""Draws series as small charts: lines with gaps, axes, markers, threshold; numbers for templates.

What was never read is not drawn as a gap, and the period that is not over not as a fall: both are
told apart from what CloudWatch said.

Everything is in the units of the picture's own frame (its viewBox), rounded, without the reader's
time zone: a script puts local times where UTC stands.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.mirror.state import urgency_of

from .words import amount

WIDTH, HEIGHT = 360, 132
LEFT, RIGHT, TOP, BOTTOM = 54, 8, 10, 20
# How wide the flag of a mark is.
FLAG = 8
# Spans of time that are round, in seconds, and so are their halves.
_LENGTHS = (2, 4, 10, 20, 30, 60, 120, 240, 600, 1200, 1800, 3600, 7200, 14400, 36000, 86400)
# Rows of the table that says the same as the picture.
ROWS = 24
# From when there are points is said where that is later by more than this share of the range.
LATE = 1 / 8


@dataclass(frozen=True, slots=True)
class Range:
    """How far back a page looks, and at which resolution (seconds)."""

    name: str
    label: str
    past: timedelta
    resolution: int
    ticks: int


RANGES = {
    one.name: one
    for one in (
        Range("1h", "1 hour", timedelta(hours=1), 60, 900),
        Range("3h", "3 hours", timedelta(hours=3), 60, 3600),
        Range("12h", "12 hours", timedelta(hours=12), 300, 10800),
        Range("1d", "1 day", timedelta(days=1), 300, 21600),
        Range("7d", "7 days", timedelta(days=7), 3600, 86400),
        Range("30d", "30 days", timedelta(days=30), 3600, 7 * 86400),
    )
}
DEFAULT = "3h"


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what stands there; `at` (epoch seconds) on the time axis."""

    place: float
    label: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment: a deployment, an execution, a stack's update."""

    at: datetime
    title: str
    url: str
    state: str
    status: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """Marks that stand too close to be told apart: the gravest, and how many more."""

    place: float
    mark: Mark
    more: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the time axis, in units of the picture."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart, ready for its template; `zero` is the zero line's place, None at the bottom.

    tail        the line to the point of the period that is not over, `tail_dot` that point.
    unread      the part of which nothing was asked, up to `unread_to`; None where all was.
    first_at    when points begin, where all was read and that is late in the range.
    """

    title: str
    unit: str
    newest: str
    newest_at: datetime | None
    least: str
    most: str
    line: str
    dots: str
    area: str
    tail: str
    tail_dot: str
    unread: Stretch | None
    unread_to: datetime | None
    first_at: datetime | None
    y_ticks: tuple[Tick, ...]
    zero: float | None
    x_ticks: tuple[Tick, ...]
    marks: tuple["Flag", ...]
    limit: float | None
    limit_label: str
    limit_shift: int
    hover: str
    summary: str
    rows: tuple[tuple[datetime, str], ...] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.line and not self.dots and not self.tail_dot


def draw(  # noqa: PLR0913 - what a chart is drawn of
    title: str,
    unit: str,
    values: Sequence[float | None],
    first: datetime,
    step: int,
    until: datetime,
    *,
    ticks: int,
    marks: Sequence[Mark] = (),
    limit: float | None = None,
    whole_to: datetime | None = None,
    unread_to: datetime | None = None,
) -> Drawn:
    """Draw values that begin at `first`, `step` seconds apart, on an axis up to `until`.

    whole_to   the values of periods that end later are what was counted so far.
    unread_to  what was before was never asked for: None there is no gap.
    """
    begin, end = first.timestamp(), until.timestamp()
    levels = _levels([value for value in (*values, limit) if value is not None], unit)
    low, high = levels[0], levels[-1]

    def x(at: float) -> float:
        return round(LEFT + (at - begin) / max(end - begin, 1) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def place(point: tuple[int, float]) -> tuple[float, float]:
        return x(begin + point[0] * step), y(point[1])

    whole = whole_slots(len(values), first, step, whole_to)
    points = [[place(point) for point in run] for run in _runs(values[:whole])]
    known = [(slot, value) for slot, value in enumerate(values) if value is not None]
    settled = [point for point in known if point[0] < whole]
    so_far = [point for point in known if point[0] >= whole]
    newest = (settled or so_far)[-1] if known else None
    shown = [value for _, value in settled or so_far]
    # A point alone is a dot and no line.
    tail = [place(point) for point in _tail(settled, so_far)] if so_far else []
    unasked = _unasked(settled, begin, step, unread_to)
    placed = [(x(mark.at.timestamp()), mark) for mark in marks if first <= mark.at <= until]
    says = _words(values, unit, whole, range(*_slots(unasked, begin, step)))
    return Drawn(
        title=title,
        unit=unit,
        newest=(says[newest[0]] if newest else None) or amount(None),
        newest_at=first + timedelta(seconds=newest[0] * step) if newest else None,
        least=amount(min(shown, default=None), unit),
        most=amount(max(shown, default=None), unit),
        line=" ".join(_line(run) for run in points if len(run) > 1),
        dots=" ".join(_dot(*run[0]) for run in points if len(run) == 1),
        area=" ".join(_area(run, y(0)) for run in points if len(run) > 1),
        tail=_line(tail) if len(tail) > 1 else "",
        tail_dot=_dot(*place(so_far[-1])) if so_far else "",
        unread=_stretch(unasked, x),
        unread_to=None if unasked is None else unread_to,
        first_at=_late(known, first, step, until) if unasked is None else None,
        y_ticks=tuple(Tick(y(level), amount(level, unit if level else "")) for level in levels),
        zero=y(0) if low < 0 else None,
        x_ticks=tuple(_x_ticks(begin, end, ticks, x)),
        marks=tuple(_flags(placed)),
        limit=None if limit is None else y(limit),
        limit_label="" if limit is None else amount(limit, unit),
        # Above its line, below it where there is no room.
        limit_shift=10 if limit is not None and y(limit) < TOP + 14 else -3,
        hover=json.dumps(
            {
                "first": int(begin),
                "step": step,
                "from": LEFT,
                "to": x(end),
                "end": int(end),
                "values": says,
            },
            separators=(",", ":"),
        ),
        summary=_summary(title, unit, shown),
        rows=tuple(_rows(values, first, step, unit, says)),
    )


def whole_slots(count: int, first: datetime, step: int, whole_to: datetime | None) -> int:
    """Return how many of so many periods from `first` on are over at `whole_to` (None: all)."""
    if whole_to is None:
        return count
    return min(count, max(0, int((whole_to - first).total_seconds() // step)))


def _unasked(
    settled: Sequence[tuple[int, float]], begin: float, step: int, unread_to: datetime | None
) -> tuple[float, float] | None:
    """Return the time (epoch seconds) of which nothing was asked.

    What is known of an earlier time, before the dashboard was down for a while, stands before it.
    """
    if unread_to is None or unread_to.timestamp() <= begin:
        return None
    end = unread_to.timestamp()
    before = [slot for slot, _ in settled if begin + slot * step < end]
    since = begin + (before[-1] + 1) * step if before else begin
    return (since, end) if since < end else None


def _slots(part: tuple[float, float] | None, begin: float, step: int) -> tuple[int, int]:
    if part is None:
        return 0, 0
    return int((part[0] - begin) // step), int(-(-(part[1] - begin) // step))


def _stretch(part: tuple[float, float] | None, x: Any) -> Stretch | None:
    if part is None:
        return None
    since, end = x(part[0]), min(x(part[1]), float(WIDTH - RIGHT))
    return Stretch(since, round(end - since, 1)) if end > since else None


def _late(
    known: Sequence[tuple[int, float]], first: datetime, step: int, until: datetime
) -> datetime | None:
    if not known:
        return None
    begin, end = known[0][0], known[-1][0]
    # Of what comes and goes the first point is no beginning.
    steady = len(known) > (end - begin) / 2
    at = first + timedelta(seconds=begin * step)
    return at if steady and at - first > (until - first) * LATE else None


def _tail(
    settled: Sequence[tuple[int, float]], so_far: Sequence[tuple[int, float]]
) -> list[tuple[int, float]]:
    """The points of the line to what is not over: from the one before, where that is next to it."""
    joined = settled and so_far and settled[-1][0] + 1 == so_far[0][0]
    return [*settled[-1:], *so_far] if joined else list(so_far)


def _words(
    values: Sequence[float | None], unit: str, whole: int, unasked: range
) -> list[str | None]:
    """What is said of each period; None where there is no point."""
    says: list[str | None] = []
    for slot, value in enumerate(values):
        if value is None:
            says.append("not read" if slot in unasked else None)
        else:
            says.append(amount(value, unit) if slot < whole else f"{amount(value, unit)} so far")
    return says


def _levels(values: Sequence[float], unit: str) -> list[float]:
    """The labels of the value axis from bottom to top: zero is one, and all values are within."""
    least, most = min(values, default=0.0), max(values, default=0.0)
    top = _top(max(most, -least), unit)
    if least >= 0:
        return [0.0, top / 2, top]
    # As far below zero as above it, or half as far: whatever there is needs.
    half = top / 2
    below, above = math.ceil(-least / half), math.ceil(max(most, 0.0) / half)
    return [half * step for step in range(-below, above + 1)]


def _top(most: float, unit: str) -> float:
    """A round number that is no less, where an axis may end."""
    if unit == "Percent" and 50 < most <= 100:
        return 100.0
    if most <= 0:
        return 1.0
    if unit == "Seconds" and most > 1:
        return next((length for length in _LENGTHS if length >= most), most)
    size = 10.0 ** math.floor(math.log10(most))
    return next(round_ * size for round_ in (1, 2, 3, 4, 5, 8, 10) if round_ * size >= most)


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Consecutive points: what is missing between them is a gap in the line."""
    run: list[tuple[int, float]] = []
    for slot, value in enumerate(values):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((slot, value))
    if run:
        yield run


def _flags(placed: Sequence[tuple[float, Mark]]) -> Iterator[Flag]:
    """Gather marks that stand closer than a flag is wide."""
    close: list[tuple[float, Mark]] = []
    for place, mark in sorted(placed, key=lambda told: told[0]):
        if close and place - close[0][0] >= FLAG:
            yield _flag(close)
            close = []
        close.append((place, mark))
    if close:
        yield _flag(close)


def _flag(close: Sequence[tuple[float, Mark]]) -> Flag:
    place, mark = min(close, key=lambda told: urgency_of(told[1].state))
    return Flag(place, mark, len(close) - 1)


def _line(run: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = run
    return f"M{x:g} {y:g}L" + " ".join(f"{x:g} {y:g}" for x, y in rest)


def _dot(x: float, y: float) -> str:
    """A point alone: a stroke with round ends is a dot."""
    return f"M{x:g} {y:g}h.01"


def _area(run: Sequence[tuple[float, float]], ground: float) -> str:
    return f"{_line(run)}L{run[-1][0]:g} {ground:g} {run[0][0]:g} {ground:g}Z"


def _x_ticks(begin: float, end: float, every: int, x: Any) -> Iterator[Tick]:
    first = -int(-begin // every) * every
    for at in range(first, int(end) + 1, every):
        moment = datetime.fromtimestamp(at, UTC)
        label = f"{moment:%-d %b}" if every >= 86400 else f"{moment:%H:%M}"
        place = x(at)
        if LEFT + 8 <= place <= WIDTH - RIGHT - 8:
            yield Tick(place, label, at)


def _summary(title: str, unit: str, values: Sequence[float]) -> str:
    """What the picture shows, for who cannot see it."""
    if not values:
        return f"{title}: no data"
    least, most, newest = min(values), max(values), values[-1]
    return (
        f"{title}: newest {amount(newest, unit)}, between {amount(least, unit)} and "
        f"{amount(most, unit)}"
    )


def _rows(
    values: Sequence[float | None],
    first: datetime,
    step: int,
    unit: str,
    says: Sequence[str | None],
) -> Iterator[tuple[datetime, str]]:
    """The table's rows, the newest first: so many parts of the range, each by its highest value."""
    size = max(1, -(-len(values) // ROWS))
    for start in range((len(values) - 1) // size * size, -1, -size):
        part = range(start, min(start + size, len(values)))
        told = [slot for slot in part if values[slot] is not None]
        highest = max(told, key=lambda slot: values[slot] or 0.0, default=None)
        if highest is None:
            said = says[start] or amount(None)
        else:
            said = says[highest] or amount(values[highest], unit)
        yield first + timedelta(seconds=start * step), said
