"""What CodePipeline holds: pipelines, executions, stage runs and action runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.clock import Timer
    from apps.sandbox.codepipeline.artifacts import Stored
    from apps.sandbox.world import Place

#: A pipeline, stage or action declaration as CreatePipeline takes it.
Declaration = dict[str, Any]

#: Executions kept per pipeline beside those that still run; AWS keeps those of twelve months.
KEPT_EXECUTIONS = 60
#: Versions of the definition kept per pipeline.
KEPT_VERSIONS = 20

RUNNING = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, slots=True)
class Script:
    """How an action goes in the simulation: how long, and when and why it fails.

    ``fails_every`` n fails each n-th execution (1: always); a retry of it then succeeds unless
    ``stubborn``. ``message`` may use ``{external}``. For approvals ``decision`` is (virtual
    seconds, status, who), None waits.
    """

    seconds: tuple[float, float] | None = None
    fails_every: int = 0
    fails_at: int = 0
    stubborn: bool = False
    code: str = "JobFailed"
    message: str = "The action failed."
    decision: tuple[float, str, str] | None = None

    def fails(self, number: int, attempt: int) -> bool:
        """Whether execution ``number``'s ``attempt``-th try of this action fails."""
        if not self.fails_every or number % self.fails_every != self.fails_at:
            return False
        return attempt == 1 or self.stubborn


@dataclass(frozen=True, slots=True)
class Commit:
    """What a source action found. ``at`` in epoch seconds."""

    sha: str
    message: str
    author: str
    branch: str
    at: float


@dataclass(slots=True, eq=False)
class Transition:
    """An inbound transition that somebody touched. ``changed_by`` is an ARN."""

    enabled: bool
    changed_by: str
    changed_at: float
    reason: str | None


@dataclass(slots=True, eq=False)
class ActionRun:
    """One try of one action in one execution; times in epoch seconds."""

    id: str
    declaration: Declaration
    stage: str
    attempt: int
    started: float
    updated: float
    status: str = "InProgress"
    summary: str | None = None
    token: str | None = None
    updated_by: str | None = None
    external_id: str | None = None
    external_url: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    log_stream_arn: str | None = None
    resolved: dict[str, str] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The action's name."""
        return str(self.declaration["name"])

    @property
    def category(self) -> str:
        """Source, Build, Test, Deploy, Invoke or Approval."""
        return str(self.declaration["actionTypeId"]["category"])

    @property
    def provider(self) -> str:
        """CodeBuild, Manual and so on."""
        return str(self.declaration["actionTypeId"]["provider"])


@dataclass(slots=True, eq=False)
class StageRun:
    """One execution's stay in one stage; ``actions`` holds the newest try of each action.

    ``judged``: its conditions are looked at, or were, since its actions ended.
    """

    name: str
    execution: Execution
    status: str = "InProgress"
    actions: dict[str, ActionRun] = field(default_factory=dict)
    retries: int = 0
    automatic_retries: int = 0
    last_retry: str | None = None
    judged: bool = False


@dataclass(slots=True, eq=False)
class Execution:
    """One pipeline execution; ``number`` counts from 1 in its pipeline.

    ``rolls_back`` is the execution that a rollback brings a stage back to.
    """

    id: str
    number: int
    pipeline: Pipeline
    definition: Declaration
    trigger_type: str
    trigger_detail: str
    started: float
    updated: float
    status: str = "InProgress"
    status_summary: str | None = None
    stop_reason: str | None = None
    abandon: bool = False
    attempt: int = 1
    at_stage: int = 0
    revisions: dict[str, Commit] = field(default_factory=dict)
    wanted_revisions: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    stages: dict[str, StageRun] = field(default_factory=dict)
    runs: list[ActionRun] = field(default_factory=list)
    waiting_for: str | None = None
    rolls_back: Execution | None = None
    #: What its actions handed on, by the artifact's name, where its bucket is a real one.
    artifacts: dict[str, Stored] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """STANDARD or ROLLBACK."""
        return "ROLLBACK" if self.rolls_back is not None else "STANDARD"

    @property
    def mode(self) -> str:
        """SUPERSEDED, QUEUED or PARALLEL."""
        return str(self.definition.get("executionMode", "SUPERSEDED"))

    @property
    def running(self) -> bool:
        """Whether anything may still happen by itself."""
        return self.status in RUNNING

    def stage_names(self) -> list[str]:
        """The stages of the definition this execution runs with."""
        return [str(stage["name"]) for stage in self.definition["stages"]]

    def stage_declaration(self, name: str) -> Declaration:
        """The declaration of one of its stages."""
        found: Declaration = next(
            stage for stage in self.definition["stages"] if stage["name"] == name
        )
        return found


@dataclass(slots=True, eq=False)
class Pipeline:
    """A pipeline: its versions, its executions, the newest first, and which stage each is in."""

    place: Place
    definition: Declaration
    created: float
    updated: float
    versions: dict[int, Declaration] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    by_id: dict[str, Execution] = field(default_factory=dict)
    occupants: dict[str, Execution] = field(default_factory=dict)
    waiting: dict[str, list[Execution]] = field(default_factory=dict)
    latest_stage: dict[str, StageRun] = field(default_factory=dict)
    latest_action: dict[tuple[str, str], ActionRun] = field(default_factory=dict)
    latest_commit: dict[tuple[str, str], Commit] = field(default_factory=dict)
    heads: dict[str, Commit] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    started_count: int = 0
    client_tokens: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    #: Whether pushes start it as if EventBridge's rule were there that the console makes for it.
    assumes_rule: bool = True

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.definition["name"])

    @property
    def arn(self) -> str:
        """``arn:aws:codepipeline:<region>:<account>:<name>``."""
        return self.place.arn("codepipeline", self.name)

    @property
    def version(self) -> int:
        """The current structure version."""
        return int(self.definition["version"])

    @property
    def mode(self) -> str:
        """SUPERSEDED, QUEUED or PARALLEL."""
        return str(self.definition.get("executionMode", "SUPERSEDED"))

    def stage(self, name: str) -> Declaration | None:
        """A stage of the current definition."""
        return next((stage for stage in self.definition["stages"] if stage["name"] == name), None)

    def script(self, stage: str, action: str) -> Script:
        """The script for an action; by default it takes its provider's usual time and succeeds."""
        return self.scripts.get(f"{stage}/{action}", _DEFAULT)

    def disabled(self, stage: str) -> bool:
        """Whether the transition into ``stage`` is disabled."""
        transition = self.transitions.get(stage)
        return transition is not None and not transition.enabled

    def remember(self, execution: Execution) -> None:
        """Put a new execution in front and forget the oldest finished ones beyond what is kept."""
        self.executions.insert(0, execution)
        self.by_id[execution.id] = execution
        if len(self.executions) > KEPT_EXECUTIONS:
            for old in reversed(self.executions):
                if not old.running:
                    self.executions.remove(old)
                    del self.by_id[old.id]
                    break


class PipelineStore:
    """CodePipeline in one place: pipelines by name."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pipelines: dict[str, Pipeline] = {}


_DEFAULT = Script()
