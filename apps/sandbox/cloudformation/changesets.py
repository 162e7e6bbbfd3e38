"""CloudFormation's operations on change sets: what an update would do, told before it is done."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import engine
from apps.sandbox.cloudformation.ending import USER
from apps.sandbox.cloudformation.model import ChangeSet, Stack, StackStore, Wanted
from apps.sandbox.cloudformation.stacks import (
    UPDATABLE,
    body_of,
    check_capabilities,
    check_role,
    find_stack,
    invalid_token,
    new_stack,
    values_of,
)
from apps.sandbox.cloudformation.template import fingerprint, parse, refused
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from apps.sandbox.world import Place

PAGE = 100
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
#: Properties whose change makes a new resource of the old one.
_REPLACING = frozenset(
    {
        "AvailabilityZone",
        "BucketName",
        "CidrBlock",
        "FunctionName",
        "GroupName",
        "LogGroupName",
        "QueueName",
        "RoleName",
        "TableName",
        "TopicName",
        "VpcId",
    }
)


def find_change_set(call: Call, name: str, stack_name: str | None) -> ChangeSet:
    """The change set by its id, or by its name and its stack's."""
    store = call.place.of(StackStore)
    stacks = [store.find(stack_name)] if stack_name else [*store.stacks.values(), *store.deleted]
    for stack in stacks:
        for one in stack.change_sets.values() if stack else ():
            if name in (one.id, one.name):
                return one
    raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)


@operation("cloudformation", "CreateChangeSet")
def create_change_set(call: Call, params: Params) -> Answer:
    """Begin to work out a change set; one of type CREATE makes a stack that waits for it."""
    store, name = call.place.of(StackStore), params["StackName"]
    stack = store.find(name)
    creates = params.get("ChangeSetType", "UPDATE") == "CREATE"
    if stack is None and not creates:
        raise refused(f"Stack [{name}] does not exist")
    if stack is not None and creates and stack.status != "REVIEW_IN_PROGRESS":
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    check_role(call, params.get("RoleARN"))
    body = body_of(call, params, stack)
    template = parse(body)
    check_capabilities(params, template, directly=False)
    if stack is None:
        stack = store.stacks[name] = new_stack(call, params, body, template)
        stack.tell(None, "REVIEW_IN_PROGRESS", USER)
    if stack.status not in {*UPDATABLE, "REVIEW_IN_PROGRESS"}:
        raise refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    if params["ChangeSetName"] in {one.name for one in stack.change_sets.values()}:
        raise AwsError(
            "AlreadyExistsException",
            f"ChangeSet {params['ChangeSetName']} cannot be created due to a mismatch with "
            "existing attribute Template",
        )
    wanted = Wanted(body, template, values_of(params, template, stack))
    made = make(stack, params["ChangeSetName"], wanted, params, creates=creates)
    made.actor = call.caller
    return {"Id": made.id, "StackId": stack.id}


def make(
    stack: Stack, name: str, wanted: Wanted, params: Params, *, creates: bool = False
) -> ChangeSet:
    """A change set whose changes are known a moment later."""
    place = stack.place
    made = ChangeSet(
        stack,
        name,
        _new_id(place, stack, name),
        wanted.body,
        wanted.template,
        wanted.values,
        place.world.now(),
        type="CREATE" if creates else "UPDATE",
        description=str(params.get("Description") or ""),
        tags={tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()},
        capabilities=list(params.get("Capabilities") or ()),
        role=str(params.get("RoleARN") or ""),
        on_failure=str(params.get("OnStackFailure") or ""),
    )
    stack.change_sets[made.id] = made
    made.status = "CREATE_IN_PROGRESS"
    chance = place.world.chance(made.id)
    place.world.scheduler.after(chance.uniform(3, 8), functools.partial(_work_out, made))
    return made


def _new_id(place: Place, stack: Stack, name: str) -> str:
    store = place.of(StackStore)
    store.made += 1
    uuid = uuid_from(place.world.chance(stack.id, name, store.made))
    return place.arn("cloudformation", f"changeSet/{name}/{uuid}")


def _work_out(made: ChangeSet) -> None:
    if made.status != "CREATE_IN_PROGRESS":
        return
    made.changes = changes(made)
    tags = not made.tags or made.tags == made.stack.tags
    if not made.changes and tags:
        made.status, made.reason = "FAILED", NO_CHANGES
    else:
        made.status, made.execution = "CREATE_COMPLETE", "AVAILABLE"
    waiting, made.on_end = made.on_end, []
    for deed in waiting:
        deed(made)


def changes(made: ChangeSet) -> list[dict[str, Any]]:
    """What would be added, modified and removed, in the template's order."""
    stack = made.stack
    have = stack.resources
    wanted = engine.wanted_resources(stack, made.template)
    found = []
    for name, definition in wanted.items():
        if name not in have:
            found.append(_change("Add", name, definition["Type"]))
            continue
        before, after = have[name].definition, definition
        worked = engine.worked_out(stack, stack.template, before)
        before_values, values = stack.values, made.values
        stack.values = values
        then = engine.worked_out(stack, made.template, after)
        stack.values = before_values
        if fingerprint([worked, _rest(before)]) != fingerprint([then, _rest(after)]):
            found.append(_modified(name, have[name].physical_id, before, worked, then))
    found += [
        _change("Remove", name, one.type, physical=one.physical_id)
        for name, one in have.items()
        if name not in wanted
    ]
    return [{"Type": "Resource", "ResourceChange": change} for change in found]


def _rest(definition: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name != "Properties"}


def _change(action: str, name: str, kind: str, *, physical: str = "") -> dict[str, Any]:
    return {
        "Action": action,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical or None,
        "ResourceType": kind,
        "Scope": [],
        "Details": [],
        "PolicyAction": "Delete" if action == "Remove" else None,
    }


def _modified(
    name: str, physical: str, definition: dict[str, Any], before: Any, after: Any
) -> dict[str, Any]:
    moved = [
        one
        for one in {**before, **after}
        if fingerprint(before.get(one)) != fingerprint(after.get(one))
    ]
    replaced = any(one in _REPLACING for one in moved)
    details = [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": one,
                "RequiresRecreation": "Always" if one in _REPLACING else "Never",
            },
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for one in moved
    ]
    return {
        **_change("Modify", name, definition["Type"], physical=physical),
        "Replacement": "True" if replaced else "False",
        "PolicyAction": "ReplaceAndDelete" if replaced else None,
        "Scope": ["Properties"] if moved else ["Metadata"],
        "Details": details,
    }


@operation("cloudformation", "ListChangeSets")
def list_change_sets(call: Call, params: Params) -> Answer:
    """A stack's change sets, the newest first."""
    stack = find_stack(call, params["StackName"])
    if stack.deleted is not None:
        raise refused(f"Stack [{params['StackName']}] does not exist")
    every = sorted(stack.change_sets.values(), key=lambda one: -one.created)
    page, token = paginate(
        call,
        every,
        lambda one: one.id,
        size=PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
        scope=stack.id,
    )
    return {"Summaries": [_summary(one) for one in page], "NextToken": token}


def _summary(one: ChangeSet) -> Answer:
    return {
        "StackId": one.stack.id,
        "StackName": one.stack.name,
        "ChangeSetId": one.id,
        "ChangeSetName": one.name,
        "ExecutionStatus": one.execution,
        "Status": one.status,
        "StatusReason": one.reason or None,
        "CreationTime": one.created,
        "Description": one.description or None,
        "IncludeNestedStacks": False,
    }


@operation("cloudformation", "DescribeChangeSet")
def describe_change_set(call: Call, params: Params) -> Answer:
    """A change set with its changes, 100 a page."""
    one = find_change_set(call, params["ChangeSetName"], params.get("StackName"))
    page, token = paginate(
        call,
        one.changes,
        lambda change: str(change["ResourceChange"]["LogicalResourceId"]),
        size=PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
        scope=one.id,
    )
    declared = one.template.get("Parameters", {})
    return {
        **_summary(one),
        "Parameters": [
            {
                "ParameterKey": key,
                "ParameterValue": "****"
                if str(declared[key].get("NoEcho")).lower() == "true"
                else value,
            }
            for key, value in one.values.items()
            if key in declared
        ],
        "Capabilities": one.capabilities,
        "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        "Changes": page,
        "NextToken": token,
    }


@operation("cloudformation", "ExecuteChangeSet")
def execute_change_set(call: Call, params: Params) -> Answer:
    """Do what a change set says; the others of its stack are forgotten."""
    one = find_change_set(call, params["ChangeSetName"], params.get("StackName"))
    one.actor = call.caller
    one.stack.token = str(params.get("ClientRequestToken") or "")
    execute(one)
    if "DisableRollback" in params:
        one.stack.disable_rollback = bool(params["DisableRollback"])
    return {}


def execute(one: ChangeSet) -> None:
    """Do what a change set says, or tell in AWS's words why not."""
    if one.execution != "AVAILABLE":
        raise AwsError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{one.id}] cannot be executed in its current execution status "
            f"of [{one.execution}]",
        )
    stack = one.stack
    one.execution = "EXECUTE_IN_PROGRESS"
    stack.change_set_id = one.id
    stack.change_sets = {one.id: one}
    stack.tags = one.tags or stack.tags
    stack.capabilities = one.capabilities or stack.capabilities
    stack.role = one.role or stack.role
    stack.actor = one.actor
    if one.on_failure:
        stack.on_failure = one.on_failure
        stack.disable_rollback = one.on_failure == "DO_NOTHING"

    def over(ended: Stack) -> None:
        good = ended.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        one.execution = "EXECUTE_COMPLETE" if good else "EXECUTE_FAILED"

    stack.on_end.append(over)
    wanted = Wanted(one.body, one.template, one.values)
    if stack.status == "REVIEW_IN_PROGRESS":
        stack.body, stack.template, stack.values = wanted.body, wanted.template, wanted.values
        engine.create(stack)
    else:
        engine.update(stack, wanted)


@operation("cloudformation", "DeleteChangeSet")
def delete_change_set(call: Call, params: Params) -> Answer:
    """Forget a change set; one that is gone is no error, which of these calls this alone has not.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html
    """
    try:
        one = find_change_set(call, params["ChangeSetName"], params.get("StackName"))
    except AwsError:
        return {}
    if one.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
        raise AwsError(
            "InvalidChangeSetStatus", f"ChangeSet [{one.id}] is in status [{one.status}]"
        )
    one.status, one.execution = "DELETE_COMPLETE", "OBSOLETE"
    one.stack.change_sets.pop(one.id, None)
    return {}
