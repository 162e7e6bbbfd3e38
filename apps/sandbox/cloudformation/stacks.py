"""CloudFormation's operations that make, change and delete stacks."""

from __future__ import annotations

from typing import Any

from apps.sandbox.cloudformation import engine
from apps.sandbox.cloudformation.model import Stack, StackStore, Wanted
from apps.sandbox.cloudformation.nested import body_at, defaults
from apps.sandbox.cloudformation.template import Template, fingerprint, parse, refused
from apps.sandbox.operations import TRAITS, Answer, AwsError, Call, Params, Traits, operation


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


def check_capabilities(params: Params, template: Template) -> None:
    """Refuse a template that makes roles where nobody said that it may."""
    given = set(params.get("Capabilities") or ())
    roles = [
        resource
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::IAM::")
    ]
    named = any("RoleName" in resource.get("Properties", {}) for resource in roles)
    needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
    if roles and needed not in given and "CAPABILITY_NAMED_IAM" not in given:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def take_options(stack: Stack, params: Params) -> None:
    """Take what a call says of a stack besides its template."""
    if "Tags" in params:
        stack.tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    stack.capabilities = list(params.get("Capabilities") or stack.capabilities)
    stack.role = params.get("RoleARN") or stack.role
    stack.topics = list(params.get("NotificationARNs") or stack.topics)
    stack.disable_rollback = (
        bool(params.get("DisableRollback")) or params.get("OnFailure") == "DO_NOTHING"
    )
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
    return stack


@operation("cloudformation", "CreateStack")
def create_stack(call: Call, params: Params) -> Answer:
    """Begin to create a stack."""
    store, name = call.place.of(StackStore), params["StackName"]
    if name in store.stacks:
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
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
    stack.token = str(params.get("ClientRequestToken") or "")
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
    stack.tell(None, "UPDATE_ROLLBACK_IN_PROGRESS", engine.USER)
    going_on()
    return {}


@operation("cloudformation", "UpdateTerminationProtection")
def update_termination_protection(call: Call, params: Params) -> Answer:
    """Protect a stack from being deleted, or no longer."""
    stack = find_stack(call, params["StackName"])
    stack.protected = bool(params["EnableTerminationProtection"])
    return {"StackId": stack.id}
