"""What CodeBuild holds: projects, builds and their planned phases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.clock import Timer
    from apps.sandbox.codebuild.buildspec import Outcome
    from apps.sandbox.codebuild.testruns import Suite
    from apps.sandbox.world import Place

#: Builds kept per project beside those that still run (AWS keeps a year).
KEPT_BUILDS = 80

#: By a source's type: (place, location, version) → the commit that is, None where none is known.
#: Whoever hosts repositories adds itself.
COMMITS: dict[str, Callable[[Place, str, str | None], str | None]] = {}

#: A project as CreateProject takes it.
Declaration = dict[str, Any]


@dataclass(slots=True, eq=False)
class Phase:
    """One phase with its planned times (epoch seconds); ``status`` is what it will end with."""

    type: str
    start: float
    end: float
    status: str = "SUCCEEDED"
    code: str = ""
    message: str = ""


@dataclass(slots=True, eq=False)
class Project:
    """A build project; its ``flavour`` is what its logs look like.

    ``tests`` are those of its scripted builds; those that carry out a buildspec find their own.
    """

    place: Place
    definition: Declaration
    created: float
    modified: float
    flavour: str = "npm"
    build_seconds: tuple[float, float] = (35, 80)
    fails_every: int = 0
    hostile_log: bool = False
    tests: Suite | None = None
    started_count: int = 0
    builds: list[Build] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.definition["name"])

    @property
    def arn(self) -> str:
        """``arn:aws:codebuild:<region>:<account>:project/<name>``."""
        return self.place.arn("codebuild", f"project/{self.name}")


@dataclass(slots=True, eq=False)
class Build:
    """A build: its plan is drawn up when it starts, and truncated when somebody stops it."""

    id: str
    number: int
    project: Project
    definition: Declaration
    initiator: str
    source_version: str | None
    resolved_source_version: str | None
    started: float
    plan: list[Phase]
    status: str = "IN_PROGRESS"
    ended: float | None = None
    log_stream: str = ""
    exported: dict[str, str] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    on_end: Callable[[Build], None] | None = None
    #: What its buildspec does, where it is carried out on real files.
    outcome: Outcome | None = None
    reports: list[str] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where it runs."""
        return self.project.place

    @property
    def arn(self) -> str:
        """``arn:aws:codebuild:<region>:<account>:build/<project>:<uuid>``."""
        return self.place.arn("codebuild", f"build/{self.id}")

    @property
    def running(self) -> bool:
        """Whether it is still in progress."""
        return self.status == "IN_PROGRESS"

    def phase_at(self, now: float) -> Phase:
        """The phase the build is in (the last one when it has ended)."""
        return next((phase for phase in self.plan if now < phase.end), self.plan[-1])

    def failed_phase(self) -> Phase | None:
        """The phase that failed, if any."""
        return next(
            (phase for phase in self.plan if phase.status not in ("SUCCEEDED", "STOPPED")), None
        )

    def failure_text(self) -> str:
        """What CodePipeline says about a build that did not succeed."""
        text = f"Build terminated with state: {self.status}"
        phase = self.failed_phase()
        if phase is None:
            return text
        return f"{text}. Phase: {phase.type}, Code: {phase.code}, Message: {phase.message}"

    def logs_config(self, kind: str) -> dict[str, Any]:
        """The project's ``cloudWatchLogs`` or ``s3Logs`` settings, with AWS's defaults."""
        default = {"status": "ENABLED" if kind == "cloudWatchLogs" else "DISABLED"}
        found: dict[str, Any] = self.definition.get("logsConfig", {}).get(kind, default)
        return found

    @property
    def log_group(self) -> str:
        """The log group's name (whether or not logs go there)."""
        return str(
            self.logs_config("cloudWatchLogs").get("groupName")
            or f"/aws/codebuild/{self.project.name}"
        )

    def logs_to_cloudwatch(self) -> bool:
        """Whether CloudWatch Logs gets the log."""
        return str(self.logs_config("cloudWatchLogs")["status"]) == "ENABLED"

    def log_stream_arn(self) -> str | None:
        """The log stream's ARN, or None when the log goes elsewhere."""
        if not self.logs_to_cloudwatch():
            return None
        return self.place.arn("logs", f"log-group:{self.log_group}:log-stream:{self.log_stream}")

    def console_url(self) -> str:
        """The build's page in AWS's console."""
        region, account = self.place.region, self.place.account
        name, build = self.project.name, self.id.replace(":", "%3A")
        return (
            f"https://{region}.console.aws.amazon.com/codesuite/codebuild/{account}/projects/{name}/build/{build}"
            f"/?region={region}"
        )


class ProjectStore:
    """CodeBuild in one place: projects by name, builds by id, and all builds newest first."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.projects: dict[str, Project] = {}
        self.builds: dict[str, Build] = {}
        self.newest_first: list[Build] = []
        #: By operation and token: what was asked with it, when, and the build that began.
        self.tokens: dict[tuple[str, str], tuple[Declaration, float, Build]] = {}
