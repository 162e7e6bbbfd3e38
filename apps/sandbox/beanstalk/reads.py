"""Elastic Beanstalk's operations that only tell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.sandbox.beanstalk import vitals
from apps.sandbox.beanstalk.model import (
    REMEMBERED,
    SEVERITIES,
    Application,
    BeanstalkStore,
    Environment,
    Event,
    Members,
    Version,
)
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

PAGE = 1000


def _resources(where: str, members: Params) -> list[str]:
    application = members.get("ApplicationName") or "*"
    # An id says as much to IAM, though not to what looks at the request alone.
    environment = members.get("EnvironmentName") or ("*" if members.get("EnvironmentId") else "")
    if environment:
        return [f"{where}environment/{application}/{environment}"]
    return [f"{where}application/{application}"] if application != "*" else ["*"]


TRAITS["elasticbeanstalk"] = Traits(
    invalid="ValidationError", bad_page="InvalidParameterValue", resources=_resources
)


def refused(message: str) -> AwsError:
    """What Elastic Beanstalk answers to nearly everything that is wrong with a request."""
    return AwsError("InvalidParameterValue", message)


def find_environment(call: Call, params: Params) -> Environment:
    """The environment that a request names, by name or id."""
    store = call.place.of(BeanstalkStore)
    name, key = params.get("EnvironmentName"), params.get("EnvironmentId")
    if not name and not key:
        raise AwsError(
            "MissingParameter", "You must specify either an EnvironmentName or an EnvironmentId."
        )
    found = store.environment(name, key)
    if found is None:
        what = f"EnvironmentId = '{key}'" if key else f"EnvironmentName = '{name}'"
        raise refused(f"No Environment found for {what}.")
    return found


def _page(
    call: Call, items: list[Any], params: Params, key: Any, scope: str = ""
) -> tuple[list[Any], str | None]:
    return paginate(
        call,
        items,
        key,
        size=params.get("MaxRecords") or PAGE,
        token=params.get("NextToken"),
        error=lambda: refused("The specified NextToken is not valid."),
        scope=scope,
    )


@operation("elasticbeanstalk", "DescribeApplications")
def describe_applications(call: Call, params: Params) -> Answer:
    """Every application, or those named."""
    wanted = params.get("ApplicationNames")
    store = call.place.of(BeanstalkStore)
    return {
        "Applications": [
            application_of(one)
            for name, one in sorted(store.applications.items())
            if not wanted or name in wanted
        ]
    }


def application_of(one: Application) -> Members:
    """An application as it is described."""
    rule = {"Enabled": True, "MaxCount": 200, "DeleteSourceFromS3": False}
    return {
        "ApplicationArn": one.arn,
        "ApplicationName": one.name,
        "Description": one.description or None,
        "DateCreated": one.created,
        "DateUpdated": one.updated or one.created,
        "Versions": list(one.versions)[::-1],
        "ConfigurationTemplates": [],
        "ResourceLifecycleConfig": {
            "VersionLifecycleConfig": {
                "MaxCountRule": rule,
                "MaxAgeRule": {"Enabled": False, "MaxAgeInDays": 180, "DeleteSourceFromS3": False},
            }
        },
    }


@operation("elasticbeanstalk", "DescribeApplicationVersions")
def describe_application_versions(call: Call, params: Params) -> Answer:
    """Every version, newest first."""
    store = call.place.of(BeanstalkStore)
    name, labels = params.get("ApplicationName"), params.get("VersionLabels")
    found = [
        version
        for application in store.applications.values()
        if not name or application.name == name
        for version in application.versions.values()
        if not labels or version.label in labels
    ]
    found.sort(key=lambda one: (-one.created, one.arn))
    page, token = _page(call, found, params, lambda one: one.arn, str(name))
    return {"ApplicationVersions": [version_of(one) for one in page], "NextToken": token}


def version_of(one: Version) -> Members:
    """A version as it is described."""
    return {
        "ApplicationVersionArn": one.arn,
        "ApplicationName": one.application.name,
        "Description": one.description or None,
        "VersionLabel": one.label,
        "SourceBuildInformation": one.source_build,
        "BuildArn": one.build_arn,
        "SourceBundle": one.bundle,
        "Process": one.process,
        "DateCreated": one.created,
        "DateUpdated": one.created,
        "Status": one.status,
    }


@operation("elasticbeanstalk", "DescribeEnvironments")
def describe_environments(call: Call, params: Params) -> Answer:
    """Environments; those terminated lately too, unless IncludeDeleted is false."""
    store, now = call.place.of(BeanstalkStore), call.world.now()
    back = _seconds(params.get("IncludedDeletedBackTo")) or 0.0
    deleted = params.get("IncludeDeleted", True)

    def fits(one: Environment) -> bool:
        if one.terminated is not None and (
            not deleted or one.terminated < max(back, now - REMEMBERED)
        ):
            return False
        return all(
            (
                params.get("ApplicationName") in (None, one.application.name),
                params.get("VersionLabel") in (None, one.label),
                one.name in (params.get("EnvironmentNames") or [one.name]),
                one.id in (params.get("EnvironmentIds") or [one.id]),
            )
        )

    found = sorted(filter(fits, store.environments), key=lambda one: (one.name, one.id))
    page, token = _page(call, found, params, lambda one: one.id)
    return {"Environments": [environment_of(one) for one in page], "NextToken": token}


def environment_of(one: Environment) -> Members:
    """An environment as it is described; with basic health it has no HealthStatus."""
    place = one.place
    balancer = f"awseb--AWSEB-{one.id[2:].upper()}"
    domain = f"{balancer}-1203957831.{place.region}.elb.amazonaws.com"
    queue = f"https://sqs.{place.region}.amazonaws.com/{place.account}/awseb-{one.id}-stack-queue"
    running = one.operation
    return {
        "EnvironmentName": one.name,
        "EnvironmentId": one.id,
        "ApplicationName": one.application.name,
        "VersionLabel": one.label or None,
        "SolutionStackName": one.platform,
        "PlatformArn": one.platform_arn,
        "Description": one.description or None,
        "EndpointURL": None if one.status == "Launching" else queue if one.worker else domain,
        "CNAME": None if one.worker else one.cname,
        "DateCreated": one.created,
        "DateUpdated": one.updated,
        "Status": one.status,
        "AbortableOperationInProgress": running is not None
        and running.kind in ("deploy", "configure")
        and one.status == "Updating",
        "Health": one.color,
        "HealthStatus": one.health if one.enhanced else None,
        "Tier": {"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"}
        if one.worker
        else {"Name": "WebServer", "Type": "Standard", "Version": "1.0"},
        "EnvironmentLinks": [
            {"LinkName": link, "EnvironmentName": name} for link, name in one.links
        ],
        "EnvironmentArn": one.arn,
        "OperationsRole": f"arn:aws:iam::{place.account}:role/aws-elasticbeanstalk-operations"
        if one.operates
        else None,
    }


@operation("elasticbeanstalk", "DescribeEvents")
def describe_events(call: Call, params: Params) -> Answer:
    """Events, newest first; a severity means that one and those above it."""
    low = SEVERITIES.index(params.get("Severity", "TRACE"))
    since, until = _seconds(params.get("StartTime")), _seconds(params.get("EndTime"))

    def fits(one: Event) -> bool:
        return all(
            (
                SEVERITIES.index(one.severity) >= low,
                since is None or one.at >= since,
                until is None or one.at < until,
                params.get("ApplicationName") in (None, one.application),
                params.get("EnvironmentName") in (None, one.environment),
                params.get("EnvironmentId") in (None, one.environment_id),
                params.get("VersionLabel") in (None, one.label),
                params.get("RequestId") in (None, one.request),
            )
        )

    found = list(filter(fits, call.place.of(BeanstalkStore).events))
    asked = [str(params.get(name)) for name in ("EnvironmentName", "ApplicationName", "Severity")]
    page, token = _page(call, found, params, lambda one: str(one.number), "/".join(asked))
    return {"Events": [_event(one) for one in page], "NextToken": token}


def _event(one: Event) -> Members:
    return {
        "EventDate": one.at,
        "Message": one.message,
        "ApplicationName": one.application,
        "VersionLabel": one.label,
        "EnvironmentName": one.environment,
        "RequestId": one.request,
        "Severity": one.severity,
    }


def _seconds(moment: Any) -> float | None:
    if moment is None:
        return None
    if isinstance(moment, int | float):
        return float(moment)
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return float(moment.timestamp())


def enhanced(call: Call, params: Params) -> Environment:
    """The environment that a request names, where it has enhanced health."""
    found = find_environment(call, params)
    if not found.enhanced:
        raise AwsError("InvalidRequestException", f"{call.operation} is not supported.")
    return found


@operation("elasticbeanstalk", "DescribeEnvironmentHealth")
def describe_environment_health(call: Call, params: Params) -> Answer:
    """How an environment fares, and why; only where it reports enhanced health."""
    wanted = params.get("AttributeNames") or []
    told = vitals.of_environment(enhanced(call, params))
    if not wanted or "All" in wanted:
        return told
    return {name: told[name] for name in told if name in ("EnvironmentName", *wanted)}


@operation("elasticbeanstalk", "DescribeInstancesHealth")
def describe_instances_health(call: Call, params: Params) -> Answer:
    """How the instances of an environment fare, and why."""
    environment = enhanced(call, params)
    page, token = paginate(
        call,
        environment.instances,
        lambda one: one.id,
        size=100,
        token=params.get("NextToken"),
        error=lambda: refused("The specified NextToken is not valid."),
        scope=environment.id,
    )
    return {
        "InstanceHealthList": [vitals.of_instance(environment, one) for one in page],
        "RefreshedAt": vitals.refreshed(environment),
        "NextToken": token,
    }


@operation("elasticbeanstalk", "DescribeEnvironmentResources")
def describe_environment_resources(call: Call, params: Params) -> Answer:
    """What an environment is made of."""
    one = find_environment(call, params)
    stack = f"awseb-{one.id}-stack"
    queue = f"https://sqs.{call.region}.amazonaws.com/{call.account}/{stack}-queue"
    return {
        "EnvironmentResources": {
            "EnvironmentName": one.name,
            "AutoScalingGroups": [{"Name": f"{stack}-AWSEBAutoScalingGroup"}],
            "Instances": [{"Id": instance.id} for instance in one.instances],
            "LaunchConfigurations": [],
            "LaunchTemplates": [],
            "LoadBalancers": [] if one.worker else [{"Name": f"awseb--AWSEB-{one.id[2:].upper()}"}],
            "Triggers": [],
            "Queues": [{"Name": "WorkerQueue", "URL": queue}] if one.worker else [],
        }
    }


@operation("elasticbeanstalk", "DescribeConfigurationSettings")
def describe_configuration_settings(call: Call, params: Params) -> Answer:
    """The settings of an environment, with the values of its variables."""
    one = find_environment(call, params)
    settings = {
        ("aws:elasticbeanstalk:command", "DeploymentPolicy"): one.policy,
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType"): "enhanced"
        if one.enhanced
        else "basic",
        ("aws:autoscaling:asg", "MinSize"): str(one.size),
        ("aws:autoscaling:launchconfiguration", "InstanceType"): one.instance_type,
        **one.settings,
    }
    return {
        "ConfigurationSettings": [
            {
                "SolutionStackName": one.platform,
                "PlatformArn": one.platform_arn,
                "ApplicationName": one.application.name,
                "EnvironmentName": one.name,
                "DeploymentStatus": "deployed" if one.status == "Ready" else "pending",
                "DateCreated": one.created,
                "DateUpdated": one.updated,
                "OptionSettings": [
                    {"Namespace": namespace, "OptionName": name, "Value": value}
                    for (namespace, name), value in sorted(settings.items())
                ],
            }
        ]
    }
