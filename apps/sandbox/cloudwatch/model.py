"""What CloudWatch's alarms are: their declaration, their state, what became of them."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudwatch import events, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.world import Place

#: History items kept in a place (AWS keeps 30 days).
KEPT_HISTORY = 4000
#: The reason of an alarm that was never evaluated.
UNCHECKED = "Unchecked: Initial alarm creation"
OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"

#: An alarm as PutMetricAlarm or PutCompositeAlarm takes it.
Declaration = dict[str, Any]

_ACTIONS = {
    ALARM: "AlarmActions",
    OK: "OKActions",
    INSUFFICIENT: "InsufficientDataActions",
}


@dataclass(slots=True, eq=False)
class HistoryItem:
    """One entry of DescribeAlarmHistory; ``data`` becomes its HistoryData."""

    alarm: str
    composite: bool
    at: float
    type: str
    summary: str
    data: dict[str, Any]


@dataclass(slots=True, eq=False)
class Alarm:
    """An alarm; ``state`` is OK, ALARM or INSUFFICIENT_DATA. Times are epoch seconds."""

    place: Place
    declaration: Declaration
    configured: float
    updated: float
    transitioned: float
    state: str = INSUFFICIENT
    reason: str = UNCHECKED
    reason_data: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Its name, which is unique in its place."""
        return str(self.declaration["AlarmName"])

    @property
    def arn(self) -> str:
        """``arn:aws:cloudwatch:<region>:<account>:alarm:<name>``."""
        return self.place.arn("cloudwatch", f"alarm:{self.name}")

    @property
    def composite(self) -> bool:
        """Whether a rule over other alarms decides its state."""
        return "AlarmRule" in self.declaration

    @property
    def children(self) -> frozenset[str]:
        """Names of the alarms that its rule asks."""
        return rule.names(self.declaration["AlarmRule"]) if self.composite else frozenset()

    def would_do(self, state: str) -> list[str]:
        """ARNs of what it does when it comes to ``state``."""
        return list(self.declaration.get(_ACTIONS[state], ()))


class AlarmStore:
    """CloudWatch's alarms in one place: ``alarms`` by name, ``history`` oldest first.

    Whoever wants to know of transitions appends a function to ``watchers``: it is called with the
    alarm, which has its new state, and the state before.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.alarms: dict[str, Alarm] = {}
        self.history: deque[HistoryItem] = deque(maxlen=KEPT_HISTORY)
        self.watchers: list[Callable[[Alarm, str], None]] = []
        #: Whether the clock evaluates them; see ``evaluate.begin``.
        self.evaluated = False

    def put(self, declaration: Declaration) -> Alarm:
        """Create or replace an alarm as PutMetricAlarm or PutCompositeAlarm does.

        Raises rule.RuleError for a rule that cannot be read. A new alarm has INSUFFICIENT_DATA
        until it is evaluated; a replaced one keeps its state.
        """
        now = self.place.world.now()
        if "AlarmRule" in declaration:
            rule.names(declaration["AlarmRule"])
        known = self.alarms.get(declaration["AlarmName"])
        if known is not None:
            known.declaration, known.configured = declaration, now
            alarm = known
        else:
            alarm = Alarm(self.place, declaration, now, now, now)
            self.alarms[alarm.name] = alarm
        verb = "updated" if known else "created"
        self._note(
            alarm,
            "ConfigurationUpdate",
            f'Alarm "{alarm.name}" {verb}',
            {"version": "1.0", "type": "Update" if known else "Create"},
        )
        events.configuration_changed(alarm, "update" if known else "create")
        if alarm.composite:
            self.weigh(alarm)
        return alarm

    def delete(self, name: str) -> None:
        """Delete an alarm; its history stays."""
        alarm = self.alarms.pop(name)
        self._note(
            alarm,
            "ConfigurationUpdate",
            f'Alarm "{name}" deleted',
            {"version": "1.0", "type": "Delete"},
        )
        events.configuration_changed(alarm, "delete")

    def set_state(
        self, name: str, state: str, reason: str, data: dict[str, Any] | None = None
    ) -> None:
        """Bring an alarm to a state, with all that follows: history, event, actions, parents.

        The state it has already only renews the reason.
        """
        alarm = self.alarms[name]
        now, before = self.place.world.now(), alarm.state
        said_before = {
            "stateValue": before,
            "stateReason": alarm.reason,
            **({"stateReasonData": alarm.reason_data} if alarm.reason_data else {}),
        }
        previous = events.state_of(alarm)
        alarm.reason, alarm.reason_data, alarm.updated = reason, data, now
        if state == before:
            return
        alarm.state, alarm.transitioned = state, now
        said = {
            "stateValue": state,
            "stateReason": reason,
            **({"stateReasonData": data} if data else {}),
        }
        self._note(
            alarm,
            "StateUpdate",
            f"Alarm updated from {before} to {state}",
            {"version": "1.0", "oldState": said_before, "newState": said},
        )
        self._act(alarm, state)
        events.state_changed(alarm, previous)
        for watcher in list(self.watchers):
            watcher(alarm, before)
        for parent in list(self.alarms.values()):
            if alarm.name in parent.children:
                self.weigh(parent, alarm)

    def weigh(self, composite: Alarm, cause: Alarm | None = None) -> None:
        """Decide a composite alarm's state by its rule; ``cause`` is the child that changed."""
        states = {name: alarm.state for name, alarm in self.alarms.items()}
        text = composite.declaration["AlarmRule"]
        state = ALARM if rule.holds(text, states) else OK
        if state == composite.state:
            return
        when = datetime.fromtimestamp(self.place.world.now(), UTC)
        if cause is None:
            reason = f"{composite.arn} was created and its alarm rule evaluates to {state}"
        else:
            reason = f"{cause.arn} transitioned to {cause.state} at {when:%A %d %B, %Y %H:%M:%S %Z}"
        triggers = [
            {
                "arn": child.arn,
                "state": {"value": child.state, "timestamp": events.spoken(child.transitioned)},
            }
            for name in sorted(composite.children)
            if (child := self.alarms.get(name)) is not None and child.state == ALARM
        ]
        self.set_state(composite.name, state, reason, {"triggeringAlarms": triggers})

    def _act(self, alarm: Alarm, state: str) -> None:
        if not alarm.declaration.get("ActionsEnabled", True):
            return
        for target in alarm.would_do(state):
            self._note(
                alarm,
                "Action",
                f"Successfully executed action {target}",
                {
                    "actionState": "Succeeded",
                    "stateUpdateTimestamp": int(alarm.transitioned * 1000),
                    "notificationResource": target,
                    "publishedMessage": None,
                    "error": None,
                },
            )

    def _note(self, alarm: Alarm, kind: str, summary: str, data: dict[str, Any]) -> None:
        self.history.append(
            HistoryItem(
                alarm.name, alarm.composite, self.place.world.now(), kind, summary[:255], data
            )
        )


def history_data(item: HistoryItem) -> str:
    """A history item's HistoryData, as short as AWS's model wants it."""
    return json.dumps(item.data)[:4095]
