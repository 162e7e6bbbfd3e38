"""EC2 instances: launching, tagging, stopping and losing them; what a place has of machines."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.sandbox.compute import balancers
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from apps.sandbox.world import Place

#: EC2 still shows a terminated instance for about an hour.
TERMINATED_SHOWN = 3600.0
#: Virtual seconds from pending to running, from shutting-down to terminated, and to stopped.
BOOT, SHUT_DOWN, HALT = (12.0, 25.0), 30.0, 20.0
#: Virtual seconds that status checks of a new instance say ``initializing``.
CHECKING = 45.0

#: Scaling activities kept per group.
KEPT_ACTIVITIES = 40

CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
IMAGE = "ami-0c1c30571d2dae5c9"


@dataclass(slots=True, eq=False)
class Check:
    """One status check's result: ``ok``, ``impaired`` (since then), ``initializing``."""

    status: str = "ok"
    since: float | None = None


@dataclass(slots=True, eq=False)
class Instance:
    """An EC2 instance; times in epoch seconds."""

    place: Place
    id: str
    type: str
    image: str
    launched: float
    zone: str
    private_ip: str
    public_ip: str | None
    tags: dict[str, str]
    profile: str | None = None
    state: str = "pending"
    reason_code: str = ""
    reason: str = ""
    group: Group | None = None
    system: Check = field(default_factory=lambda: Check("initializing"))
    reachability: Check = field(default_factory=lambda: Check("initializing"))
    ended: float | None = None

    @property
    def arn(self) -> str:
        """``arn:aws:ec2:<region>:<account>:instance/<id>``."""
        return self.place.arn("ec2", f"instance/{self.id}")

    @property
    def name(self) -> str:
        """Its Name tag."""
        return self.tags.get("Name", "")

    @property
    def private_dns(self) -> str:
        """``ip-10-0-1-17.eu-west-1.compute.internal``."""
        return f"ip-{self.private_ip.replace('.', '-')}.{self.place.region}.compute.internal"

    @property
    def public_dns(self) -> str:
        """Its public name, empty without a public address."""
        if self.public_ip is None:
            return ""
        dashed = self.public_ip.replace(".", "-")
        return f"ec2-{dashed}.{self.place.region}.compute.amazonaws.com"


@dataclass(slots=True, eq=False)
class Member:
    """An instance in an Auto Scaling group."""

    instance: Instance
    lifecycle: str = "Pending"
    health: str = "Healthy"


@dataclass(slots=True, eq=False)
class Group:
    """An Auto Scaling group."""

    place: Place
    name: str
    arn: str
    minimum: int
    maximum: int
    desired: int
    created: float
    template: tuple[str, str, str]
    instance_type: str
    tags: dict[str, str]
    target_groups: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)
    health_check: str = "ELB"
    profile: str | None = None
    subnets: str = "subnet-0a1b2c3d4e5f60718,subnet-0b2c3d4e5f6071829"
    #: Somebody deleted it; it goes with its instances.
    deleting: bool = False
    activities: list[Activity] = field(default_factory=list)

    def instances(self) -> list[Instance]:
        """Its instances, the oldest first."""
        return [member.instance for member in self.members.values()]


@dataclass(frozen=True, slots=True)
class Activity:
    """A scaling activity: what a group did and how it went (Successful, Failed)."""

    id: str
    at: float
    description: str
    cause: str
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Premises:
    """A machine outside AWS that CodeDeploy knows, with its tags."""

    name: str
    tags: Mapping[str, str]


class MachineStore:
    """EC2 and Auto Scaling in one place: instances by id, groups by name, machines outside AWS."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.instances: dict[str, Instance] = {}
        self.groups: dict[str, Group] = {}
        self.premises: dict[str, Premises] = {}
        self.launched_count = 0


def launch(  # noqa: PLR0913 - an instance is this much
    place: Place,
    tags: Mapping[str, str],
    *,
    instance_type: str = "t3.small",
    profile: str | None = None,
    public: bool = False,
    group: Group | None = None,
    on_running: Callable[[Instance], None] | None = None,
) -> Instance:
    """Start an instance: pending, then running, then its status checks pass."""
    store, world = place.of(MachineStore), place.world
    store.launched_count += 1
    number = store.launched_count
    chance = world.chance(place.account, place.region, "instance", number)
    instance = Instance(
        place,
        id=f"i-{hex_from(chance, 17)}",
        type=instance_type,
        image=IMAGE,
        launched=world.now(),
        zone=f"{place.region}{'abc'[number % 3]}",
        private_ip=f"10.0.{number % 3 + 1}.{10 + number % 240}",
        public_ip=f"54.229.{chance.randrange(1, 255)}.{chance.randrange(1, 255)}"
        if public
        else None,
        tags=dict(tags),
        profile=profile,
        group=group,
    )
    store.instances[instance.id] = instance
    _told(instance)

    def run() -> None:
        if instance.state != "pending":
            return
        instance.state = "running"
        _told(instance)
        world.scheduler.after(CHECKING, functools.partial(_checked, instance))
        if on_running is not None:
            on_running(instance)

    world.scheduler.after(chance.uniform(*BOOT), run)
    return instance


def furnish_running(place: Place, tags: Mapping[str, str], **how: object) -> Instance:
    """An instance that has been running for long, without its boot: for a scenario's fleets."""
    instance = launch(place, tags, **how)  # type: ignore[arg-type]
    instance.state = "running"
    _checked(instance)
    return instance


def _checked(instance: Instance) -> None:
    for check in (instance.system, instance.reachability):
        if check.status == "initializing":
            check.status = "ok"


def impair(instance: Instance, *, system: bool = False) -> None:
    """Let a status check fail: the instance's own reachability, or the host's (``system``)."""
    check = instance.system if system else instance.reachability
    check.status, check.since = "impaired", instance.place.world.now()


def stop(instance: Instance) -> None:
    """Stop it: stopping, then stopped."""
    if instance.state not in ("pending", "running"):
        return
    _leave(instance, "stopping")
    instance.place.world.scheduler.after(HALT, functools.partial(_ended, instance, "stopped"))


def start(instance: Instance) -> None:
    """Start a stopped instance again."""
    if instance.state != "stopped":
        return
    instance.state, instance.reason_code, instance.reason = "pending", "", ""
    instance.launched = instance.place.world.now()
    instance.system, instance.reachability = Check("initializing"), Check("initializing")
    _told(instance)

    def run() -> None:
        instance.state = "running"
        _told(instance)
        instance.place.world.scheduler.after(CHECKING, functools.partial(_checked, instance))

    instance.place.world.scheduler.after(BOOT[0], run)


def terminate(instance: Instance) -> None:
    """Terminate it; EC2 shows it for another hour, its group and target groups forget it."""
    if instance.state in ("shutting-down", "terminated"):
        return
    store = instance.place.of(MachineStore)
    balancers.forget_target(instance.place, instance.id)
    if instance.group is not None:
        instance.group.members.pop(instance.id, None)
        instance.group = None
    _leave(instance, "shutting-down")

    def end() -> None:
        _ended(instance, "terminated")
        forget = functools.partial(_forget, store, instance)
        instance.place.world.scheduler.after(TERMINATED_SHOWN, forget)

    instance.place.world.scheduler.after(SHUT_DOWN, end)


def _forget(store: MachineStore, instance: Instance) -> None:
    store.instances.pop(instance.id, None)


def _leave(instance: Instance, state: str) -> None:
    instance.state, instance.reason_code = state, "Client.UserInitiatedShutdown"
    instance.reason = "Client.UserInitiatedShutdown: User initiated shutdown"
    instance.ended = instance.place.world.now()
    _told(instance)


def _ended(instance: Instance, state: str) -> None:
    instance.state = state
    _told(instance)


def _told(instance: Instance) -> None:
    instance.place.emit(
        "aws.ec2",
        "EC2 Instance State-change Notification",
        {"instance-id": instance.id, "state": instance.state},
        [instance.arn],
    )


# -- looking them up ------------------------------------------------------------------------------


def live(place: Place) -> list[Instance]:
    """Instances that are neither terminated nor on the way there, the oldest first."""
    return [
        instance
        for instance in place.of(MachineStore).instances.values()
        if instance.state not in ("shutting-down", "terminated")
    ]


def tagged(place: Place, filters: Iterable[Mapping[str, str]]) -> list[Instance]:
    """Running instances that any of CodeDeploy's tag filters names.

    A filter has ``Key``, ``Value`` and ``Type`` (KEY_ONLY, VALUE_ONLY, KEY_AND_VALUE).
    """
    wanted = list(filters)
    return [
        instance
        for instance in live(place)
        if instance.state == "running" and any(_has(instance.tags, one) for one in wanted)
    ]


def premises(place: Place, filters: Iterable[Mapping[str, str]]) -> list[Premises]:
    """Machines outside AWS that any of the tag filters names."""
    wanted = list(filters)
    return [
        machine
        for machine in place.of(MachineStore).premises.values()
        if any(_has(machine.tags, one) for one in wanted)
    ]


def _has(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    key, value = wanted.get("Key", ""), wanted.get("Value", "")
    match wanted.get("Type", "KEY_AND_VALUE"):
        case "KEY_ONLY":
            return key in tags
        case "VALUE_ONLY":
            return value in tags.values()
    return tags.get(key) == value
