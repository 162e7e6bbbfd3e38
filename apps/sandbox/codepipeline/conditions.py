"""Judges what a stage is to meet once its actions succeeded: alarms that are watched for a while.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works-conditions.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-CloudWatchAlarm.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.codepipeline import providers
from apps.sandbox.codepipeline.model import RUNNING, Declaration, Execution, StageRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.world import Place

#: Who knows how an alarm stands: (place, name) -> its state, None where there is none.
ALARMS: list[Callable[[Place, str], str | None]] = []
#: Seconds between two looks at an alarm.
LOOKS = 60.0
ALARM = "CloudWatchAlarm"


@dataclass(frozen=True, slots=True)
class Watched:
    """An alarm that must not come to any of ``states`` for ``seconds``."""

    result: str
    alarm: str
    states: frozenset[str]
    seconds: float


def watch(
    execution: Execution,
    stage: StageRun,
    met: Callable[[Execution, StageRun], None],
    unmet: Callable[[Execution, StageRun, str], None],
) -> None:
    """Let the stage go on when all that it watches stayed well, else with the result declared.

    A rollback is not judged: it brings back what was good.
    """
    rules = _rules(execution, stage) if execution.rolls_back is None else []
    if not rules:
        met(execution, stage)
        return
    world = execution.pipeline.place.world
    until = world.now() + max(one.seconds for one in rules)
    since = world.now()

    def look() -> None:
        if stage.status not in RUNNING or execution.pipeline.deleted:
            return
        for one in rules:
            watched = world.now() - since <= one.seconds
            if watched and not _is_well(execution.pipeline.place, one):
                unmet(execution, stage, one.result)
                return
        if world.now() >= until:
            met(execution, stage)
        else:
            world.scheduler.at(min(world.now() + LOOKS, until), look)

    look()


def _is_well(place: Place, one: Watched) -> bool:
    states = [state for told in ALARMS if (state := told(place, one.alarm)) is not None]
    return bool(states) and not one.states.intersection(states)


def _rules(execution: Execution, stage: StageRun) -> list[Watched]:
    declared = execution.stage_declaration(stage.name).get("onSuccess") or {}
    return [
        _watched(execution, condition.get("result", "FAIL"), rule)
        for condition in declared.get("conditions") or ()
        for rule in condition.get("rules") or ()
        if rule["ruleTypeId"]["provider"] == ALARM
    ]


def _watched(execution: Execution, result: str, rule: Declaration) -> Watched:
    given = providers.resolve(execution, rule.get("configuration") or {})
    states = str(given.get("AlarmStates") or "ALARM").split(",")
    return Watched(
        result=result,
        alarm=str(given["AlarmName"]),
        states=frozenset(state.strip() for state in states),
        seconds=60.0 * float(given.get("WaitTime") or 0),
    )
