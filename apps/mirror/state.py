"""The one `state` every running thing has beside AWS's status; colour and icon follow it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What a person needs to know at a glance.

    `WAITING` means waiting for a person (an approval), never for a machine. `UNKNOWN` is for a
    status this version has not heard of: it is shown as it came, never a crash.
    """

    DONE = "done"
    MOVING = "moving"
    WAITING = "waiting"
    FAILED = "failed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


# Broken first, then what waits for a person, what moves, and the quiet rest.
_URGENT = (State.FAILED, State.WAITING, State.MOVING, State.UNKNOWN, State.STOPPED, State.DONE)
URGENCY = {state: place for place, state in enumerate(_URGENT)}
UNFINISHED = (State.MOVING, State.WAITING)
STATE_CHOICES = [(state.value, state.value) for state in State]


def failing_since(newest: Iterable[tuple[str, Any]]) -> Any:
    """Return when the first of the failed ones since the last good one began; None for none.

    newest  (state, when it began), the newest first.
    """
    since = None
    for state, began in newest:
        if state == State.DONE:
            break
        if state == State.FAILED:
            since = began
    return since


def urgency_of(state: str) -> int:
    """Return a state's place in lists that begin with what is broken; "" is as good as unknown."""
    return URGENCY.get(State(state) if state else State.UNKNOWN, URGENCY[State.UNKNOWN])
