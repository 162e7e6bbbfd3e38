"""CloudFormation in the API: stacks, what happened in them, what they made and would change."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.cloudformation.models import ChangeSet, Event, Resource, Stack
from apps.mirror.links import links_of

from .answers import Narrow, PageOf, Words, answers, moment
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


class ResourceItem(Schema):
    """A resource of a stack."""

    id: int
    logical_id: str
    physical_id: str
    type: str
    status: str
    state: str
    reason: str
    drift_status: str
    last_updated: datetime | None
    kind: str = Field(description="What it is among what is mirrored, e.g. awslambda.function.")
    arn: str = Field(description="Its ARN, where its physical id tells it; else empty.")


class StackEvent(Schema):
    """An event of a stack."""

    id: int
    event_id: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    state: str
    reason: str
    first_failure: bool = Field(description="Whether it is the cause of a failed operation.")


class Change(Schema):
    """What a change set would do to a resource."""

    action: str
    logical_id: str
    type: str
    replacement: str = Field(description="True, False or Conditional; empty where it is added.")
    scope: list[str]


class ChangeSetItem(Schema):
    """A change set."""

    id: int
    arn: str
    name: str
    description: str
    status: str
    execution_status: str
    state: str
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
    change_sets = ChangeSet.objects.present().filter(stack=row).order_by("-created_at", "-pk")
    resources = list(Resource.objects.present().filter(stack=row).order_by("logical_id", "pk"))
    events = Event.objects.filter(stack=row).order_by("-at", "-pk")[:50]
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
        "change_sets": [_change_set(one) for one in change_sets],
        "resources": _resources(resources),
        "events": _events(row, events),
    }


@router.get("/{int:stack_id}/events", response=answers(PageOf[StackEvent]))
def list_events(
    request: HttpRequest, stack_id: int, narrow: Query[NarrowStackEvents], paging: Query[Paging]
) -> Any:
    """What happened in a stack, the newest first, as far back as the mirror remembers."""
    row = _found(request, stack_id)
    rows = Event.objects.filter(stack=row)
    if narrow.failed:
        rows = rows.filter(status__endswith="_FAILED")
    found, following = page_of(rows, paging, name=f"stack-{row.pk}-events", by="-at")
    return {"items": _events(row, found), "next_cursor": following}


@router.get("/{int:stack_id}/resources", response=answers(PageOf[ResourceItem]))
def list_resources(request: HttpRequest, stack_id: int, paging: Query[Paging]) -> Any:
    """What a stack made, by logical id."""
    row = _found(request, stack_id)
    rows = Resource.objects.present().filter(stack=row)
    name = f"stack-{row.pk}-resources"
    found, following = page_of(rows, paging, name=name, by="logical_id")
    return {"items": _resources(found), "next_cursor": following}


def _found(request: HttpRequest, stack_id: int) -> Stack:
    rows = Stack.objects.visible_to(request.user).select_related("scope")
    found: Stack = get_object_or_404(rows, pk=stack_id)
    return found


def _stack(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "cloudformation.stack", row),
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
        "at": moment(failure.get("at")),
        "path": [step["logical_id"] for step in failure.get("path", ())],
    }


def _events(stack: Any, events: Any) -> list[dict[str, Any]]:
    causes = {failure["event"] for failure in stack.failures}
    return [
        {
            **columns(one, "id", "at", "logical_id", "physical_id", "status", "reason"),
            "event_id": one.key,
            "type": one.resource_type,
            "state": one.told_state,
            "first_failure": one.key in causes,
        }
        for one in events
    ]


def _resources(resources: list[Any]) -> list[dict[str, Any]]:
    made = links_of("cloudformation.resource", [one.pk for one in resources])
    found = []
    for one in resources:
        link = next(iter(made.get(one.pk, ())), None)
        found.append(
            {
                **columns(
                    one,
                    "id",
                    "logical_id",
                    "physical_id",
                    "status",
                    "state",
                    "reason",
                    "drift_status",
                    "last_updated",
                ),
                "type": one.resource_type,
                "kind": link.to_kind if link else "",
                "arn": link.to_arn if link else "",
            }
        )
    return found


def _change_set(one: Any) -> dict[str, Any]:
    names = ("action", "logical_id", "type", "replacement")
    return {
        **columns(one, "id", "arn", "name", "description", "status", "execution_status", "state"),
        **columns(one, "reason", "created_at"),
        "changes": [
            {**{name: change.get(name) or "" for name in names}, "scope": change.get("scope") or []}
            for change in one.changes
        ],
    }
