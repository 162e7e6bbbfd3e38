"""Puts definition, live stages and recorded actions together into a board; asks no database."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from apps.deeds.signature import without_mark
from apps.mirror.state import State

from .models import Action, Execution, Pipeline, Stage

ICONS = {
    "Source": "git-branch",
    "Build": "hammer",
    "Test": "flask-conical",
    "Deploy": "rocket",
    "Approval": "user-check",
    "Invoke": "zap",
    "Compute": "square-terminal",
}
# As AWS names an execution in its sentences: "Superseded by <id>".
EXECUTION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What a stage looks like follows the gravest of its actions.
GRAVEST = [State.FAILED, State.WAITING, State.MOVING, State.STOPPED, State.UNKNOWN, State.DONE]


Why = Callable[[datetime | None, datetime | None], str]


def _nothing(_since: datetime | None, _until: datetime | None) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Ran:
    """The mirrored thing an action started: our page of it, and why it failed.

    `why(since, until)` says why what was done with it then failed; `explain` is that of the action
    this is told to. `unread(since, until)` says what would tell and was not read; `unexplained` is
    that of the action where nothing explains it. `scope` is where Health tells of it.
    """

    label: str
    url: str
    why: Why
    unread: Why = _nothing
    scope: int = 0
    explain: str = ""
    unexplained: str = ""


# (kind, row id) -> what it started: (ARN, what it is)
Started = Mapping[tuple[str, int], Sequence[tuple[str, Ran]]]


@dataclass(slots=True)
class ActionView:
    """One action on a board; `ended_at` is None while it runs, `pk` where it was not recorded."""

    name: str
    pk: int | None = None
    category: str = ""
    owner: str = ""
    provider: str = ""
    run_order: int = 1
    state: str = ""
    status: str = ""
    summary: str = ""
    error_code: str = ""
    error_message: str = ""
    external_id: str = ""
    external_url: str = ""
    # The ARN of what it started, where that is of a kind that is mirrored.
    runs: str = ""
    entity_url: str = ""
    revision_id: str = ""
    revision_url: str = ""
    updated_by: str = ""
    percent: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_change: datetime | str | None = None
    expires_at: datetime | str | None = None
    region: str = ""
    note: str = ""
    ran: Ran | None = None

    @property
    def icon(self) -> str:
        """The icon of its category."""
        return ICONS.get(self.category, "box")

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.state == State.FAILED

    @property
    def waits(self) -> bool:
        """Whether it waits for a person."""
        return self.state == State.WAITING

    @property
    def error(self) -> str:
        """Why it failed, in AWS's words."""
        return own_error(self)


def own_error(action: Action | ActionView) -> str:
    """Return why an action failed, in AWS's words."""
    said = action.error_message or without_mark(action.summary)
    return ": ".join(filter(None, (action.error_code, said)))


@dataclass(frozen=True, slots=True)
class Inbound:
    """An execution that waits to enter a stage; `execution` is None where it is not mirrored."""

    key: str
    execution: Execution | None = None


@dataclass(slots=True)
class StageView:
    """One stage on a board: its actions grouped by runOrder, the transition into it."""

    name: str
    state: str = ""
    status: str = ""
    groups: list[list[ActionView]] = field(default_factory=list)
    row: Stage | None = None
    execution: Execution | None = None
    execution_id: str = ""
    inbound: list[Inbound] = field(default_factory=list)
    # What AWS does where the stage fails: ROLLBACK, RETRY, SKIP; "" where it does nothing.
    on_failure: str = ""
    # What is to be met once its actions succeeded, in words: "Healthy (alarm shop-unhealthy)".
    conditions: Sequence[str] = ()
    # Whether the newest execution has come this far; else this is what an earlier one left.
    current: bool = True

    @property
    def actions(self) -> list[ActionView]:
        """All of them, in order."""
        return [action for group in self.groups for action in group]

    @property
    def watched(self) -> bool:
        """Whether its actions are done and it waits for what it is to meet."""
        done = all(one.state == State.DONE for one in self.actions)
        return bool(self.conditions) and self.state == State.MOVING and done

    @property
    def parallel(self) -> int:
        """How many run side by side at most."""
        return max((len(group) for group in self.groups), default=0)

    @property
    def shut(self) -> bool:
        """Whether the transition into this stage is disabled."""
        return self.row is not None and not self.row.transition_enabled

    @property
    def started_at(self) -> datetime | None:
        """When its first action began."""
        return min((a.started_at for a in self.actions if a.started_at), default=None)

    @property
    def ended_at(self) -> datetime | None:
        """When its last action ended; None while any runs."""
        if self.state in (State.MOVING, State.WAITING):
            return None
        return max((a.ended_at for a in self.actions if a.ended_at), default=None)


def grouped(actions: Iterable[ActionView]) -> list[list[ActionView]]:
    """Group by runOrder: a group runs side by side, groups one after the other."""
    by_order: dict[int, list[ActionView]] = {}
    for action in actions:
        by_order.setdefault(action.run_order, []).append(action)
    return [by_order[order] for order in sorted(by_order)]


def ran_by(started: Sequence[tuple[str, Ran]], action: ActionView, runs: str = "") -> Ran | None:
    """Return what an action started, among (ARN, what it is), and why it failed where it did.

    runs  its ARN, where these are what all actions of a stage started.
    """
    ran = next((ran for arn, ran in started if not runs or arn == runs), None)
    if ran is None or not action.failed:
        return ran
    then = (action.started_at, action.ended_at)
    explain = ran.why(*then)
    return replace(ran, explain=explain, unexplained="" if explain else ran.unread(*then))


def note_of(action: ActionView, configuration: Mapping[str, Any]) -> str:
    """Return the few words under an action's name: what it works on."""
    for key in (
        "ProjectName",
        "StackName",
        "ApplicationName",
        "FunctionName",
        "ServiceName",
        "FullRepositoryId",
        "RepositoryName",
        "S3Bucket",
        "BucketName",
        "PipelineName",
        "EnvironmentName",
    ):
        if value := configuration.get(key):
            return str(value)
    return action.provider


def defined_action(defined: Mapping[str, Any]) -> ActionView:
    """An action as the definition has it, not run yet."""
    view = ActionView(
        name=defined["name"],
        category=defined.get("category", ""),
        owner=defined.get("owner", ""),
        provider=defined.get("provider", ""),
        run_order=defined.get("run_order", 1),
        region=defined.get("region", ""),
    )
    view.note = note_of(view, defined.get("configuration") or {})
    return view


def tell_live(view: ActionView, live: Mapping[str, Any]) -> None:
    """Add what GetPipelineState says of an action."""
    for name in (
        "status",
        "state",
        "summary",
        "error_code",
        "error_message",
        "external_id",
        "external_url",
        "runs",
        "entity_url",
        "revision_id",
        "revision_url",
        "updated_by",
    ):
        setattr(view, name, live.get(name) or "")
    view.percent = live.get("percent")
    view.last_change = live.get("last_change")
    view.expires_at = live.get("expires_at")


def tell_recorded(view: ActionView, action: Action) -> None:
    """Add what ListActionExecutions says: times above all, and what live state leaves out."""
    view.pk = action.pk
    view.started_at = action.started_at
    if not view.status:
        view.status, view.state = action.status, action.state
    if view.state not in (State.MOVING, State.WAITING):
        view.ended_at = action.last_update
    view.last_change = view.last_change or action.last_update
    view.expires_at = view.expires_at or (action.expires_at if view.waits else None)
    for name in (
        "category",
        "owner",
        "provider",
        "region",
        "summary",
        "error_code",
        "error_message",
        "external_id",
        "external_url",
        "updated_by",
    ):
        if not getattr(view, name):
            setattr(view, name, getattr(action, name))


def live_board(
    pipeline: Pipeline,
    stages: Sequence[Stage],
    recorded: Mapping[str, Action],
    executions: Mapping[str, Execution],
    started: Started,
) -> list[StageView]:
    """Return the stages of a pipeline as they stand now, each with its own newest execution.

    recorded    action execution id -> Action.     executions  execution id -> Execution.
    started     what actions and stages started, see `Started`.
    """
    latest = pipeline.latest_execution
    rows = {stage.name: stage for stage in stages}
    defined = {stage["name"]: stage for stage in pipeline.definition}
    board = []
    # The definition is the order of things; a stage it does not name (yet) comes after.
    for name in [*defined, *(name for name in rows if name not in defined)]:
        row = rows.get(name)
        view = StageView(name=name, row=row)
        view.on_failure = defined.get(name, {}).get("on_failure", "")
        rules = defined.get(name, {}).get("rules") or ()
        view.conditions = [in_words(one) for one in rules if one.get("when") == "onSuccess"]
        if row is not None:
            view.inbound = [Inbound(key, executions.get(key)) for key in row.inbound_execution_ids]
            view.state, view.status = row.state, row.status
            view.execution_id = row.execution_id
            view.execution = executions.get(row.execution_id)
            # What runs and is not mirrored yet began after the newest that is.
            unread = row.state == State.MOVING and view.execution is None
            view.current = latest is None or unread or row.execution_id in ("", latest.key)
        live = {one.get("name"): one for one in (row.actions if row else [])}
        views = [defined_action(one) for one in defined.get(name, {}).get("actions", ())]
        known = {one.name for one in views}
        views += [
            ActionView(name=str(one), run_order=order)
            for order, one in enumerate(live, start=1)
            if one not in known
        ]
        for action in views:
            if told := live.get(action.name):
                tell_live(action, told)
                if found := recorded.get(told.get("action_execution_id") or ""):
                    tell_recorded(action, found)
                    action.ran = ran_by(started.get(("codepipeline.action", found.pk), ()), action)
            if action.ran is None and row is not None and action.runs:
                of_stage = started.get(("codepipeline.stage", row.pk), ())
                action.ran = ran_by(of_stage, action, action.runs)
        view.groups = grouped(views)
        board.append(view)
    return board


def in_words(rule: Mapping[str, Any]) -> str:
    """Return what a rule of a stage looks at: "Healthy (alarm shop-unhealthy)"."""
    alarm = rule.get("alarm")
    return f"{rule.get('name')} (alarm {alarm})" if alarm else str(rule.get("name"))


def state_of_stage(actions: Sequence[ActionView], *, over: bool) -> str:
    """Return a stage's state from its actions: the gravest; begun and not all done is moving."""
    states = [action.state for action in actions if action.state]
    if not states:
        return ""
    gravest = next((state for state in GRAVEST if state in states), State.UNKNOWN)
    if gravest == State.DONE and len(states) < len(actions) and not over:
        return State.MOVING
    return gravest


def execution_board(
    execution: Execution,
    definition: Sequence[Mapping[str, Any]],
    actions: Sequence[Action],
    started: Started,
) -> list[StageView]:
    """Return the stages of one execution from its recorded actions.

    The definition may have changed since: what ran is shown as it ran, what did not run yet is
    taken from the definition only while the execution goes on. A retried action shows its last try.
    """
    by_stage: dict[str, dict[str, Action]] = {}
    for action in actions:
        by_stage.setdefault(action.stage, {})[action.name] = action
    over = execution.state not in (State.MOVING, State.WAITING)
    defined = {stage["name"]: stage for stage in definition}
    order = [name for name in defined if name in by_stage or not over]
    order += [name for name in by_stage if name not in defined]
    board = []
    for name in order:
        told = by_stage.get(name, {})
        views = [
            defined_action(one)
            for one in defined.get(name, {}).get("actions", ())
            if one["name"] in told or not over
        ]
        known = {view.name for view in views}
        views += [
            ActionView(name=action.name, run_order=action.run_order or 1)
            for action in told.values()
            if action.name not in known
        ]
        for view in views:
            if found := told.get(view.name):
                tell_recorded(view, found)
                view.run_order = found.run_order or view.run_order
                view.note = note_of(view, found.configuration)
                view.ran = ran_by(started.get(("codepipeline.action", found.pk), ()), view)
        state = state_of_stage(views, over=over)
        board.append(
            StageView(
                name=name,
                state=state,
                groups=grouped(views),
                execution=execution,
                execution_id=execution.key,
            )
        )
    return board


def first_failed(board: Iterable[StageView]) -> tuple[StageView, ActionView] | None:
    """Return the first action that failed, by when it did, and its stage."""
    failed = [(stage, action) for stage in board for action in stage.actions if action.failed]
    return min(
        failed, key=lambda pair: str(pair[1].ended_at or pair[1].last_change or "9"), default=None
    )


def unread_as(*boards: Iterable[StageView]) -> str:
    """Return what tells a board on which something is unexplained from the same one later.

    That it was read is no change of what the board pictures.
    """
    actions = (action for board in boards for stage in board for action in stage.actions)
    return "-unread" if any(one.ran and one.ran.unexplained for one in actions) else ""
