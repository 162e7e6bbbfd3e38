"""What follows from environments, events and instances for what they belong to; why one fails."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.mirror.state import State

from .health import CALM
from .models import Environment, Event, Instance, ManagedAction, Version

# How far back the newest events of an environment are looked through.
RECENT = 200
# Errors that an environment's row keeps, and lines that explain it.
ERRORS = 20
LINES = 8
# Events are a little later than what they tell of, and so is whoever waits for them.
SLACK = timedelta(minutes=2)
# How long before its end an operation may have begun, where nobody tells.
OPERATION = timedelta(hours=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# A managed action that ended either way.
OVER = (State.DONE, State.FAILED)
# https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ManagedActionHistoryItem.html
FAILURES = {
    "UpdateCancelled": "The update was cancelled",
    "CancellationFailed": "It could not be cancelled",
    "RollbackFailed": "It could not be rolled back",
    "RollbackSuccessful": "It was rolled back",
    "InternalFailure": "Elastic Beanstalk failed",
    "InvalidEnvironmentState": "The environment's state did not allow it",
    "PermissionsError": "A permission is missing",
}
SETTLED = re.compile(
    r"completed successfully|^Successfully |^Environment health has .*\bto (?:Ok|GREEN)\b",
    re.IGNORECASE,
)


def applications(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return how the worst environment of each application fares."""
    worst: dict[int, Environment] = {}
    rows = Environment.objects.filter(application__in=ids, gone_at=None).order_by("urgency", "key")
    for row in rows.only("application", "status", "state", "health", "health_status", "urgency"):
        worst.setdefault(row.application_id, row)
    return {
        pk: {"status": worst[pk].word, "state": worst[pk].state}
        if pk in worst
        else {"status": "", "state": ""}
        for pk in ids
    }


def environments_by_events(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the newest errors of environments, and when they were settled last.

    One small indexed query an environment.
    """
    return {pk: _told_by_events(pk) for pk in ids}


def _told_by_events(pk: int) -> dict[str, Any]:
    newest = Event.objects.filter(environment=pk).order_by("-event_date", "-pk")
    rows = newest.values("event_date", "state", "message", "request_id", "version_label")[:RECENT]
    errors: list[dict[str, Any]] = []
    settled: datetime | None = None
    for row in rows:
        if row["state"] == State.FAILED and len(errors) < ERRORS:
            errors.append(
                {
                    "at": row["event_date"].isoformat(),
                    "message": row["message"],
                    "request_id": row["request_id"],
                    "version_label": row["version_label"],
                }
            )
        if settled is None and SETTLED.search(row["message"]):
            settled = row["event_date"]
    return {"errors": errors[::-1], "settled_at": settled}


def environments_by_instances(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the instances of environments in short."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = Instance.objects.filter(environment__in=ids, gone_at=None).order_by("key")
    for row in rows.only("environment", "key", "status", "state", "version_label"):
        found[row.environment_id].append(
            {
                "id": row.key,
                "status": row.status,
                "state": row.state,
                "calm": row.status in CALM and row.state == State.DONE,
                "version_label": row.version_label,
            }
        )
    return {pk: {"instances": found[pk]} for pk in ids}


def environments_by_managed(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what AWS is to do to environments, did last, and what of it failed last."""
    found: dict[int, list[ManagedAction]] = defaultdict(list)
    for row in ManagedAction.objects.filter(environment__in=ids, gone_at=None).order_by("key"):
        found[row.environment_id].append(row)
    return {pk: {"managed": [_managed(row) for row in _told(found[pk])]} for pk in ids}


def _told(rows: Sequence[ManagedAction]) -> list[ManagedAction]:
    """Return those to come, the next first; then the newest that is over, and the last failed."""
    coming = [row for row in rows if row.finished_at is None and row.state not in OVER]
    coming.sort(key=lambda row: (row.state == "", row.window_start is None, row.window_start or 0))
    over = [row for row in rows if row not in coming]
    over.sort(key=lambda row: row.finished_at or row.executed_at or EARLIEST, reverse=True)
    failed = [row for row in over if row.state == State.FAILED]
    return [*coming, *dict.fromkeys([*over[:1], *failed[:1]])]


def _managed(row: ManagedAction) -> dict[str, Any]:
    moments = ("window_start", "executed_at", "finished_at")
    return {
        "id": row.key.partition("/")[2],
        "type": row.action_type,
        "status": row.status,
        "state": row.state,
        "description": row.description,
        "why": why_managed(row),
        **{name: at.isoformat() if (at := getattr(row, name)) else None for name in moments},
    }


def why_managed(row: ManagedAction) -> str:
    """Return why a managed action failed, in AWS's words and with the kind of failure."""
    if row.state != State.FAILED:
        return ""
    kind = FAILURES.get(row.failure_type, row.failure_type)
    told = ": ".join(filter(None, (kind, row.failure_description)))
    return told or "Elastic Beanstalk does not say why"


def why_environment(row: Environment) -> str:
    """Return why an environment fares badly: its causes, and what went wrong since it was well."""
    if row.state not in (State.FAILED, State.UNKNOWN):
        return ""
    told = _lines([*row.causes, *(error["message"] for error in open_errors(row))])
    if told or row.state != State.FAILED:
        return told
    if not row.health_status:
        return f"{row.word}: basic health does not say why, and no event that was read does"
    return f"{row.word}, and nothing that was read of it says why"


def open_errors(row: Environment) -> list[Mapping[str, Any]]:
    """Return the errors after which an environment has not been well again, the oldest first."""
    settled = row.settled_at
    return [
        error
        for error in row.errors
        if settled is None or datetime.fromisoformat(error["at"]) > settled
    ]


def why_then(row: Environment, since: datetime | None, until: datetime | None) -> str:
    """Return what went wrong in an environment between two moments, whatever its health is now.

    Where only the end is told, it is what went wrong in the hour before.
    """
    begin = since or (until - OPERATION if until else None)
    end = until + SLACK if until else None
    said = []
    for error in row.errors:
        at = datetime.fromisoformat(error["at"])
        if (begin is None or begin <= at) and (end is None or at <= end):
            said.append(error["message"])
    return _lines(said)


def why_version(row: Version) -> str:
    """Return why a version cannot be used."""
    if row.state != State.FAILED:
        return ""
    return (
        "Elastic Beanstalk could not build it: see the build."
        if row.build_arn
        else "Its configuration files did not pass Elastic Beanstalk's validation."
    )


def why_instance(row: Instance) -> str:
    """Return what is wrong with an instance, in Beanstalk's words."""
    if row.state not in (State.FAILED, State.UNKNOWN):
        return ""
    told = _lines(row.causes)
    failed = row.state == State.FAILED
    return told or (f"{row.status}, and nothing that was read of it says why" if failed else "")


def why_event(row: Event) -> str:
    """Return what an event of an error says."""
    return row.message if row.state == State.FAILED else ""


def _lines(messages: Iterable[str]) -> str:
    # The same is said of each instance, and said again.
    return "\n".join(list(dict.fromkeys(filter(None, messages)))[:LINES])
