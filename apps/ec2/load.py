"""Loads what pages and fragments of machines show, in a number of queries rows don't change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.mirror.running import running_on
from apps.mirror.unread import missing_in

from . import why
from .models import (
    AutoScalingGroup,
    Instance,
    InstanceHealth,
    InstanceProfile,
    LoadBalancer,
    TargetGroup,
)


def instance_rows(instances: Iterable[Instance]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of instances."""
    every = list(instances)
    running = running_on("ec2.instance", every)
    return {
        one.pk: {"instance": one, "why": why.instance(one), "running": running.get(one.pk)}
        for one in every
    }


def instance_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return instance_rows(Instance.objects.for_list().filter(pk__in=ids))


def instance_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Instances with what runs on each, the group that launched it, and its role's profile."""
    instances = list(Instance.objects.select_related("scope").filter(pk__in=ids))
    names = {one.auto_scaling_group for one in instances if one.auto_scaling_group}
    scopes = {one.scope_id for one in instances}
    groups = {
        (group.scope_id, group.key): group
        for group in AutoScalingGroup.objects.filter(scope__in=scopes, key__in=names)
    }
    arns = {one.instance_profile for one in instances if one.instance_profile}
    missing = missing_in(
        scopes, roles="ec2.instanceprofile", checks="ec2.instance ec2:DescribeInstanceStatus"
    )
    profiles = {
        (profile.scope_id, profile.arn): profile
        for profile in InstanceProfile.objects.present()
        .filter(scope__in=scopes, arn__in=arns)
        .select_related("scope")
    }
    running = running_on("ec2.instance", instances)
    return {
        one.pk: {
            "instance": one,
            "why": why.instance(one),
            "running": running.get(one.pk),
            "group": groups.get((one.scope_id, one.auto_scaling_group)),
            "profile": profiles.get((one.scope_id, one.instance_profile)),
            **missing[one.scope_id].context(),
        }
        for one in instances
    }


def group_rows(groups: Iterable[AutoScalingGroup]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of Auto Scaling groups."""
    return {one.pk: {"autoscalinggroup": one, "why": why.group(one)} for one in groups}


def group_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return group_rows(AutoScalingGroup.objects.for_list().filter(pk__in=ids))


def group_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Groups with the mirrored rows of their instances, and what runs on each."""
    groups = list(AutoScalingGroup.objects.select_related("scope").filter(pk__in=ids))
    known = _instances({(one.scope_id, item["id"]) for one in groups for item in one.instances})
    running = running_on("ec2.instance", known.values())
    names = {name for one in groups for name in one.classic_load_balancers}
    balancers = {
        (row.scope_id, row.key): row
        for row in LoadBalancer.objects.present().filter(
            scope__in={one.scope_id for one in groups}, key__in=names
        )
    }
    return {
        one.pk: {
            "autoscalinggroup": one,
            "why": why.group(one),
            "classic": [
                {"name": name, "row": balancers.get((one.scope_id, name))}
                for name in one.classic_load_balancers
            ],
            "members": [
                {**item, "row": row, "running": running.get(row.pk) if row else None}
                for item in one.instances
                for row in [known.get((one.scope_id, item["id"]))]
            ],
        }
        for one in groups
    }


def balancer_rows(balancers: Iterable[LoadBalancer]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of load balancers, with what ails their targets."""
    every = list(balancers)
    told = why_balancers(every)
    return {one.pk: {"loadbalancer": one, "why": told[one.pk]} for one in every}


def why_balancers(balancers: Iterable[LoadBalancer]) -> dict[int, str]:
    """Return what ails load balancers or their targets, by id; in two queries."""
    every = list(balancers)
    ailing: dict[int, str] = {}
    groups = TargetGroup.objects.present().filter(load_balancer__in=every, state="failed")
    for group in groups.order_by("name", "pk"):
        ailing.setdefault(group.load_balancer_id, f"{group.name}: {why.target_group(group)}")
    for pk, health in _registered(every, state="failed").items():
        ailing.setdefault(pk, why.registered(health))
    return {one.pk: why.load_balancer(one) or ailing.get(one.pk, "") for one in every}


def balancer_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return balancer_rows(LoadBalancer.objects.for_list().filter(pk__in=ids))


def balancer_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Load balancers with their target groups, or instances, and the health of each target."""
    balancers = list(LoadBalancer.objects.select_related("scope").filter(pk__in=ids))
    groups: dict[int, list[TargetGroup]] = {one.pk: [] for one in balancers}
    rows = TargetGroup.objects.present().filter(load_balancer__in=balancers)
    for group in rows.order_by("urgency", "name", "pk"):
        groups[group.load_balancer_id].append(group)
    registered = _registered(balancers)
    wanted = {
        (g.scope_id, item["id"]) for found in groups.values() for g in found for item in g.targets
    }
    wanted |= {(h.scope_id, h.instance_id) for found in registered.values() for h in found}
    known = _instances(wanted)
    missing = missing_in(
        {one.scope_id for one in balancers},
        groups="ec2.targetgroup",
        targets="ec2.targetgroup elbv2:DescribeTargetHealth",
        health="ec2.instancehealth",
    )
    return {
        one.pk: {
            **missing[one.scope_id].context(),
            "loadbalancer": one,
            "why": why.load_balancer(one),
            "groups": [_with_targets(group, known) for group in groups[one.pk]],
            "ailing": why.registered(registered.get(one.pk, ())),
            "targets": [
                {
                    "id": health.instance_id,
                    "status": health.status,
                    "state": health.state,
                    "reason": health.reason_code,
                    "description": health.description,
                    "row": known.get((health.scope_id, health.instance_id)),
                }
                for health in registered.get(one.pk, ())
            ],
        }
        for one in balancers
    }


def _registered(balancers: Iterable[LoadBalancer], **which: Any) -> dict[int, list[InstanceHealth]]:
    """Return how instances fare at classic load balancers, by those, what is worst first."""
    classic = [one.pk for one in balancers if one.is_classic]
    found: dict[int, list[InstanceHealth]] = {}
    rows = InstanceHealth.objects.present().filter(load_balancer__in=classic, **which)
    for health in rows.order_by("urgency", "instance_id", "pk"):
        found.setdefault(health.load_balancer_id, []).append(health)
    return found


def target_group_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Target groups with the health of each target."""
    groups = list(TargetGroup.objects.select_related("scope", "load_balancer").filter(pk__in=ids))
    known = _instances({(one.scope_id, item["id"]) for one in groups for item in one.targets})
    missing = missing_in(
        {one.scope_id for one in groups},
        targets="ec2.targetgroup elbv2:DescribeTargetHealth",
    )
    return {
        one.pk: {
            "targetgroup": one,
            **_with_targets(one, known),
            **missing[one.scope_id].context(),
        }
        for one in groups
    }


def _with_targets(group: TargetGroup, known: Mapping[tuple[int, str], Instance]) -> dict[str, Any]:
    return {
        "group": group,
        "why": why.target_group(group),
        "targets": [
            {**item, "row": known.get((group.scope_id, item["id"]))} for item in group.targets
        ],
    }


def _instances(wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Instance]:
    """Return instances by scope and id; addresses are none."""
    ids = {(scope, key) for scope, key in wanted if key.startswith("i-")}
    rows = Instance.objects.filter(
        scope__in={scope for scope, _ in ids}, key__in={key for _, key in ids}
    )
    return {
        (row.scope_id, row.key): row
        for row in rows.only("pk", "scope", "key", "arn", "name", "state", "status", "checks")
    }
