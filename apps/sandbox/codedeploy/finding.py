"""Finds what CodeDeploy's operations name, or answers AWS's errors; pages and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.codedeploy.model import Application, Deployment, DeployStore, Group
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import TRAITS, Answer, AwsError, Call, Params, Traits, paginate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAGE = 100
_NOT_OF_AWS = ("lambda", "lambdaFrom", "taskDefinition")


def _resources(where: str, members: Params) -> list[str]:
    application, group = members.get("applicationName"), members.get("deploymentGroupName")
    if application and group:
        return [f"{where}deploymentgroup:{application}/{group}"]
    if config := members.get("deploymentConfigName"):
        return [f"{where}deploymentconfig:{config}"]
    names = members.get("applicationNames") or [application or "*"]
    return [f"{where}application:{name}" for name in names]


TRAITS["codedeploy"] = Traits(bad_page="InvalidNextTokenException", resources=_resources)
COUNTERS["deployments"] = lambda place: len(place.of(DeployStore).deployments)


def store_of(call: Call) -> DeployStore:
    """CodeDeploy where the call goes."""
    return call.place.of(DeployStore)


def find_application(call: Call, name: str) -> Application:
    """An application, or AWS's ApplicationDoesNotExistException."""
    found = store_of(call).applications.get(name)
    if found is None:
        raise AwsError("ApplicationDoesNotExistException", f"No application found for name: {name}")
    return found


def find_group(call: Call, application: str, name: str) -> Group:
    """A group, or AWS's DeploymentGroupDoesNotExistException."""
    found = find_application(call, application).groups.get(name)
    if found is None:
        raise AwsError(
            "DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}"
        )
    return found


def find_deployment(call: Call, name: str) -> Deployment:
    """A deployment, or AWS's DeploymentDoesNotExistException."""
    found = store_of(call).deployments.get(name)
    if found is None:
        raise AwsError(
            "DeploymentDoesNotExistException",
            f"The deployment {name} could not be found",
        )
    return found


def page_of(
    call: Call, items: Sequence[Any], key: Callable[[Any], str], params: Params, scope: str = ""
) -> tuple[list[Any], str | None]:
    """A page of 100 and the next token."""
    return paginate(
        call,
        items,
        key,
        size=PAGE,
        token=params.get("nextToken"),
        error=lambda: AwsError(
            "InvalidNextTokenException", "The next token was specified in an invalid format."
        ),
        scope=scope,
    )


def check_batch(items: Sequence[str], most: int, what: str) -> None:
    """Refuse a batch of more than AWS takes."""
    if len(items) > most:
        raise AwsError(
            "BatchLimitExceededException",
            f"The number of {what} in the batch exceeds the maximum of {most}.",
        )


def content_of(revision: Answer) -> Answer:
    """A revision without what the simulation keeps beside it."""
    return {name: value for name, value in revision.items() if name not in _NOT_OF_AWS}


def revision_of(revision: Answer) -> Answer:
    """The same as deployments and groups tell it: without the content of an AppSpecContent."""
    told = content_of(revision)
    if "appSpecContent" in told:
        told["appSpecContent"] = {"sha256": told["appSpecContent"].get("sha256")}
    return told
