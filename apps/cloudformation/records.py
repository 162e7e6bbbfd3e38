"""CloudFormation's answers as frozen records in the columns' words, without what may be secret.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Types.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.aws.masking import tags_of
from apps.aws.wire import plain
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import MASK, masked, sounds_secret
from apps.mirror.state import urgency_of

from . import named
from .states import change_set_state_of, state_of

JSON = Any
# What AWS puts in the place of a NoEcho parameter's value.
NO_ECHO = "****"


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRecord:
    """A stack as DescribeStacks gives it."""

    key: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    name: str | Unread = UNREAD
    description: str | Unread = UNREAD
    status_reason: str | Unread = UNREAD
    detailed_status: str | Unread = UNREAD
    parent_id: str | Unread = UNREAD
    root_id: str | Unread = UNREAD
    change_set_id: str | Unread = UNREAD
    parameters: JSON = UNREAD
    outputs: JSON = UNREAD
    tags: JSON = UNREAD
    capabilities: JSON = UNREAD
    role_arn: str | Unread = UNREAD
    notification_arns: JSON = UNREAD
    rollback_configuration: JSON = UNREAD
    disable_rollback: bool | Unread = UNREAD
    timeout_in_minutes: int | Unread | None = UNREAD
    termination_protection: bool | Unread = UNREAD
    drift_status: str | Unread = UNREAD
    drift_checked_at: datetime | Unread | None = UNREAD
    created_at: datetime | Unread | None = UNREAD
    updated_at: datetime | Unread | None = UNREAD
    deleted_at: datetime | Unread | None = UNREAD
    moved_at: datetime | Unread | None = UNREAD
    urgency: int | Unread = UNREAD
    stamp: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRecord:
    """An event of DescribeStackEvents; the resource's properties are dropped."""

    key: str
    parent: str
    status: str = ""
    at: datetime | None = None
    logical_id: str = ""
    physical_id: str = ""
    resource_type: str = ""
    reason: str = ""
    client_request_token: str = ""
    operation_id: str = ""
    hook_type: str = ""
    hook_status: str = ""
    hook_reason: str = ""
    cut: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceRecord:
    """A resource of ListStackResources."""

    key: str
    parent: str
    arn: str = ""
    status: str = ""
    state: str = ""
    logical_id: str = ""
    physical_id: str = ""
    resource_type: str = ""
    reason: str = ""
    drift_status: str = ""
    drift_checked_at: datetime | None = None
    last_updated: datetime | None = None
    module: str = ""
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeSetRecord:
    """A change set of ListChangeSets; parameters and changes are DescribeChangeSet's."""

    key: str
    parent: str
    arn: str = ""
    status: str = ""
    state: str = ""
    name: str = ""
    description: str = ""
    execution_status: str = ""
    reason: str = ""
    created_at: datetime | None = None
    nested: bool = False
    changes: JSON = UNREAD
    changes_cut: bool | Unread = UNREAD
    described: str | Unread = UNREAD


def stamp_of(stack: Mapping[str, Any]) -> str:
    """Return what moves whenever a stack, its resources or its change sets may have moved.

    `LastOperations` names the change sets that are made, which no status tells of.
    """
    drift = stack.get("DriftInformation") or {}
    operations = (str(one.get("OperationId")) for one in stack.get("LastOperations") or ())
    told = (
        stack.get("StackStatus", ""),
        plain(stack.get("LastUpdatedTime")),
        stack.get("ChangeSetId"),
        drift.get("StackDriftStatus"),
        plain(drift.get("LastCheckTimestamp")),
        *operations,
    )
    return " ".join(str(one) for one in told if one)[:512]


def stack_record(stack: Mapping[str, Any]) -> StackRecord:
    """Read one stack of DescribeStacks."""
    key = stack.get("StackId") or stack["StackName"]
    status = stack.get("StackStatus", "")
    drift = stack.get("DriftInformation") or {}
    created, updated = stack.get("CreationTime"), stack.get("LastUpdatedTime")
    deleted = stack.get("DeletionTime")
    return StackRecord(
        key=key,
        arn=key,
        status=status,
        state=state_of(status),
        name=stack["StackName"],
        description=masked(stack.get("Description") or ""),
        status_reason=masked(stack.get("StackStatusReason") or ""),
        detailed_status=stack.get("DetailedStatus") or "",
        parent_id=stack.get("ParentId") or "",
        root_id=stack.get("RootId") or "",
        change_set_id=stack.get("ChangeSetId") or "",
        parameters=parameters(stack.get("Parameters") or ()),
        outputs=[_output(output) for output in stack.get("Outputs") or ()],
        tags=tags_of(stack.get("Tags")),
        capabilities=list(stack.get("Capabilities") or ()),
        role_arn=stack.get("RoleARN") or "",
        notification_arns=list(stack.get("NotificationARNs") or ()),
        rollback_configuration=_rollback(stack.get("RollbackConfiguration") or {}),
        disable_rollback=bool(stack.get("DisableRollback")),
        timeout_in_minutes=stack.get("TimeoutInMinutes"),
        termination_protection=bool(stack.get("EnableTerminationProtection")),
        drift_status=drift.get("StackDriftStatus") or "",
        drift_checked_at=drift.get("LastCheckTimestamp"),
        created_at=created,
        updated_at=updated,
        deleted_at=deleted,
        moved_at=deleted or updated or created,
        urgency=urgency_of(state_of(status)),
        stamp=stamp_of(stack),
        links=named.by_stack(stack),
    )


def parameters(told: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return parameters as `[{key, value, resolved, no_echo}]`.

    AWS masks values of NoEcho parameters itself; those that are merely called like a secret are
    masked here.
    """
    found = []
    for parameter in told:
        key, value = parameter.get("ParameterKey", ""), parameter.get("ParameterValue") or ""
        no_echo = bool(value) and not value.strip("*") and len(value) >= len(NO_ECHO)
        secret = sounds_secret(key)
        resolved = parameter.get("ResolvedValue") or ""
        found.append(
            {
                "key": key,
                "value": "" if no_echo else MASK if secret and value else masked(value),
                "resolved": "" if no_echo or secret else masked(resolved),
                "no_echo": no_echo,
            }
        )
    return found


def _output(output: Mapping[str, Any]) -> dict[str, str]:
    key, value = output.get("OutputKey", ""), output.get("OutputValue") or ""
    return {
        "key": key,
        "value": MASK if sounds_secret(key) and value else masked(value),
        "description": masked(output.get("Description") or ""),
        "export": output.get("ExportName") or "",
    }


def _rollback(told: Mapping[str, Any]) -> dict[str, Any]:
    triggers = [
        {"arn": trigger.get("Arn", ""), "type": trigger.get("Type", "")}
        for trigger in told.get("RollbackTriggers") or ()
    ]
    minutes = told.get("MonitoringTimeInMinutes")
    return {"triggers": triggers, "minutes": minutes} if triggers or minutes else {}


def event_record(parent: str, event: Mapping[str, Any]) -> EventRecord:
    """Read one event of DescribeStackEvents. `ResourceProperties` may hold any secret: dropped."""
    return EventRecord(
        key=event["EventId"],
        parent=parent,
        status=event.get("ResourceStatus") or "",
        at=event.get("Timestamp"),
        logical_id=event.get("LogicalResourceId") or "",
        physical_id=event.get("PhysicalResourceId") or "",
        resource_type=event.get("ResourceType") or "",
        reason=masked(event.get("ResourceStatusReason") or ""),
        client_request_token=event.get("ClientRequestToken") or "",
        operation_id=event.get("OperationId") or "",
        hook_type=event.get("HookType") or "",
        hook_status=event.get("HookStatus") or "",
        hook_reason=masked(event.get("HookStatusReason") or ""),
    )


def resource_record(parent: str, resource: Mapping[str, Any]) -> ResourceRecord:
    """Read one resource of ListStackResources; no ARN of its own exists."""
    logical_id = resource["LogicalResourceId"]
    status = resource.get("ResourceStatus") or ""
    drift = resource.get("DriftInformation") or {}
    return ResourceRecord(
        key=f"{parent}/{logical_id}",
        parent=parent,
        arn=f"{parent}/{logical_id}",
        status=status,
        state=state_of(status),
        logical_id=logical_id,
        physical_id=resource.get("PhysicalResourceId") or "",
        resource_type=resource.get("ResourceType") or "",
        reason=masked(resource.get("ResourceStatusReason") or ""),
        drift_status=drift.get("StackResourceDriftStatus") or "",
        drift_checked_at=drift.get("LastCheckTimestamp"),
        last_updated=resource.get("LastUpdatedTimestamp"),
        module=(resource.get("ModuleInfo") or {}).get("LogicalIdHierarchy") or "",
        links=named.by_resource(parent, resource),
    )


def change_set_stamp(summary: Mapping[str, Any]) -> str:
    """Return what tells that a change set has moved."""
    return f"{summary.get('Status', '')} {summary.get('ExecutionStatus', '')}"


def change_set_record(
    parent: str,
    summary: Mapping[str, Any],
    pages: Iterable[Mapping[str, Any]] | None = None,
    *,
    cut: bool = False,
) -> ChangeSetRecord:
    """Read a change set of ListChangeSets with the pages of DescribeChangeSet, None where unread.

    cut  whether further pages of changes were left unread.
    """
    status = summary.get("Status") or ""
    execution = summary.get("ExecutionStatus") or ""
    reason = masked(summary.get("StatusReason") or "")
    details: dict[str, Any] = {}
    if pages is not None:
        details = {
            "changes": [_change(one) for page in pages for one in page.get("Changes") or ()],
            "changes_cut": cut,
            "described": change_set_stamp(summary),
        }
    return ChangeSetRecord(
        key=summary["ChangeSetId"],
        parent=parent,
        arn=summary["ChangeSetId"],
        status=status,
        state=change_set_state_of(status, execution, reason),
        name=summary.get("ChangeSetName") or "",
        description=masked(summary.get("Description") or ""),
        execution_status=execution,
        reason=reason,
        created_at=summary.get("CreationTime"),
        nested=bool(summary.get("IncludeNestedStacks")),
        **details,
    )


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return one change; values of properties before and after it are dropped."""
    told = change.get("ResourceChange") or {}
    return {
        "action": told.get("Action") or "",
        "logical_id": told.get("LogicalResourceId") or "",
        "physical_id": told.get("PhysicalResourceId") or "",
        "type": told.get("ResourceType") or "",
        "replacement": told.get("Replacement") or "",
        "policy": told.get("PolicyAction") or "",
        "scope": list(told.get("Scope") or ()),
        "change_set_id": told.get("ChangeSetId") or "",
        "details": [_detail(one) for one in told.get("Details") or ()],
    }


def _detail(detail: Mapping[str, Any]) -> dict[str, str]:
    target = detail.get("Target") or {}
    return {
        "attribute": target.get("Attribute") or "",
        "name": target.get("Name") or "",
        "recreation": target.get("RequiresRecreation") or "",
        "source": detail.get("ChangeSource") or "",
        "cause": detail.get("CausingEntity") or "",
    }
