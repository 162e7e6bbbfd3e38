"""Removes what was made: plans, stacks, the repository; and keeps what was edited since.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from apps.aws.calls import Reach
from apps.aws.failures import error_code
from apps.deeds.acts import Done, LaterError, RefusedError
from apps.deeds.at_aws import AtAws, request_of

from .blueprints.rendering import read_template
from .models import Bootstrap, Creation
from .parts import PARTS, Part, app_stack_id, stack_id
from .planning import describe_change_set, is_ours, is_worked_out
from .stacks import COMPARED, PLANNED, is_gone, resources_of, stack_of

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# Deleting what is being deleted, or is gone, does nothing.
REPEATS = timedelta(days=7)
REPOSITORY = "AWS::CodeCommit::Repository"
# CloudFormation changes no DeletionPolicy by itself: something has to be made in the same update.
# This costs nothing and is nothing. It is named after what is kept: who keeps more makes another.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
HANDLE = "KeptBecauseEdited"
NO_UPDATES = "No updates are to be performed"
# The step of making that takes away what failed, by the same deed as an undo.
CLEARING = "clear"
KEPT = "What was edited will stay."
SHORT = (",", ":")


def handle_of(bootstrap: Bootstrap, part: Part) -> str:
    """Return the logical id of what is made so that exactly what was edited is kept."""
    names = "\n".join(sorted(logical for logical, _type, _what in part.edited(bootstrap)))
    return HANDLE + sha256(names.encode()).hexdigest()[:12]


def under_way(deed: "Deed") -> bool:
    """Whether another deed of the same thing has no end yet."""
    others = type(deed).objects.filter(kind=deed.kind, row_id=deed.row_id)
    return bool(others.filter(outcome=deed.Outcome.WAITING).exclude(pk=deed.pk).exists())


def _delete(reach: Reach, deed: "Deed", name: str) -> Done:
    if not name or is_gone(stack_of(reach, name)):
        return Done(told="It is gone already.")
    answer = reach.call(
        "cloudformation:DeleteStack", StackName=name, ClientRequestToken=str(deed.mark)
    )
    return Done(request=request_of(answer), told="It is being deleted.")


def _being_deleted(reach: Reach, name: str) -> Done | None:
    stack = stack_of(reach, name) if name else None
    gone = stack is None or stack["StackStatus"].startswith("DELETE_")
    return Done(told="It is being deleted.") if gone else None


def stack_of_plan(reach: Reach, bootstrap: Bootstrap) -> Mapping[str, Any] | None:
    """Return the stack that was planned; None where it is gone, or the name is somebody else's.

    Where nobody wrote its id down, only one that is nothing but a plan of ours is taken for it.
    """
    noted = stack_id(bootstrap)
    stack = stack_of(reach, noted or bootstrap.name)
    if stack is None or is_gone(stack):
        return None
    if not noted and (stack["StackStatus"] != PLANNED or not is_ours(reach, bootstrap, stack)):
        return None
    return stack


def _may_be_dropped(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> None:
    """AWS deletes no change set that it still works out: that is waited for.

    So is one that a worker is about to send, whose stack would come after its plan is dropped.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html
    """
    if under_way(deed):
        raise LaterError("The plan is still on its way to AWS.")
    found = describe_change_set(reach, bootstrap)
    if found is not None and not is_worked_out(found):
        raise LaterError("AWS still works out the change set.")


def _drops(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Done:
    """Delete the change set and the stack that it reviews, which never was."""
    stack = stack_of_plan(reach, bootstrap)
    if stack is None:
        return Done(told="The plan is gone already.")
    if stack["StackStatus"] != PLANNED:
        return Done(told="The stack is more than a plan: it is left.")
    reach.call(
        "cloudformation:DeleteChangeSet",
        ChangeSetName=bootstrap.change_set,
        StackName=stack["StackId"],
    )
    return _delete(reach, deed, stack["StackId"])


def _dropped(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    stack = stack_of_plan(reach, bootstrap)
    if stack is None or stack["StackStatus"] != PLANNED:
        return Done(told="The plan is gone.")
    return None


def _removes(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Done:
    stack = stack_of(reach, stack_id(bootstrap)) if stack_id(bootstrap) else None
    if bootstrap.step == CLEARING and stack is not None and stack["StackStatus"] in COMPARED:
        raise RefusedError(f"The stack is {stack['StackStatus']}: nothing failed of it.")
    return _delete(reach, deed, stack_id(bootstrap))


def _removed(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    return _being_deleted(reach, stack_id(bootstrap))


def _removes_app(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Done:
    return _delete(reach, deed, app_stack_id(bootstrap))


def _removed_app(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    return _being_deleted(reach, app_stack_id(bootstrap))


def _keeps(reach: Reach, deed: "Deed", bootstrap: Bootstrap) -> Done:
    """Let each stack, when it is deleted, leave what was edited since it was made."""
    answer: Any = {}
    for part in to_keep(reach, bootstrap):
        name = part.stack(bootstrap)
        stack = stack_of(reach, name) or {}
        body = json.dumps(_keeping(_processed(reach, name), bootstrap, part), separators=SHORT)
        # What is looked at later is compared with this one.
        bootstrap.bodies = {**bootstrap.bodies, part.kept: body}
        Bootstrap.objects.filter(pk=bootstrap.pk).update(bodies=bootstrap.bodies)
        try:
            answer = reach.call(
                "cloudformation:UpdateStack",
                StackName=name,
                TemplateBody=body,
                Parameters=[
                    {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True}
                    for one in stack.get("Parameters", ())
                ],
                Capabilities=list(stack.get("Capabilities", ())),
                ClientRequestToken=f"{deed.mark}-{part.name}",
            )
        except ClientError as error:
            if NO_UPDATES not in str(error):
                raise
    return Done(request=request_of(answer), told=KEPT)


def _keeping(template: dict[str, Any], bootstrap: Bootstrap, part: Part) -> dict[str, Any]:
    """Return a template with which a stack leaves what was edited of it."""
    edited = {logical for logical, _type, _what in part.edited(bootstrap)}
    resources = {
        logical: {**one, "DeletionPolicy": "Retain"} if logical in edited else one
        for logical, one in template["Resources"].items()
        if not logical.startswith(HANDLE)
    }
    resources[handle_of(bootstrap, part)] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    return {**template, "Resources": resources}


def _processed(reach: Reach, name: str) -> dict[str, Any]:
    """Return a stack's template with macros worked out.

    Of one resource of SAM it has several, each of which can be kept by itself; and the code of a
    function is in it as it was deployed.
    """
    body = reach.call("cloudformation:GetTemplate", StackName=name, TemplateStage="Processed")
    given = body["TemplateBody"]
    return dict(given) if isinstance(given, Mapping) else read_template(given)


def to_keep(reach: Reach, bootstrap: Bootstrap) -> list[Part]:
    """Return the stacks that would still take what was edited with them."""
    found = []
    for part in PARTS:
        name, edited = part.stack(bootstrap), part.edited(bootstrap)
        if not name or not edited or is_gone(stack_of(reach, name)):
            continue
        resources = _processed(reach, name)["Resources"]
        there = [resources[one[0]] for one in edited if one[0] in resources]
        if not all(str(one.get("DeletionPolicy", "")).startswith("Retain") for one in there):
            found.append(part)
    return found


def _kept(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    # A stack whose deletion failed takes no update, and needs none where it keeps them already.
    return None if to_keep(reach, bootstrap) else Done(told=KEPT)


def repository_of(bootstrap: Bootstrap) -> str:
    """Return the name of the repository that the stack made, "" for none."""
    made = bootstrap.creations.filter(kind=REPOSITORY).exclude(fate=Creation.Fate.REMOVED)
    return bootstrap.chosen.repository_name if made.exists() else ""


def repository_id(reach: Reach, name: str) -> str:
    """Return the id of the repository of a name, "" where there is none.

    Raises botocore's errors.
    """
    try:
        found = reach.call("codecommit:GetRepository", repositoryName=name)
    except ClientError as error:
        if error_code(error) == "RepositoryDoesNotExistException":
            return ""
        raise
    return str(found["repositoryMetadata"]["repositoryId"])


def has_ours(reach: Reach, bootstrap: Bootstrap) -> bool:
    """Whether the repository that the stack made is still there. Raises botocore's errors.

    It is asked for by its name, which another one may have by now: CloudFormation tells its id.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codecommit-repository.html
    """
    name = repository_of(bootstrap)
    there = repository_id(reach, name) if name else ""
    stack = stack_id(bootstrap)
    known = stack_of(reach, stack) if there and stack else None
    made = resources_of(reach, stack) if known is not None else ()
    ids = {one.get("PhysicalResourceId") for one in made if one["ResourceType"] == REPOSITORY}
    # Of what was deleted long ago CloudFormation tells nothing: then its name has to do.
    return bool(there) and (not ids or there in ids)


def _forgets_code(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done:
    name = repository_of(bootstrap)
    if not name:
        raise RefusedError("No repository was made for this project.")
    if not has_ours(reach, bootstrap):
        return Done(told=f"The repository {name} that was made is not there any more.")
    # Answers for one that is gone, too.
    answer = reach.call("codecommit:DeleteRepository", repositoryName=name)
    return Done(request=request_of(answer), told=f"The repository {name} is deleted.")


def _code_forgotten(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    if has_ours(reach, bootstrap):
        return None
    return Done(told=f"The repository {repository_of(bootstrap)} is deleted.")


DROP = AtAws(judges=_may_be_dropped, sends=_drops, finds=_dropped, repeats=REPEATS)
REMOVE = AtAws(sends=_removes, finds=_removed, repeats=REPEATS)
REMOVE_APP = AtAws(sends=_removes_app, finds=_removed_app, repeats=REPEATS)
KEEP = AtAws(judges=_kept, sends=_keeps, finds=_kept)
REMOVE_REPOSITORY = AtAws(sends=_forgets_code, finds=_code_forgotten, repeats=REPEATS)
