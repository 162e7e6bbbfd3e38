"""CloudFormation's operations that read stacks, events, resources and templates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apps.sandbox.cloudformation.model import Event, Resource, Stack, StackStore
from apps.sandbox.cloudformation.stacks import (
    body_of,
    find_stack,
    invalid_token,
    needed_capability,
    roles_in,
)
from apps.sandbox.cloudformation.template import parse, refused, transforms_of
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import Answer, Call, Params, operation, paginate

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 100
COUNTERS["stacks"] = lambda place: len(place.of(StackStore).stacks)


def described(stack: Stack) -> Answer:
    """A stack as DescribeStacks shows it; values of NoEcho parameters are masked."""
    declared = stack.template.get("Parameters", {})
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id or None,
        "Description": stack.template.get("Description"),
        "Parameters": [
            {
                "ParameterKey": key,
                "ParameterValue": "****"
                if str(declared.get(key, {}).get("NoEcho")).lower() == "true"
                else value,
            }
            for key, value in stack.values.items()
            if key in declared
        ],
        "CreationTime": stack.created,
        "DeletionTime": stack.deleted,
        "LastUpdatedTime": stack.updated,
        "RollbackConfiguration": stack.rollback_configuration,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": stack.topics,
        "TimeoutInMinutes": stack.timeout_minutes,
        "Capabilities": stack.capabilities,
        "Outputs": [{name: value for name, value in one.items() if value} for one in stack.outputs],
        "RoleARN": stack.role or None,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "EnableTerminationProtection": stack.protected,
        "ParentId": stack.parent.id if stack.parent else None,
        "RootId": stack.root.id if stack.parent else None,
        "DriftInformation": {
            "StackDriftStatus": stack.drift,
            "LastCheckTimestamp": stack.drift_checked,
        },
    }


@operation("cloudformation", "DescribeStacks")
def describe_stacks(call: Call, params: Params) -> Answer:
    """One stack by name or id (deleted ones by id), or all that are not deleted."""
    if name := params.get("StackName"):
        return {"Stacks": [described(find_stack(call, name))]}
    page, token = _page(call, params, _newest_first(call))
    return {"Stacks": [described(stack) for stack in page], "NextToken": token}


def _newest_first(call: Call) -> list[Stack]:
    stacks = call.place.of(StackStore).stacks.values()
    return sorted(stacks, key=lambda stack: (-stack.created, stack.id))


def _page(
    call: Call, params: Params, stacks: Sequence[Stack], scope: str = ""
) -> tuple[list[Stack], str | None]:
    return paginate(
        call,
        stacks,
        lambda stack: stack.id,
        size=PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
        scope=scope,
    )


@operation("cloudformation", "ListStacks")
def list_stacks(call: Call, params: Params) -> Answer:
    """Summaries, those of deleted stacks among them."""
    wanted = params.get("StackStatusFilter") or []
    every = [*_newest_first(call), *call.place.of(StackStore).deleted]
    chosen = [stack for stack in every if not wanted or stack.status in wanted]
    page, token = _page(call, params, chosen, ",".join(wanted))
    names = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
        "ParentId",
        "RootId",
        "DriftInformation",
    )
    found = []
    for stack in page:
        told = described(stack)
        summary = {name: told[name] for name in names}
        found.append({**summary, "TemplateDescription": told["Description"]})
    return {"StackSummaries": found, "NextToken": token}


@operation("cloudformation", "DescribeStackEvents")
def describe_stack_events(call: Call, params: Params) -> Answer:
    """A stack's events, the newest first, 100 a page."""
    stack = find_stack(call, params["StackName"])
    page, token = paginate(
        call,
        stack.events,
        lambda event: event.id,
        size=PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
        scope=stack.id,
    )
    return {"StackEvents": [_event(stack, event) for event in page], "NextToken": token}


def _event(stack: Stack, event: Event) -> Answer:
    return {
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.at,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ClientRequestToken": event.token or None,
    }


@operation("cloudformation", "ListStackResources")
def list_stack_resources(call: Call, params: Params) -> Answer:
    """A stack's resources, by name, 100 a page."""
    stack = find_stack(call, params["StackName"])
    page, token = paginate(
        call,
        _resources(stack),
        lambda resource: resource.logical_id,
        size=PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
        scope=stack.id,
    )
    found = []
    for resource in page:
        told = _resource(resource)
        found.append({**told, "LastUpdatedTimestamp": told.pop("Timestamp")})
    return {"StackResourceSummaries": found, "NextToken": token}


def _resources(stack: Stack) -> list[Resource]:
    return sorted(stack.resources.values(), key=lambda resource: resource.logical_id)


def _resource(resource: Resource) -> Answer:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.type,
        "Timestamp": resource.updated,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        "DriftInformation": {
            "StackResourceDriftStatus": resource.drift,
            "LastCheckTimestamp": resource.drift_checked,
        },
    }


@operation("cloudformation", "DescribeStackResources")
def describe_stack_resources(call: Call, params: Params) -> Answer:
    """At most a hundred resources of a stack."""
    if not params.get("StackName"):
        raise refused("Stack name or physical resource id must be specified")
    stack = find_stack(call, params["StackName"])
    named = params.get("LogicalResourceId")
    return {
        "StackResources": [
            {"StackName": stack.name, "StackId": stack.id, **_resource(resource)}
            for resource in _resources(stack)[:PAGE]
            if named in (None, resource.logical_id)
        ]
    }


@operation("cloudformation", "GetTemplate")
def get_template(call: Call, params: Params) -> Answer:
    """The template of a stack, or of one of its change sets."""
    stack = find_stack(call, params["StackName"])
    body = stack.body
    if name := params.get("ChangeSetName"):
        from apps.sandbox.cloudformation.changesets import find_change_set

        body = find_change_set(call, name, stack.name).body
    if params.get("TemplateStage") == "Processed" and transforms_of(template := parse(body)):
        body = json.dumps({name: part for name, part in template.items() if name != "Transform"})
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


@operation("cloudformation", "GetTemplateSummary")
def get_template_summary(call: Call, params: Params) -> Answer:
    """What a template declares; NoEcho among it."""
    if name := params.get("StackName"):
        template = find_stack(call, name).template
    else:
        template = parse(body_of(call, params))
    return {
        "Description": template.get("Description"),
        "Version": str(template.get("AWSTemplateFormatVersion", "")) or None,
        "Parameters": [
            {
                "ParameterKey": key,
                "DefaultValue": str(told["Default"]) if "Default" in told else None,
                "ParameterType": told.get("Type", "String"),
                "NoEcho": str(told.get("NoEcho")).lower() == "true",
                "Description": told.get("Description"),
                "ParameterConstraints": {"AllowedValues": told.get("AllowedValues")},
            }
            for key, told in template.get("Parameters", {}).items()
        ],
        "ResourceTypes": sorted({one["Type"] for one in template["Resources"].values()}),
    }


@operation("cloudformation", "ValidateTemplate")
def validate_template(call: Call, params: Params) -> Answer:
    """What a template declares and needs, or what is wrong with it."""
    template = parse(body_of(call, params))
    needed = needed_capability(template)
    return {
        "Description": template.get("Description"),
        "Parameters": [
            {
                "ParameterKey": key,
                "DefaultValue": str(told["Default"]) if "Default" in told else None,
                "NoEcho": str(told.get("NoEcho")).lower() == "true",
                "Description": told.get("Description"),
            }
            for key, told in template.get("Parameters", {}).items()
        ],
        "Capabilities": [needed] if needed else [],
        "CapabilitiesReason": "The following resource(s) require capabilities: "
        f"[{', '.join(roles_in(template))}]"
        if needed
        else None,
        "DeclaredTransforms": transforms_of(template),
    }
