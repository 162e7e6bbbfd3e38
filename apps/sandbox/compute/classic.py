"""Classic load balancers: they send to instances, and have an API of their own."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.sandbox.world import Place

#: Virtual seconds until a new instance passed its checks, and until one that leaves is forgotten.
CHECKING, DRAINING = 20.0, 15.0
NOTHING = "N/A"
#: AWS's words for why an instance is not in service, by what goes on.
REGISTERING = "Instance registration is still in progress."
LEAVING = "Instance deregistration currently in progress."
FAILED = (
    "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
)


@dataclass(slots=True, eq=False)
class Registered:
    """An instance at a balancer: InService where there is no ``description``.

    ``ill`` says that it passes no health check, however often it is registered.
    """

    id: str
    reason: str = NOTHING
    description: str = NOTHING
    ill: bool = False

    @property
    def state(self) -> str:
        """AWS's word."""
        return "InService" if self.description == NOTHING else "OutOfService"


@dataclass(slots=True, eq=False)
class ClassicBalancer:
    """A classic load balancer with one HTTP listener."""

    place: Place
    name: str
    created: float
    path: str = "/health"
    port: int = 8080
    instances: dict[str, Registered] = field(default_factory=dict)

    @property
    def dns(self) -> str:
        """``release-train-1234567890.eu-west-1.elb.amazonaws.com``."""
        number = self.place.world.chance(self.place.account, "classic", self.name)
        return (
            f"{self.name}-{number.randrange(10**9, 10**10)}.{self.place.region}.elb.amazonaws.com"
        )


class ClassicStore:
    """Classic load balancers of one place, by name."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.balancers: dict[str, ClassicBalancer] = {}


def make_classic(place: Place, name: str, *, path: str = "/health") -> ClassicBalancer:
    """A classic load balancer without instances."""
    made = ClassicBalancer(place, name, place.world.now(), path)
    place.of(ClassicStore).balancers[name] = made
    return made


def register(balancer: ClassicBalancer, ids: Iterable[str], *, healthy: bool = False) -> None:
    """Register instances; they are in service after their first checks."""
    for one in ids:
        known = balancer.instances.get(one)
        made = balancer.instances[one] = Registered(one, ill=known is not None and known.ill)
        if healthy:
            continue
        made.reason, made.description = "ELB", REGISTERING
        balancer.place.world.scheduler.after(CHECKING, functools.partial(_checked, balancer, made))


def _checked(balancer: ClassicBalancer, one: Registered) -> None:
    if balancer.instances.get(one.id) is one and one.description == REGISTERING:
        if one.ill:
            sicken(one)
        else:
            one.reason = one.description = NOTHING


def sicken(one: Registered) -> None:
    """Let an instance fail its health checks from now on."""
    one.ill, one.reason, one.description = True, "Instance", FAILED


def deregister(balancer: ClassicBalancer, ids: Iterable[str]) -> None:
    """Drain instances and forget them."""
    for name in ids:
        one = balancer.instances.get(name)
        if one is not None:
            one.reason, one.description = "ELB", LEAVING
            gone = functools.partial(_drained, balancer, one)
            balancer.place.world.scheduler.after(DRAINING, gone)


def _drained(balancer: ClassicBalancer, one: Registered) -> None:
    if balancer.instances.get(one.id) is one:
        del balancer.instances[one.id]
