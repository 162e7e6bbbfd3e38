"""What CodeDeploy holds: applications, groups, configurations, deployments and their targets."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.clock import Timer
    from apps.sandbox.codedeploy.causes import Cause
    from apps.sandbox.world import Place

#: A group, configuration or revision as the API takes it.
Declaration = dict[str, Any]

#: Deployments kept per group beside those that still run.
KEPT_DEPLOYMENTS = 40
ACTIVE = frozenset({"Created", "Queued", "InProgress", "Baking", "Ready"})
#: What AWS predefines, by platform.
PREDEFINED: dict[str, Declaration] = {}


@dataclass(slots=True, eq=False)
class Event:
    """A lifecycle event of a target; times in epoch seconds."""

    name: str
    status: str = "Pending"
    start: float | None = None
    end: float | None = None
    code: str = ""
    script: str = ""
    message: str = ""
    log_tail: str = ""


@dataclass(slots=True, eq=False)
class Target:
    """An instance (``Server``), function (``Lambda``) or service (``ECS``) of one deployment."""

    id: str
    arn: str
    platform: str
    updated: float
    events: list[Event]
    status: str = "Pending"
    label: str | None = None
    failing: Cause | None = None
    weight: float = 0.0
    #: Lambda: (function, alias, current version, target version). ECS: the two task sets' ids.
    names: tuple[str, ...] = ()

    def event(self, name: str) -> Event | None:
        """One of its events."""
        return next((event for event in self.events if event.name == name), None)


@dataclass(slots=True, eq=False)
class Registration:
    """A machine outside AWS as CodeDeploy knows it; ``user`` and ``session`` are IAM's ARNs."""

    name: str
    arn: str
    registered: float
    user: str = ""
    session: str = ""
    deregistered: float | None = None


@dataclass(slots=True, eq=False)
class Application:
    """An application with its groups by name."""

    place: Place
    name: str
    id: str
    platform: str
    created: float
    github: str | None = None
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Group:
    """A deployment group, as it was declared, and how it goes in the simulation.

    ``causes`` are what deployments that are to fail do fail of, one after the other; ``planned``
    says it of the very next ones, whoever begins them (None: goes well). ``failed`` are the ids of
    the instances whose last deployment failed: they come first in the next one.
    """

    application: Application
    declaration: Declaration
    id: str
    causes: tuple[Cause, ...] = ()
    planned: list[Cause | None] = field(default_factory=list)
    failures: int = 0
    failed: set[str] = field(default_factory=set)
    deployments: list[Deployment] = field(default_factory=list)
    started_count: int = 0
    successful: Deployment | None = None
    #: Whether an alarm that is in ALARM already stops a deployment as it begins.
    looks_first: bool = False

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.application.place

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.declaration["deploymentGroupName"])

    @property
    def config(self) -> str:
        """The configuration it deploys by."""
        default = {
            "Server": "CodeDeployDefault.OneAtATime",
            "Lambda": "CodeDeployDefault.LambdaAllAtOnce",
            "ECS": "CodeDeployDefault.ECSAllAtOnce",
        }
        told = self.declaration.get("deploymentConfigName")
        return str(told or default[self.application.platform])

    @property
    def blue_green(self) -> bool:
        """Whether it replaces what it deploys to."""
        style = self.declaration.get("deploymentStyle", {})
        return bool(style.get("deploymentType") == "BLUE_GREEN")

    @property
    def balanced(self) -> bool:
        """Whether traffic is taken away from an instance while it is being deployed to."""
        style = self.declaration.get("deploymentStyle", {})
        return bool(style.get("deploymentOption") == "WITH_TRAFFIC_CONTROL")

    def target_groups(self) -> list[str]:
        """Names of the target groups, or classic load balancers, that send it traffic."""
        info = self.declaration.get("loadBalancerInfo", {})
        kinds = ("targetGroupInfoList", "elbInfoList")
        return [str(one["name"]) for kind in kinds for one in info.get(kind, ())]

    def waits(self, option: str) -> dict[str, Any]:
        """One of the blue/green options."""
        told: dict[str, Any] = self.declaration.get("blueGreenDeploymentConfiguration", {})
        found: dict[str, Any] = told.get(option, {})
        return found

    def alarms(self) -> list[str]:
        """Names of the alarms that stop its deployments."""
        told = self.declaration.get("alarmConfiguration", {})
        if not told.get("enabled"):
            return []
        return [str(alarm["name"]) for alarm in told.get("alarms", ())]

    def rolls_back(self, event: str) -> bool:
        """Whether ``DEPLOYMENT_FAILURE`` (and so on) makes a rollback."""
        return _rolls_back(self.declaration.get("autoRollbackConfiguration", {}), event)

    def active(self) -> Deployment | None:
        """Its deployment that runs."""
        return next((one for one in self.deployments if one.active), None)

    def next_cause(self) -> Cause | None:
        """What the next failing deployment fails of."""
        if not self.causes:
            return None
        self.failures += 1
        return self.causes[(self.failures - 1) % len(self.causes)]


@dataclass(slots=True, eq=False)
class Deployment:
    """A deployment; ``cause`` is what it will fail of."""

    id: str
    group: Group
    revision: Declaration
    config: str
    created: float
    creator: str = "user"
    description: str | None = None
    status: str = "Created"
    started: float | None = None
    completed: float | None = None
    error: tuple[str, str] | None = None
    cause: Cause | None = None
    previous: Declaration | None = None
    rolled_back_by: str | None = None
    rolls_back: str | None = None
    rollback_message: str | None = None
    ignore_stop_failures: bool = False
    outdated_only: bool = False
    automatic_rollback: Declaration | None = None
    files: str = "DISALLOW"
    terminating: bool = False
    targets: dict[str, Target] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    #: What goes on when it is continued (traffic is rerouted, the originals are terminated).
    go_on: Callable[[], None] | None = None
    #: What puts the traffic back when it is stopped.
    undo: Callable[[], None] | None = None
    on_end: Callable[[Deployment], None] | None = None

    @property
    def active(self) -> bool:
        """Whether it still runs."""
        return self.status in ACTIVE

    @property
    def platform(self) -> str:
        """Server, Lambda or ECS."""
        return self.group.application.platform

    def rolls_back_on(self, event: str) -> bool:
        """The same as its group says, unless it was told otherwise."""
        if self.automatic_rollback is not None:
            return _rolls_back(self.automatic_rollback, event)
        return self.group.rolls_back(event)

    def failure_text(self) -> str:
        """What CodePipeline says about a deployment that did not succeed."""
        code, message = self.error or ("", "")
        if self.status == "Stopped" and code != "ALARM_ACTIVE":
            return f"Deployment {self.id} was stopped. {message}".strip()
        return f"Deployment {self.id} failed. Error code: {code}. Message: {message}"


def _rolls_back(told: Declaration, event: str) -> bool:
    return bool(told.get("enabled")) and event in told.get("events", ())


class DeployStore:
    """CodeDeploy in one place: applications by name, deployments by id and newest first."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.applications: dict[str, Application] = {}
        self.configs: dict[str, Declaration] = {}
        self.deployments: dict[str, Deployment] = {}
        self.newest_first: list[Deployment] = []
        self.registrations: dict[str, Registration] = {}
        #: Whether it hears of the place's alarms.
        self.watches = False
        #: How often something of a name was made: no two of them have the same id.
        self.made: Counter[str] = Counter()

    def config(self, name: str) -> Declaration | None:
        """A configuration, predefined or made."""
        return self.configs.get(name) or PREDEFINED.get(name)

    def remember(self, deployment: Deployment) -> None:
        """Put a new deployment in front, and forget the oldest finished one of its group."""
        self.deployments[deployment.id] = deployment
        self.newest_first.insert(0, deployment)
        kept = deployment.group.deployments
        kept.insert(0, deployment)
        if len(kept) > KEPT_DEPLOYMENTS:
            oldest = next((one for one in reversed(kept) if not one.active), None)
            if oldest is not None:
                kept.remove(oldest)
                self.newest_first.remove(oldest)
                del self.deployments[oldest.id]


def _predefine() -> None:
    for name, healthy in (
        ("AllAtOnce", {"type": "FLEET_PERCENT", "value": 0}),
        ("HalfAtATime", {"type": "FLEET_PERCENT", "value": 50}),
        ("OneAtATime", {"type": "FLEET_PERCENT", "value": 99}),
    ):
        _add(name, "Server", minimumHealthyHosts=healthy)
    for platform, canaries, linears in (
        ("Lambda", (5, 10, 15, 30), (1, 2, 3, 10)),
        ("ECS", (5, 15), (1, 3)),
    ):
        everything: Declaration = {"type": "AllAtOnce"}
        _add(f"{platform}AllAtOnce", platform, trafficRoutingConfig=everything)
        for minutes in canaries:
            routing = {
                "type": "TimeBasedCanary",
                "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": minutes},
            }
            name = f"{platform}Canary10Percent{minutes}Minutes"
            _add(name, platform, trafficRoutingConfig=routing)
        for minutes in linears:
            routing = {
                "type": "TimeBasedLinear",
                "timeBasedLinear": {"linearPercentage": 10, "linearInterval": minutes},
            }
            plural = "s" if platform == "ECS" or minutes != 1 else ""
            name = f"{platform}Linear10PercentEvery{minutes}Minute{plural}"
            _add(name, platform, trafficRoutingConfig=routing)


def _add(name: str, platform: str, **members: Any) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    PREDEFINED[f"CodeDeployDefault.{name}"] = {
        "deploymentConfigId": "-".join(
            (digest[:8], digest[8:12], f"4{digest[13:16]}", f"8{digest[17:20]}", digest[20:32])
        ),
        "deploymentConfigName": f"CodeDeployDefault.{name}",
        "computePlatform": platform,
        "createTime": 1_416_000_000.0,
        **members,
    }


_predefine()
