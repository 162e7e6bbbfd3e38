"""Reads single answers of Elastic Beanstalk into records; what may be a secret is masked here.

https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_Types.html
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.aws.wire import plain, snake
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State

from . import health

Text = str | Unread
Json = Any
Moment = datetime | Unread | None


@dataclass(frozen=True, kw_only=True)
class ApplicationRecord:
    """An application of DescribeApplications."""

    key: str
    arn: Text = UNREAD
    description: Text = UNREAD
    configuration_templates: Json = UNREAD
    lifecycle: Json = UNREAD
    date_created: Moment = UNREAD
    date_updated: Moment = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True)
class VersionRecord:
    """A version of DescribeApplicationVersions."""

    key: str
    parent: Text = UNREAD
    arn: Text = UNREAD
    status: Text = UNREAD
    state: Text = UNREAD
    application_name: Text = UNREAD
    version_label: Text = UNREAD
    description: Text = UNREAD
    source_bundle: Json = UNREAD
    source_build: Json = UNREAD
    image: Json = UNREAD
    build_arn: Text = UNREAD
    process: bool | Unread = UNREAD
    date_created: Moment = UNREAD
    date_updated: Moment = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True)
class EnvironmentRecord:
    """An environment of DescribeEnvironments, with what DescribeEnvironmentHealth told."""

    key: str
    parent: Text = UNREAD
    arn: Text = UNREAD
    status: Text = UNREAD
    state: Text = UNREAD
    urgency: int | Unread = UNREAD
    environment_id: Text = UNREAD
    application_name: Text = UNREAD
    version_label: Text = UNREAD
    description: Text = UNREAD
    health: Text = UNREAD
    health_status: Text = UNREAD
    cname: Text = UNREAD
    endpoint_url: Text = UNREAD
    solution_stack_name: Text = UNREAD
    platform_arn: Text = UNREAD
    template_name: Text = UNREAD
    tier_name: Text = UNREAD
    tier_type: Text = UNREAD
    tier_version: Text = UNREAD
    load_balancer: Json = UNREAD
    environment_links: Json = UNREAD
    operations_role: Text = UNREAD
    abortable_operation_in_progress: bool | Unread = UNREAD
    date_created: Moment = UNREAD
    date_updated: Moment = UNREAD
    causes: Json = UNREAD
    instances_health: Json = UNREAD
    instances_due: Text = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """An event of DescribeEvents."""

    key: str
    parent: Text = UNREAD
    status: Text = UNREAD
    state: Text = UNREAD
    event_date: Moment = UNREAD
    message: Text = UNREAD
    application_name: Text = UNREAD
    version_label: Text = UNREAD
    template_name: Text = UNREAD
    platform_arn: Text = UNREAD
    request_id: Text = UNREAD


@dataclass(frozen=True, kw_only=True)
class InstanceRecord:
    """An instance of DescribeInstancesHealth."""

    key: str
    parent: Text = UNREAD
    arn: Text = UNREAD
    status: Text = UNREAD
    state: Text = UNREAD
    color: Text = UNREAD
    causes: Json = UNREAD
    launched_at: Moment = UNREAD
    application_metrics: Json = UNREAD
    system: Json = UNREAD
    version_label: Text = UNREAD
    deployment_id: int | Unread | None = UNREAD
    deployment_status: Text = UNREAD
    deployment_time: Moment = UNREAD
    availability_zone: Text = UNREAD
    instance_type: Text = UNREAD
    links: tuple[LinkTo, ...] | Unread = field(default=UNREAD)


@dataclass(frozen=True, kw_only=True)
class ManagedActionRecord:
    """A managed action, of DescribeEnvironmentManagedActions or of their history."""

    key: str
    parent: Text = UNREAD
    status: Text = UNREAD
    state: Text = UNREAD
    action_type: Text = UNREAD
    description: Text = UNREAD
    window_start: Moment = UNREAD
    executed_at: Moment = UNREAD
    finished_at: Moment = UNREAD
    failure_type: Text = UNREAD
    failure_description: Text = UNREAD


def application_record(answer: Mapping[str, Any]) -> ApplicationRecord:
    """Read one application."""
    lifecycle = answer.get("ResourceLifecycleConfig") or {}
    role = lifecycle.get("ServiceRole") or ""
    return ApplicationRecord(
        key=answer["ApplicationName"],
        arn=answer.get("ApplicationArn") or "",
        description=masked(answer.get("Description") or ""),
        configuration_templates=list(answer.get("ConfigurationTemplates") or ()),
        lifecycle=snake(lifecycle),
        date_created=answer.get("DateCreated"),
        date_updated=answer.get("DateUpdated"),
        links=(LinkTo("assumes", "iam.role", role),) if role.startswith("arn:") else (),
    )


def version_key(application: str, label: str) -> str:
    """Return the key of a version: its label is unique in its application alone."""
    return f"{application}/{label}"


def version_record(answer: Mapping[str, Any]) -> VersionRecord:
    """Read one application version."""
    application, label = answer["ApplicationName"], answer["VersionLabel"]
    status = answer.get("Status") or ""
    build = answer.get("BuildArn") or ""
    image = {
        **snake(answer.get("ImageSource") or {}),
        **snake(answer.get("ImageBuildConfiguration") or {}),
    }
    return VersionRecord(
        key=version_key(application, label),
        parent=application,
        arn=answer.get("ApplicationVersionArn") or "",
        status=status,
        state=health.state_of_version(status).value,
        application_name=application,
        version_label=label,
        description=masked(answer.get("Description") or ""),
        source_bundle=snake(answer.get("SourceBundle") or {}),
        source_build=snake(answer.get("SourceBuildInformation") or {}),
        image=image,
        build_arn=build,
        process=bool(answer.get("Process")),
        date_created=answer.get("DateCreated"),
        date_updated=answer.get("DateUpdated"),
        links=tuple(_version_links(answer)),
    )


def _version_links(answer: Mapping[str, Any]) -> Iterator[LinkTo]:
    arn = answer.get("ApplicationVersionArn") or ""
    place, found, _ = arn.partition(":applicationversion/")
    if found:
        application = f"{place}:application/{answer['ApplicationName']}"
        yield LinkTo("belongs to", "beanstalk.application", application)
    if build := answer.get("BuildArn"):
        yield LinkTo("built by", "codebuild.build", build)
    if bucket := (answer.get("SourceBundle") or {}).get("S3Bucket"):
        partition = arn.split(":")[1] if arn.startswith("arn:") else "aws"
        yield LinkTo("comes from", "s3.bucket", f"arn:{partition}:s3:::{bucket}")
    if role := (answer.get("ImageBuildConfiguration") or {}).get("CodeBuildServiceRole"):
        yield LinkTo("assumes", "iam.role", role)


def environment_record(
    answer: Mapping[str, Any], told: Mapping[str, Any] | Unread | None
) -> EnvironmentRecord:
    """Read one environment.

    `told` is what DescribeEnvironmentHealth answered, None where there is nothing to ask, UNREAD
    where the answer failed.
    """
    status, color = answer.get("Status") or "", answer.get("Health") or ""
    health_status = answer.get("HealthStatus") or ""
    state = health.state_of(status, health_status, color)
    tier = answer.get("Tier") or {}
    return EnvironmentRecord(
        key=answer["EnvironmentName"],
        parent=answer.get("ApplicationName") or "",
        arn=answer.get("EnvironmentArn") or "",
        status=status,
        state=state.value,
        urgency=health.urgency(state, health_status, color),
        environment_id=answer.get("EnvironmentId") or "",
        application_name=answer.get("ApplicationName") or "",
        version_label=answer.get("VersionLabel") or "",
        description=masked(answer.get("Description") or ""),
        health=color,
        health_status=health_status,
        cname=answer.get("CNAME") or "",
        endpoint_url=answer.get("EndpointURL") or "",
        solution_stack_name=answer.get("SolutionStackName") or "",
        platform_arn=answer.get("PlatformArn") or "",
        template_name=answer.get("TemplateName") or "",
        tier_name=tier.get("Name") or "",
        tier_type=tier.get("Type") or "",
        tier_version=(tier.get("Version") or "").strip(),
        load_balancer=snake((answer.get("Resources") or {}).get("LoadBalancer") or {}),
        environment_links=snake(answer.get("EnvironmentLinks") or []),
        operations_role=answer.get("OperationsRole") or "",
        abortable_operation_in_progress=bool(answer.get("AbortableOperationInProgress")),
        date_created=answer.get("DateCreated"),
        date_updated=answer.get("DateUpdated"),
        links=tuple(_environment_links(answer)),
        **_told(answer, told),
    )


def _told(answer: Mapping[str, Any], told: Mapping[str, Any] | Unread | None) -> dict[str, Any]:
    if told is UNREAD:
        return {}
    due = _stamp(answer, told) if answer.get("HealthStatus") else ""
    told = told or {}
    return {
        "instances_due": due,
        "causes": [masked(cause) for cause in told.get("Causes") or ()],
        "instances_health": snake(told.get("InstancesHealth") or {}),
    }


def _stamp(environment: Mapping[str, Any], told: Mapping[str, Any] | None) -> str:
    """Return what differs when an environment moved on: its instances are read again then.

    Of a calm one nobody asks for more health than the list tells (`told` is None).
    """
    if told is None:
        if environment.get("Status") == "Terminated":
            return ""
        return _digest(environment.get(n) for n in ("EnvironmentId", "VersionLabel", "DateUpdated"))
    names = ("EnvironmentId", "Status", "HealthStatus", "VersionLabel", "DateUpdated")
    parts = [environment.get(name) for name in names]
    parts += [told.get(name) for name in ("Causes", "InstancesHealth")]
    return _digest(parts)


def _digest(said: Iterable[Any]) -> str:
    text = "\n".join(str(plain(one)) for one in said)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def _environment_links(answer: Mapping[str, Any]) -> Iterator[LinkTo]:
    application = answer.get("ApplicationName") or ""
    place, found, _ = (answer.get("EnvironmentArn") or "").partition(":environment/")
    if found and application:
        yield LinkTo("belongs to", "beanstalk.application", f"{place}:application/{application}")
        if label := answer.get("VersionLabel"):
            arn = f"{place}:applicationversion/{application}/{label}"
            yield LinkTo("serves", "beanstalk.version", arn)
    if role := answer.get("OperationsRole"):
        yield LinkTo("assumes", "iam.role", role)


def event_record(answer: Mapping[str, Any]) -> EventRecord:
    """Read one event. AWS gives none an id: what it says, and when, is what it is."""
    severity = answer.get("Severity") or ""
    message = answer.get("Message") or ""
    date = answer.get("EventDate")
    names = ("EnvironmentName", "ApplicationName", "VersionLabel", "RequestId")
    said = [date, severity, message, *(answer.get(name) or "" for name in names)]
    failed = severity in ("ERROR", "FATAL")
    return EventRecord(
        key=f"{plain(date)} {_digest(said)}",
        parent=answer.get("EnvironmentName") or "",
        status=severity,
        state=State.FAILED.value if failed else "",
        event_date=date,
        message=masked(message),
        application_name=answer.get("ApplicationName") or "",
        version_label=answer.get("VersionLabel") or "",
        template_name=answer.get("TemplateName") or "",
        platform_arn=answer.get("PlatformArn") or "",
        request_id=answer.get("RequestId") or "",
    )


def instance_record(environment: str, answer: Mapping[str, Any], arn: str) -> InstanceRecord:
    """Read one instance; `arn` is that of the EC2 instance."""
    status, color = answer.get("HealthStatus") or "", answer.get("Color") or ""
    deployment = answer.get("Deployment") or {}
    deployed = deployment.get("Status") or ""
    return InstanceRecord(
        key=answer["InstanceId"],
        parent=environment,
        arn=arn,
        status=status,
        state=health.state_of_instance(status, color, deployed).value,
        color=color,
        causes=[masked(cause) for cause in answer.get("Causes") or ()],
        launched_at=answer.get("LaunchedAt"),
        application_metrics=snake(answer.get("ApplicationMetrics") or {}),
        system=snake(answer.get("System") or {}),
        version_label=deployment.get("VersionLabel") or "",
        deployment_id=deployment.get("DeploymentId"),
        deployment_status=deployed,
        deployment_time=deployment.get("DeploymentTime"),
        availability_zone=answer.get("AvailabilityZone") or "",
        instance_type=answer.get("InstanceType") or "",
        links=(LinkTo("is", "ec2.instance", arn),),
    )


def managed_record(environment: str, answer: Mapping[str, Any]) -> ManagedActionRecord:
    """Read an action that is to come or runs; its window is not told once it is over."""
    status = answer.get("Status") or ""
    return ManagedActionRecord(
        key=f"{environment}/{answer['ActionId']}",
        parent=environment,
        status=status,
        state=health.state_of_managed(status),
        action_type=answer.get("ActionType") or "",
        description=masked(answer.get("ActionDescription") or ""),
        window_start=answer.get("WindowStartTime"),
    )


def managed_history_record(environment: str, answer: Mapping[str, Any]) -> ManagedActionRecord:
    """Read an action that is over."""
    status = answer.get("Status") or ""
    return ManagedActionRecord(
        key=f"{environment}/{answer['ActionId']}",
        parent=environment,
        status=status,
        state=health.state_of_managed(status),
        action_type=answer.get("ActionType") or "",
        description=masked(answer.get("ActionDescription") or ""),
        executed_at=answer.get("ExecutedTime"),
        finished_at=answer.get("FinishedTime"),
        failure_type=answer.get("FailureType") or "",
        failure_description=masked(answer.get("FailureDescription") or ""),
    )
