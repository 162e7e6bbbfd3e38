"""Stacks, their events, resources and change sets as last read from CloudFormation."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import UNFINISHED, URGENCY, State

from .console import change_set_url, stack_url
from .states import state_of

# Columns that only a stack's own page shows.
WIDE = (
    "parameters",
    "outputs",
    "capabilities",
    "notification_arns",
    "rollback_configuration",
    "failures",
    "resources_stamp",
    "change_sets_stamp",
)


class StackQuerySet(MirroredQuerySet):
    """Stacks the way lists want them."""

    def for_list(self) -> Self:
        """With scope, what is broken first; without the columns that only its page shows."""
        rows = self.select_related("scope").order_by("urgency", "name", "pk")
        return rows.defer(*WIDE)

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name, description or id, by our state, account and region."""
        rows = self.containing(q, "name", "description", "key")
        return rows.narrowed(state=state, account=account, region=region)


class Stack(Mirrored):
    """A stack.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html

    `key` and `arn` are the StackId: a stack that is deleted and made again under its name is
    another one. `parameters` is `[{key, value, resolved, no_echo}]`, without the values of those
    that are NoEcho; `outputs` `[{key, value, description, export}]`; `tags` `{key: value}`;
    `rollback_configuration` `{triggers: [{arn, type}], minutes}` or `{}`.

    `failure` is the first failure of the newest operation, from its events, `{}` where nothing
    failed; `failures` those of the newest operations that failed, the newest first: `{began, ended,
    event, at, path, logical_id, type, status, reason, unsure, why}`; `unsure` where events
    before it were not read. Where a nested stack failed, `path` is `[{logical_id, stack}]` down to
    the one in which the cause lies, which the rest tells of; `event` is the stack's own. `moved_at`
    is when the newest operation began.
    `stamp` tells one version of it from the next; the `…_stamp` columns, which the mirror writes,
    those whose events, resources and change sets were read.
    """

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    status_reason = models.TextField(blank=True)
    detailed_status = models.CharField(max_length=64, blank=True)
    parent_id = models.CharField(max_length=512, blank=True, db_index=True)
    root_id = models.CharField(max_length=512, blank=True)
    change_set_id = models.CharField(max_length=2048, blank=True)
    parameters = models.JSONField(default=list)
    outputs = models.JSONField(default=list)
    tags = models.JSONField(default=dict)
    capabilities = models.JSONField(default=list)
    role_arn = models.CharField(max_length=2048, blank=True)
    notification_arns = models.JSONField(default=list)
    rollback_configuration = models.JSONField(default=dict)
    disable_rollback = models.BooleanField(default=False)
    timeout_in_minutes = models.PositiveIntegerField(null=True)
    termination_protection = models.BooleanField(default=False)
    drift_status = models.CharField(max_length=32, blank=True)
    drift_checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(null=True)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])
    failure = models.JSONField(default=dict)
    failures = models.JSONField(default=list)
    stamp = models.CharField(max_length=512, blank=True)
    events_stamp = models.CharField(max_length=512, blank=True)
    resources_stamp = models.CharField(max_length=512, blank=True)
    change_sets_stamp = models.CharField(max_length=512, blank=True)

    objects: ClassVar[Any] = StackQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "name", "id"], name="stack_by_urgency"),
            models.Index(fields=["-moved_at", "-id"], name="stack_newest"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the stack's page."""
        return reverse("cloudformation:stack", args=[self.pk])

    def __str__(self) -> str:
        return self.name

    @property
    def console_url(self) -> str:
        """The stack in AWS's console."""
        return stack_url(self.scope.region, self.key)

    @property
    def unfinished(self) -> bool:
        """Whether something happens in it, or waits to."""
        return self.state in UNFINISHED

    @property
    def rolls_back(self) -> bool:
        """Whether it is on its way back from something that failed."""
        return self.state == State.MOVING and "ROLLBACK" in self.status

    @property
    def events_unread(self) -> bool:
        """Whether it moved on since its events were read, or none ever was."""
        return self.events_stamp != self.stamp

    @property
    def newest_failure(self) -> Mapping[str, Any]:
        """`failure`; {} where it is known to be of an operation before the newest one."""
        failure: Mapping[str, Any] = self.failure
        ended = parse_datetime(failure.get("ended", ""))
        if self.events_unread and ended and self.moved_at and ended < self.moved_at:
            return {}
        return failure

    @property
    def troubled(self) -> bool:
        """Whether there is something to explain."""
        return self.state == State.FAILED or self.rolls_back


class Event(Mirrored):
    """One event of a stack: written once, and kept for a year.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html

    `key` is the EventId. It has no `state` of its own: what it tells of is over. `cut` says that
    events before it were not read: there were too many at once.
    """

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(db_index=True)
    logical_id = models.CharField(max_length=255, blank=True)
    physical_id = models.CharField(max_length=2048, blank=True)
    resource_type = models.CharField(max_length=255, blank=True)
    reason = models.TextField(blank=True)
    client_request_token = models.CharField(max_length=128, blank=True)
    operation_id = models.CharField(max_length=128, blank=True)
    hook_type = models.CharField(max_length=255, blank=True)
    hook_status = models.CharField(max_length=64, blank=True)
    hook_reason = models.TextField(blank=True)
    cut = models.BooleanField(default=False)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["stack", "-at", "-id"], name="stack_event_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.logical_id} {self.status}"

    @property
    def told_state(self) -> str:
        """Our state of what it tells."""
        return state_of(self.status)


class Resource(Mirrored):
    """One resource of a stack.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html

    `key` and `arn` are "<StackId>/<logical id>": resources have no id of their own.
    """

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="resources")
    logical_id = models.CharField(max_length=255)
    physical_id = models.CharField(max_length=2048, blank=True)
    resource_type = models.CharField(max_length=255, blank=True)
    reason = models.TextField(blank=True)
    drift_status = models.CharField(max_length=32, blank=True)
    drift_checked_at = models.DateTimeField(null=True)
    last_updated = models.DateTimeField(null=True)
    module = models.CharField(max_length=512, blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["logical_id", "pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["stack", "logical_id"], name="stack_resource_by_name"),
        ]

    def __str__(self) -> str:
        # With its stack where that is loaded: elsewhere a logical id alone says little.
        known = Resource.stack.is_cached(self)
        return f"{self.stack.name} / {self.logical_id}" if known else self.logical_id

    def get_absolute_url(self) -> str:
        """Path of the resource's place on its stack's page."""
        return f"{reverse('cloudformation:stack', args=[self.stack_id])}#resource-{self.pk}"


class ChangeSet(Mirrored):
    """A change set: what an update would do, or did.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html

    `key` and `arn` are the ChangeSetId. `changes` is `[{action, logical_id, physical_id, type,
    replacement, policy, scope, change_set_id, details: [{attribute, name, recreation, source,
    cause}]}]`, without the values of properties; `changes_cut` says that there are more.
    """

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="change_sets")
    name = models.CharField(max_length=128, blank=True)
    description = models.TextField(blank=True)
    execution_status = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(null=True)
    nested = models.BooleanField(default=False)
    changes = models.JSONField(default=list)
    changes_cut = models.BooleanField(default=False)
    # Its status when its changes were read.
    described = models.CharField(max_length=128, blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["stack", "-created_at", "-id"], name="change_set_newest"),
        ]

    def __str__(self) -> str:
        return self.name or self.key

    def get_absolute_url(self) -> str:
        """Path of the change set's place on its stack's page."""
        return f"{reverse('cloudformation:stack', args=[self.stack_id])}#change-set-{self.pk}"

    @property
    def console_url(self) -> str:
        """The change set in AWS's console."""
        return change_set_url(self.scope.region, self.stack.key, self.key)
