"""Draws the strip of an alarm: the states of its last hours, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STRIP_HOURS = 24
STRIP_WIDTH = 360


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in one state, in units of the strip."""

    x: float
    width: float
    state: str
    status: str
    since: datetime


def strip(
    transitions: Sequence[tuple[datetime, str, str, str]],
    status: str,
    state: str,
    since: datetime | None,
    until: datetime,
) -> list[Segment]:
    """Return the states of the last hours up to `until`.

    transitions  (when, state before, state after, our state after), the oldest first.
    status       what it is now, since when; it counts more than the history, which may lag.
    """
    begin = until - timedelta(hours=STRIP_HOURS)
    told: list[tuple[datetime, str]] = []
    if transitions:
        told.append((begin, transitions[0][1]))
        told += [(max(at, begin), after) for at, _, after, _ in transitions]
    if since is None or since <= begin:
        # It has not moved since: whatever the history says is older.
        told = [(begin, status)]
    else:
        told = [(at, word) for at, word in told if at < since]
        if not told:
            told = [(begin, "")]
        told.append((since, status))
    ours = {after: mine for _, _, after, mine in transitions} | {status: state}
    segments = []
    for (at, word), (end, _) in zip(told, [*told[1:], (until, "")], strict=True):
        x, after = _along(at, begin), _along(end, begin)
        if after > x:
            segments.append(
                Segment(x, round(after - x, 1), ours.get(word, _state_of(word)), word, at)
            )
    return segments


def _state_of(word: str) -> str:
    return {"OK": "done", "ALARM": "failed"}.get(word, "unknown" if word else "")


def _along(at: datetime, begin: datetime) -> float:
    share = (at - begin).total_seconds() / (STRIP_HOURS * 3600)
    return round(min(max(share, 0.0), 1.0) * STRIP_WIDTH, 1)
