"""How alarms and log groups are found."""

from typing import Any

from apps.mirror.finding import FINDERS, Finder, Found, place_of

from .models import Alarm, LogGroup


def alarms(user: Any, text: str, limit: int) -> list[Found]:
    """Alarms by name or metric, red first."""
    rows = Alarm.objects.visible_to(user).for_list().present()
    return [
        Found(
            row.key,
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            at=row.state_transitioned,
        )
        for row in rows.containing(text, "key", "metric_name")[:limit]
    ]


def log_groups(user: Any, text: str, limit: int) -> list[Found]:
    """Log groups by name."""
    rows = LogGroup.objects.visible_to(user).for_list().present().containing(text, "key")
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows[:limit]
    ]


FINDERS.add(Finder(label="alarms", by="name", find=alarms, newest=False, rank=60))
FINDERS.add(Finder(label="log groups", by="name", find=log_groups, newest=False, rank=80))
