"""CodeDeploy's operations that change something: create, deploy, stop, continue."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml

from apps.sandbox.codedeploy import engine
from apps.sandbox.codedeploy.finding import (
    find_application,
    find_deployment,
    find_group,
    store_of,
)
from apps.sandbox.codedeploy.model import Application, Declaration, Deployment, DeployStore, Group
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation
from apps.sandbox.world import Place, uuid_from

LONGEST_DESCRIPTION = 256
_MEMBERS = (
    "deploymentGroupName",
    "deploymentConfigName",
    "ec2TagFilters",
    "onPremisesInstanceTagFilters",
    "serviceRoleArn",
    "triggerConfigurations",
    "alarmConfiguration",
    "autoRollbackConfiguration",
    "deploymentStyle",
    "outdatedInstancesStrategy",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "ec2TagSet",
    "onPremisesTagSet",
    "ecsServices",
    "ec2DeploymentOptions",
    "terminationHookEnabled",
)


def make_application(
    place: Place, name: str, platform: str = "Server", github: str | None = None
) -> Application:
    """An application, made if missing."""
    store = place.of(DeployStore)
    if name not in store.applications:
        chance = place.world.chance(
            place.account, place.region, "application", name, *again(store, name)
        )
        store.applications[name] = Application(
            place, name, uuid_from(chance), platform, place.world.now(), github
        )
    return store.applications[name]


def again(store: DeployStore, name: str) -> list[int]:
    """The how-manieth of its name something is, from the second on."""
    store.made[name] += 1
    return [store.made[name]] if store.made[name] > 1 else []


def make_group(application: Application, declaration: Declaration) -> Group:
    """A deployment group; ``declaration`` is CreateDeploymentGroup's."""
    place, name = application.place, declaration["deploymentGroupName"]
    chance = place.world.chance(
        place.account,
        place.region,
        "group",
        application.name,
        name,
        *again(place.of(DeployStore), f"{application.name}/{name}"),
    )
    group = Group(application, _told(name, declaration), uuid_from(chance))
    application.groups[name] = group
    return group


def _told(name: str, declaration: Declaration) -> Declaration:
    told = {member: declaration[member] for member in _MEMBERS if member in declaration}
    if "autoScalingGroups" in declaration:
        told["autoScalingGroups"] = [
            {"name": one, "hook": f"CodeDeploy-managed-automatic-launch-deployment-hook-{name}"}
            for one in declaration["autoScalingGroups"]
        ]
    return told


@operation("codedeploy", "CreateApplication")
def create_application(call: Call, params: Params) -> Answer:
    """A new application."""
    name = params["applicationName"]
    if name in store_of(call).applications:
        raise AwsError(
            "ApplicationAlreadyExistsException",
            f"Another application exists with the same name: {name}",
        )
    made = make_application(call.place, name, params.get("computePlatform", "Server"))
    return {"applicationId": made.id}


@operation("codedeploy", "UpdateApplication")
def update_application(call: Call, params: Params) -> Answer:
    """Another name for an application; it keeps its id, its groups and what was deployed."""
    application = find_application(call, params["applicationName"])
    name = params.get("newApplicationName") or application.name
    known = store_of(call).applications
    if name != application.name and name in known:
        raise AwsError(
            "ApplicationAlreadyExistsException",
            f"Another application exists with the same name: {name}",
        )
    del known[application.name]
    application.name = name
    known[name] = application
    return {}


@operation("codedeploy", "DeleteApplication")
def delete_application(call: Call, params: Params) -> Answer:
    """An application is deleted with its groups; one that is not there is, too, as AWS has it."""
    store_of(call).applications.pop(params["applicationName"], None)
    return {}


@operation("codedeploy", "CreateDeploymentGroup")
def create_deployment_group(call: Call, params: Params) -> Answer:
    """A new group of an application."""
    application = find_application(call, params["applicationName"])
    name = params["deploymentGroupName"]
    if name in application.groups:
        raise AwsError(
            "DeploymentGroupAlreadyExistsException",
            f"Deployment group name already exists: {name}",
        )
    _known_config(call, params.get("deploymentConfigName"))
    group = make_group(application, params)
    group.looks_first = True
    return {"deploymentGroupId": group.id}


@operation("codedeploy", "UpdateDeploymentGroup")
def update_deployment_group(call: Call, params: Params) -> Answer:
    """An edit of a group: what is not named stays as it was; it keeps its id under a new name."""
    application = find_application(call, params["applicationName"])
    group = find_group(call, application.name, params["currentDeploymentGroupName"])
    name = params.get("newDeploymentGroupName") or group.name
    if name != group.name and name in application.groups:
        raise AwsError(
            "DeploymentGroupAlreadyExistsException",
            f"Deployment group name already exists: {name}",
        )
    _known_config(call, params.get("deploymentConfigName"))
    del application.groups[group.name]
    group.declaration |= {**_told(name, params), "deploymentGroupName": name}
    application.groups[name] = group
    return {"hooksNotCleanedUp": []}


@operation("codedeploy", "DeleteDeploymentGroup")
def delete_deployment_group(call: Call, params: Params) -> Answer:
    """A group is deleted; deleting one that is not there succeeds, as AWS has it."""
    application = find_application(call, params["applicationName"])
    application.groups.pop(params["deploymentGroupName"], None)
    return {"hooksNotCleanedUp": []}


def _known_config(call: Call, name: str | None) -> None:
    if name is not None and store_of(call).config(name) is None:
        raise AwsError(
            "DeploymentConfigDoesNotExistException",
            f"No Deployment Configuration found for name: {name}",
        )


@operation("codedeploy", "CreateDeploymentConfig")
def create_deployment_config(call: Call, params: Params) -> Answer:
    """A new configuration."""
    store, name = store_of(call), params["deploymentConfigName"]
    if store.config(name) is not None:
        raise AwsError(
            "DeploymentConfigAlreadyExistsException",
            f"Deployment configuration name already exists: {name}",
        )
    config = make_config(call.place, **params)
    return {"deploymentConfigId": config["deploymentConfigId"]}


@operation("codedeploy", "DeleteDeploymentConfig")
def delete_deployment_config(call: Call, params: Params) -> Answer:
    """A configuration that no group uses."""
    store, name = store_of(call), params["deploymentConfigName"]
    users = [
        group.name
        for application in store.applications.values()
        for group in application.groups.values()
        if group.config == name
    ]
    if users:
        raise AwsError(
            "DeploymentConfigInUseException",
            f"Deployment configuration {name} is in use by deployment groups: {', '.join(users)}",
        )
    store.configs.pop(name, None)
    return {}


def make_config(place: Place, **members: Any) -> Declaration:
    """A configuration; ``members`` are CreateDeploymentConfig's."""
    name = members["deploymentConfigName"]
    chance = place.world.chance(place.account, place.region, "configuration", name)
    config: Declaration = {
        "computePlatform": "Server",
        **members,
        "deploymentConfigId": uuid_from(chance),
        "createTime": place.world.now(),
    }
    place.of(DeployStore).configs[name] = config
    return config


@operation("codedeploy", "CreateDeployment")
def create_deployment(call: Call, params: Params) -> Answer:
    """Deploy a revision to a group; one at a time."""
    application, name = params["applicationName"], params.get("deploymentGroupName")
    if name is None:
        find_application(call, application)
        raise AwsError(
            "DeploymentGroupNameRequiredException", "Deployment group name was not specified."
        )
    group = find_group(call, application, name)
    config = params.get("deploymentConfigName")
    _known_config(call, config)
    active = group.active()
    if active is not None:
        raise AwsError(
            "DeploymentLimitExceededException",
            f"The Deployment Group '{name}' already has an active Deployment '{active.id}'",
        )
    if "revision" not in params:
        raise AwsError("RevisionRequiredException", "Revision was not specified.")
    description = params.get("description")
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        raise AwsError(
            "DescriptionTooLongException",
            f"The description is longer than {LONGEST_DESCRIPTION} characters.",
        )
    order = engine.Order(
        description=description,
        config=config,
        ignore_stop_failures=params.get("ignoreApplicationStopFailures", False),
        outdated_only=params.get("updateOutdatedInstancesOnly", False),
        automatic_rollback=params.get("autoRollbackConfiguration"),
        files=params.get("fileExistsBehavior", "DISALLOW"),
    )
    revision = _completed(group, params["revision"])
    return {"deploymentId": engine.start(group, revision, order).id}


def _completed(group: Group, revision: Declaration) -> Declaration:
    """A revision with what its AppSpec says to deploy, where the platform wants to know."""
    platform = group.application.platform
    if platform == "Server":
        return revision
    told = revision.get("appSpecContent") or revision.get("string") or {}
    content = str(told.get("content", ""))
    properties = _properties(content)
    found = dict(revision)
    for member in ("appSpecContent", "string"):
        if member in found:
            digest = hashlib.sha256(content.encode()).hexdigest()
            found[member] = {**found[member], "sha256": digest}
    if platform == "ECS":
        found["taskDefinition"] = properties.get("TaskDefinition", "")
        return found
    names = [str(properties.get(one, "")) for one in ("Name", "Alias", "TargetVersion")]
    if not all(names):
        raise AwsError(
            "InvalidRevisionException",
            "The AppSpec file must name a function, its alias and the version to shift to.",
        )
    found["lambda"] = tuple(names)
    found["lambdaFrom"] = str(properties.get("CurrentVersion", ""))
    return found


def _properties(content: str) -> dict[str, Any]:
    try:
        resources = yaml.safe_load(content)["Resources"]
        first = next(iter(resources[0].values()))
        return dict(first["Properties"])
    except (yaml.YAMLError, KeyError, TypeError, IndexError, StopIteration, AttributeError):
        raise AwsError(
            "InvalidRevisionException", "The AppSpec file is not valid YAML or JSON."
        ) from None


def appspec_of_function(name: str, alias: str, current: str, target: str, hook: str) -> str:
    """The AppSpec of a Lambda deployment, as JSON."""
    properties = {
        "Name": name,
        "Alias": alias,
        "CurrentVersion": current,
        "TargetVersion": target,
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    hooks = [{"BeforeAllowTraffic": hook}] if hook else []
    return json.dumps({"version": 0.0, "Resources": [{name: resource}], "Hooks": hooks})


@operation("codedeploy", "StopDeployment")
def stop_deployment(call: Call, params: Params) -> Answer:
    """Stop a deployment that runs, and roll back if asked for or declared."""
    deployment = _running(call, params["deploymentId"])
    engine.stop(deployment, roll_back=params.get("autoRollbackEnabled"))
    return {
        "status": "Succeeded",
        "statusMessage": "No more commands will be scheduled for execution in the deployment "
        "instances",
    }


@operation("codedeploy", "ContinueDeployment")
def continue_deployment(call: Call, params: Params) -> Answer:
    """Reroute the traffic of a blue/green deployment that is ready, or end its wait."""
    deployment = _running(call, params["deploymentId"])
    wanted = params.get("deploymentWaitType", "READY_WAIT")
    waits = deployment.terminating if wanted == "TERMINATION_WAIT" else deployment.status == "Ready"
    if deployment.go_on is None or not waits:
        raise AwsError(
            "DeploymentIsNotInReadyStateException",
            f"The deployment {deployment.id} is not in a ready state.",
        )
    deployment.go_on()
    return {}


def _running(call: Call, name: str) -> Deployment:
    deployment = find_deployment(call, name)
    if not deployment.active:
        raise AwsError(
            "DeploymentAlreadyCompletedException", f"The deployment {name} is already completed."
        )
    return deployment
