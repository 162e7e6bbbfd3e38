"""Auto Scaling's operations that make, change and delete groups.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.compute import groups
from apps.sandbox.compute.machines import Group, MachineStore
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation

if TYPE_CHECKING:
    from apps.sandbox.world import Place

#: Virtual seconds until a group that is deleted with its instances is gone.
GOING = 35.0


def _found(call: Call, params: Params) -> Group:
    group = call.place.of(MachineStore).groups.get(params["AutoScalingGroupName"])
    if group is None or group.deleting:
        raise AwsError("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup")
    return group


def _template(call: Call, params: Params) -> tuple[tuple[str, str, str], dict[str, Any]]:
    """Id, name and version of the launch template that a call names, and what it says."""
    told = params.get("LaunchTemplate")
    if told is None:
        raise AwsError(
            "ValidationError",
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, "
            "InstanceId or MixedInstancesPolicy parameter.",
        )
    from moto.ec2.models import ec2_backends

    key, name = told.get("LaunchTemplateId"), told.get("LaunchTemplateName")
    known = ec2_backends[call.account][call.region].launch_templates.values()
    found = next((one for one in known if one.id == key or one.name == name), None)
    if found is None:
        text = (
            "You must use a valid fully-formed launch template. The specified launch template, "
            f"with template ID {key or name}, does not exist."
        )
        raise AwsError("ValidationError", text)
    version = str(told.get("Version") or "$Default")
    number = {"$Latest": len(found.versions), "$Default": found.default_version_number}.get(version)
    if number is None:
        number = int(version) if version.isdecimal() else 0
    if not 0 < number <= len(found.versions):
        raise AwsError("ValidationError", f"Could not find version {version} of {found.id}")
    return (found.id, found.name, version), dict(found.versions[number - 1].data)


def _profile(place: Place, data: dict[str, Any]) -> str | None:
    told = data.get("IamInstanceProfile") or {}
    if told.get("Arn"):
        return str(told["Arn"])
    name = told.get("Name")
    return f"arn:aws:iam::{place.account}:instance-profile/{name}" if name else None


@operation("autoscaling", "CreateAutoScalingGroup")
def create_group(call: Call, params: Params) -> Answer:
    """A group, which launches what it is to have."""
    name = params["AutoScalingGroupName"]
    if name in call.place.of(MachineStore).groups:
        raise AwsError(
            "AlreadyExists",
            "AutoScalingGroup by this name already exists - A group with the name "
            f"{name} already exists",
        )
    template, data = _template(call, params)
    least, most = params["MinSize"], params["MaxSize"]
    desired: int = params.get("DesiredCapacity") or least
    if not least <= desired <= most:
        raise AwsError(
            "ValidationError", f"Desired capacity:{desired} must be between {least} and {most}"
        )
    tags = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or ()}
    group = groups.make_group(
        call.place,
        name,
        size=(least, desired, most),
        tags=tags,
        target_groups=params.get("TargetGroupARNs") or (),
        instance_type=str(data.get("InstanceType", "t3.micro")),
        profile=_profile(call.place, data),
    )
    group.template = template
    group.health_check = params.get("HealthCheckType", "EC2")
    group.subnets = params.get("VPCZoneIdentifier") or group.subnets
    return {}


@operation("autoscaling", "UpdateAutoScalingGroup")
def update_group(call: Call, params: Params) -> Answer:
    """Other sizes, or another launch template for what it launches from now on."""
    group = _found(call, params)
    if "LaunchTemplate" in params:
        group.template, data = _template(call, params)
        group.instance_type = str(data.get("InstanceType", group.instance_type))
        group.profile = _profile(call.place, data)
    group.health_check = params.get("HealthCheckType", group.health_check)
    group.subnets = params.get("VPCZoneIdentifier") or group.subnets
    group.minimum = params.get("MinSize", group.minimum)
    group.maximum = params.get("MaxSize", group.maximum)
    wanted = params.get("DesiredCapacity", group.desired)
    wanted = min(max(wanted, group.minimum), group.maximum)
    if wanted != group.desired:
        groups.scale(group, wanted)
    return {}


@operation("autoscaling", "DeleteAutoScalingGroup")
def delete_group(call: Call, params: Params) -> Answer:
    """An empty group, or one with its instances if that is forced."""
    group = _found(call, params)
    if group.members and not params.get("ForceDelete"):
        raise AwsError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot "
            "instance request(s) still in the group.",
        )
    group.deleting = True
    call.world.scheduler.after(GOING, lambda: groups.delete_group(group))
    return {}
