"""Auto Scaling groups: filling, scaling, replacing, and the copies that blue/green makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.compute import balancers
from apps.sandbox.compute.machines import (
    KEPT_ACTIVITIES,
    Activity,
    Group,
    Instance,
    MachineStore,
    Member,
    furnish_running,
    launch,
    terminate,
)
from apps.sandbox.world import hex_from, uuid_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apps.sandbox.world import Place


def make_group(  # noqa: PLR0913 - a group is this much
    place: Place,
    name: str,
    *,
    size: tuple[int, int, int],
    tags: Mapping[str, str],
    target_groups: Iterable[str] = (),
    instance_type: str = "t3.medium",
    profile: str | None = None,
    running: bool = False,
) -> Group:
    """An Auto Scaling group of ``size`` (least, desired, most) that launches its instances.

    ``running`` makes them running and healthy at once, as in a fleet that is there since long.
    """
    chance = place.world.chance(place.account, place.region, "group", name)
    least, desired, most = size
    group = Group(
        place,
        name,
        place.arn(
            "autoscaling", f"autoScalingGroup:{uuid_from(chance)}:autoScalingGroupName/{name}"
        ),
        minimum=least,
        maximum=most,
        desired=desired,
        created=place.world.now(),
        template=(f"lt-{hex_from(chance, 17)}", name, "1"),
        instance_type=instance_type,
        tags=dict(tags),
        target_groups=list(target_groups),
        profile=profile,
    )
    place.of(MachineStore).groups[name] = group
    fill(group, running=running)
    return group


def fill(group: Group, *, running: bool = False) -> None:
    """Launch what the group lacks to its desired capacity, and register it at its target groups."""
    for _ in range(group.desired - len(group.members)):
        how = {"instance_type": group.instance_type, "profile": group.profile, "group": group}
        tags = {"Name": group.name, **group.tags, "aws:autoscaling:groupName": group.name}
        if running:
            instance = furnish_running(group.place, tags, **how)
            group.members[instance.id] = Member(instance, "InService")
        else:
            instance = launch(group.place, tags, on_running=_joined, **how)  # type: ignore[arg-type]
            group.members[instance.id] = Member(instance)
        for arn in group.target_groups if running else ():
            balancers.register(group.place, arn, [instance.id], healthy=True)


def _joined(instance: Instance) -> None:
    group = instance.group
    if group is None or instance.id not in group.members:
        return
    group.members[instance.id].lifecycle = "InService"
    for arn in group.target_groups:
        balancers.register(group.place, arn, [instance.id])
    _scaled(group, instance, "EC2 Instance Launch Successful", "Launching a new EC2 instance")


def scale(group: Group, desired: int) -> None:
    """Set the desired capacity: launch what is missing, or terminate the oldest."""
    group.desired = desired
    group.minimum, group.maximum = min(group.minimum, desired), max(group.maximum, desired)
    for instance in group.instances()[: max(0, len(group.members) - desired)]:
        _scaled(group, instance, "EC2 Instance Terminate Successful", "Terminating EC2 instance")
        terminate(instance)
    fill(group)


def scale_out_copy(group: Group, deployment_group: str, deployment: str) -> Group:
    """The replacement group of a blue/green deployment, named as CodeDeploy names it.

    Its instances launch now and are *not* registered at the target groups: CodeDeploy does that
    when it reroutes traffic.
    """
    copy = make_group(
        group.place,
        f"CodeDeploy_{deployment_group}_{deployment}",
        size=(group.minimum, group.desired, group.maximum),
        tags=group.tags,
        instance_type=group.instance_type,
        profile=group.profile,
    )
    copy.template = group.template
    return copy


def adopt(group: Group, target_groups: Iterable[str]) -> None:
    """From now on the group registers what it launches at these target groups."""
    group.target_groups = list(target_groups)


def delete_group(group: Group) -> None:
    """Delete a group with its instances, as the end of a blue/green deployment does."""
    for instance in group.instances():
        _scaled(group, instance, "EC2 Instance Terminate Successful", "Terminating EC2 instance")
        terminate(instance)
    group.place.of(MachineStore).groups.pop(group.name, None)


def mark_unhealthy(group: Group, instance: Instance) -> None:
    """Report a member as Unhealthy; a group that may replace unhealthy ones does so."""
    member = group.members.get(instance.id)
    if member is None:
        return
    member.health = "Unhealthy"
    if "ReplaceUnhealthy" in group.suspended:
        return

    def replace() -> None:
        terminate(instance)
        fill(group)

    group.place.world.scheduler.after(60, replace)


def fail_to_launch(group: Group) -> None:
    """Lose a member, and find no capacity for the one that is to replace it."""
    for instance in group.instances()[:1]:
        _scaled(group, instance, "EC2 Instance Terminate Successful", "Terminating EC2 instance")
        terminate(instance)
    message = (
        f"We currently do not have sufficient {group.instance_type} capacity in the Availability "
        f"Zone you requested ({group.place.region}a). Our system will be working on provisioning "
        "additional capacity. Launching EC2 instance failed."
    )
    words = "Launching a new EC2 instance.  Status Reason: " + message
    _remember(group, words, "Failed", message)
    _tell(group, "EC2 Instance Launch Unsuccessful", words, "", message)


def _remember(group: Group, words: str, status: str, message: str = "") -> None:
    now = group.place.world.now()
    cause = (
        "An instance was started or ended in response to a difference between desired and actual "
        "capacity."
    )
    name = uuid_from(group.place.world.chance(group.arn, len(group.activities), words))
    group.activities.insert(0, Activity(name, now, words, cause, status, message))
    del group.activities[KEPT_ACTIVITIES:]


def _scaled(group: Group, instance: Instance, kind: str, words: str) -> None:
    words = f"{words}: {instance.id}"
    _remember(group, words, "Successful")
    _tell(group, kind, words, instance.id)


def _tell(group: Group, kind: str, words: str, instance: str, message: str = "") -> None:
    activity = group.activities[0]
    group.place.emit(
        "aws.autoscaling",
        kind,
        {
            "StatusCode": "Failed" if message else "InProgress",
            "Description": words,
            "AutoScalingGroupName": group.name,
            "ActivityId": activity.id,
            "RequestId": activity.id,
            "EC2InstanceId": instance,
            "Cause": activity.cause,
            "StatusMessage": message,
            "Details": {"Availability Zone": f"{group.place.region}a"},
            "Origin": "EC2",
            "Destination": "AutoScalingGroup",
        },
        [group.arn],
    )
