"""Loads what pages and fragments of stacks show, in a number of queries that rows don't change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.mirror.links import links_of, resolve, url_of
from apps.mirror.state import State
from apps.mirror.visibility import VISIBILITY

from .digest import began, why_stack
from .models import WIDE, ChangeSet, Event, Resource, Stack

# The newest events of the newest operation that a stack's page shows, besides how it began and what
# failed first; the page of events has them all.
SHOWN_EVENTS = 120
# Change sets that are no longer listed, shown besides those that are.
PAST_CHANGE_SETS = 5
NESTED_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A nested stack on the way to the cause: its name above, and its page where it is known."""

    name: str
    url: str


# --- Lists ----------------------------------------------------------------------------------------


def stack_rows(stacks: Iterable[Stack]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of stacks; roots with those that are nested in them."""
    rows = list(stacks)
    within: dict[str, list[Stack]] = defaultdict(list)
    roots = [row.key for row in rows if not row.parent_id]
    below = Stack.objects.filter(root_id__in=roots, gone_at=None).defer(*WIDE, "tags")
    for one in below.order_by("urgency", "name", "pk"):
        within[one.root_id].append(one)
    return {
        row.pk: {
            "stack": row,
            "nested": within[row.key][:NESTED_SHOWN],
            "more": max(0, len(within[row.key]) - NESTED_SHOWN),
            "why": why_stack(row),
            "unread_as": _as_read(row),
        }
        for row in rows
    }


def stack_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return stack_rows(Stack.objects.for_list().filter(pk__in=ids))


# --- A stack --------------------------------------------------------------------------------------


def stack_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Stacks with why they failed, the stacks on the way to it, those above and those within."""
    rows = Stack.objects.select_related("scope").filter(pk__in=ids)
    stacks = {row.pk: row for row in rows}
    keys = {row.parent_id for row in stacks.values() if row.parent_id}
    keys |= {row.root_id for row in stacks.values() if row.root_id}
    paths = (row.newest_failure.get("path", ()) for row in stacks.values())
    keys |= {step["stack"] for path in paths for step in path}
    known = {row.key: row for row in Stack.objects.filter(key__in=keys).only("key", "name")}
    within: dict[str, list[Stack]] = defaultdict(list)
    nested = Stack.objects.filter(parent_id__in=[row.key for row in stacks.values()], gone_at=None)
    for one in nested.defer(*WIDE, "tags").order_by("urgency", "name", "pk"):
        within[one.parent_id].append(one)
    return {
        pk: {
            "stack": stack,
            "why": why_stack(stack),
            "unread_as": _as_read(stack),
            "path": [
                Step(step["logical_id"], _page(known.get(step["stack"])))
                for step in stack.newest_failure.get("path", ())
            ],
            "parent": known.get(stack.parent_id),
            "root": known.get(stack.root_id) if stack.root_id != stack.parent_id else None,
            "nested": within[stack.key],
        }
        for pk, stack in stacks.items()
    }


def _as_read(stack: Stack) -> str:
    """Tell pictures apart: that events were read is no change of their stack."""
    return "-unread" if stack.events_unread else ""


def _page(stack: Stack | None) -> str:
    return stack.get_absolute_url() if stack is not None else ""


def stack_alone(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Stacks with their scope: what the facts tell of."""
    rows = Stack.objects.select_related("scope").filter(pk__in=ids)
    return {row.pk: {"stack": row} for row in rows}


def stack_timeline(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Stacks with the events of their newest operation, in order, the first failure marked."""
    contexts: dict[int, dict[str, Any]] = {}
    for pk, context in stack_alone(ids).items():
        stack = context["stack"]
        marked = stack.failure.get("event", "")
        shown = _timeline(stack, marked)
        contexts[pk] = {
            **context,
            # How many seconds after the first one each came: times of day tell minutes.
            "events": [
                (event, int((event.at - shown[0][0].at).total_seconds()), missing)
                for event, missing in shown
            ],
            "marked": marked,
        }
    return contexts


def _timeline(stack: Stack, marked: str) -> list[tuple[Event, int]]:
    """Return the events that are shown, each with how many are left out before it."""
    rows = Event.objects.filter(stack=stack).order_by("at", "pk")
    begin = rows.filter(began(stack.key)).last()
    if begin is not None:
        rows = rows.filter(at__gte=begin.at)
    newest = list(rows.reverse()[:SHOWN_EVENTS])[::-1]
    have = {event.pk for event in newest}
    # The beginning and the first failure are shown however much came after them.
    whole = [] if begin is None or begin.pk in have else [begin]
    whole += [event for event in rows.filter(key=marked) if event.pk not in have]
    whole = list({event.pk: event for event in whole}.values())
    shown: list[tuple[Event, int]] = []
    for event in [*whole, *newest[:1]]:
        between = rows.filter(at__lt=event.at)
        if shown:
            between = between.filter(at__gt=shown[-1][0].at)
        shown.append((event, between.count()))
    return [*shown, *((event, 0) for event in newest[1:])]


def stack_resources(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Stacks with what they made, and the pages of what is mirrored of it."""
    contexts = stack_alone(ids)
    of: dict[int, list[Resource]] = defaultdict(list)
    for row in Resource.objects.filter(stack__in=contexts, gone_at=None).order_by("logical_id"):
        of[row.stack_id].append(row)
    every = [row for rows in of.values() for row in rows]
    made = _made(every)
    return {
        pk: {
            **context,
            "resources": [(row, made.get(row.pk)) for row in of[pk]],
            "drifted": [row for row in of[pk] if row.drift_status in ("MODIFIED", "DELETED")],
        }
        for pk, context in contexts.items()
    }


def _made(resources: Sequence[Resource]) -> dict[int, dict[str, Any]]:
    """Return {label, url, state, status} of what resources are, by their id; one query a kind.

    What not all readers of the stack may know of is left out: the pictures are shared between them
    (docs/decisions/0011-links-in-shared-pictures.md).
    """
    links = links_of("cloudformation.resource", [row.pk for row in resources])
    arns: dict[str, set[str]] = defaultdict(set)
    for found in links.values():
        for link in found:
            arns[link.to_kind].add(link.to_arn)
    rows = {(kind, arn): row for kind in arns for arn, row in resolve(kind, arns[kind]).items()}
    pairs = {
        resource.pk: (
            (("cloudformation.stack", resource.stack_id), (link.to_kind, row.pk)),
            row,
        )
        for resource in resources
        for link in links.get(resource.pk, ())
        if (row := rows.get((link.to_kind, link.to_arn))) is not None
    }
    tells = VISIBILITY.rule.tells(pair for pair, _ in pairs.values())
    return {
        pk: {"label": str(row), "url": url_of(pair[1][0], row), "row": row}
        for pk, (pair, row) in pairs.items()
        if tells[pair]
    }


def stack_change_sets(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Stacks with their change sets, the newest first; a few that are no longer listed, too."""
    contexts = stack_alone(ids)
    of: dict[int, list[ChangeSet]] = defaultdict(list)
    rows = ChangeSet.objects.filter(stack__in=contexts).select_related("scope")
    for row in rows.order_by("-created_at", "-pk"):
        row.stack = contexts[row.stack_id]["stack"]
        of[row.stack_id].append(row)
    return {
        pk: {
            **context,
            "change_sets": [row for row in of[pk] if row.gone_at is None],
            "past": [row for row in of[pk] if row.gone_at][:PAST_CHANGE_SETS],
            "waits": any(row.state == State.WAITING for row in of[pk] if row.gone_at is None),
        }
        for pk, context in contexts.items()
    }
