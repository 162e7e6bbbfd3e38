"""What a site is to show, and how a stage fares in an execution: what every site is told alike."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.codepipeline.models import Action, Execution
from apps.mirror.state import UNFINISHED, State

from .models import Channel

LONGEST = 140
# Of an execution's actions in a stage, what is told of the stage.
GRAVEST = (
    State.FAILED,
    State.WAITING,
    State.MOVING,
    State.STOPPED,
    State.UNKNOWN,
    State.DONE,
)


@dataclass(frozen=True, slots=True)
class Want:
    """What one site is to show."""

    execution: Execution
    scope_id: int
    channel: Channel
    about: str
    shows: Mapping[str, Any]


def deploying_actions(executions: Sequence[Execution]) -> Mapping[int, Sequence[Action]]:
    """Return what brought something out in these executions, by execution, the oldest first."""
    found: dict[int, list[Action]] = defaultdict(list)
    rows = Action.objects.filter(execution__in=[one.pk for one in executions], category="Deploy")
    for row in rows.defer("configuration", "output_variables").order_by("started_at", "pk"):
        found[row.execution_id].append(row)
    return found


def newest_of(tried: Sequence[Action]) -> list[Action]:
    """Return the newest of each action's name."""
    return list({action.name: action for action in tried}.values())


def fares(one: Execution, stage: str, tried: Sequence[Action]) -> State:
    """Return how a stage fares: as the gravest of its newest actions, done when all of them are."""
    newest = newest_of(tried)
    states = {State(action.state) if action.state else State.UNKNOWN for action in newest}
    state = next(state for state in GRAVEST if state in states)
    if state is State.DONE and one.state in UNFINISHED:
        defined: Mapping[str, Any] = next(
            (part for part in one.pipeline.definition if part.get("name") == stage), {}
        )
        brings = {
            str(action.get("name"))
            for action in defined.get("actions") or ()
            if action.get("category") == "Deploy"
        }
        return State.MOVING if brings - {action.name for action in newest} else State.DONE
    return state
