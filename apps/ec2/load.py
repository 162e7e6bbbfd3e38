"""Loads what pages and fragments of machines show, in a number of queries rows don't change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import why
from .models import AutoScalingGroup, Instance, LoadBalancer, TargetGroup


def instance_rows(instances: Iterable[Instance]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of instances."""
    return {one.pk: {"instance": one, "why": why.instance(one)} for one in instances}


def instance_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return instance_rows(Instance.objects.for_list().filter(pk__in=ids))


def instance_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Instances with the group that launched each."""
    instances = list(Instance.objects.select_related("scope").filter(pk__in=ids))
    names = {one.auto_scaling_group for one in instances if one.auto_scaling_group}
    scopes = {one.scope_id for one in instances}
    groups = {
        (group.scope_id, group.key): group
        for group in AutoScalingGroup.objects.filter(scope__in=scopes, key__in=names)
    }
    return {
        one.pk: {
            "instance": one,
            "why": why.instance(one),
            "group": groups.get((one.scope_id, one.auto_scaling_group)),
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
    """Groups with the mirrored rows of their instances."""
    groups = list(AutoScalingGroup.objects.select_related("scope").filter(pk__in=ids))
    known = _instances({(one.scope_id, item["id"]) for one in groups for item in one.instances})
    return {
        one.pk: {
            "autoscalinggroup": one,
            "why": why.group(one),
            "members": [
                {**item, "row": known.get((one.scope_id, item["id"]))} for item in one.instances
            ],
        }
        for one in groups
    }


def balancer_rows(balancers: Iterable[LoadBalancer]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of load balancers, with what ails their targets."""
    every = list(balancers)
    ailing: dict[int, str] = {}
    groups = TargetGroup.objects.present().filter(load_balancer__in=every, state="failed")
    for group in groups.order_by("name", "pk"):
        ailing.setdefault(group.load_balancer_id, f"{group.name}: {why.target_group(group)}")
    return {
        one.pk: {"loadbalancer": one, "why": why.load_balancer(one) or ailing.get(one.pk, "")}
        for one in every
    }


def balancer_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return balancer_rows(LoadBalancer.objects.for_list().filter(pk__in=ids))


def balancer_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Load balancers with their target groups and the health of each target."""
    balancers = list(LoadBalancer.objects.select_related("scope").filter(pk__in=ids))
    groups: dict[int, list[TargetGroup]] = {one.pk: [] for one in balancers}
    rows = TargetGroup.objects.present().filter(load_balancer__in=balancers)
    for group in rows.order_by("urgency", "name", "pk"):
        groups[group.load_balancer_id].append(group)
    known = _instances(
        {(g.scope_id, item["id"]) for found in groups.values() for g in found for item in g.targets}
    )
    return {
        one.pk: {
            "loadbalancer": one,
            "why": why.load_balancer(one),
            "groups": [_with_targets(group, known) for group in groups[one.pk]],
        }
        for one in balancers
    }


def target_group_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Target groups with the health of each target."""
    groups = list(TargetGroup.objects.select_related("scope", "load_balancer").filter(pk__in=ids))
    known = _instances({(one.scope_id, item["id"]) for one in groups for item in one.targets})
    return {one.pk: {"targetgroup": one, **_with_targets(one, known)} for one in groups}


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
        for row in rows.only("pk", "scope", "key", "name", "state", "status", "checks")
    }
