"""Load balancers, target groups, and the health of what is registered there."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.sandbox.compute import classic
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.sandbox.world import Place

VPC = "vpc-0a1b2c3d4e5f60718"
#: Virtual seconds until a new target passed its first health checks, and until one has drained.
CHECKING, DRAINING = 20.0, 15.0
#: The health check's words, by reason code.
WORDS = {
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
    "Target.ResponseCodeMismatch": "Health checks failed with these codes: [502]",
    "Target.Timeout": "Request timed out",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
    "Target.InvalidState": "Target is in the stopped state",
}


@dataclass(slots=True, eq=False)
class Target:
    """A registered target: an instance id or an address."""

    id: str
    port: int
    zone: str | None = None
    state: str = "healthy"
    reason: str | None = None
    description: str | None = None


@dataclass(slots=True, eq=False)
class TargetGroup:
    """A target group; ``balancer`` is the load balancer that sends to it."""

    place: Place
    name: str
    arn: str
    port: int
    path: str
    kind: str = "instance"
    balancer: LoadBalancer | None = None
    targets: dict[str, Target] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class LoadBalancer:
    """An application or network load balancer."""

    place: Place
    name: str
    arn: str
    created: float
    scheme: str = "internet-facing"
    type: str = "application"
    state: str = "active"
    reason: str | None = None

    @property
    def dns(self) -> str:
        """``checkout-1234567890.eu-west-1.elb.amazonaws.com``."""
        number = int(self.arn[-8:], 16)
        prefix = "internal-" if self.scheme == "internal" else ""
        if self.type == "network":
            return f"{prefix}{self.name}-{self.arn[-16:]}.elb.{self.place.region}.amazonaws.com"
        return f"{prefix}{self.name}-{number}.{self.place.region}.elb.amazonaws.com"


class BalancerStore:
    """Load balancers and target groups of one place, by ARN."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.balancers: dict[str, LoadBalancer] = {}
        self.groups: dict[str, TargetGroup] = {}


def make_balancer(
    place: Place, name: str, *, scheme: str = "internet-facing", kind: str = "application"
) -> LoadBalancer:
    """A load balancer that is active."""
    number = hex_from(place.world.chance(place.account, place.region, "balancer", name), 16)
    short = {"application": "app", "network": "net"}[kind]
    arn = place.arn("elasticloadbalancing", f"loadbalancer/{short}/{name}/{number}")
    made = LoadBalancer(place, name, arn, place.world.now(), scheme=scheme, type=kind)
    place.of(BalancerStore).balancers[arn] = made
    return made


def make_target_group(  # noqa: PLR0913 - a target group is this much
    place: Place,
    name: str,
    *,
    port: int = 8080,
    path: str = "/health",
    kind: str = "instance",
    balancer: LoadBalancer | None = None,
) -> TargetGroup:
    """A target group; with a ``balancer`` it receives traffic."""
    number = hex_from(place.world.chance(place.account, place.region, "targets", name), 16)
    arn = place.arn("elasticloadbalancing", f"targetgroup/{name}/{number}")
    made = TargetGroup(place, name, arn, port, path, kind, balancer)
    place.of(BalancerStore).groups[arn] = made
    return made


def find(place: Place, name: str) -> TargetGroup | None:
    """A target group by ARN or name."""
    groups = place.of(BalancerStore).groups
    return groups.get(name) or next((one for one in groups.values() if one.name == name), None)


def register(place: Place, group: str, ids: Iterable[str], *, healthy: bool = False) -> None:
    """Register targets at a group (ARN or name); they are healthy after their first checks.

    Where no group is called so, at the classic load balancer of that name.
    """
    found = find(place, group)
    if found is None:
        older = place.of(classic.ClassicStore).balancers.get(group)
        if older is not None:
            classic.register(older, ids, healthy=healthy)
        return
    for one in ids:
        target = Target(one, found.port)
        found.targets[one] = target
        if healthy:
            continue
        say(target, "initial", "Elb.RegistrationInProgress")
        place.world.scheduler.after(CHECKING, functools.partial(_passed, found, target))


def _passed(group: TargetGroup, target: Target) -> None:
    if group.targets.get(target.id) is target and target.state == "initial":
        target.state, target.reason, target.description = "healthy", None, None


def deregister(place: Place, group: str, ids: Iterable[str]) -> None:
    """Drain targets and forget them."""
    found = find(place, group)
    older = place.of(classic.ClassicStore).balancers.get(group)
    if found is None and older is not None:
        classic.deregister(older, ids)
    for one in list(ids) if found is not None else ():
        target = found.targets.get(one) if found is not None else None
        if target is None or found is None:
            continue
        say(target, "draining", "Target.DeregistrationInProgress")
        place.world.scheduler.after(DRAINING, functools.partial(_drained, found, target))


def _drained(group: TargetGroup, target: Target) -> None:
    if group.targets.get(target.id) is target and target.state == "draining":
        del group.targets[target.id]


def say(target: Target, state: str, reason: str | None = None, words: str | None = None) -> None:
    """Set a target's health: ``say(target, "unhealthy", "Target.ResponseCodeMismatch")``."""
    target.state, target.reason = state, reason
    target.description = words or WORDS.get(reason or "")


def forget_target(place: Place, one: str) -> None:
    """Take a terminated instance or stopped task out of whatever it is registered at."""
    for group in place.of(BalancerStore).groups.values():
        group.targets.pop(one, None)
    for balancer in place.of(classic.ClassicStore).balancers.values():
        balancer.instances.pop(one, None)


def health_of(place: Place, group: str, one: str) -> str | None:
    """A target's state in a group (ARN or name), None when it is not registered."""
    found = find(place, group)
    target = found.targets.get(one) if found is not None else None
    return target.state if target is not None else None
