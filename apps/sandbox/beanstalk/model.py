"""What Elastic Beanstalk holds: applications, versions, environments, instances and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.clock import Timer
    from apps.sandbox.world import Place

#: Events kept per place; AWS keeps those of six weeks.
KEPT_EVENTS = 4000
#: Seconds for which a terminated environment can still be described.
REMEMBERED = 24 * 3600.0
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

PLATFORMS = {
    "python": "64bit Amazon Linux 2023 v4.3.1 running Python 3.11",
    "python before": "64bit Amazon Linux 2023 v4.3.0 running Python 3.11",
    "node": "64bit Amazon Linux 2023 v6.2.2 running Node.js 20",
    "node before": "64bit Amazon Linux 2023 v6.2.1 running Node.js 20",
}
#: What environments can be made of; the newest of each branch comes first.
STACKS = (
    "64bit Amazon Linux 2023 v4.13.8 running Python 3.13",
    "64bit Amazon Linux 2023 v6.11.8 running Node.js 24",
    *PLATFORMS.values(),
)
#: Color of each word of enhanced health.
COLORS = {
    "Ok": "Green",
    "Info": "Green",
    "Warning": "Yellow",
    "Degraded": "Red",
    "Severe": "Red",
    "Pending": "Grey",
    "Unknown": "Grey",
    "NoData": "Grey",
    "Suspended": "Grey",
}


@dataclass(slots=True, eq=False)
class Version:
    """An application version; ``breaks`` names how its deployments fail (see ``failures``)."""

    application: Application
    label: str
    created: float
    description: str = ""
    bundle: dict[str, str] | None = None
    source_build: dict[str, str] | None = None
    build_arn: str | None = None
    process: bool = False
    status: str = "Unprocessed"
    breaks: str = ""

    @property
    def arn(self) -> str:
        """``arn:aws:elasticbeanstalk:<region>:<account>:applicationversion/<app>/<label>``."""
        name = f"applicationversion/{self.application.name}/{self.label}"
        return self.application.place.arn("elasticbeanstalk", name)


@dataclass(slots=True, eq=False)
class Application:
    """An application and its versions, by label."""

    place: Place
    name: str
    created: float
    description: str = ""
    updated: float = 0.0
    versions: dict[str, Version] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """``arn:aws:elasticbeanstalk:<region>:<account>:application/<name>``."""
        return self.place.arn("elasticbeanstalk", f"application/{self.name}")


@dataclass(slots=True, eq=False)
class Instance:
    """An instance of an environment and what was deployed to it last."""

    id: str
    launched: float
    zone: str
    health: str = "Ok"
    causes: tuple[str, ...] = ()
    label: str = ""
    deployment: int = 0
    deployment_status: str = "Deployed"
    deployed: float = 0.0


@dataclass(slots=True, eq=False)
class Operation:
    """What is being done to an environment: its request, what it began with, and what is to come.

    ``on_end`` is called with whether it went well and what it says then.
    """

    request: str
    kind: str
    began: float
    label: str = ""
    fails: str = ""
    number: int = 0
    timers: list[Timer] = field(default_factory=list)
    on_end: Callable[[bool, str], None] | None = None


@dataclass(slots=True, eq=False)
class ManagedAction:
    """What AWS does to an environment by itself. ``window`` in epoch seconds."""

    id: str
    description: str
    window: float
    kind: str = "PlatformUpdate"
    status: str = "Scheduled"
    executed: float | None = None
    finished: float | None = None
    failure: tuple[str, str] | None = None

    @property
    def over(self) -> bool:
        """Whether it stands in the history."""
        return self.status in ("Completed", "Failed")


@dataclass(slots=True, eq=False)
class Environment:
    """An environment. Times in epoch seconds; ``seconds`` is how long a deployment takes.

    ``enhanced`` says that it reports enhanced health. ``policy`` is its deployment policy.
    ``fared`` tells since when it had which health, the oldest first.
    """

    application: Application
    name: str
    id: str
    created: float
    updated: float
    platform: str = PLATFORMS["python"]
    tier: str = "WebServer"
    description: str = ""
    label: str = ""
    status: str = "Launching"
    health: str = "Pending"
    causes: tuple[str, ...] = ()
    policy: str = "AllAtOnce"
    enhanced: bool = True
    size: int = 2
    instance_type: str = "t3.small"
    links: tuple[tuple[str, str], ...] = ()
    seconds: tuple[float, float] = (90, 150)
    settings: dict[tuple[str, str], str] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    managed: list[ManagedAction] = field(default_factory=list)
    deployments: int = 0
    operation: Operation | None = None
    #: Whether it has an operations role; without one Beanstalk acts with its caller's permissions.
    operates: bool = True
    terminated: float | None = None
    swings: int = 0
    fared: list[tuple[float, str]] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.application.place

    @property
    def arn(self) -> str:
        """``arn:aws:elasticbeanstalk:<region>:<account>:environment/<app>/<name>``."""
        name = f"environment/{self.application.name}/{self.name}"
        return self.place.arn("elasticbeanstalk", name)

    @property
    def color(self) -> str:
        """Green, Yellow, Red or Grey."""
        return COLORS[self.health]

    @property
    def worker(self) -> bool:
        """Whether it reads a queue rather than answer requests."""
        return self.tier == "Worker"

    @property
    def cname(self) -> str:
        """The name under which it answers."""
        return f"{self.name}.{self.place.region}.elasticbeanstalk.com"

    @property
    def platform_arn(self) -> str:
        """The platform version's ARN."""
        name = self.platform.partition(" running ")[2]
        version = self.platform.partition(" v")[2].partition(" ")[0]
        return (
            f"arn:aws:elasticbeanstalk:{self.place.region}::platform/"
            f"{name} running on 64bit Amazon Linux 2023/{version}"
        )


@dataclass(frozen=True, slots=True)
class Event:
    """What is told of an environment. ``number`` counts in its place."""

    number: int
    at: float
    severity: str
    message: str
    application: str
    environment: str | None = None
    environment_id: str | None = None
    label: str | None = None
    request: str | None = None


class BeanstalkStore:
    """Elastic Beanstalk in one place: applications by name, environments, events newest first."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.applications: dict[str, Application] = {}
        #: Those that were terminated among them, the oldest first.
        self.environments: list[Environment] = []
        self.events: list[Event] = []
        self.told = 0

    def environment(self, name: str | None = None, key: str | None = None) -> Environment | None:
        """The environment of this name or id that is not terminated."""
        for one in reversed(self.environments):
            if one.terminated is None and (one.id == key if key else one.name == name):
                return one
        return None


#: Members of an answer or request.
Members = dict[str, Any]
