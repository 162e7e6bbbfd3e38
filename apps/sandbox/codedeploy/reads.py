"""CodeDeploy's operations that read deployments and their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codedeploy.finding import (
    check_batch,
    find_deployment,
    find_group,
    page_of,
    revision_of,
    store_of,
)
from apps.sandbox.compute.containers import ContainerStore
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation

if TYPE_CHECKING:
    from apps.sandbox.codedeploy.model import Deployment, Event, Target
    from apps.sandbox.compute.containers import Service

BATCH_OF_IDS = 25


@operation("codedeploy", "ListDeployments")
def list_deployments(call: Call, params: Params) -> Answer:
    """Ids, the newest first: of the place, or of a group; by status and time of creation."""
    application, group = params.get("applicationName"), params.get("deploymentGroupName")
    if application and not group:
        raise AwsError(
            "DeploymentGroupNameRequiredException", "Deployment group name was not specified."
        )
    if group and not application:
        raise AwsError("ApplicationNameRequiredException", "Application name was not specified.")
    found = store_of(call).newest_first
    if application and group:
        found = find_group(call, application, group).deployments
    statuses, times = params.get("includeOnlyStatuses"), params.get("createTimeRange", {})
    first, last = float(times.get("start", 0)), float(times.get("end", "inf"))
    wanted = [
        one
        for one in found
        if (not statuses or one.status in statuses) and first <= one.created <= last
    ]
    scope = f"{application}/{group}/{statuses}/{first}/{last}"
    page, token = page_of(call, wanted, lambda one: str(one.id), params, scope)
    return {"deployments": [one.id for one in page], "nextToken": token}


@operation("codedeploy", "BatchGetDeployments")
def batch_get_deployments(call: Call, params: Params) -> Answer:
    """Up to 25 deployments by id; those that do not exist are left out."""
    check_batch(params["deploymentIds"], BATCH_OF_IDS, "deployments")
    known = store_of(call).deployments
    found = [known[name] for name in params["deploymentIds"] if name in known]
    return {"deploymentsInfo": [_deployment(one) for one in found]}


@operation("codedeploy", "GetDeployment")
def get_deployment(call: Call, params: Params) -> Answer:
    """One deployment."""
    return {"deploymentInfo": _deployment(find_deployment(call, params["deploymentId"]))}


def _deployment(deployment: Deployment) -> Answer:
    group = deployment.group
    told = group.declaration
    code, message = deployment.error or ("", "")
    rolled = {
        "rollbackDeploymentId": deployment.rolled_back_by,
        "rollbackTriggeringDeploymentId": deployment.rolls_back,
        "rollbackMessage": deployment.rollback_message,
    }
    return {
        "applicationName": group.application.name,
        "deploymentGroupName": group.name,
        "deploymentConfigName": deployment.config,
        "deploymentId": deployment.id,
        "previousRevision": revision_of(deployment.previous) if deployment.previous else None,
        "revision": revision_of(deployment.revision),
        "status": deployment.status,
        "errorInformation": {"code": code, "message": message} if code else None,
        "createTime": deployment.created,
        "startTime": deployment.started,
        "completeTime": deployment.completed,
        "deploymentOverview": _overview(deployment),
        "description": deployment.description,
        "creator": deployment.creator,
        "ignoreApplicationStopFailures": deployment.ignore_stop_failures,
        "autoRollbackConfiguration": deployment.automatic_rollback
        or told.get("autoRollbackConfiguration"),
        "updateOutdatedInstancesOnly": deployment.outdated_only,
        "rollbackInfo": {name: value for name, value in rolled.items() if value} or None,
        "deploymentStyle": told.get("deploymentStyle"),
        "instanceTerminationWaitTimeStarted": deployment.terminating,
        "blueGreenDeploymentConfiguration": told.get("blueGreenDeploymentConfiguration"),
        "loadBalancerInfo": told.get("loadBalancerInfo"),
        "fileExistsBehavior": deployment.files,
        "deploymentStatusMessages": [],
        "computePlatform": deployment.platform,
    }


def _overview(deployment: Deployment) -> Answer:
    counts = dict.fromkeys(("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0)
    for target in deployment.targets.values():
        counts[target.status] += 1
    return counts


@operation("codedeploy", "ListDeploymentTargets")
def list_deployment_targets(call: Call, params: Params) -> Answer:
    """Ids of a deployment's targets; AWS refuses before it has begun."""
    deployment = find_deployment(call, params["deploymentId"])
    if deployment.started is None:
        raise AwsError(
            "DeploymentNotStartedException", f"The deployment {deployment.id} has not started."
        )
    found = list(deployment.targets.values())
    for name, wanted in params.get("targetFilters", {}).items():
        by_status = name == "TargetStatus"
        found = [one for one in found if (one.status if by_status else one.label) in wanted]
    scope = f"{deployment.id}/{params.get('targetFilters')}"
    page, token = page_of(call, found, lambda one: str(one.id), params, scope)
    return {"targetIds": [one.id for one in page], "nextToken": token}


@operation("codedeploy", "BatchGetDeploymentTargets")
def batch_get_deployment_targets(call: Call, params: Params) -> Answer:
    """Up to 25 targets of one deployment with their lifecycle events."""
    deployment = find_deployment(call, params["deploymentId"])
    ids = params.get("targetIds", [])
    if len(ids) > BATCH_OF_IDS:
        raise AwsError(
            "DeploymentTargetListSizeExceededException",
            f"The maximum number of targets is {BATCH_OF_IDS}.",
        )
    missing = [one for one in ids if one not in deployment.targets]
    if missing:
        raise AwsError(
            "DeploymentTargetDoesNotExistException",
            f"The target {missing[0]} is not part of the deployment {deployment.id}.",
        )
    return {"deploymentTargets": [_target(deployment, deployment.targets[one]) for one in ids]}


def _target(deployment: Deployment, target: Target) -> Answer:
    told: Answer = {
        "deploymentId": deployment.id,
        "targetId": target.id,
        "targetArn": target.arn,
        "status": target.status,
        "lastUpdatedAt": target.updated,
        "lifecycleEvents": [_event(event) for event in target.events],
    }
    if target.platform == "Server":
        told["instanceLabel"] = target.label
        return {"deploymentTargetType": "InstanceTarget", "instanceTarget": told}
    if target.platform == "Lambda":
        name, alias, current, version = target.names
        told["lambdaFunctionInfo"] = {
            "functionName": name,
            "functionAlias": alias,
            "currentVersion": current,
            "targetVersion": version,
            "targetVersionWeight": target.weight,
        }
        return {"deploymentTargetType": "LambdaTarget", "lambdaTarget": told}
    told["taskSetsInfo"] = _task_sets(deployment, target)
    return {"deploymentTargetType": "ECSTarget", "ecsTarget": told}


def _event(event: Event) -> Answer:
    over = event.end is not None
    return {
        "lifecycleEventName": event.name,
        "diagnostics": {
            "errorCode": event.code,
            "scriptName": event.script,
            "message": event.message,
            "logTail": event.log_tail,
        }
        if over
        else None,
        "startTime": event.start,
        "endTime": event.end,
        "status": event.status,
    }


def _task_sets(deployment: Deployment, target: Target) -> list[Answer]:
    cluster, name = target.id.split(":", 1)
    service = deployment.group.place.of(ContainerStore).service(cluster, name)
    found = []
    for label, one in zip(("Blue", "Green"), target.names, strict=False):
        share = target.weight if label == "Green" else 1 - target.weight
        found.append(_task_set(service, one, label, share))
    return found


def _task_set(service: Service | None, name: str, label: str, share: float) -> Answer:
    known = next((one for one in service.task_sets if one.id == name), None) if service else None
    group = known.target_group.split("/")[1] if known and "/" in known.target_group else None
    return {
        "identifer": name,
        "desiredCount": known.desired if known else 0,
        "pendingCount": known.pending if known else 0,
        "runningCount": known.running if known else 0,
        "status": known.status if known else "DRAINING",
        "trafficWeight": round(share * 100, 2),
        "targetGroup": {"name": group} if group else None,
        "taskSetLabel": label,
    }
