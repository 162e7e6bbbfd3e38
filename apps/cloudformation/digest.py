"""What follows from events for their stacks, and why a stack failed, in a few lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from apps.mirror.state import State

from .failure import (
    BEGINNINGS,
    CANCELLATIONS,
    EMBEDDED,
    HOOK_FAILED,
    Failure,
    Told,
    first_failure,
    operations,
)
from .models import ChangeSet, Event, Resource, Stack

# So many operations are looked at, at most so many events of the newest and of those before it that
# tell of failures; and so many that failed are remembered.
OPERATIONS = 30
EVENTS = 1_000
REMEMBERED = 10
# A nested stack fails in a nested one, and so on.
DEEPEST = 6
# CodePipeline notes the end of an action some seconds after the stack's.
LEEWAY = timedelta(seconds=30)
# Where nobody tells when something began, it was not longer ago than this.
LONGEST = timedelta(hours=12)
UNREAD = "Its events were not read, so what failed first is not known."
TOLD = (
    "key",
    "at",
    "status",
    "logical_id",
    "physical_id",
    "resource_type",
    "reason",
    "hook_status",
    "hook_reason",
    "cut",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a stack that is, or was, under way, and its first failure."""

    began: datetime
    ended: datetime
    failure: Failure | None


def stacks(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the denormalised columns of stacks, and of those they are nested in.

    What failed in a nested stack is the cause above it, too, and may be read after that one's.
    """
    rows = {row.pk: row for row in Stack.objects.filter(pk__in=ids).only("key", "parent_id")}
    pending = {row.parent_id for row in rows.values() if row.parent_id}
    for _ in range(DEEPEST):
        above = Stack.objects.filter(key__in=pending).only("key", "parent_id")
        fresh = {row.pk: row for row in above if row.pk not in rows}
        if not fresh:
            break
        rows |= fresh
        pending = {row.parent_id for row in fresh.values() if row.parent_id}
    read: dict[str, list[Operation]] = {}
    return {pk: _columns(row, read) for pk, row in rows.items()}


def _columns(stack: Stack, read: dict[str, list[Operation]]) -> dict[str, Any]:
    told = _operations_of(stack.key, read)
    failed = [one for one in told if one.failure is not None][:REMEMBERED]
    stored = [_stored(one, read) for one in failed]
    newest = bool(told) and told[0].failure is not None
    return {"failure": stored[0] if newest else {}, "failures": stored}


def _operations_of(key: str, read: dict[str, list[Operation]]) -> list[Operation]:
    """Return what was done with a stack, the newest first; `read` remembers."""
    if key not in read:
        read[key] = [_operation(one, key) for one in operations(_events(key), key)]
    return read[key]


def _events(key: str) -> list[Any]:
    """Return what tells of the failures in the newest operations, however long they were.

    Of the newest one from its beginning on: what failed first has brought the rest about.
    """
    events = Event.objects.filter(stack__key=key)
    begun = events.filter(began(key)).order_by("-at", "-pk").values_list("at", flat=True)
    begins = list(begun[:OPERATIONS])
    told = events.filter(_telling(key)).only(*TOLD)
    if not begins:
        return list(told.order_by("-at", "-pk")[:EVENTS])
    before = told.filter(at__gte=begins[-1], at__lt=begins[0])
    return [
        *told.filter(at__gte=begins[0]).order_by("at", "pk")[:EVENTS],
        *before.order_by("-at", "-pk")[:EVENTS],
    ]


def began(key: str) -> Q:
    """Return which events of a stack begin an operation, as far as was read."""
    own = Q(physical_id=key, resource_type=EMBEDDED)
    return (own & Q(status__in=BEGINNINGS)) | Q(cut=True)


def _telling(stack_id: str) -> Q:
    """Return which events `operations` and `first_failure` look at: few of many.

    What happens in a stack is told by the hundred; what failed of it, and the stack's own events,
    are few. What was cancelled is no cause.
    """
    own = Q(physical_id=stack_id, resource_type=EMBEDDED)
    cancelled = Q()
    for what in CANCELLATIONS:
        cancelled |= Q(reason__istartswith=f"Resource {what} cancelled")
    failed = Q(status__endswith="_FAILED") & ~cancelled
    return own | failed | Q(hook_status__in=HOOK_FAILED) | Q(cut=True)


def _operation(events: Sequence[Told], key: str) -> Operation:
    return Operation(events[0].at, events[-1].at, first_failure(events, key))


def _stored(operation: Operation, read: dict[str, list[Operation]]) -> dict[str, Any]:
    """Return a failed operation as the column holds it; see `Stack`."""
    failure = operation.failure
    assert failure is not None
    path, cause = _cause(operation, failure, read)
    lines = [" / ".join([*(one.logical_id for one in path), cause.line])]
    if failure.unsure:
        lines.append("Events before it were not read: something else may have failed first.")
    if failure.rollback:
        lines.append(f"The rollback failed, too: {failure.rollback}")
    return {
        "began": operation.began.isoformat(),
        "ended": operation.ended.isoformat(),
        "event": failure.event,
        "at": cause.at.isoformat(),
        "path": [{"logical_id": one.logical_id, "stack": one.nested} for one in path],
        "logical_id": cause.logical_id,
        "type": cause.resource_type,
        "status": cause.status,
        "reason": cause.reason,
        "unsure": failure.unsure,
        "why": "\n".join(lines),
    }


def _cause(
    operation: Operation, failure: Failure, read: dict[str, list[Operation]]
) -> tuple[list[Failure], Failure]:
    """Return the failures of nested stacks, the outermost first, and the one in the innermost."""
    path: list[Failure] = []
    while failure.nested and len(path) < DEEPEST:
        within = (
            one.failure
            for one in _operations_of(failure.nested, read)
            if one.failure and operation.began <= one.failure.at <= operation.ended
        )
        below = next(within, None)
        if below is None:
            break
        path.append(failure)
        failure = below
    return path, failure


def why_stack(stack: Stack) -> str:
    """Return why the newest operation failed: the first failed event, in the nested one it is in.

    Also while it is on its way back from it.
    """
    if not stack.troubled:
        return ""
    if failure := stack.newest_failure:
        return str(failure["why"])
    if stack.status_reason:
        said = f"{stack.status}: {stack.status_reason}"
        return f"{said}\n{UNREAD}" if stack.events_unread else said
    if stack.events_unread:
        return f"{stack.status}. {UNREAD}"
    return f"{stack.status}, and CloudFormation says no more"


def why_stack_then(stack: Stack, since: datetime | None, until: datetime | None) -> str:
    """Return the first failure of what was done with a stack between these times, "" where none.

    What a stack says of itself today is no reason for what failed last week.
    """
    for failure in stack.failures:
        began, at = parse_datetime(failure["began"]), parse_datetime(failure["at"])
        if began is None or at is None or (until is not None and at > until + LEEWAY):
            continue
        if since is None:
            early = until is not None and at < until - LONGEST
        else:
            early = began < since - LEEWAY
        return "" if early else str(failure["why"])
    return ""


def unexplained(stack: Stack, since: datetime | None, until: datetime | None) -> str:
    """Return what is not known of what was done with a stack between these times: its events.

    Of its newest operation alone: whether those of an earlier one were read, it does not tell.
    """
    if not stack.events_unread or stack.moved_at is None:
        return ""
    early = since is not None and stack.moved_at < since - LEEWAY
    late = until is not None and stack.moved_at > until + LEEWAY
    return "" if early or late else UNREAD


def why_resource(resource: Resource) -> str:
    """Return why a resource failed, in CloudFormation's words."""
    if resource.state != State.FAILED:
        return ""
    return f"{resource.status}: {resource.reason}" if resource.reason else resource.status


def why_change_set(change_set: ChangeSet) -> str:
    """Return why a change set could not be made or executed."""
    if change_set.state != State.FAILED:
        return ""
    return change_set.reason or f"{change_set.status} {change_set.execution_status}".strip()
