"""Why an alarm is or was red, in a few lines, and what follows from its history for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.mirror.state import State

from .models import Alarm, AlarmHistory
from .named import children_of

EXPLAINED_CHILDREN = 3
# How often an alarm turned red is kept with it, and how much of each reason.
ALARMED, REASON = 12, 400
# Whoever is stopped by an alarm says so somewhat later than the alarm does.
SLACK = timedelta(minutes=2)


def alarmed(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the denormalised columns of alarms, from their history; a small query for each."""
    return {pk: {"alarmed": _alarmed(pk)} for pk in ids}


def _alarmed(pk: int) -> list[dict[str, str]]:
    rows = AlarmHistory.objects.filter(
        alarm=pk, item_type="StateUpdate", state=State.FAILED, at__isnull=False
    ).order_by("-at", "-pk")
    return [
        {"at": at.isoformat(), "reason": reason[:REASON]}
        for at, reason in rows.values_list("at", "reason")[:ALARMED]
    ]


def why_then(alarm: Alarm, since: datetime | None, until: datetime | None) -> str:
    """Return why an alarm was red between two moments, whatever it is now.

    It turned red then, or is red since before that.
    """
    end = until + SLACK if until else None
    came = alarm.state_transitioned
    if alarm.state == State.FAILED and (came is None or end is None or came <= end):
        return alarm.state_reason
    for one in alarm.alarmed:
        at = datetime.fromisoformat(one["at"])
        if (since is None or since <= at) and (end is None or at <= end):
            return str(one["reason"])
    return ""


def why_alarm(alarm: Alarm) -> str:
    """Return why an alarm is in ALARM: what CloudWatch says, and of a composite its red children.

    A composite alarm's own reason only names the one that changed last. A list asks for the
    children of all its rows before (`with_red_children`).
    """
    if alarm.state != State.FAILED:
        return ""
    reason = alarm.state_reason or "CloudWatch gives no reason"
    if not alarm.alarm_rule:
        return reason
    if alarm.red_children is None:
        with_red_children([alarm])
    told = [f"{child.key}: {child.state_reason}" for child in alarm.red_children or ()]
    return "\n".join([*told[:EXPLAINED_CHILDREN], reason])


def children_named(alarms: Iterable[Alarm]) -> dict[tuple[int, str], Alarm]:
    """Return the alarms that composite ones ask, by scope and ARN; one query for all."""
    arns = {
        arn
        for alarm in alarms
        if alarm.alarm_rule
        for arn in children_of(alarm.alarm_rule, alarm.arn)
    }
    if not arns:
        return {}
    rows = Alarm.objects.select_related("scope").filter(arn__in=arns)
    return {(row.scope_id, row.arn): row for row in rows}


def with_red_children(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Give composite alarms their red children, those with a metric first."""
    rows = list(alarms)
    children = children_named(rows)
    for alarm in rows:
        found = [
            child
            for arn in (children_of(alarm.alarm_rule, alarm.arn) if alarm.alarm_rule else ())
            if (child := children.get((alarm.scope_id, arn))) is not None
            and child.state == State.FAILED
            and child.pk != alarm.pk
            and child.gone_at is None
        ]
        alarm.red_children = sorted(found, key=lambda child: (bool(child.alarm_rule), child.key))
    return rows
