"""Tells CodePipeline how an alarm stands, for the conditions of its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.cloudwatch.model import AlarmStore
from apps.sandbox.codepipeline import conditions

if TYPE_CHECKING:
    from apps.sandbox.world import Place


def _state_of(place: Place, name: str) -> str | None:
    alarm = place.of(AlarmStore).alarms.get(name)
    return None if alarm is None else alarm.state


conditions.ALARMS.append(_state_of)
