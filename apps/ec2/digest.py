"""What follows from targets for the load balancer that sends to them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.mirror.state import State, urgency_of

from .balancing import fares
from .models import InstanceHealth, LoadBalancer, TargetGroup


def of_targets(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return how these load balancers' target groups or instances fare, and count the targets."""
    groups: dict[int, list[TargetGroup]] = {pk: [] for pk in ids}
    for group in TargetGroup.objects.present().filter(load_balancer__in=ids):
        groups[group.load_balancer_id].append(group)
    instances: dict[int, list[str]] = {pk: [] for pk in ids}
    health = InstanceHealth.objects.present().filter(load_balancer__in=ids)
    for balancer, state in health.values_list("load_balancer_id", "state"):
        instances[balancer].append(state)
    own = dict(LoadBalancer.objects.filter(pk__in=ids).values_list("pk", "state"))
    return {pk: _digest(own.get(pk, ""), found, instances[pk]) for pk, found in groups.items()}


def _digest(own: str, groups: Sequence[TargetGroup], instances: Iterable[str]) -> dict[str, Any]:
    registered = [{"state": state} for state in instances]
    # A group without targets says nothing of the others.
    serving = [{"state": group.state} for group in groups if group.targets] + registered
    state = fares(serving) if serving else ""
    well = sum(one["state"] == State.DONE for one in registered)
    return {
        "target_state": state,
        "healthy_count": sum(group.healthy_count for group in groups) + well,
        "target_count": sum(len(group.targets) for group in groups) + len(registered),
        "urgency": min(urgency_of(one) for one in (own, state) if one)
        if own or state
        else urgency_of(""),
    }
