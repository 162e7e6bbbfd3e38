"""Plans the stack by a change set, and makes it by executing that.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from apps.aws.calls import Reach
from apps.deeds.acts import Done, Moved
from apps.deeds.at_aws import AtAws, request_of

from . import pushing
from .models import CODE_KEY, STACK, Bootstrap, Creation
from .parts import stack_id
from .stacks import LEFTOVERS, PLANNED, is_gone, stack_of

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# AWS takes a token for the same request within an hour or so; we look after far less.
REPEATS = timedelta(minutes=10)


def parameters_of(bootstrap: Bootstrap) -> list[dict[str, str]]:
    """Return the parameters that the stack is made with."""
    rendered = bootstrap.rendered
    given = dict(rendered.parameters)
    if has_code(bootstrap):
        given |= {"CodeBucket": bootstrap.staging, "CodeKey": CODE_KEY}
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]


def has_code(bootstrap: Bootstrap) -> bool:
    """Whether the stack makes a repository whose first commit waits in a bucket of ours."""
    return bootstrap.chosen.source == "codecommit"


def describe_change_set(reach: Reach, bootstrap: Bootstrap) -> Mapping[str, Any] | None:
    """Return the change set with all its changes; None where there is none."""
    return _change_set(reach, bootstrap.change_set, bootstrap.name)


def is_worked_out(found: Mapping[str, Any]) -> bool:
    """Whether AWS is done with a change set, however that ended."""
    return not str(found["Status"]).startswith(("CREATE_PENDING", "CREATE_IN_PROGRESS"))


def _change_set(reach: Reach, name: str, stack: str) -> Mapping[str, Any] | None:
    try:
        pages = list(
            reach.pages("cloudformation:DescribeChangeSet", ChangeSetName=name, StackName=stack)
        )
    except ClientError as error:
        if "does not exist" in str(error) or "ChangeSetNotFound" in str(error):
            return None
        raise
    return {**pages[0], "Changes": [change for page in pages for change in page["Changes"]]}


def note_stack(
    bootstrap: Bootstrap, stack: str, fate: Creation.Fate = Creation.Fate.PLANNED
) -> None:
    """Write down the id of the stack as soon as there is one: a dropped plan takes it away.

    fate  PLANNED for as long as its change set is not worked out.
    """
    Creation.objects.update_or_create(
        bootstrap=bootstrap,
        kind=STACK,
        ident=bootstrap.name,
        defaults={"name": stack, "fate": fate},
    )


def is_ours(reach: Reach, bootstrap: Bootstrap, stack: Mapping[str, Any]) -> bool:
    """Whether a stack of the name is the one that was planned here. Raises botocore's errors.

    Where no id was written down, because nobody heard AWS's answer, a change set of ours tells:
    a stack that is only reviewed need have no tags yet.
    """
    if noted := stack_id(bootstrap):
        return bool(stack["StackId"] == noted)
    return any(
        _change_set(reach, bootstrap.change_set_of(plan), str(stack["StackId"]))
        for plan in range(bootstrap.tries_of_plan, 0, -1)
    )


def _stack_is_free(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Moved | Done | None:
    stack = stack_of(reach, bootstrap.name)
    if is_gone(stack):
        return None
    assert stack is not None
    if stack["StackStatus"] == PLANNED:
        if is_ours(reach, bootstrap, stack):
            return _planned(reach, deed, bootstrap)
        return Moved(
            f"Somebody else plans a stack {bootstrap.name} already. Choose another id for the "
            "project, or have that plan deleted in CloudFormation."
        )
    if stack["StackStatus"] in LEFTOVERS:
        return Moved(
            f"A stack {bootstrap.name} is left from a creation that failed "
            f"({stack['StackStatus']}). Delete it in CloudFormation, or choose another id."
        )
    return Moved(f"There is a stack {bootstrap.name} already. Choose another id for the project.")


def _plans(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Done:
    rendered = bootstrap.rendered
    answer = reach.call(
        "cloudformation:CreateChangeSet",
        StackName=bootstrap.name,
        ChangeSetName=bootstrap.change_set,
        ChangeSetType="CREATE",
        TemplateBody=rendered.toolchain,
        Parameters=parameters_of(bootstrap),
        Capabilities=list(rendered.capabilities),
        Tags=[{"Key": name, "Value": value} for name, value in rendered.tags.items()],
        ClientToken=str(deed.mark),
        Description=f"Made by CodeStar Dash for {deed.who_name}"[:1024],
    )
    note_stack(bootstrap, answer["StackId"])
    return Done(
        request=request_of(answer), key=answer["StackId"], told="AWS works out the change set."
    )


def _planned(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    found = describe_change_set(reach, bootstrap)
    if found is None:
        return None
    note_stack(bootstrap, found.get("StackId", ""))
    return Done(key=found.get("StackId", ""), told="It is planned.")


def _can_execute(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Moved | Done | None:
    if not pushing.may_open(deed.who, bootstrap):
        return Moved(pushing.NOT_OPENED.format(name=bootstrap.chosen.repository_name))
    stack = stack_of(reach, stack_id(bootstrap) or bootstrap.name)
    if is_gone(stack):
        return Moved("The planned stack is not there any more: plan it again.")
    assert stack is not None
    if stack["StackStatus"] != PLANNED:
        return Moved(f"The stack {bootstrap.name} is {stack['StackStatus']} already.")
    found = describe_change_set(reach, bootstrap)
    if found is None or found.get("ExecutionStatus") != "AVAILABLE":
        return Moved("The change set is not there any more: plan it again.")
    return None


def _executes(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Done:
    answer = reach.call(
        "cloudformation:ExecuteChangeSet",
        ChangeSetName=bootstrap.change_set,
        StackName=stack_id(bootstrap) or bootstrap.name,
        ClientRequestToken=str(deed.mark),
    )
    return Done(request=request_of(answer), told="The stack is being created.")


def _executed(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    stack = stack_of(reach, stack_id(bootstrap) or bootstrap.name)
    if is_gone(stack) or stack is None or stack["StackStatus"] == PLANNED:
        return None
    return Done(told="The stack is being created.")


PLAN = AtAws(judges=_stack_is_free, sends=_plans, finds=_planned, repeats=REPEATS)
EXECUTE = AtAws(judges=_can_execute, sends=_executes, finds=_executed, repeats=REPEATS)
