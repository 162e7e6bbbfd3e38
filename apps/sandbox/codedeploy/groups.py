"""CodeDeploy's operations that read applications, revisions, groups and configurations."""

from __future__ import annotations

from apps.sandbox.codedeploy.finding import (
    check_batch,
    content_of,
    find_application,
    page_of,
    revision_of,
    store_of,
)
from apps.sandbox.codedeploy.model import PREDEFINED, Application, Deployment, Group
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation

BATCH_OF_NAMES = 100


@operation("codedeploy", "ListApplications")
def list_applications(call: Call, params: Params) -> Answer:
    """Names of all applications, 100 a page."""
    page, token = page_of(call, sorted(store_of(call).applications), str, params)
    return {"applications": page, "nextToken": token}


@operation("codedeploy", "BatchGetApplications")
def batch_get_applications(call: Call, params: Params) -> Answer:
    """Applications by name; one that does not exist fails the whole batch."""
    check_batch(params["applicationNames"], BATCH_OF_NAMES, "applications")
    found = [find_application(call, name) for name in params["applicationNames"]]
    return {"applicationsInfo": [_application(one) for one in found]}


@operation("codedeploy", "GetApplication")
def get_application(call: Call, params: Params) -> Answer:
    """One application."""
    return {"application": _application(find_application(call, params["applicationName"]))}


def _application(application: Application) -> Answer:
    return {
        "applicationId": application.id,
        "applicationName": application.name,
        "createTime": application.created,
        "linkedToGitHub": application.github is not None,
        "gitHubAccountName": application.github,
        "computePlatform": application.platform,
    }


@operation("codedeploy", "ListDeploymentGroups")
def list_deployment_groups(call: Call, params: Params) -> Answer:
    """Names of an application's groups, 100 a page."""
    application = find_application(call, params["applicationName"])
    page, token = page_of(call, sorted(application.groups), str, params, application.name)
    return {
        "applicationName": application.name,
        "deploymentGroups": page,
        "nextToken": token,
    }


@operation("codedeploy", "BatchGetDeploymentGroups")
def batch_get_deployment_groups(call: Call, params: Params) -> Answer:
    """Groups of one application by name; those that do not exist are named in errorMessage."""
    application = find_application(call, params["applicationName"])
    names = params["deploymentGroupNames"]
    check_batch(names, BATCH_OF_NAMES, "deployment groups")
    missing = [name for name in names if name not in application.groups]
    found = [application.groups[name] for name in names if name in application.groups]
    told = f"No Deployment Group found for name: {', '.join(missing)}" if missing else None
    return {"deploymentGroupsInfo": [_group(one) for one in found], "errorMessage": told}


def _group(group: Group) -> Answer:
    last = group.deployments[0] if group.deployments else None
    good = group.successful
    return {
        **group.declaration,
        "applicationName": group.application.name,
        "deploymentGroupId": group.id,
        "deploymentConfigName": group.config,
        "computePlatform": group.application.platform,
        "targetRevision": revision_of(good.revision) if good else None,
        "lastAttemptedDeployment": _last(last) if last else None,
        "lastSuccessfulDeployment": _last(good) if good else None,
    }


def _last(deployment: Deployment) -> Answer:
    return {
        "deploymentId": deployment.id,
        "status": deployment.status,
        "createTime": deployment.created,
        "endTime": deployment.completed,
    }


@operation("codedeploy", "ListDeploymentConfigs")
def list_deployment_configs(call: Call, params: Params) -> Answer:
    """Names of all configurations, AWS's own first."""
    names = [*PREDEFINED, *sorted(store_of(call).configs)]
    page, token = page_of(call, names, str, params)
    return {"deploymentConfigsList": page, "nextToken": token}


@operation("codedeploy", "GetDeploymentConfig")
def get_deployment_config(call: Call, params: Params) -> Answer:
    """One configuration."""
    found = store_of(call).config(params["deploymentConfigName"])
    if found is None:
        raise AwsError(
            "DeploymentConfigDoesNotExistException",
            f"No Deployment Configuration found for name: {params['deploymentConfigName']}",
        )
    return {"deploymentConfigInfo": found}


@operation("codedeploy", "GetApplicationRevision")
def get_application_revision(call: Call, params: Params) -> Answer:
    """A revision that was deployed, with an AppSpec's content, by its place or hash."""
    application = find_application(call, params["applicationName"])
    for group in application.groups.values():
        for deployment in group.deployments:
            if _same(deployment.revision, params["revision"]):
                info = {
                    "deploymentGroups": [group.name],
                    "firstUsedTime": deployment.created,
                    "lastUsedTime": deployment.created,
                    "registerTime": deployment.created,
                }
                return {
                    "applicationName": application.name,
                    "revision": content_of(deployment.revision),
                    "revisionInfo": info,
                }
    raise AwsError("RevisionDoesNotExistException", "No revision found for the given location.")


def _same(one: Answer, asked: Answer) -> bool:
    """Whether every member asked for is the revision's."""
    kind = {"S3": "s3Location", "GitHub": "gitHubLocation", "String": "string"}
    member = kind.get(asked.get("revisionType", ""), "appSpecContent")
    wanted: Answer = asked.get(member, {})
    return bool(wanted) and wanted.items() <= one.get(member, {}).items()
