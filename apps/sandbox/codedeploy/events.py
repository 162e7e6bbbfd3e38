"""Words CodeDeploy's events as AWS does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.sandbox.codedeploy.model import Deployment, Group, Target

#: What events call a deployment's and an instance's status.
_STATES = {
    "Created": "CREATED",
    "Queued": "QUEUED",
    "InProgress": "START",
    "Ready": "READY",
    "Succeeded": "SUCCESS",
    "Failed": "FAILURE",
    "Stopped": "STOP",
    "Skipped": "FAILURE",
    "Pending": "START",
}


def _resources(group: Group) -> list[str]:
    place, application = group.place, group.application.name
    return [
        place.arn("codedeploy", f"application:{application}"),
        place.arn("codedeploy", f"deploymentgroup:{application}/{group.name}"),
    ]


def deployment_changed(deployment: Deployment) -> None:
    """``CodeDeploy Deployment State-change Notification``."""
    group = deployment.group
    detail = {
        "instanceGroupId": group.id,
        "region": group.place.region,
        "application": group.application.name,
        "deploymentId": deployment.id,
        "state": _STATES[deployment.status],
        "deploymentGroup": group.name,
    }
    group.place.emit(
        "aws.codedeploy",
        "CodeDeploy Deployment State-change Notification",
        detail,
        _resources(group),
    )


def instance_changed(deployment: Deployment, target: Target) -> None:
    """``CodeDeploy Instance State-change Notification``; functions and services have none."""
    if target.platform != "Server":
        return
    group = deployment.group
    detail = {
        "instanceId": target.id,
        "region": group.place.region,
        "state": _STATES[target.status],
        "application": group.application.name,
        "deploymentId": deployment.id,
        "instanceGroupId": group.id,
        "deploymentGroup": group.name,
    }
    application, deployment_group = _resources(group)
    group.place.emit(
        "aws.codedeploy",
        "CodeDeploy Instance State-change Notification",
        detail,
        [target.arn, deployment_group, application],
    )
