"""Finds what made an operation of a stack fail: its first failed event; no Django.

CloudFormation cancels what is under way when the first resource fails, rolls back what was done,
and says of the stack no more than the names of those that failed. The cause is the earliest failure
that is no cancellation.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

# With one of these of the stack itself an operation begins. What continues a rollback belongs to
# the update whose rollback it is.
BEGINNINGS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)
CANCELLATIONS = ("creation", "update", "deletion", "operation")
CANCELLED = re.compile(rf"(?i)^resource ({'|'.join(CANCELLATIONS)}) cancelled")
EMBEDDED = "AWS::CloudFormation::Stack"
HOOK_FAILED = frozenset({"HOOK_COMPLETE_FAILED", "HOOK_FAILED"})


class Told(Protocol):
    """An event, as a record or as a row."""

    @property
    def key(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def at(self) -> Any: ...  # noqa: D102 - AWS's own word

    @property
    def status(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def logical_id(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def physical_id(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def resource_type(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def reason(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def hook_status(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def hook_reason(self) -> str: ...  # noqa: D102 - AWS's own word

    @property
    def cut(self) -> bool:
        """Whether events before it were not read."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """The first failure of an operation.

    reason    AWS's words, of a failed hook those of the hook beside them.
    nested    StackId of the nested stack that failed, "" where it was no nested stack.
    rollback  why the way back failed, too: "Queue: …", "" where it did not.
    unsure    events before those that are known were not read: another may have failed first.
    """

    event: str
    at: datetime
    logical_id: str
    resource_type: str
    status: str
    reason: str
    nested: str = ""
    rollback: str = ""
    unsure: bool = False

    @property
    def line(self) -> str:
        """It in one line."""
        kind = f" ({self.resource_type})" if self.resource_type else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.logical_id}{kind} {self.status}{reason}"


def is_own(event: Told, stack_id: str) -> bool:
    """Whether an event tells of the stack itself rather than of something in it."""
    return event.physical_id == stack_id and event.resource_type == EMBEDDED


def operations(events: Iterable[Told], stack_id: str) -> list[list[Told]]:
    """Return the events of each operation, the oldest first, of the newest operation first.

    `events` may be in any order; those before the first beginning they hold make one, too. Behind a
    hole nobody knows what began.
    """
    found: list[list[Told]] = [[]]
    for event in sorted(events, key=lambda event: event.at, reverse=True):
        found[-1].append(event)
        if event.cut or (is_own(event, stack_id) and event.status in BEGINNINGS):
            found.append([])
    return [operation[::-1] for operation in found if operation]


def first_failure(events: Sequence[Told], stack_id: str) -> Failure | None:
    """Return the first failure among the events of one operation, the oldest first.

    Where nothing in the stack failed, the stack's own words are what there is: a failed transform,
    a rollback that a trigger asked for.
    """
    failed = [event for event in events if _failed(event)]
    inside = [event for event in failed if not is_own(event, stack_id)]
    back = next((event.at for event in events if _rolls_back(event, stack_id)), None)
    forth = [event for event in inside if back is None or event.at <= back]
    cause = next(iter(forth), None) or next(
        (
            event
            for event in events
            if is_own(event, stack_id)
            and event.reason
            and (_failed(event) or _rolls_back(event, stack_id))
        ),
        None,
    )
    cause = cause or next(iter(failed), None)
    if cause is None:
        return None
    on_the_way_back = [event for event in inside if back is not None and event.at > back]
    second = next((event for event in on_the_way_back if event.key != cause.key), None)
    embedded = cause.resource_type == EMBEDDED and not is_own(cause, stack_id)
    return Failure(
        event=cause.key,
        at=cause.at,
        logical_id=cause.logical_id,
        resource_type=cause.resource_type,
        status=cause.status,
        reason=_reason(cause, events),
        nested=cause.physical_id if embedded else "",
        rollback=f"{second.logical_id}: {second.reason}" if second else "",
        unsure=events[0].cut,
    )


def _failed(event: Told) -> bool:
    return event.status.endswith("_FAILED") and not CANCELLED.match(event.reason)


def _rolls_back(event: Told, stack_id: str) -> bool:
    return is_own(event, stack_id) and event.status.endswith("ROLLBACK_IN_PROGRESS")


def _reason(cause: Told, events: Sequence[Told]) -> str:
    """Return the reason; a hook that failed says more than "The following hook(s) failed"."""
    hooks = (
        event.hook_reason
        for event in events
        if event.logical_id == cause.logical_id
        and event.hook_status in HOOK_FAILED
        and event.hook_reason
    )
    told = next(hooks, "")
    return f"{cause.reason} {told}".strip() if told and told not in cause.reason else cause.reason
