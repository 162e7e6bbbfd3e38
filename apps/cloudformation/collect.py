"""CloudFormation's collectors: stacks in one list, what belongs to a stack only where it moved.

Knows boto3's answers and nothing of Django; `records` reads them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from apps.aws.calls import Failed, Fed, Reach
from apps.mirror.ask import Ask, Covered, Parent, Vanished
from apps.mirror.provider import Health

from .failure import BEGINNINGS, is_own
from .records import (
    ChangeSetRecord,
    EventRecord,
    ResourceRecord,
    StackRecord,
    change_set_record,
    change_set_stamp,
    event_record,
    resource_record,
    stack_record,
)

# So many stacks are asked for one by one; more are sought in the list of all.
FEW = 4
# Of so many stacks that are listed no more it is asked how their deletion ended.
MOST_DELETED = 20
# A stack's history is read back no further than this at once: 100 events a page, and six of each of
# the 500 resources that a stack may have.
EVENT_PAGES = 30
# Of a change set so many pages of changes are read.
CHANGE_PAGES = 5
DELETED = "DELETE_COMPLETE"


def stacks(reach: Reach, ask: Ask) -> Iterator[StackRecord | Vanished]:
    """Yield every stack that is not deleted, 100 to a call, or those named by `ask.keys`.

    ListStacks would not do: it tells no tags, outputs, parameters, roles, and lists what was
    deleted in the last 90 days. A stack that is listed no more is asked for once by its id, which
    tells how and when it was deleted; the next time it is gone.
    """
    if ask.keys is not None:
        yield from _named(reach, ask.keys)
        return
    listed: set[str] = set()
    for record in _all(reach):
        listed.add(record.key)
        yield record
    missing = (
        key
        for key, stamp in ask.known.items()
        if key not in listed and not stamp.startswith(DELETED)
    )
    for _, answer in reach.each(
        list(islice(missing, MOST_DELETED)), lambda key: _described(reach, key)
    ):
        if not isinstance(answer, Failed):
            yield from answer


def _all(reach: Reach) -> Iterator[StackRecord]:
    for page in reach.pages("cloudformation:DescribeStacks"):
        yield from (stack_record(stack) for stack in page["Stacks"])


def _described(reach: Reach, key: str) -> list[StackRecord]:
    answer = reach.call("cloudformation:DescribeStacks", StackName=key)
    return [stack_record(stack) for stack in answer.get("Stacks", ())]


def _named(reach: Reach, keys: Sequence[str]) -> Iterator[StackRecord | Vanished]:
    left = set(keys)
    if len(left) > FEW:
        for record in _all(reach):
            if record.key in left:
                left.discard(record.key)
                yield record
    for key, answer in reach.each(sorted(left), lambda one: _described(reach, one)):
        if not isinstance(answer, Failed):
            yield from answer
        elif answer.failure.health is Health.GONE:
            yield Vanished(key)


def events(reach: Reach, ask: Ask) -> Iterator[EventRecord | Covered]:
    """Yield events of each stack, newest first, until one is known.

    Of a stack that was never read, until the beginning of its newest operation: what was before it
    would cost a page for each hundred events that no one asks for. Where it is too long to be read
    back at once, its oldest event says that there is a hole.
    """
    held: dict[str, list[EventRecord]] = {}
    pages: dict[str, int] = {}
    pending: Fed[tuple[Parent, str | None]] = Fed((parent, None) for parent in ask.parents)

    def read(item: tuple[Parent, str | None]) -> Any:
        stack, token = item
        following = {"NextToken": token} if token else {}
        return reach.call("cloudformation:DescribeStackEvents", StackName=stack.key, **following)

    for (stack, _), page in reach.each(pending, read):
        if isinstance(page, Failed):
            # What was read of it is dropped: a hole behind known events would never be filled.
            held.pop(stack.key, None)
            if page.failure.health is Health.GONE:
                yield Covered(stack.key)
            continue
        found = [event_record(stack.key, event) for event in page["StackEvents"]]
        held.setdefault(stack.key, []).extend(found)
        pages[stack.key] = pages.get(stack.key, 0) + 1
        further = page.get("NextToken")
        first = not stack.fields.get("events_stamp")
        begun = any(event.status in BEGINNINGS and is_own(event, stack.key) for event in found)
        enough = ask.finished(event.key for event in found) or (first and begun)
        if further and not enough and pages[stack.key] < EVENT_PAGES:
            pending.feed((stack, further))
            continue
        events = held.pop(stack.key)
        if further and not enough:
            events[-1] = replace(events[-1], cut=True)
        yield from _told_apart(events)
        yield Covered(stack.key)


def _told_apart(newest_first: Sequence[EventRecord]) -> Iterator[EventRecord]:
    """Give events of one millisecond times of their own, in the order in which AWS lists them."""
    before: datetime | None = None
    number = 0
    for event in reversed(newest_first):
        number = number + 1 if event.at == before else 0
        before = event.at
        at = event.at and event.at + timedelta(microseconds=number)
        yield replace(event, at=at) if number else event


def resources(reach: Reach, ask: Ask) -> Iterator[ResourceRecord | Covered]:
    """Yield the resources of each stack, 100 to a call."""

    def read(stack: Parent) -> list[ResourceRecord]:
        return [
            resource_record(stack.key, resource)
            for page in reach.pages("cloudformation:ListStackResources", StackName=stack.key)
            for resource in page["StackResourceSummaries"]
        ]

    yield from _of_each(reach, ask, read)


def change_sets(reach: Reach, ask: Ask) -> Iterator[ChangeSetRecord | Covered]:
    """Yield the change sets of each stack; their changes where they moved since they were read."""

    def read(stack: Parent) -> list[ChangeSetRecord]:
        return [
            _change_set(reach, ask, stack.key, summary)
            for page in reach.pages("cloudformation:ListChangeSets", StackName=stack.key)
            for summary in page["Summaries"]
        ]

    yield from _of_each(reach, ask, read)


def _of_each(reach: Reach, ask: Ask, read: Any) -> Iterator[Any]:
    for stack, found in reach.each(ask.parents, read):
        if not isinstance(found, Failed):
            yield from found
            yield Covered(stack.key)
        elif found.failure.health is Health.GONE:
            yield Covered(stack.key)


def _change_set(reach: Reach, ask: Ask, stack: str, summary: Mapping[str, Any]) -> ChangeSetRecord:
    key = summary["ChangeSetId"]
    if not ask.deep and ask.known.get(key) == change_set_stamp(summary):
        return change_set_record(stack, summary)
    pages: list[Mapping[str, Any]] = []
    token: str | None = None
    while len(pages) < CHANGE_PAGES:
        following = {"NextToken": token} if token else {}
        page = reach.detail("cloudformation:DescribeChangeSet", ChangeSetName=key, **following)
        if page is None:
            return change_set_record(stack, summary)
        pages.append(page)
        token = page.get("NextToken")
        if not token:
            break
    return change_set_record(stack, summary, pages, cut=bool(token))
