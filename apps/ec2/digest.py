"""What follows from target groups for the load balancer that sends to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.mirror.state import urgency_of

from .balancing import fares
from .models import LoadBalancer, TargetGroup


def of_target_groups(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return how these load balancers' target groups fare, and count their targets."""
    groups: dict[int, list[TargetGroup]] = {pk: [] for pk in ids}
    for group in TargetGroup.objects.present().filter(load_balancer__in=ids):
        groups[group.load_balancer_id].append(group)
    own = dict(LoadBalancer.objects.filter(pk__in=ids).values_list("pk", "state"))
    return {pk: _digest(own.get(pk, ""), found) for pk, found in groups.items()}


def _digest(own: str, groups: Sequence[TargetGroup]) -> dict[str, Any]:
    # A group without targets says nothing of the others.
    serving = [{"state": group.state} for group in groups if group.targets]
    state = fares(serving) if serving else ""
    return {
        "target_state": state,
        "healthy_count": sum(group.healthy_count for group in groups),
        "target_count": sum(len(group.targets) for group in groups),
        "urgency": min(urgency_of(one) for one in (own, state) if one)
        if own or state
        else urgency_of(""),
    }
