"""Loads what the rows of a list of pipelines show, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from apps.mirror.state import State

from .board import StageView, execution_board, first_failed, live_board
from .models import LIST_COLUMNS, WIDE, Action, Execution, Pipeline, Stage
from .started import started_by

TROUBLE = (State.FAILED, State.WAITING)


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage in a strip: `current` unless an earlier execution left it so."""

    name: str
    state: str
    current: bool = True
    shut: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """An approval that waits; `execution` is set where it is not the newest that waits."""

    name: str
    since: datetime | str | None
    expires_at: datetime | str | None
    execution: Execution | None

    def beside(self, newest: Execution | None) -> "Waits":
        """The same, as told beside the pipeline's newest execution."""
        if self.execution is None or newest is None or self.execution.key != newest.key:
            return self
        return replace(self, execution=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A stage that something waits to enter while its transition is disabled."""

    stage: str
    changed_by: str
    reason: str
    # Whether it is the pipeline's newest execution that stands before it.
    newest: bool


class PipelineRows:
    """What a list's rows need beyond their pipelines, read once for all and only if asked for."""

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self.pipelines = {pipeline.pk: pipeline for pipeline in pipelines}

    @cached_property
    def stages(self) -> dict[int, list[Stage]]:
        """Stages in order, without their actions."""
        found: dict[int, list[Stage]] = defaultdict(list)
        rows = Stage.objects.filter(pipeline__in=self.pipelines, gone_at=None).defer("actions")
        for stage in rows.order_by("pipeline", "position"):
            found[stage.pipeline_id].append(stage)
        return found

    @cached_property
    def untold(self) -> list[Pipeline]:
        """Pipelines whose stages tell no executions: PARALLEL ones, or state not readable."""
        return [
            pipeline
            for pk, pipeline in self.pipelines.items()
            if pipeline.latest_execution_id
            and not any(stage.execution_id for stage in self.stages.get(pk, ()))
        ]

    @cached_property
    def boards(self) -> dict[int, list[StageView]]:
        """For those, the newest execution's stages from its actions."""
        latest = {p.latest_execution.pk: p for p in self.untold if p.latest_execution}
        if not latest:
            return {}
        actions: dict[int, list[Action]] = defaultdict(list)
        for action in Action.objects.filter(execution__in=latest).order_by("started_at", "pk"):
            actions[action.execution_id].append(action)
        definitions = dict(
            Pipeline.objects.filter(pk__in=[p.pk for p in self.untold]).values_list(
                "pk", "definition"
            )
        )
        started = started_by(
            {
                "codepipeline.action": [
                    one.pk for some in actions.values() for one in some if one.state in TROUBLE
                ]
            }
        )
        return {
            pipeline.pk: execution_board(
                pipeline.latest_execution,
                definitions.get(pipeline.pk, []),
                actions[execution_id],
                started,
            )
            for execution_id, pipeline in latest.items()
            if pipeline.latest_execution
        }

    @cached_property
    def waiting_apart(self) -> dict[int, Waits]:
        """For those, the oldest approval that waits in any of their executions."""
        found: dict[int, Waits] = {}
        waiting = Action.objects.filter(
            execution__pipeline__in=[pipeline.pk for pipeline in self.untold],
            execution__state=State.WAITING,
            state=State.WAITING,
        ).select_related("execution")
        for action in waiting.order_by("started_at", "pk"):
            told = Waits(
                name=action.name,
                since=action.started_at,
                expires_at=action.expires_at,
                execution=action.execution,
            )
            found.setdefault(action.execution.pipeline_id, told)
        return found

    @cached_property
    def troubled(self) -> dict[int, list[StageView]]:
        """Stages that failed or wait, with their actions, of pipelines that do."""
        wanted = [pk for pk, pipeline in self.pipelines.items() if pipeline.state in TROUBLE]
        if not wanted:
            return {}
        rows = list(
            Stage.objects.filter(pipeline__in=wanted, state__in=TROUBLE, gone_at=None).order_by(
                "pipeline", "position"
            )
        )
        started = started_by({"codepipeline.stage": [row.pk for row in rows]})
        # What waits may be an earlier change than the newest, which has not come so far.
        executions = {
            execution.key: execution
            for execution in Execution.objects.filter(
                pipeline__in=wanted, key__in={row.execution_id for row in rows} - {""}
            ).defer(*LIST_COLUMNS)
        }
        found: dict[int, list[StageView]] = defaultdict(list)
        for row in rows:
            # The stage alone, as a board of one: its actions with what they ran.
            lone = Pipeline(latest_execution=self.pipelines[row.pipeline_id].latest_execution)
            found[row.pipeline_id] += live_board(lone, [row], {}, executions, started)
        return found


class PipelineRow:
    """One pipeline in a list: its strip, and in one line why it failed or what it waits for."""

    def __init__(self, pipeline: Pipeline, rows: PipelineRows) -> None:
        self.pipeline = pipeline
        self.rows = rows

    @property
    def strip(self) -> list[Segment]:
        """A segment a stage."""
        pk = self.pipeline.pk
        if pk in self.rows.boards:
            shut = {s.name for s in self.rows.stages.get(pk, ()) if not s.transition_enabled}
            return [
                Segment(stage.name, stage.state, shut=stage.name in shut)
                for stage in self.rows.boards[pk]
            ]
        latest = self.pipeline.latest_execution
        return [
            Segment(
                stage.name,
                stage.state,
                current=latest is None or stage.execution_id in ("", latest.key),
                shut=not stage.transition_enabled,
            )
            for stage in self.rows.stages.get(pk, ())
        ]

    @property
    def _trouble(self) -> list[StageView]:
        pk = self.pipeline.pk
        return self.rows.boards.get(pk) or self.rows.troubled.get(pk) or []

    @property
    def failed(self) -> dict[str, str] | None:
        """Where and why the newest execution failed: {stage, action, why}; None where it worked."""
        if self.pipeline.state != State.FAILED:
            return None
        execution = self.pipeline.latest_execution
        found = first_failed(stage for stage in self._trouble if stage.current)
        if found is None:
            return {"stage": "", "action": "", "why": execution.status_summary if execution else ""}
        stage, action = found
        why = (action.ran.explain if action.ran else "") or action.error
        return {"stage": stage.name, "action": action.name, "why": why}

    @property
    def waits(self) -> "Waits | None":
        """The approval that waits, whichever execution has come to it."""
        newest = self.pipeline.latest_execution
        if self.pipeline.pk in self.rows.boards:
            found = self.rows.waiting_apart.get(self.pipeline.pk)
            return found and found.beside(newest)
        for stage in self._trouble:
            for action in stage.actions:
                if action.waits:
                    return Waits(
                        name=action.name,
                        since=action.started_at or action.last_change,
                        expires_at=action.expires_at,
                        execution=stage.execution,
                    ).beside(newest)
        return None

    @property
    def held(self) -> Held | None:
        """The last stage that holds something back; a shut one that nobody waits for is no news."""
        newest = self.pipeline.latest_execution
        for stage in reversed(self.rows.stages.get(self.pipeline.pk, ())):
            if stage.inbound_execution_ids and not stage.transition_enabled:
                return Held(
                    stage=stage.name,
                    changed_by=stage.transition_changed_by,
                    reason=stage.transition_reason,
                    newest=newest is not None
                    and newest.state == State.MOVING
                    and newest.key in stage.inbound_execution_ids,
                )
        return None


def pipeline_rows(pipelines: Sequence[Pipeline]) -> dict[int, dict[str, Any]]:
    """Return the context of each row of a list; nothing more is read until a row is rendered."""
    rows = PipelineRows(pipelines)
    return {
        pipeline.pk: {"pipeline": pipeline, "row": PipelineRow(pipeline, rows)}
        for pipeline in pipelines
    }


def pipeline_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    found = Pipeline.objects.for_dashboard().present().filter(pk__in=ids).defer(*WIDE)
    return pipeline_rows(list(found))
