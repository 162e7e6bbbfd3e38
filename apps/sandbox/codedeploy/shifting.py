"""Shifts traffic to a function's new version, or to a service's new task set."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from apps.sandbox.codedeploy.model import Deployment, DeployStore, Event, Target
from apps.sandbox.codedeploy.walk import end, end_event, fail_event, fails, walk
from apps.sandbox.compute import balancers, containers, functions
from apps.sandbox.compute.containers import ContainerStore
from apps.sandbox.compute.functions import FunctionStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.codedeploy.fleet import Ends
    from apps.sandbox.compute.containers import TaskSet

LAMBDA = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
ECS = (
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
)
MISMATCH = (
    "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment "
    "configuration is missing or has an invalid configuration. The Lambda function alias version "
    "does not match the current version in AppSpec file."
)
#: Virtual seconds until an alarm goes off that is to stop a deployment, and until tasks are steady.
ALARM_AFTER, STABILIZING = 120.0, 25.0


def deploy(deployment: Deployment, ends: Ends) -> None:
    """Begin, on Lambda or ECS."""
    shift = (
        _Function(deployment, ends)
        if deployment.platform == "Lambda"
        else _Service(deployment, ends)
    )
    shift.begin()


class _Shift(ABC):
    """What both platforms have in common: hooks before and after, and traffic in steps."""

    names: tuple[str, ...] = ()

    def __init__(self, deployment: Deployment, ends: Ends) -> None:
        self.deployment, self.ends = deployment, ends
        self.group, self.place = deployment.group, deployment.group.place
        self.target = self.make_target()
        self.target.failing = deployment.cause
        deployment.targets[self.target.id] = self.target
        deployment.undo = functools.partial(self.put, 0.0)

    @abstractmethod
    def make_target(self) -> Target: ...

    @abstractmethod
    def put(self, share: float) -> None:
        """Send this share (0 to 1) of the traffic to what is new."""

    def begin(self) -> None:
        before = self.names[: self.names.index("AllowTraffic")]
        walk(self.deployment, self.target, before, self.allow, self.failed)

    def allow(self, target: Target) -> None:
        event = target.event("AllowTraffic")
        if event is not None:
            event.status, event.start = "InProgress", self.place.world.now()
        self.step(self._steps())

    def _steps(self) -> list[tuple[float, float]]:
        """(share of the traffic, virtual seconds until the next step), the last one being all."""
        config = self.place.of(DeployStore).config(self.deployment.config) or {}
        routing: dict[str, Any] = config.get("trafficRoutingConfig", {})
        if canary := routing.get("timeBasedCanary"):
            first = canary["canaryPercentage"] / 100
            return [(first, canary["canaryInterval"] * 60.0), (1.0, 0.0)]
        if linear := routing.get("timeBasedLinear"):
            percent, seconds = linear["linearPercentage"], linear["linearInterval"] * 60.0
            steps = [(share / 100, seconds) for share in range(percent, 100, percent)]
            return [*steps, (1.0, 0.0)]
        return [(1.0, 0.0)]

    def step(self, steps: list[tuple[float, float]]) -> None:
        if not self.deployment.active:
            return
        (share, seconds), rest = steps[0], steps[1:]
        self.put(share)
        if rest:
            go_on = functools.partial(self.step, rest)
            self.later(seconds, go_on)
            return
        self.later(4.0, self.allowed)

    def allowed(self) -> None:
        event = self.target.event("AllowTraffic")
        if event is not None:
            if fails(self.target, event):
                fail_event(self.deployment, self.target, event)
                self.failed(self.target)
                return
            end_event(self.deployment, self.target, event)
        after = self.names[self.names.index("AllowTraffic") + 1 :]
        walk(self.deployment, self.target, after, self.done, self.failed)

    def done(self, target: Target) -> None:
        end(self.deployment, target, "Succeeded")
        self.ends.succeed(self.deployment)

    def failed(self, _: Target) -> None:
        cause = self.target.failing
        if cause is None:
            self.ends.fail(self.deployment)
        else:
            self.ends.fail(self.deployment, cause.code, cause.error or cause.message)

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        self.deployment.timers.append(self.place.world.scheduler.after(seconds, deed))


class _Function(_Shift):
    names: tuple[str, ...] = LAMBDA

    def make_target(self) -> Target:
        name, alias, target = self.deployment.revision["lambda"]
        self.function = self.place.of(FunctionStore).functions.get(name)
        known = self.function.aliases.get(alias) if self.function is not None else None
        current = known.version if known is not None else "1"
        return Target(
            f"{name}:{alias}",
            self.place.arn("lambda", f"function:{name}:{alias}"),
            "Lambda",
            self.place.world.now(),
            [Event(one) for one in self.names],
            names=(name, alias, str(current), str(target)),
        )

    def begin(self) -> None:
        _, _, current, version = self.target.names
        told = self.deployment.revision.get("lambdaFrom", current)
        # What CodeDeploy rolls back to, it turns by itself.
        if self.deployment.rolls_back is None and (told != current or version == current):
            self.deployment.undo = None
            self.ends.fail(self.deployment, "INVALID_LAMBDA_CONFIGURATION", MISMATCH)
            return
        super().begin()

    def put(self, share: float) -> None:
        self.target.weight = share
        self.target.updated = self.place.world.now()
        _, alias, _, version = self.target.names
        if self.function is not None and alias in self.function.aliases:
            functions.shift(self.function, alias, version, share)


class _Service(_Shift):
    names: tuple[str, ...] = ECS

    def make_target(self) -> Target:
        declared = self.group.declaration["ecsServices"][0]
        cluster, name = declared["clusterName"], declared["serviceName"]
        self.service = self.place.of(ContainerStore).service(cluster, name)
        self.blue: TaskSet | None = None
        self.green: TaskSet | None = None
        if self.service is not None and self.service.task_sets:
            self.blue = next(
                (one for one in self.service.task_sets if one.status == "PRIMARY"),
                self.service.task_sets[0],
            )
        pair = self.group.declaration["loadBalancerInfo"]["targetGroupPairInfoList"][0]
        self.pair = [one["name"] for one in pair["targetGroups"]]
        skipped = (
            () if pair.get("testTrafficRoute") else ("AllowTestTraffic", "AfterAllowTestTraffic")
        )
        self.names = tuple(one for one in ECS if one not in skipped)
        return Target(
            f"{cluster}:{name}",
            self.place.arn("ecs", f"service/{cluster}/{name}"),
            "ECS",
            self.place.world.now(),
            [Event(one) for one in self.names],
        )

    def begin(self) -> None:
        walk(self.deployment, self.target, ("BeforeInstall",), self.install, self.failed)

    def install(self, target: Target) -> None:
        event = target.event("Install")
        if event is not None:
            event.status, event.start = "InProgress", self.place.world.now()
        if self.service is not None:
            name = str(self.deployment.revision.get("taskDefinition", self.service.definition))
            definition = self.place.of(ContainerStore).definition(name)
            if definition is not None:
                self.green = containers.make_task_set(self.service, definition, self._other_group())
                target.names = (self.blue.id if self.blue else "", self.green.id)
        self.later(STABILIZING, self.installed)

    def _other_group(self) -> str:
        arns = [
            found.arn
            for name in self.pair
            if (found := balancers.find(self.place, name)) is not None
        ]
        used = self.blue.target_group if self.blue is not None else ""
        return next((arn for arn in arns if arn != used), used)

    def installed(self) -> None:
        event = self.target.event("Install")
        if event is not None and fails(self.target, event):
            fail_event(self.deployment, self.target, event)
            self.failed(self.target)
            return
        if self.green is not None and self.service is not None:
            containers.settle_task_set(self.service, self.green)
        if event is not None:
            end_event(self.deployment, self.target, event)
        names = self.names[2 : self.names.index("AllowTraffic")]
        walk(self.deployment, self.target, names, self.allow, self.failed)

    def put(self, share: float) -> None:
        self.target.weight = share
        self.target.updated = self.place.world.now()
        if share == 0.0 and self.service is not None and self.green is not None:
            # Undone: what is new goes, what was is all there is.
            containers.delete_task_set(self.service, self.green)

    def done(self, target: Target) -> None:
        end(self.deployment, target, "Succeeded")
        if self.service is not None and self.green is not None:
            containers.set_primary(self.service, self.green)
        self.deployment.undo = None
        option = self.group.waits("terminateBlueInstancesOnDeploymentSuccess")
        if option.get("action") != "TERMINATE":
            self.ends.succeed(self.deployment)
            return
        self.deployment.terminating = True
        self.deployment.go_on = self.finish
        self.later(int(option.get("terminationWaitTimeInMinutes", 0)) * 60.0, self.finish)

    def finish(self) -> None:
        if not self.deployment.active:
            return
        if self.service is not None and self.blue is not None and self.blue is not self.green:
            containers.delete_task_set(self.service, self.blue)
        self.ends.succeed(self.deployment)
