"""CloudFormation's operations that make, change and delete stacks."""

from __future__ import annotations

from typing import Any

from apps.sandbox.cloudformation import engine
from apps.sandbox.cloudformation.ending import USER
from apps.sandbox.cloudformation.model import Stack, StackStore, Wanted
from apps.sandbox.cloudformation.nested import body_at, defaults
from apps.sandbox.cloudformation.template import (
    Template,
    fingerprint,
    parse,
    refused,
    transforms_of,
)
from apps.sandbox.operations import TRAITS, Answer, AwsError, Call, Params, Traits, operation
from apps.sandbox.policy import denial
from apps.sandbox.rolepolicy import role_of


def _resources(where: str, members: Params) -> list[str]:
    name = str(members.get("StackName") or "*")
    if name.startswith("arn:"):
        return [name]
    return [f"{where}stack/{name}/*"]


TRAITS["cloudformation"] = Traits(
    invalid="ValidationError", bad_page="ValidationError", resources=_resources
)
NO_UPDATES = "No updates are to be performed."
#: Statuses from which a stack can be updated.
UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "UPDATE_FAILED",
        "CREATE_FAILED",
    }
)


def find_stack(call: Call, name: str) -> Stack:
    """The stack, or AWS's words for one that is not there."""
    stack = call.place.of(StackStore).find(name)
    if stack is None:
        raise refused(f"Stack with id {name} does not exist")
    return stack


def invalid_token() -> AwsError:
    """What a wrong next token is answered with."""
    return refused("Invalid Next Token")


def body_of(call: Call, params: Params, stack: Stack | None = None) -> str:
    """The template that a call brings, names, or (``UsePreviousTemplate``) leaves as it is."""
    if body := params.get("TemplateBody"):
        return str(body)
    if url := params.get("TemplateURL"):
        return body_at(call.place, str(url))
    if stack is not None and params.get("UsePreviousTemplate"):
        return stack.body
    raise refused("Either Template URL or Template Body must be specified.")


def values_of(params: Params, template: Template, stack: Stack | None = None) -> dict[str, str]:
    """The parameters' values: given, as before, or by default."""
    declared = template.get("Parameters", {})
    values = defaults(template)
    for given in params.get("Parameters") or ():
        key = given["ParameterKey"]
        if key not in declared:
            raise refused(f"Parameters: [{key}] do not exist in the template")
        if given.get("UsePreviousValue") and stack is not None:
            values[key] = stack.values.get(key, "")
        else:
            values[key] = str(given.get("ParameterValue", ""))
    missing = [key for key in declared if key not in values]
    if missing:
        raise refused(f"Parameters: [{', '.join(missing)}] must have values")
    return values


def needed_capability(template: Template) -> str:
    """What somebody has to say that they allow before a template is used; "" for nothing."""
    roles = [
        resource
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::IAM::")
    ]
    if not roles:
        return ""
    named = any(
        _NAMES.get(resource["Type"]) in resource.get("Properties", {}) for resource in roles
    )
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"


#: What gives each type a name of its own.
_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


def roles_in(template: Template) -> list[str]:
    """The types of a template's resources that need such a word."""
    types = {resource["Type"] for resource in template["Resources"].values()}
    return sorted(one for one in types if one.startswith("AWS::IAM::"))


def check_capabilities(params: Params, template: Template, *, directly: bool = True) -> None:
    """Refuse a template that makes roles, or (``directly``) uses macros, where nobody said so."""
    given = set(params.get("Capabilities") or ())
    needed = needed_capability(template)
    if needed and needed not in given and "CAPABILITY_NAMED_IAM" not in given:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
    expand = "CAPABILITY_AUTO_EXPAND"
    if directly and transforms_of(template) and expand not in given:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{expand}]")


def check_role(call: Call, arn: str | None) -> None:
    """Refuse a role that the caller may not pass to CloudFormation."""
    door = call.world.door
    if arn and door is not None:
        decided = door.decides(call.caller, call.place, "iam:PassRole", arn)
        if decided != "allowed":
            explicit = decided == "explicitDeny"
            raise denial(call.caller.arn, "iam:PassRole", arn, explicit=explicit)


def take_options(stack: Stack, params: Params) -> None:
    """Take what a call says of a stack besides its template."""
    if "Tags" in params:
        stack.tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    stack.capabilities = list(params.get("Capabilities") or stack.capabilities)
    stack.role = params.get("RoleARN") or stack.role
    stack.topics = list(params.get("NotificationARNs") or stack.topics)
    stack.on_failure = str(params.get("OnFailure") or "ROLLBACK")
    stack.disable_rollback = bool(params.get("DisableRollback")) or stack.on_failure == "DO_NOTHING"
    stack.timeout_minutes = params.get("TimeoutInMinutes") or stack.timeout_minutes
    if "EnableTerminationProtection" in params:
        stack.protected = bool(params["EnableTerminationProtection"])
    if told := params.get("RollbackConfiguration"):
        stack.rollback_configuration = dict(told)
    stack.token = str(params.get("ClientRequestToken") or "")


def new_stack(call: Call, params: Params, body: str, template: Template) -> Stack:
    """A stack that is not in the store yet."""
    store = call.place.of(StackStore)
    name = params["StackName"]
    stack = Stack(
        call.place,
        name,
        store.new_id(name),
        body,
        template,
        call.world.now(),
        values=values_of(params, template),
    )
    take_options(stack, params)
    stack.actor = call.caller
    return stack


@operation("cloudformation", "CreateStack")
def create_stack(call: Call, params: Params) -> Answer:
    """Begin to create a stack."""
    store, name = call.place.of(StackStore), params["StackName"]
    if name in store.stacks:
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    check_role(call, params.get("RoleARN"))
    body = body_of(call, params)
    template = parse(body)
    check_capabilities(params, template)
    stack = store.stacks[name] = new_stack(call, params, body, template)
    engine.create(stack)
    return {"StackId": stack.id}


@operation("cloudformation", "UpdateStack")
def update_stack(call: Call, params: Params) -> Answer:
    """Begin to update a stack; one that would not change is refused."""
    stack = find_stack(call, params["StackName"])
    body = body_of(call, params, stack)
    template = parse(body)
    check_capabilities(params, template)
    stack.actor = call.caller
    begin_update(stack, Wanted(body, template, values_of(params, template, stack)), params)
    return {"StackId": stack.id}


def begin_update(stack: Stack, wanted: Wanted, params: Params) -> None:
    """Begin an update, or say in AWS's words why not."""
    if stack.status not in UPDATABLE:
        raise refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()} or stack.tags
    before: list[Any] = [stack.template, stack.values, stack.tags]
    if fingerprint(before) == fingerprint([wanted.template, wanted.values, tags]):
        raise refused(NO_UPDATES)
    take_options(stack, params)
    engine.update(stack, wanted)


@operation("cloudformation", "DeleteStack")
def delete_stack(call: Call, params: Params) -> Answer:
    """Begin to delete a stack; one that is not there is no error."""
    stack = call.place.of(StackStore).find(params["StackName"])
    if stack is None or stack.deleted is not None:
        return {}
    if stack.root.protected:
        raise refused(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    if stack.moving:
        raise refused(f"Stack:{stack.id} is in {stack.status} state and can not be deleted.")
    check_role(call, params.get("RoleARN"))
    role = params.get("RoleARN") or stack.role
    if role and role_of(role) is None and not stack.made_up:
        raise refused(f"Role {role} is invalid or cannot be assumed")
    left = frozenset(params.get("RetainResources") or ())
    if left and stack.status != "DELETE_FAILED":
        raise refused(
            f"Invalid operation on stack [{stack.id}]. Specify which resources to retain only "
            "when the stack is in the DELETE_FAILED state."
        )
    if unknown := sorted(left - stack.resources.keys()):
        raise refused(f"Resources [{', '.join(unknown)}] do not exist in stack {stack.name}")
    stack.left = left
    stack.token = str(params.get("ClientRequestToken") or "")
    stack.actor, stack.role = call.caller, params.get("RoleARN") or stack.role
    engine.delete(stack)
    return {}


@operation("cloudformation", "ContinueUpdateRollback")
def continue_update_rollback(call: Call, params: Params) -> Answer:
    """Go on with a way back that was stuck; what is to be skipped is taken as it is."""
    stack = find_stack(call, params["StackName"])
    if stack.status != "UPDATE_ROLLBACK_FAILED" or stack.waiting is None:
        raise refused(
            f"Stack:{stack.id} is in {stack.status} state and can not continue its rollback."
        )
    for name in params.get("ResourcesToSkip") or ():
        stack.stuck.pop(name, None)
    going_on, stack.waiting = stack.waiting, None
    stack.tell(None, "UPDATE_ROLLBACK_IN_PROGRESS", USER)
    going_on()
    return {}


@operation("cloudformation", "UpdateTerminationProtection")
def update_termination_protection(call: Call, params: Params) -> Answer:
    """Protect a stack from being deleted, or no longer."""
    stack = find_stack(call, params["StackName"])
    stack.protected = bool(params["EnableTerminationProtection"])
    return {"StackId": stack.id}
