"""EC2's and Auto Scaling's operations on instances and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.compute import groups, machines
from apps.sandbox.compute.balancers import VPC
from apps.sandbox.compute.machines import CODES, Check, Group, Instance, MachineStore
from apps.sandbox.control import COUNTERS
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

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE, GROUPS_PAGE, ACTIVITIES_PAGE = 1000, 100, 100

TRAITS["ec2"] = Traits(own=False, invalid="InvalidParameterValue", bad_page="InvalidNextToken")
TRAITS["autoscaling"] = Traits(invalid="ValidationError", bad_page="InvalidNextToken")
COUNTERS["instances"] = lambda place: len(place.of(MachineStore).instances)


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The specified token is not valid.")


def _found(call: Call, ids: list[str]) -> list[Instance]:
    known = call.place.of(MachineStore).instances
    missing = [one for one in ids if one not in known]
    if missing:
        raise AwsError(
            "InvalidInstanceID.NotFound",
            f"The instance ID '{missing[0]}' does not exist",
        )
    return [known[one] for one in ids] if ids else list(known.values())


_FILTERS: dict[str, Callable[[Instance], str]] = {
    "instance-state-name": lambda one: one.state,
    "instance-id": lambda one: one.id,
    "instance-type": lambda one: one.type,
}


def _matches(instance: Instance, filters: list[Params]) -> bool:
    for wanted in filters:
        name, values = str(wanted["Name"]), wanted.get("Values", [])
        if name.startswith("tag:"):
            has = instance.tags.get(name[4:])
        elif name in _FILTERS:
            has = _FILTERS[name](instance)
        else:
            raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if has not in values:
            return False
    return True


@operation("ec2", "DescribeInstances")
def describe_instances(call: Call, params: Params) -> Answer:
    """Instances, a reservation each; by id, by filter, up to 1,000 a page."""
    filters = params.get("Filters", [])
    wanted = [one for one in _found(call, params.get("InstanceIds", [])) if _matches(one, filters)]
    page, token = paginate(
        call,
        wanted,
        lambda one: one.id,
        size=min(PAGE, params.get("MaxResults", PAGE)),
        token=params.get("NextToken"),
        error=_bad_token,
    )
    return {
        "Reservations": [
            {
                "ReservationId": f"r-{one.id[2:]}",
                "OwnerId": call.account,
                "Groups": [],
                "Instances": [_shown(one)],
            }
            for one in page
        ],
        "NextToken": token,
    }


def _shown(instance: Instance) -> Answer:
    gone = instance.state == "terminated"
    return {
        "InstanceId": instance.id,
        "ImageId": instance.image,
        "State": _state(instance),
        "PrivateDnsName": "" if gone else instance.private_dns,
        "PublicDnsName": "" if gone else instance.public_dns,
        "PrivateIpAddress": None if gone else instance.private_ip,
        "PublicIpAddress": None if gone else instance.public_ip,
        "StateTransitionReason": "User initiated" if instance.reason else "",
        "StateReason": {"Code": instance.reason_code, "Message": instance.reason}
        if instance.reason
        else None,
        "InstanceType": instance.type,
        "LaunchTime": instance.launched,
        "Placement": {"AvailabilityZone": instance.zone, "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
        "SubnetId": None if gone else "subnet-0a1b2c3d4e5f60718",
        "VpcId": None if gone else VPC,
        "Architecture": "x86_64",
        "IamInstanceProfile": {
            "Arn": instance.profile,
            "Id": "AIPASANDBOX0000000000",
        }
        if instance.profile
        else None,
        "PlatformDetails": "Linux/UNIX",
        "RootDeviceType": "ebs",
        "SecurityGroups": [{"GroupId": "sg-0a1b2c3d4e5f60718", "GroupName": "fleet"}],
        "Tags": [{"Key": key, "Value": value} for key, value in instance.tags.items()],
    }


def _state(instance: Instance) -> Answer:
    return {"Code": CODES[instance.state], "Name": instance.state}


@operation("ec2", "DescribeInstanceStatus")
def describe_instance_status(call: Call, params: Params) -> Answer:
    """Status checks of running instances, of all with IncludeAllInstances."""
    everyone = params.get("IncludeAllInstances", False)
    wanted = [
        one
        for one in _found(call, params.get("InstanceIds", []))
        if everyone or one.state == "running"
    ]
    page, token = paginate(
        call,
        wanted,
        lambda one: one.id,
        size=min(PAGE, params.get("MaxResults", PAGE)),
        token=params.get("NextToken"),
        error=_bad_token,
    )
    return {
        "InstanceStatuses": [
            {
                "InstanceId": one.id,
                "AvailabilityZone": one.zone,
                "InstanceState": _state(one),
                "InstanceStatus": _check(one.reachability, one),
                "SystemStatus": _check(one.system, one),
                "Events": [],
            }
            for one in page
        ],
        "NextToken": token,
    }


def _check(check: Check, instance: Instance) -> Answer:
    if instance.state != "running":
        return {"Status": "not-applicable"}
    told = {"ok": "passed", "impaired": "failed"}.get(check.status, "initializing")
    detail = {"Name": "reachability", "Status": told, "ImpairedSince": check.since}
    return {"Status": check.status, "Details": [detail]}


def _changed(instances: list[Instance], before: dict[str, Answer]) -> list[Answer]:
    return [
        {"InstanceId": one.id, "PreviousState": before[one.id], "CurrentState": _state(one)}
        for one in instances
    ]


@operation("ec2", "StopInstances")
def stop_instances(call: Call, params: Params) -> Answer:
    """Stop instances."""
    return {"StoppingInstances": _each(call, params, machines.stop)}


@operation("ec2", "StartInstances")
def start_instances(call: Call, params: Params) -> Answer:
    """Start stopped instances."""
    return {"StartingInstances": _each(call, params, machines.start)}


@operation("ec2", "TerminateInstances")
def terminate_instances(call: Call, params: Params) -> Answer:
    """Terminate instances."""
    return {"TerminatingInstances": _each(call, params, machines.terminate)}


def _each(call: Call, params: Params, deed: Callable[[Instance], None]) -> list[Answer]:
    found = _found(call, params["InstanceIds"])
    before = {one.id: _state(one) for one in found}
    for one in found:
        deed(one)
    return _changed(found, before)


@operation("autoscaling", "DescribeAutoScalingGroups")
def describe_auto_scaling_groups(call: Call, params: Params) -> Answer:
    """Groups with their instances, up to 100 a page."""
    names = params.get("AutoScalingGroupNames")
    known = call.place.of(MachineStore).groups.values()
    page, token = paginate(
        call,
        [group for group in known if not names or group.name in names],
        lambda group: group.name,
        size=min(GROUPS_PAGE, params.get("MaxRecords", 50)),
        token=params.get("NextToken"),
        error=_bad_token,
    )
    return {"AutoScalingGroups": [_shown_group(group) for group in page], "NextToken": token}


def _shown_group(group: Group) -> Answer:
    template, name, version = group.template
    launch = {"LaunchTemplateId": template, "LaunchTemplateName": name, "Version": version}
    return {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "LaunchTemplate": launch,
        "MinSize": group.minimum,
        "MaxSize": group.maximum,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": 300,
        "AvailabilityZones": [f"{group.place.region}{letter}" for letter in "abc"],
        "LoadBalancerNames": [],
        "TargetGroupARNs": list(group.target_groups),
        "HealthCheckType": group.health_check,
        "HealthCheckGracePeriod": 120,
        "Instances": [
            {
                "InstanceId": member.instance.id,
                "InstanceType": member.instance.type,
                "AvailabilityZone": member.instance.zone,
                "LifecycleState": member.lifecycle,
                "HealthStatus": member.health,
                "LaunchTemplate": launch,
                "ProtectedFromScaleIn": False,
            }
            for member in group.members.values()
        ],
        "CreatedTime": group.created,
        "SuspendedProcesses": [
            {"ProcessName": process, "SuspensionReason": reason}
            for process, reason in group.suspended.items()
        ],
        "VPCZoneIdentifier": group.subnets,
        "Status": "Delete in progress" if group.deleting else None,
        "EnabledMetrics": [],
        "Tags": [
            {
                "ResourceId": group.name,
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": True,
            }
            for key, value in group.tags.items()
        ],
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
    }


@operation("autoscaling", "DescribeScalingActivities")
def describe_scaling_activities(call: Call, params: Params) -> Answer:
    """What groups did, the newest first; of all groups where none is named."""
    name = params.get("AutoScalingGroupName")
    known = call.place.of(MachineStore).groups.values()
    every = [(g, a) for g in known if not name or g.name == name for a in g.activities]
    every.sort(key=lambda pair: -pair[1].at)
    page, token = paginate(
        call,
        every,
        lambda pair: pair[1].id,
        size=min(ACTIVITIES_PAGE, params.get("MaxRecords", ACTIVITIES_PAGE)),
        token=params.get("NextToken"),
        error=_bad_token,
        scope=name or "",
    )
    return {
        "Activities": [
            {
                "ActivityId": activity.id,
                "AutoScalingGroupName": group.name,
                "AutoScalingGroupARN": group.arn,
                "Description": activity.description,
                "Cause": activity.cause,
                "StartTime": activity.at,
                "EndTime": activity.at + 1,
                "StatusCode": activity.status,
                "StatusMessage": activity.message or None,
                "Progress": 100,
                "Details": "{}",
            }
            for group, activity in page
        ],
        "NextToken": token,
    }


@operation("autoscaling", "SetDesiredCapacity")
def set_desired_capacity(call: Call, params: Params) -> Answer:
    """Scale a group."""
    group = call.place.of(MachineStore).groups.get(params["AutoScalingGroupName"])
    if group is None:
        raise AwsError("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup")
    groups.scale(group, params["DesiredCapacity"])
    return {}
