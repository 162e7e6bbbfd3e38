"""Which executions AWS will roll a stage back to, and why not the others: as far as was read.

What AWS accepts: https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html
In a number of queries that executions do not change; AWS has the last word.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.mirror.state import UNFINISHED, State

from .digest import last_tries
from .models import LIST_COLUMNS, Action, Execution, Pipeline, Stage

PARALLEL, ROLLBACK, SOURCE = "PARALLEL", "ROLLBACK", "Source"
# Executions that came to the stage that are told of: the newest.
MOST = 30
# AWS offers those alone that began since: the day from which it keeps what a rollback takes.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback-manual.html
SINCE = datetime(2024, 2, 1, tzinfo=UTC)
RUNNING = "It is running: AWS rolls a stage back when nothing runs in it."
# What of an execution is not needed to tell what it took, and who began it.
WIDE = tuple(name for name in LIST_COLUMNS if name not in ("revisions", "trigger_detail"))


@dataclass(frozen=True, slots=True)
class Came:
    """An execution that came to the stage.

    why      why the stage cannot be rolled back to it, in a sentence; "" where it can.
    through  when it was through the stage; None where it never was.
    """

    execution: Execution
    why: str = ""
    through: datetime | None = None


@dataclass(slots=True)
class Choice:
    """What there is to roll a stage back to.

    why     why it cannot be rolled back now; "" where it can. Where it never can, nothing else is
            told.
    stands  the execution that came to it last; None where none is known. `held` whether it is
            through, and so what runs.
    came    the executions that came to it, the newest first.
    """

    pipeline: Pipeline
    stage: str
    why: str = ""
    stands: Execution | None = None
    held: bool = False
    came: Sequence[Came] = ()

    @property
    def accepted(self) -> list[Came]:
        """Those that AWS will accept."""
        return [one for one in self.came if not one.why]


def choice(pipeline: Pipeline, stage: str) -> Choice | None:
    """Return what a stage can be rolled back to; None where the pipeline has no such stage."""
    if stage not in [str(one.get("name")) for one in pipeline.definition]:
        return None
    if why := why_never(pipeline, stage):
        return Choice(pipeline, stage, why)
    row = Stage.objects.filter(pipeline=pipeline, name=stage, gone_at=None).first()
    came = _came_to(pipeline, stage)
    actions = _actions(came, stage)
    stands = next((one for one in came if row is not None and one.key == row.execution_id), None)
    told = Choice(pipeline, stage, why_not_now(row), stands)
    told.held = stands is not None and row is not None and row.state == State.DONE
    told.came = [_judged(told, one, actions[one.pk]) for one in came]
    return told


def why_never(pipeline: Pipeline, stage: str) -> str:
    """Return why a stage is never rolled back; "" where it is no such stage. Asks no database."""
    if pipeline.gone_at is not None:
        return "AWS lists this pipeline no more."
    if pipeline.execution_mode == PARALLEL:
        return "AWS offers no rollback for pipelines whose executions run side by side (PARALLEL)."
    actions = _declared(pipeline, stage).get("actions") or ()
    if any(one.get("category") == SOURCE for one in actions):
        return "A stage that takes sources cannot be rolled back."
    return ""


def why_not_now(row: Stage | None) -> str:
    """Return why a stage cannot be rolled back as it stands; "" where it can."""
    return RUNNING if row is not None and row.state in UNFINISHED else ""


def _declared(pipeline: Pipeline, stage: str) -> Mapping[str, Any]:
    return next((one for one in pipeline.definition if one.get("name") == stage), {})


def _came_to(pipeline: Pipeline, stage: str) -> list[Execution]:
    """The newest executions that came to a stage."""
    ran = Action.objects.filter(execution__pipeline=pipeline, stage=stage)
    rows = Execution.objects.filter(pipeline=pipeline, pk__in=ran.values("execution"))
    return list(rows.defer(*WIDE).order_by("-started_at", "-pk")[:MOST])


def _actions(came: Sequence[Execution], stage: str) -> Mapping[int, list[Action]]:
    found: dict[int, list[Action]] = defaultdict(list)
    rows = Action.objects.filter(execution__in=[one.pk for one in came], stage=stage)
    for row in rows.defer("configuration", "output_variables").order_by("started_at", "pk"):
        found[row.execution_id].append(row)
    return found


def _judged(told: Choice, one: Execution, tried: Sequence[Action]) -> Came:
    newest = last_tries(tried)
    through = _through(told, one, newest)
    ended = max((action.last_update for action in newest if action.last_update), default=None)
    why = _why_not(told, one, newest, through=through)
    return Came(one, why, ended if through else None)


def _through(told: Choice, one: Execution, newest: Sequence[Action]) -> bool:
    """Whether an execution succeeded in the stage, as its actions tell."""
    if not newest or any(action.state != State.DONE for action in newest):
        return False
    # Of one that is over and well nothing is missing, whatever the stage consists of by now.
    return one.state == State.DONE or _all_ran(told, newest)


def _all_ran(told: Choice, newest: Sequence[Action]) -> bool:
    declared = _declared(told.pipeline, told.stage)
    wanted = {str(one.get("name")) for one in declared.get("actions") or ()}
    return wanted <= {action.name for action in newest}


def _why_not(told: Choice, one: Execution, newest: Sequence[Action], *, through: bool) -> str:
    if one.execution_type == ROLLBACK:
        return "It is a rollback itself."
    ran_by = max((action.pipeline_version or 0 for action in newest), default=0)
    now = told.pipeline.pipeline_version
    if ran_by and ran_by != now:
        return f"It ran by version {ran_by} of the pipeline's structure, which is {now} by now."
    changed = told.pipeline.updated
    if not ran_by and changed is not None and (one.started_at is None or one.started_at < changed):
        return "It began before the pipeline's structure was changed."
    if not through:
        return f"It did not come through: {_fared(newest)}."
    if one.started_at is not None and one.started_at < SINCE:
        return "It began before February 2024: AWS keeps nothing of it to roll back to."
    if told.held and told.stands is not None and one.pk == told.stands.pk:
        return "It is what stands there now."
    return ""


# The gravest first.
FARED = {
    State.FAILED: "failed",
    State.WAITING: "waits for approval",
    State.MOVING: "is still running",
    State.STOPPED: "was stopped",
    State.UNKNOWN: "is not known to have ended",
}


def _fared(newest: Sequence[Action]) -> str:
    for state, words in FARED.items():
        for action in newest:
            if action.state == state:
                return f"{action.name} {words}"
    return "not all of its actions ran"
