"""Instances and Auto Scaling groups as frozen records in the columns' words.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.aws.calls import Reach
from apps.aws.masking import tags_of
from apps.aws.wire import plain
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
INSTANCES = {
    "pending": State.MOVING,
    "running": State.DONE,
    "stopping": State.MOVING,
    "shutting-down": State.MOVING,
    "stopped": State.STOPPED,
    "terminated": State.STOPPED,
}
CHECKS = {
    "ok": State.DONE,
    "impaired": State.FAILED,
    "initializing": State.MOVING,
    "insufficient-data": State.UNKNOWN,
    "not-applicable": State.STOPPED,
}
# The tag that Auto Scaling puts on what it launches.
GROUP_TAG = "aws:autoscaling:groupName"
JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceRecord:
    """An instance as DescribeInstances gives it, with its status checks."""

    key: str
    arn: str
    status: str
    name: str
    instance_type: str
    image_id: str
    private_dns_name: str
    public_dns_name: str
    private_ip: str
    public_ip: str
    launched_at: datetime | None
    availability_zone: str
    vpc_id: str
    subnet_id: str
    architecture: str
    platform: str
    lifecycle: str
    instance_profile: str
    auto_scaling_group: str
    state_reason: str
    state_reason_code: str
    tags: JSON
    state: str | Unread = UNREAD
    urgency: int | Unread = UNREAD
    system_status: str | Unread = UNREAD
    instance_status: str | Unread = UNREAD
    checks: JSON = UNREAD
    scheduled_events: JSON = UNREAD
    checked: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRecord:
    """An Auto Scaling group as DescribeAutoScalingGroups gives it."""

    key: str
    arn: str
    status: str
    min_size: int
    max_size: int
    desired_capacity: int
    in_service: int
    instances: JSON
    suspended_processes: JSON
    launch_template: JSON
    launch_configuration: str
    target_groups: JSON
    classic_load_balancers: JSON
    health_check_type: str
    grace_seconds: int | None
    availability_zones: JSON
    created: datetime | None
    tags: JSON
    state: str | Unread = UNREAD
    urgency: int | Unread = UNREAD
    activity: JSON = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def instance_arn(neighbour: str, instance: str) -> str:
    """Return an instance's ARN, in the place of the one that names it by its id alone."""
    _, partition, _, region, account, *_ = [*neighbour.split(":"), "", "", "", "", ""]
    return f"arn:{partition}:ec2:{region}:{account}:instance/{instance}"


def state_of(states: Mapping[str, State], word: str) -> str:
    """Return our state of one of AWS's words; "" stays ""."""
    return states.get(word, State.UNKNOWN).value if word else ""


def instance_record(
    reach: Reach,
    answer: Mapping[str, Any],
    status: Mapping[str, Any] | None,
    *,
    known: bool,
) -> InstanceRecord:
    """Read one instance of DescribeInstances.

    status  its entry of DescribeInstanceStatus: {} where it has none (it does not run), None where
            the checks could not be read. Then what they told stays, of one that is `known`.
    """
    word = (answer.get("State") or {}).get("Name") or ""
    state = state_of(INSTANCES, word)
    runs = state == State.DONE
    checks = [] if status is None else _checks(status)
    if status is None and runs:
        fares: str | Unread = UNREAD if known else state
    else:
        fares = _worst(state, checks) if runs else state
    tags = tags_of(answer.get("Tags"))
    reason = answer.get("StateReason") or {}
    group = tags.get(GROUP_TAG, "")
    profile = (answer.get("IamInstanceProfile") or {}).get("Arn") or ""
    told: dict[str, Any] = {}
    if status is not None:
        told = {
            "checked": "yes",
            "checks": checks,
            "system_status": (status.get("SystemStatus") or {}).get("Status") or "",
            "instance_status": (status.get("InstanceStatus") or {}).get("Status") or "",
            "scheduled_events": [
                {
                    "code": one.get("Code") or "",
                    "description": masked(one.get("Description") or ""),
                    "not_before": plain(one.get("NotBefore")),
                }
                for one in status.get("Events") or ()
            ],
        }
    return InstanceRecord(
        key=answer["InstanceId"],
        arn=reach.arn("ec2", f"instance/{answer['InstanceId']}"),
        status=word,
        state=fares,
        urgency=UNREAD if isinstance(fares, Unread) else urgency_of(fares),
        name=tags.get("Name", ""),
        instance_type=answer.get("InstanceType") or "",
        image_id=answer.get("ImageId") or "",
        private_dns_name=answer.get("PrivateDnsName") or "",
        public_dns_name=answer.get("PublicDnsName") or "",
        private_ip=answer.get("PrivateIpAddress") or "",
        public_ip=answer.get("PublicIpAddress") or "",
        launched_at=answer.get("LaunchTime"),
        availability_zone=(answer.get("Placement") or {}).get("AvailabilityZone") or "",
        vpc_id=answer.get("VpcId") or "",
        subnet_id=answer.get("SubnetId") or "",
        architecture=answer.get("Architecture") or "",
        platform=answer.get("PlatformDetails") or answer.get("Platform") or "",
        lifecycle=answer.get("InstanceLifecycle") or "",
        instance_profile=profile,
        auto_scaling_group=group,
        state_reason=masked(reason.get("Message") or ""),
        state_reason_code=reason.get("Code") or "",
        tags=tags,
        **told,
    )


def links_of(
    record: InstanceRecord, roles: Mapping[str, Iterable[str]]
) -> tuple[LinkTo, ...] | Unread:
    """Return what an instance names: its profile, and the roles in it.

    roles  by the profile's ARN.
    """
    # Owning: a profile that is read later changes the instance's page.
    profile = record.instance_profile
    if not profile:
        return ()
    return (
        LinkTo("assumes", "ec2.instanceprofile", profile, owning=True),
        *(LinkTo("assumes", "iam.role", role) for role in roles.get(profile, ())),
    )


def _checks(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the checks: of the host, of the instance itself, of its volumes where that is told."""
    checks = []
    for name, member in (
        ("system", "SystemStatus"),
        ("instance", "InstanceStatus"),
        ("volumes", "AttachedEbsStatus"),
    ):
        summary = status.get(member) or {}
        if word := summary.get("Status"):
            checks.append(
                {
                    "name": name,
                    "status": word,
                    "state": state_of(CHECKS, word),
                    "details": [
                        {
                            "name": one.get("Name") or "",
                            "status": one.get("Status") or "",
                            "impaired_since": plain(one.get("ImpairedSince")),
                        }
                        for one in summary.get("Details") or ()
                    ],
                }
            )
    return checks


def _worst(state: str, checks: Iterable[Mapping[str, Any]]) -> str:
    """A running instance fails by one check, and is still coming up while one is initializing."""
    found = {check["state"] for check in checks}
    for worse in (State.FAILED, State.MOVING):
        if worse in found:
            return worse.value
    return state


def group_record(answer: Mapping[str, Any], activity: Mapping[str, Any] | Unread) -> GroupRecord:
    """Read one group of DescribeAutoScalingGroups.

    activity  its newest scaling activity, {} where none is of interest, UNREAD where those could
              not be read.
    """
    instances = [
        {
            "id": one.get("InstanceId", ""),
            "type": one.get("InstanceType") or "",
            "zone": one.get("AvailabilityZone") or "",
            "lifecycle": one.get("LifecycleState") or "",
            "health": one.get("HealthStatus") or "",
            "template_version": (one.get("LaunchTemplate") or {}).get("Version") or "",
            "protected": bool(one.get("ProtectedFromScaleIn")),
        }
        for one in answer.get("Instances") or ()
    ]
    deleting = answer.get("Status") or ""
    in_service = sum(one["lifecycle"] == "InService" for one in instances)
    desired = answer.get("DesiredCapacity") or 0
    ill = any(one["health"].lower() == "unhealthy" for one in instances)
    short = in_service < desired
    fares: str | Unread = State.DONE.value
    if deleting:
        # The only one there is: "Delete in progress".
        fares = State.MOVING.value
    elif ill:
        fares = State.FAILED.value
    elif short and isinstance(activity, Unread):
        fares = UNREAD
    elif short:
        failed = not isinstance(activity, Unread) and activity.get("StatusCode") == "Failed"
        fares = (State.FAILED if failed else State.MOVING).value
    template = _template(answer)
    arn = answer.get("AutoScalingGroupARN") or ""
    groups = list(answer.get("TargetGroupARNs") or ())
    classic = list(answer.get("LoadBalancerNames") or ())
    return GroupRecord(
        key=answer["AutoScalingGroupName"],
        arn=arn,
        # A group that is not being deleted has no status of its own.
        status=deleting or f"{in_service} of {desired} in service",
        state=fares,
        urgency=UNREAD if isinstance(fares, Unread) else urgency_of(fares),
        min_size=answer.get("MinSize") or 0,
        max_size=answer.get("MaxSize") or 0,
        desired_capacity=desired,
        in_service=in_service,
        instances=instances,
        suspended_processes=[
            {
                "process": one.get("ProcessName") or "",
                "reason": masked(one.get("SuspensionReason") or ""),
            }
            for one in answer.get("SuspendedProcesses") or ()
        ],
        launch_template=template,
        launch_configuration=answer.get("LaunchConfigurationName") or "",
        target_groups=groups,
        classic_load_balancers=classic,
        health_check_type=answer.get("HealthCheckType") or "",
        grace_seconds=answer.get("HealthCheckGracePeriod"),
        availability_zones=list(answer.get("AvailabilityZones") or ()),
        created=answer.get("CreatedTime"),
        tags=tags_of(answer.get("Tags")),
        activity=UNREAD if isinstance(activity, Unread) else _activity(activity),
        links=tuple(_group_names(arn, instances, groups, classic)),
    )


def is_short(answer: Mapping[str, Any]) -> bool:
    """Whether a group has less in service than it wants, or something ill: what it did says why."""
    instances = answer.get("Instances") or ()
    ready = sum(one.get("LifecycleState") == "InService" for one in instances)
    ill = any(str(one.get("HealthStatus")).lower() == "unhealthy" for one in instances)
    return ill or ready < (answer.get("DesiredCapacity") or 0)


def _template(answer: Mapping[str, Any]) -> dict[str, str]:
    mixed = (answer.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    found = answer.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or {}
    named = {
        "id": found.get("LaunchTemplateId") or "",
        "name": found.get("LaunchTemplateName") or "",
        "version": found.get("Version") or "",
    }
    return named if found else {}


def _activity(one: Mapping[str, Any]) -> dict[str, Any]:
    if not one:
        return {}
    return {
        "at": plain(one.get("StartTime")),
        "status": one.get("StatusCode") or "",
        "description": masked(one.get("Description") or ""),
        "message": masked(one.get("StatusMessage") or ""),
        "cause": masked(one.get("Cause") or ""),
    }


def _group_names(
    arn: str,
    instances: Iterable[Mapping[str, Any]],
    groups: Iterable[str],
    classic: Iterable[str],
) -> Iterator[LinkTo]:
    for one in instances:
        yield LinkTo("launched", "ec2.instance", instance_arn(arn, one["id"]), owning=True)
    for group in groups:
        yield LinkTo("serves", "ec2.targetgroup", group)
    _, partition, _, region, account, *_ = [*arn.split(":"), "", "", "", "", ""]
    for name in classic:
        balancer = f"arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{name}"
        yield LinkTo("serves", "ec2.loadbalancer", balancer)
