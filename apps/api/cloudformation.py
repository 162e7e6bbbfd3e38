"""CloudFormation in the API: stacks, what happened in them, what they made and would change."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.cloudformation.digest import why_stack
from apps.cloudformation.models import ChangeSet, Event, Resource, Stack
from apps.live.moments import parsed
from apps.mirror.links import links_of
from apps.mirror.state import State

from .answers import Narrow, PageOf, Words, absolute, answers
from .paging import Paging, page_of
from .things import Thing, columns, thing

router = Router()


class NarrowStacks(Narrow):
    """Which stacks are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the name, the description or the id."
    )
    root: Words = Field(
        "", description="The StackId of a root: the stacks that are nested in it, at any depth."
    )


class NarrowStackEvents(Schema):
    """Which events are wanted."""

    failed: bool = Field(False, description="Those that tell of a failure alone.")


class StackItem(Thing):
    """A stack and how it fares."""

    name: str
    description: str
    status_reason: str
    parent: str = Field(description="StackId of the stack it is nested in; empty for a root.")
    root: str = Field(description="StackId of the root of its family; empty for a root.")
    drift_status: str
    created_at: datetime | None
    updated_at: datetime | None
    deleted_at: datetime | None
    tags: dict[str, str]


class Parameter(Schema):
    """A parameter; the value of one that is not to be echoed was never read."""

    key: str
    value: str
    resolved: str
    no_echo: bool


class Output(Schema):
    """An output."""

    key: str
    value: str
    description: str
    export: str = Field(description="The name it is exported by; empty where it is not.")


class FirstFailure(Schema):
    """The first failed event of an operation, in the nested stack it happened in."""

    at: datetime | None
    path: list[str] = Field(description="Names of the nested stacks on the way to it.")
    logical_id: str
    type: str
    status: str
    reason: str


class ResourceItem(Thing):
    """A resource of a stack; `arn` is its ARN where its physical id tells it, else that id."""

    logical_id: str
    physical_id: str
    type: str
    reason: str
    drift_status: str
    last_updated: datetime | None
    kind: str = Field(description="What it is among what is mirrored, e.g. awslambda.function.")


class StackEvent(Thing):
    """An event of a stack; `url` and `console_url` are the stack's."""

    event_id: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    reason: str
    first_failure: bool = Field(description="Whether it is the cause of a failed operation.")


class Change(Schema):
    """What a change set would do to a resource."""

    action: str
    logical_id: str
    type: str
    replacement: str = Field(description="True, False or Conditional; empty where it is added.")
    scope: list[str]


class ChangeSetItem(Thing):
    """A change set."""

    name: str
    description: str
    execution_status: str
    reason: str
    created_at: datetime | None
    changes: list[Change]


class StackDetail(StackItem):
    """A stack with its parameters, outputs, change sets, and why it failed."""

    termination_protection: bool
    role_arn: str
    capabilities: list[str]
    notification_arns: list[str]
    parameters: list[Parameter]
    outputs: list[Output]
    failure: FirstFailure | None
    change_sets: list[ChangeSetItem]
    resources: list[ResourceItem]
    events: list[StackEvent] = Field(description="The newest fifty, the newest first.")


@router.get("", response=answers(PageOf[StackItem]))
def list_stacks(request: HttpRequest, narrow: Query[NarrowStacks], paging: Query[Paging]) -> Any:
    """Stacks by name."""
    wanted = narrow.dict()
    root = wanted.pop("root")
    rows = Stack.objects.for_list().present().visible_to(request.user).matching(**wanted)
    if root:
        rows = rows.filter(root_id=root)
    found, following = page_of(rows, paging, name="stacks", by="name")
    return {"items": [_stack(request, row) for row in found], "next_cursor": following}


@router.get("/{int:stack_id}", response=answers(StackDetail))
def one_stack(request: HttpRequest, stack_id: int) -> Any:
    """A stack with what belongs to it."""
    row = _found(request, stack_id)
    change_sets = _of(row, ChangeSet.objects.present()).order_by("-created_at", "-pk")
    resources = list(_of(row, Resource.objects.present()).order_by("logical_id", "pk"))
    events = _of(row, Event.objects.all()).order_by("-at", "-pk")[:50]
    return {
        **_stack(request, row),
        **columns(
            row,
            "termination_protection",
            "role_arn",
            "capabilities",
            "notification_arns",
            "parameters",
            "outputs",
        ),
        "failure": _failure(row.failure) if row.failure else None,
        "change_sets": [_change_set(request, one) for one in change_sets],
        "resources": _resources(request, resources),
        "events": _events(request, row, events),
    }


@router.get("/{int:stack_id}/events", response=answers(PageOf[StackEvent]))
def list_events(
    request: HttpRequest, stack_id: int, narrow: Query[NarrowStackEvents], paging: Query[Paging]
) -> Any:
    """What happened in a stack, the newest first, as far back as the mirror remembers."""
    row = _found(request, stack_id)
    rows = _of(row, Event.objects.all())
    if narrow.failed:
        rows = rows.filter(status__endswith="_FAILED")
    found, following = page_of(rows, paging, name=f"stack-{row.pk}-events", by="-at")
    return {"items": _events(request, row, found), "next_cursor": following}


@router.get("/{int:stack_id}/resources", response=answers(PageOf[ResourceItem]))
def list_resources(request: HttpRequest, stack_id: int, paging: Query[Paging]) -> Any:
    """What a stack made, by logical id."""
    row = _found(request, stack_id)
    rows = _of(row, Resource.objects.present())
    name = f"stack-{row.pk}-resources"
    found, following = page_of(rows, paging, name=name, by="logical_id")
    return {"items": _resources(request, found), "next_cursor": following}


def _found(request: HttpRequest, stack_id: int) -> Stack:
    rows = Stack.objects.visible_to(request.user).select_related("scope")
    found: Stack = get_object_or_404(rows, pk=stack_id)
    return found


def _of(stack: Stack, rows: Any) -> Any:
    """Narrow rows to those of a stack, with what all things tell."""
    return rows.filter(stack=stack).select_related("scope", "stack__scope")


def _stack(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "cloudformation.stack", row),
        # Also while it is on its way back from what failed.
        "why": why_stack(row),
        "parent": row.parent_id,
        "root": row.root_id,
        **columns(
            row,
            "name",
            "description",
            "status_reason",
            "drift_status",
            "created_at",
            "updated_at",
            "deleted_at",
            "tags",
        ),
    }


def _failure(failure: dict[str, Any]) -> dict[str, Any]:
    told = ("logical_id", "type", "status", "reason")
    return {
        **{name: failure.get(name, "") for name in told},
        "at": parsed(failure.get("at")),
        "path": [step["logical_id"] for step in failure.get("path", ())],
    }


def _events(request: HttpRequest, stack: Any, events: Any) -> list[dict[str, Any]]:
    causes = {failure["event"] for failure in stack.failures}
    url = absolute(request, stack.get_absolute_url())
    return [
        {
            **thing(request, "cloudformation.event", one),
            **columns(one, "at", "logical_id", "physical_id", "reason"),
            "arn": one.key,
            "url": url,
            "console_url": stack.console_url,
            "event_id": one.key,
            "type": one.resource_type,
            "state": one.told_state,
            "why": (one.reason or one.status) if one.told_state == State.FAILED else "",
            "first_failure": one.key in causes,
        }
        for one in events
    ]


def _resources(request: HttpRequest, resources: list[Any]) -> list[dict[str, Any]]:
    made = links_of("cloudformation.resource", [one.pk for one in resources])
    found = []
    for one in resources:
        link = next(iter(made.get(one.pk, ())), None)
        found.append(
            {
                **thing(request, "cloudformation.resource", one),
                **columns(one, "logical_id", "physical_id", "reason", "drift_status"),
                "console_url": one.stack.console_url,
                "last_updated": one.last_updated,
                "type": one.resource_type,
                "kind": link.to_kind if link else "",
                "arn": (link.to_arn if link else "") or one.arn or one.physical_id,
            }
        )
    return found


def _change_set(request: HttpRequest, one: Any) -> dict[str, Any]:
    names = ("action", "logical_id", "type", "replacement")
    return {
        **thing(request, "cloudformation.changeset", one),
        **columns(one, "name", "description", "execution_status", "reason", "created_at"),
        "changes": [
            {**{name: change.get(name) or "" for name in names}, "scope": change.get("scope") or []}
            for change in one.changes
        ],
    }
