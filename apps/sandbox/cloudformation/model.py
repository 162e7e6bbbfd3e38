"""What CloudFormation holds: stacks with their resources and events, and change sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import events
from apps.sandbox.cloudformation.physical import attribute_of
from apps.sandbox.cloudformation.values import typed
from apps.sandbox.rolepolicy import service_session
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.cloudformation.template import Lookup, Template
    from apps.sandbox.principals import Principal
    from apps.sandbox.world import Place

KIND = "AWS::CloudFormation::Stack"
#: Events kept per stack; AWS keeps those of 90 days.
KEPT_EVENTS = 600
#: Deleted stacks kept per place; AWS keeps those of 90 days.
KEPT_DELETED = 40
DELETED = "DELETE_COMPLETE"


@dataclass(slots=True, eq=False)
class Event:
    """One event of a stack; ``at`` in epoch seconds."""

    id: str
    at: float
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""
    token: str = ""
    properties: str = ""


@dataclass(slots=True, eq=False)
class Resource:
    """One resource; ``properties`` are as they were last worked out."""

    logical_id: str
    type: str
    physical_id: str = ""
    status: str = ""
    reason: str = ""
    updated: float = 0.0
    properties: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)
    #: What ``Fn::GetAtt`` (and ``Ref``, where that is not its id) tells of what was really made.
    attributes: dict[str, Any] = field(default_factory=dict)
    #: What somebody changed by hand: MODIFIED or DELETED, found by the next drift detection.
    touched: str = ""
    #: The properties that it has instead of the template's where it was MODIFIED by hand.
    actual: dict[str, Any] = field(default_factory=dict)
    #: What the last drift detection found.
    drift: str = "NOT_CHECKED"
    drift_checked: float | None = None
    drift_found: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stack shall become, or was."""

    body: str
    template: Template
    values: dict[str, str]


@dataclass(slots=True, eq=False)
class Stack:
    """A stack. ``values`` are its parameters' values, those that are NoEcho among them.

    ``made_up`` says that nothing stands behind its resources: they only have names. ``actor`` is
    who asked for the newest operation, and in whose name it is done where the stack has no role.
    ``on_failure`` is ROLLBACK, DO_NOTHING or DELETE.
    """

    place: Place
    name: str
    id: str
    body: str
    template: Template
    created: float
    values: dict[str, str] = field(default_factory=dict)
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    updated: float | None = None
    deleted: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    role: str = ""
    topics: list[str] = field(default_factory=list)
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    made_up: bool = False
    #: What a deletion leaves as it is, because it would not go before.
    left: frozenset[str] = frozenset()
    actor: Principal | None = None
    timeout_minutes: int | None = None
    protected: bool = False
    rollback_configuration: dict[str, Any] = field(default_factory=dict)
    change_set_id: str = ""
    parent: Stack | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    drift: str = "NOT_CHECKED"
    drift_checked: float | None = None
    operations: int = 0
    token: str = ""
    #: Logical id → why its way back fails, once.
    stuck: dict[str, str] = field(default_factory=dict)
    #: What ContinueUpdateRollback goes on with, and what the stack was before its newest update.
    waiting: Callable[[], None] | None = None
    previous: Wanted | None = None
    on_end: list[Callable[[Stack], None]] = field(default_factory=list)
    event_ids: set[str] = field(default_factory=set)

    @property
    def acting(self) -> Principal | None:
        """In whose name its resources are made; None for the account's own."""
        if self.role:
            world = self.place.world
            return service_session(world, self.role, "AWSCloudFormation") or self.actor
        return self.actor

    @property
    def going_back(self) -> bool:
        """Whether it is on its way back."""
        return "ROLLBACK" in self.status

    @property
    def moving(self) -> bool:
        """Whether something is under way in it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def root(self) -> Stack:
        """The stack at the top of its family."""
        return self.parent.root if self.parent is not None else self

    def tell(self, resource: Resource | None, status: str, reason: str = "") -> None:
        """Set the status of a resource, or (None) of the stack, and let everybody know."""
        now = self.place.world.now()
        if resource is None:
            self.status, self.reason = status, reason
            name, physical, kind = self.name, self.id, KIND
        else:
            resource.status, resource.reason, resource.updated = status, reason, now
            name, physical, kind = resource.logical_id, resource.physical_id, resource.type
        event = Event(
            self._event_id(resource, status, now),
            now,
            name,
            physical,
            kind,
            status,
            reason,
            self.token,
        )
        self.events.insert(0, event)
        del self.events[KEPT_EVENTS:]
        if resource is None:
            events.stack_changed(self)
        else:
            events.resource_changed(self, event)

    def _event_id(self, resource: Resource | None, status: str, now: float) -> str:
        if resource is None:
            self.operations += 1
            return uuid_from(self.place.world.chance(self.id, "event", self.operations))
        moment = datetime.fromtimestamp(now, UTC)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        found = first = f"{resource.logical_id}-{status}-{stamp}"
        number = 1
        while found in self.event_ids:
            number += 1
            found = f"{first}-{number}"
        if len(self.event_ids) > 2 * KEPT_EVENTS:
            self.event_ids = {event.id for event in self.events}
        self.event_ids.add(found)
        return found

    def lookup(self) -> Lookup:
        """What this stack's template may refer to."""

        def look_up(kind: str, name: str, attribute: str) -> Any:
            if name.startswith("AWS::"):
                return self._pseudo(name)
            if kind == "FindInMap":
                key, _, second = attribute.partition(".")
                return self.template.get("Mappings", {}).get(name, {}).get(key, {}).get(second, "")
            if name in self.values:
                declared = self.template.get("Parameters", {}).get(name, {})
                return typed(self.place, declared, self.values[name])
            resource = self.resources.get(name)
            if resource is None:
                return name
            if kind == "GetAtt" and attribute.startswith("Outputs."):
                return self._output_of(resource, attribute.removeprefix("Outputs."))
            if kind == "GetAtt":
                return attribute_of(self.place, resource, attribute)
            return resource.attributes.get("Ref", resource.physical_id)

        return look_up

    def _output_of(self, resource: Resource, name: str) -> str:
        child = self.place.of(StackStore).find(resource.physical_id)
        outputs = child.outputs if child is not None else []
        return next((one["OutputValue"] for one in outputs if one["OutputKey"] == name), name)

    def _pseudo(self, name: str) -> Any:
        return {
            "AWS::Region": self.place.region,
            "AWS::AccountId": self.place.account,
            "AWS::Partition": "aws",
            "AWS::StackName": self.name,
            "AWS::StackId": self.id,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NotificationARNs": self.topics,
        }.get(name, name)


@dataclass(slots=True, eq=False)
class ChangeSet:
    """A change set; ``changes`` as DescribeChangeSet shows them."""

    stack: Stack
    name: str
    id: str
    body: str
    template: Template
    values: dict[str, str]
    created: float
    type: str = "UPDATE"
    description: str = ""
    status: str = "CREATE_PENDING"
    execution: str = "UNAVAILABLE"
    reason: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    role: str = ""
    on_failure: str = ""
    actor: Principal | None = None
    on_end: list[Callable[[ChangeSet], None]] = field(default_factory=list)


class StackStore:
    """CloudFormation in one place: stacks by name, deleted ones, and drift detections by id."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.stacks: dict[str, Stack] = {}
        self.deleted: list[Stack] = []
        self.detections: dict[str, tuple[Stack, float]] = {}
        #: Detection → why it failed, "" for one that did not.
        self.failed_detections: dict[str, str] = {}
        #: TemplateURL → body, for templates that are in no bucket.
        self.library: dict[str, str] = {}
        #: Stack name → what a pipeline's artifact holds: (number, broken) → template.
        self.sources: dict[str, Callable[[int, bool], str]] = {}
        self.made = 0

    def find(self, name: str) -> Stack | None:
        """The stack of this name or id; a deleted one by its id alone."""
        stack = self.stacks.get(name)
        if stack is not None or ":" not in name:
            return stack
        every = (*self.stacks.values(), *self.deleted)
        return next((one for one in every if one.id == name), None)

    def new_id(self, name: str) -> str:
        """A StackId: never the same for two stacks of one name."""
        self.made += 1
        chance = self.place.world.chance(self.place.account, self.place.region, name, self.made)
        return self.place.arn("cloudformation", f"stack/{name}/{uuid_from(chance)}")

    def bury(self, stack: Stack) -> None:
        """Remember a deleted stack for a while."""
        if self.stacks.get(stack.name) is stack:
            del self.stacks[stack.name]
        self.deleted.insert(0, stack)
        del self.deleted[KEPT_DELETED:]
