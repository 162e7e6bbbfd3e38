"""The ways of a change through pipelines: through which stages, how far, and what holds it up.

Puts rows together that were read before; asks no database.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.codepipeline.board import GRAVEST, ICONS
from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.codepipeline.of_project import deploying
from apps.live.templatetags.live_tags import first_line, plain
from apps.mirror.state import UNFINISHED, State

from .environments import goal_of
from .holds import Hold, replaced

ROLLBACK = "ROLLBACK"
# A run's acts in a stage: the newest of each name.
Acts = Sequence["Act"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What an action started: a build, a deployment; its page and its targets, where it has any.

    row    of whatever kind it is.
    strip  [{name, state, …}] of its targets.
    why    why it failed, in a few lines.
    """

    kind: str
    row: Any
    label: str
    url: str
    state: str
    status: str
    strip: Sequence[Mapping[str, Any]] = ()
    why: str = ""

    @property
    def reached(self) -> int:
        """How many of its targets have it."""
        return sum(one.get("state") == State.DONE for one in self.strip)


@dataclass(frozen=True, slots=True)
class Act:
    """One action as it ran."""

    name: str
    category: str
    state: str
    status: str
    began: datetime | None
    ended: datetime | None
    error: str = ""
    ran: Ran | None = None

    @property
    def icon(self) -> str:
        """Of what it does."""
        return ICONS.get(self.category, "box")


@dataclass(slots=True)
class Step:
    """A stage on the way: the first run that brought the change through it, else the last try.

    out       whether something is brought out in it; `last` that it is the pipeline's goal.
    run       None where the change has not come this far.
    after     when what came before it was over: from then on it waited.
    remains   whether what stands there now contains the change; None where it never came through,
              or nobody knows.
    instead   what stands there now where that does not contain it: its page, and since when.
    """

    name: str
    out: bool = False
    last: bool = False
    state: str = ""
    run: Execution | None = None
    acts: Acts = ()
    began: datetime | None = None
    ended: datetime | None = None
    after: datetime | None = None
    remains: bool | None = None
    instead: Hold | None = None

    @property
    def through(self) -> bool:
        """Whether the change has come through it."""
        return self.state == State.DONE


@dataclass(slots=True)
class Way:
    """The way of a change through one pipeline.

    runs    the executions that contain it, the first one first.
    hold    why it is no further; `beside`: a newer run that is on its way to where that one is.
    holes   whether commits in between were not read, so that it may have come further than is told.
    production  whether its last stage is production.
    """

    pipeline: Pipeline
    runs: Sequence[Execution]
    steps: list[Step] = field(default_factory=list)
    hold: Hold | None = None
    beside: Hold | None = None
    holes: bool = False
    production: bool = False

    @property
    def name(self) -> str:
        """The pipeline's."""
        return self.pipeline.key

    @property
    def where(self) -> str:
        """What its last stage is called."""
        return self.goal.name if self.goal else ""

    @property
    def goal(self) -> Step | None:
        """Where it is to be in the end; None of a pipeline that only builds."""
        return next((step for step in reversed(self.steps) if step.last), None)

    @property
    def arrived(self) -> datetime | None:
        """When it was first there, None while it is not (or not any more)."""
        goal = self.goal
        return goal.ended if goal is not None and goal.through and goal.remains else None

    @property
    def is_there(self) -> bool:
        """Whether what the last stage brings out contains the change now."""
        return self.goal is not None and self.goal.through and bool(self.goal.remains)


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for ways.

    stages    pipeline's id -> its stages in order.
    actions   execution's id -> its actions.
    ran       action's id -> what it started.
    standing  (pipeline's id, stage) -> the newest execution that brought something out there;
              `standing_since`: when it had.
    over      execution's id -> the one that superseded it.
    took      execution's id -> the ids of the commits that it took of all its sources.
    """

    stages: Mapping[int, Sequence[Stage]]
    actions: Mapping[int, Sequence[Action]]
    ran: Mapping[int, Ran]
    standing: Mapping[tuple[int, str], Execution]
    standing_since: Mapping[tuple[int, str], datetime]
    over: Mapping[int, Execution]
    took: Mapping[int, frozenset[str]]


def way_of(  # noqa: PLR0913 - what is known of one pipeline
    pipeline: Pipeline,
    took: Sequence[Execution],
    found: Found,
    contains: Callable[[Execution], bool],
    is_read: Callable[[Execution], bool],
    instead: Mapping[tuple[int, str], Hold],
) -> Way:
    """Return the way through a pipeline of what these executions contain, the first one first.

    contains  tells whether any execution contains it.
    is_read   tells whether the commit that an execution took was read: else nobody knows.
    instead   (pipeline's id, stage) -> what was put there by no pipeline, and does not contain it.
    """
    runs = _with_standing(pipeline, took, found, contains)
    out, aim = deploying(pipeline), goal_of(pipeline.key, pipeline.definition)
    acts = {run.pk: _acts_by_stage(found.actions.get(run.pk, ()), found.ran) for run in runs}
    way = Way(pipeline, runs, production=aim is not None and aim.production)
    for name in _stage_names(pipeline, found.stages.get(pipeline.pk, ()), acts.values()):
        last = aim is not None and name == aim.stage
        step = Step(name, out=last or name in out, last=last)
        _fill(step, pipeline, runs, acts)
        before = way.steps[-1].ended if way.steps else None
        if step.began and before and before <= step.began:
            step.after = before
        stands = found.standing.get((pipeline.pk, name))
        if step.out and step.through:
            step.instead = instead.get((pipeline.pk, name))
            if step.instead is None and stands is not None and not contains(stands):
                rolled_back = stands.execution_type == ROLLBACK
                step.instead = replaced(
                    name,
                    stands.get_absolute_url(),
                    stands.started_at,
                    what=first_line(plain(stands.summary)) or stands.key,
                    why="It was rolled back." if rolled_back else "",
                    known=rolled_back or is_read(stands),
                )
            unknown = step.instead is not None and step.instead.state == State.UNKNOWN
            step.remains = None if unknown else step.instead is None
        way.steps.append(step)
    if not way.is_there:
        way.hold = _hold(way, found, acts)
    return way


def _with_standing(
    pipeline: Pipeline,
    runs: Sequence[Execution],
    found: Found,
    contains: Callable[[Execution], bool],
) -> list[Execution]:
    """These executions with those that stand in a stage, the first one first.

    Of very many that contain a change not all are read: what stands may be one in between.
    """
    stands = (one for (of, _), one in found.standing.items() if of == pipeline.pk)
    every = {one.pk: one for one in (*runs, *(one for one in stands if contains(one)))}
    began = {pk: one.started_at.timestamp() if one.started_at else 0.0 for pk, one in every.items()}
    return sorted(every.values(), key=lambda one: (began[one.pk], one.pk))


def _stage_names(
    pipeline: Pipeline, stages: Sequence[Stage], acts: Collection[Mapping[str, Acts]]
) -> list[str]:
    """The stages as they are defined; of a definition that nobody read, as they ran."""
    defined = [str(stage.get("name")) for stage in pipeline.definition]
    names = defined or [stage.name for stage in stages]
    return names or list(dict.fromkeys(name for some in acts for name in some))


def _acts_by_stage(actions: Sequence[Action], ran: Mapping[int, Ran]) -> dict[str, Acts]:
    newest: dict[tuple[str, str], Action] = {}
    for action in actions:
        newest[action.stage, action.name] = action
    found: dict[str, list[Act]] = {}
    for (stage, _), action in newest.items():
        over = action.state not in UNFINISHED
        found.setdefault(stage, []).append(
            Act(
                name=action.name,
                category=action.category,
                state=action.state,
                status=action.status,
                began=action.started_at,
                ended=action.last_update if over else None,
                error=": ".join(filter(None, (action.error_code, action.error_message))),
                ran=ran.get(action.pk),
            )
        )
    return dict(found)


def _fill(
    step: Step,
    pipeline: Pipeline,
    runs: Sequence[Execution],
    acts: Mapping[int, Mapping[str, Acts]],
) -> None:
    """Tell of a step the first run that came through it, else the last that tried."""
    for run in runs:
        tried = acts[run.pk].get(step.name)
        if not tried:
            continue
        step.run, step.acts = run, tried
        step.state = _state_in(pipeline, step.name, run, tried)
        step.began = min((one.began for one in tried if one.began), default=None)
        ends = [one.ended for one in tried]
        over = step.state not in UNFINISHED
        step.ended = max(filter(None, ends), default=None) if over else None
        if step.through:
            return


def _state_in(pipeline: Pipeline, name: str, run: Execution, acts: Acts) -> str:
    """How a run fares in a stage: as the gravest of its actions, and all of them are to be done."""
    states = {State(one.state) if one.state else State.UNKNOWN for one in acts}
    gravest = next(state for state in GRAVEST if state in states)
    if gravest is not State.DONE or run.state == State.DONE:
        return gravest
    defined: Mapping[str, Any] = next(
        (one for one in pipeline.definition if one.get("name") == name), {}
    )
    named = {str(one.get("name")) for one in defined.get("actions") or ()}
    if named <= {one.name for one in acts}:
        return State.DONE
    return State.MOVING if run.state in UNFINISHED else State(run.state or State.UNKNOWN)


# --- What holds it up -----------------------------------------------------------------------------


def _hold(way: Way, found: Found, acts: Mapping[int, Mapping[str, Acts]]) -> Hold | None:
    """Tell of the run that has come furthest, of equals the newest, why it is no further."""
    goal = way.goal
    if goal is not None and goal.through and goal.instead is not None:
        return goal.instead
    names = [step.name for step in way.steps]
    mine = {run.pk for run in way.runs}
    placed = []
    for order, run in enumerate(way.runs):
        over = found.over.get(run.pk)
        if over is None or over.pk not in mine:
            reached = [at for at, name in enumerate(names) if acts[run.pk].get(name)]
            placed.append((run.state != State.STOPPED, max(reached, default=-1), order, run))
    if not placed or not names:
        return None
    *_, at, _, run = max(placed, key=lambda one: one[:3])
    newest = way.runs[-1]
    if newest.pk != run.pk and newest.state in UNFINISHED:
        reached = [place for _, place, _, one in placed if one.pk == newest.pk]
        way.beside = _stands(way, found, newest, names, max(reached, default=-1), acts)
    return _stands(way, found, run, names, at, acts)


def _stands(  # noqa: PLR0913 - where a run is, of which way
    way: Way,
    found: Found,
    run: Execution,
    names: Sequence[str],
    at: int,
    acts: Mapping[int, Mapping[str, Acts]],
) -> Hold | None:
    """Why a run is no further than the stage at a place; -1 for none."""
    if at >= 0:
        tried = acts[run.pk][names[at]]
        state = _state_in(way.pipeline, names[at], run, tried)
        if state != State.DONE:
            return _in_stage(found, run, names[at], state, tried)
    return _between(way, found, run, names[at + 1]) if at + 1 < len(names) else None


def _in_stage(found: Found, run: Execution, name: str, state: str, acts: Acts) -> Hold:
    act = next((one for one in acts if one.state == state), None)
    since = (act.began if act else None) or run.started_at
    why = ""
    match state:
        case State.FAILED:
            text = f"Failed in {name}" + (f": {act.name}" if act else "")
            why = (act.ran.why if act and act.ran and act.ran.why else act.error) if act else ""
            since = (act.ended if act else None) or since
        case State.WAITING:
            text = f"Waits for approval in {name}"
        case State.MOVING:
            text = f"Is in {name}"
        case _:
            return _ended(found, run, name)
    return Hold(state=state, text=text, url=run.get_absolute_url(), since=since, why=why)


def _between(way: Way, found: Found, run: Execution, following: str) -> Hold | None:
    """Why a run that is through one stage is not in the next."""
    stage = next(
        (one for one in found.stages.get(way.pipeline.pk, ()) if one.name == following), None
    )
    url = run.get_absolute_url()
    if stage is not None and run.state in UNFINISHED and not stage.transition_enabled:
        return Hold(
            state=State.WAITING,
            text=f"The transition into {following} is disabled",
            url=way.pipeline.get_absolute_url(),
            since=stage.transition_changed_at,
            why=stage.transition_reason,
            by=stage.transition_changed_by.rpartition("/")[2] or stage.transition_changed_by,
        )
    if run.state in UNFINISHED:
        queued = stage is not None and run.key in stage.inbound_execution_ids
        text = f"Waits until {following} is free" if queued else f"On its way to {following}"
        return Hold(state=State.MOVING, text=text, url=url, since=run.started_at)
    return _ended(found, run, following)


def _ended(found: Found, run: Execution, name: str) -> Hold:
    """A run that ended before it was through."""
    over = found.over.get(run.pk)
    if over is not None:
        return Hold(
            state=State.STOPPED,
            text=f"Superseded before {name} by a run that does not contain it",
            url=over.get_absolute_url(),
            since=over.started_at,
        )
    if run.status == "Superseded":
        text = f"Superseded before {name}"
    elif run.state == State.FAILED:
        text = f"Failed before {name}"
    else:
        text = f"Stopped before {name}"
    return Hold(
        state=State(run.state) if run.state else State.UNKNOWN,
        text=text,
        url=run.get_absolute_url(),
        since=run.ended_at or run.last_update,
        why=run.status_summary,
    )


def gravest_first(ways: Sequence[Way]) -> Iterator[Way]:
    """Yield ways: what is held up by a failure first, then what waits, moves, and is there."""
    gravity = {state: at for at, state in enumerate(GRAVEST)}

    def place(way: Way) -> tuple[int, str]:
        state = State(way.hold.state) if way.hold else State.DONE
        return gravity[state], way.pipeline.key

    yield from sorted(ways, key=place)
