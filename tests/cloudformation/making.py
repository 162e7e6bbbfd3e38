"""Makes stacks with what belongs to them, the way collectors and reconcile leave them."""

from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from apps.cloudformation import digest
from apps.cloudformation.models import ChangeSet, Event, Resource, Stack
from apps.cloudformation.states import state_of
from apps.mirror.models import Link
from apps.mirror.state import urgency_of
from tests.factories import make_scope, number

KIND = "AWS::CloudFormation::Stack"


def make_stack(name: str = "shop", status: str = "CREATE_COMPLETE", **more: Any) -> Stack:
    """A stack; `nested_in` is the one it is nested in."""
    scope = more.pop("scope", None) or make_scope()
    above: Stack | None = more.pop("nested_in", None)
    place = f"arn:aws:cloudformation:{scope.region}:{scope.account}"
    key = f"{place}:stack/{name}/{next(number):012d}"
    state = state_of(status)
    values: dict[str, Any] = {
        "arn": key,
        "name": name,
        "status": status,
        "state": state,
        "urgency": urgency_of(state),
        "created_at": now() - timedelta(days=3),
        "moved_at": now() - timedelta(hours=1),
        "parent_id": above.key if above else "",
        "root_id": (above.root_id or above.key) if above else "",
        **more,
    }
    return Stack.objects.create(scope=scope, key=key, **values)


def make_event(stack: Stack, second: int, name: str, status: str, **more: Any) -> Event:
    """An event so many seconds after an hour ago; of the stack itself where `name` is its name."""
    own = name == stack.name
    values: dict[str, Any] = {
        "at": now() - timedelta(hours=1) + timedelta(seconds=second),
        "logical_id": name,
        "physical_id": stack.key if own else f"{name}-id",
        "resource_type": KIND if own else "AWS::S3::Bucket",
        "status": status,
        **more,
    }
    return Event.objects.create(
        scope=stack.scope, stack=stack, key=f"{stack.pk}-{next(number)}", **values
    )


def make_resource(
    stack: Stack, name: str, status: str = "CREATE_COMPLETE", **more: Any
) -> Resource:
    """A resource; `makes` (kind, ARN) links it to what it is."""
    makes = more.pop("makes", None)
    key = f"{stack.key}/{name}"
    values: dict[str, Any] = {
        "arn": key,
        "logical_id": name,
        "physical_id": f"{name.lower()}-1",
        "resource_type": "AWS::S3::Bucket",
        "status": status,
        "state": state_of(status),
        "last_updated": now(),
        **more,
    }
    row = Resource.objects.create(scope=stack.scope, stack=stack, key=key, **values)
    if makes:
        Link.objects.create(
            from_kind="cloudformation.resource",
            from_id=row.pk,
            relation="creates",
            to_kind=makes[0],
            to_arn=makes[1],
        )
    return row


def make_change_set(stack: Stack, name: str = "more-memory", **more: Any) -> ChangeSet:
    """A change set that waits to be executed."""
    values: dict[str, Any] = {
        "status": "CREATE_COMPLETE",
        "execution_status": "AVAILABLE",
        "state": "waiting",
        "created_at": now(),
        "changes": [
            {
                "action": "Modify",
                "logical_id": "Handler",
                "type": "AWS::Lambda::Function",
                "replacement": "True",
                "scope": ["Properties"],
                "details": [
                    {
                        "attribute": "Properties",
                        "name": "FunctionName",
                        "recreation": "Always",
                        "source": "",
                        "cause": "Stage",
                    }
                ],
            }
        ],
        **more,
    }
    key = f"{stack.key}/changeSet/{name}"
    return ChangeSet.objects.create(
        scope=stack.scope, stack=stack, key=key, arn=key, name=name, **values
    )


def tell(*stacks: Stack) -> None:
    """Write what follows from events to their stacks, as reconcile does."""
    for pk, values in digest.stacks([stack.pk for stack in stacks]).items():
        Stack.objects.filter(pk=pk).update(**values)
    for stack in stacks:
        stack.refresh_from_db()


def make_failed(
    name: str = "shop", reason: str = "shop-files already exists", **more: Any
) -> Stack:
    """A stack whose update was rolled back because of a bucket."""
    stack = make_stack(name, "UPDATE_ROLLBACK_COMPLETE", **more)
    make_event(stack, 0, name, "UPDATE_IN_PROGRESS", reason="User Initiated")
    make_event(stack, 1, "Queue", "UPDATE_FAILED", reason="Resource update cancelled")
    make_event(stack, 2, "Files", "UPDATE_FAILED", reason=reason)
    make_event(
        stack,
        3,
        name,
        "UPDATE_ROLLBACK_IN_PROGRESS",
        reason="The following resource(s) failed to update: [Files].",
    )
    make_event(stack, 9, name, "UPDATE_ROLLBACK_COMPLETE")
    tell(stack)
    return stack
