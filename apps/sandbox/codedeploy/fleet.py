"""Deploys to instances: in place as the configuration allows, or to replacements (blue/green)."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.codedeploy.model import Deployment, DeployStore, Event, Group, Target
from apps.sandbox.codedeploy.premises import arn_of
from apps.sandbox.codedeploy.walk import end, walk
from apps.sandbox.compute import balancers, groups, machines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BLOCK = ("BeforeBlockTraffic", "BlockTraffic", "AfterBlockTraffic")
INSTALL = (
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
)
ALLOW = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
#: Virtual seconds until the copy of an Auto Scaling group has its instances.
PROVISIONING = 30.0


@dataclass(frozen=True, slots=True)
class Ends:
    """The engine's ways to end a deployment, and to say another status while it runs."""

    succeed: Callable[[Deployment], None]
    fail: Callable[..., None]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Host:
    """An instance that is deployed to: EC2's, or a machine outside AWS."""

    id: str
    arn: str


def hosts(group: Group) -> list[Host]:
    """The instances of a group: its tags', its Auto Scaling groups', its machines outside AWS.

    Those whose last deployment failed come first.
    """
    place, told = group.place, group.declaration
    found: dict[str, Host] = {}
    sets = [told["ec2TagFilters"]] if told.get("ec2TagFilters") else []
    sets += told.get("ec2TagSet", {}).get("ec2TagSetList", ())
    if sets:
        tagged = [{one.id: one for one in machines.tagged(place, filters)} for filters in sets]
        in_all = [one for one in tagged[0].values() if all(one.id in some for some in tagged[1:])]
        found |= {one.id: Host(one.id, one.arn) for one in in_all}
    for scaling in told.get("autoScalingGroups", ()):
        known = place.of(machines.MachineStore).groups.get(scaling["name"])
        for one in known.instances() if known is not None else ():
            if one.state == "running":
                found[one.id] = Host(one.id, one.arn)
    premises = list(told.get("onPremisesInstanceTagFilters", ()))
    for machine in machines.premises(place, premises) if premises else ():
        found[machine.name] = Host(machine.name, arn_of(place, machine.name))
    return sorted(found.values(), key=lambda one: one.id not in group.failed)


def deploy(deployment: Deployment, ends: Ends) -> None:
    """Begin: on the group's instances, or on replacements that are launched first."""
    group = deployment.group
    there = hosts(group)
    if not there:
        ends.fail(
            deployment,
            "NO_INSTANCES",
            "The deployment failed because no instances were found for your deployment group. "
            "Check your deployment group settings to make sure the tags for your Amazon EC2 "
            "instances or Auto Scaling groups correctly identify the instances you want to deploy "
            "to, and then try again.",
        )
    elif group.blue_green:
        _BlueGreen(deployment, ends, there).begin()
    else:
        names = (*BLOCK, *INSTALL, *ALLOW) if group.balanced else INSTALL
        _add(deployment, there, names)
        _Batches(deployment, ends, list(deployment.targets.values()), names).go_on()


def _add(
    deployment: Deployment, there: Iterable[Host], names: Sequence[str], label: str | None = None
) -> list[Target]:
    now = deployment.group.place.world.now()
    added = [
        Target(one.id, one.arn, "Server", now, [Event(name) for name in names], label=label)
        for one in there
    ]
    deployment.targets |= {one.id: one for one in added}
    cause = deployment.cause
    if cause is not None and cause.event and label != "Blue":
        for target in added[: max(1, round(cause.share * len(added)))]:
            target.failing = cause
    return added


class _Batches:
    """Deploys to some instances at a time, as many as may be out of order."""

    def __init__(
        self,
        deployment: Deployment,
        ends: Ends,
        targets: list[Target],
        names: Sequence[str],
        then: Callable[[], None] | None = None,
    ) -> None:
        self.deployment, self.ends, self.names = deployment, ends, names
        self.waiting, self.running = list(targets), 0
        self.whole, self.failures = len(targets), 0
        self.at_once, self.most_failures = allowance(deployment, len(targets))
        self.then = then or functools.partial(ends.succeed, deployment)

    def go_on(self) -> None:
        if not self.deployment.active:
            return
        if self.failures > self.most_failures:
            self.waiting.clear()
            if not self.running:
                self.ends.fail(self.deployment)
            return
        if not self.waiting and not self.running:
            self.then()
            return
        while self.waiting and self.running < self.at_once:
            target = self.waiting.pop(0)
            self.running += 1
            self._traffic(target, take=True)
            walk(self.deployment, target, self.names, self._done, self._failed)

    def _done(self, target: Target) -> None:
        self.running -= 1
        self.deployment.group.failed.discard(target.id)
        self._traffic(target, take=False)
        # A replacement is not done before it has traffic.
        end(self.deployment, target, "Ready" if target.label == "Green" else "Succeeded")
        self.go_on()

    def _failed(self, target: Target) -> None:
        self.running -= 1
        self.failures += 1
        self.deployment.group.failed.add(target.id)
        self.go_on()

    def _traffic(self, target: Target, *, take: bool) -> None:
        if target.label is None and self.deployment.group.balanced:
            act = balancers.deregister if take else balancers.register
            for name in self.deployment.group.target_groups():
                act(self.deployment.group.place, name, [target.id])


def allowance(deployment: Deployment, whole: int) -> tuple[int, int]:
    """(instances at a time, failures a deployment survives) by its configuration."""
    config = deployment.group.place.of(DeployStore).config(deployment.config) or {}
    if deployment.config == "CodeDeployDefault.OneAtATime":
        return 1, 0
    healthy = config.get("minimumHealthyHosts", {"type": "FLEET_PERCENT", "value": 0})
    least = int(healthy["value"])
    if healthy["type"] == "FLEET_PERCENT":
        least = math.ceil(whole * least / 100)
    spare = max(0, whole - least)
    # All at once survives as long as one instance got the revision.
    return max(1, spare), whole - 1 if least == 0 else spare


class _BlueGreen:
    """Launches replacements, deploys to them, and moves the traffic over."""

    def __init__(self, deployment: Deployment, ends: Ends, there: list[Host]) -> None:
        self.deployment, self.ends, self.blue = deployment, ends, there
        self.group, self.place = deployment.group, deployment.group.place
        self.old: list[str] = [
            one["name"] for one in self.group.declaration.get("autoScalingGroups", ())
        ]
        self.new: list[str] = []

    def begin(self) -> None:
        store = self.place.of(machines.MachineStore)
        for name in self.old:
            known = store.groups.get(name)
            if known is not None:
                copy = groups.scale_out_copy(known, self.group.name, self.deployment.id)
                self.new.append(copy.name)
        self.deployment.undo = self._undo
        _add(self.deployment, self.blue, BLOCK, "Blue")
        self._after(PROVISIONING, self._install)

    def _after(self, seconds: float, deed: Callable[[], None]) -> None:
        self.deployment.timers.append(self.place.world.scheduler.after(seconds, deed))

    def _install(self) -> None:
        store = self.place.of(machines.MachineStore)
        found = [one for name in self.new for one in store.groups[name].instances()]
        green = [Host(one.id, one.arn) for one in found] or self.blue
        targets = _add(self.deployment, green, (*INSTALL, *ALLOW), "Green")
        _Batches(self.deployment, self.ends, targets, INSTALL, self._ready).go_on()

    def _ready(self) -> None:
        option = self.group.waits("deploymentReadyOption")
        minutes = int(option.get("waitTimeInMinutes", 0))
        by_hand = option.get("actionOnTimeout") == "STOP_DEPLOYMENT"
        if not minutes and not by_hand:
            self._reroute()
            return
        self.ends.say("Ready")
        self.deployment.go_on = self._reroute
        timeout = functools.partial(
            self.ends.fail,
            self.deployment,
            "TIMEOUT",
            "The deployment timed out while waiting for the traffic to be rerouted.",
        )
        self._after(minutes * 60, timeout if by_hand else self._reroute)
        self.waiting = self.deployment.timers[-1]

    def _reroute(self) -> None:
        if self.deployment.go_on is not None:
            # Whoever is continued by hand is not timed out, or continued by itself, any more.
            self.waiting.cancel()
            self.deployment.go_on = None
            self.ends.say("InProgress")
        green = [one for one in self.deployment.targets.values() if one.label == "Green"]
        for name in self.group.target_groups():
            balancers.register(self.place, name, [one.id for one in green])
        waiting = {one.id for one in green}

        def allowed(target: Target) -> None:
            end(self.deployment, target, "Succeeded")
            waiting.discard(target.id)
            if not waiting:
                self._block()

        for target in green:
            target.status = "InProgress"
            walk(self.deployment, target, ALLOW, allowed, lambda _: self.ends.fail(self.deployment))

    def _block(self) -> None:
        blue = [one for one in self.deployment.targets.values() if one.label == "Blue"]
        for name in self.group.target_groups():
            balancers.deregister(self.place, name, [one.id for one in blue])
        waiting = {one.id for one in blue}

        def blocked(target: Target) -> None:
            end(self.deployment, target, "Succeeded")
            waiting.discard(target.id)
            if not waiting:
                self._wait()

        for target in blue:
            walk(self.deployment, target, BLOCK, blocked, blocked)

    def _wait(self) -> None:
        option = self.group.waits("terminateBlueInstancesOnDeploymentSuccess")
        if option.get("action") != "TERMINATE":
            self._finish(keep=True)
            return
        self.deployment.terminating = True
        self.deployment.go_on = functools.partial(self._finish, keep=False)
        minutes = int(option.get("terminationWaitTimeInMinutes", 0))
        self._after(minutes * 60, functools.partial(self._finish, keep=False))

    def _finish(self, *, keep: bool) -> None:
        if not self.deployment.active:
            return
        store = self.place.of(machines.MachineStore)
        arns = [
            found.arn
            for name in self.group.target_groups()
            if (found := balancers.find(self.place, name)) is not None
        ]
        for name in self.new:
            groups.adopt(store.groups[name], arns)
        if not keep and self.new:
            for name in self.old:
                if name in store.groups:
                    groups.delete_group(store.groups[name])
        if self.new:
            declared = self.group.declaration["autoScalingGroups"]
            hook = declared[0].get("hook", "") if declared else ""
            self.group.declaration["autoScalingGroups"] = [
                {"name": name, "hook": hook} for name in self.new
            ]
        self.ends.succeed(self.deployment)

    def _undo(self) -> None:
        store = self.place.of(machines.MachineStore)
        blue = [one.id for one in self.blue]
        for name in self.group.target_groups():
            lost = [one for one in blue if balancers.health_of(self.place, name, one) is None]
            balancers.register(self.place, name, lost)
        for name in self.new:
            if name in store.groups:
                groups.delete_group(store.groups[name])
        # The instances that failed are gone with their group.
        self.group.failed -= {one.id for one in self.deployment.targets.values() if one.label}
