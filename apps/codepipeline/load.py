"""Loads what pages and fragments of pipelines show, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.mirror.state import State

from .board import EXECUTION_ID, execution_board, first_failed, live_board, unread_as
from .digest import unmet
from .models import LIST_COLUMNS, WIDE, Action, Execution, Pipeline, Stage
from .started import started_by

RECENT = 8
PAGE = 50
SIDE_BY_SIDE = 4


# --- The page of a pipeline -----------------------------------------------------------------------


def pipeline_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Pipelines with scope and newest execution."""
    found = Pipeline.objects.select_related("scope", "latest_execution").filter(pk__in=ids)
    return {pipeline.pk: {"pipeline": pipeline} for pipeline in found}


def pipeline_board(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Pipelines with their board, or their newest executions where stages tell none."""
    pipelines = {pk: context["pipeline"] for pk, context in pipeline_head(ids).items()}
    stages: dict[int, list[Stage]] = defaultdict(list)
    rows = list(
        Stage.objects.filter(pipeline__in=pipelines, gone_at=None).order_by("position", "pk")
    )
    for row in rows:
        stages[row.pipeline_id].append(row)
    told = {pk for pk, some in stages.items() if any(stage.execution_id for stage in some)}
    live_actions = [
        one.get("action_execution_id")
        for row in rows
        for one in row.actions
        if isinstance(one, dict)
    ]
    run_ids = {row.execution_id for row in rows if row.execution_id}
    run_ids |= {key for row in rows for key in row.inbound_execution_ids}
    executions = {
        execution.key: execution
        for execution in Execution.objects.filter(pipeline__in=pipelines, key__in=run_ids)
    }
    untold = [pk for pk in pipelines if pk not in told]
    beside = newest_executions(untold, SIDE_BY_SIDE) if untold else {}
    beside_ids = [one.pk for some in beside.values() for one in some]
    by_execution: dict[int, list[Action]] = defaultdict(list)
    recorded: dict[str, Action] = {}
    for action in Action.objects.filter(execution__in=beside_ids).order_by("started_at", "pk"):
        by_execution[action.execution_id].append(action)
    wanted = [key for key in live_actions if key]
    if wanted:
        recorded = {
            action.key: action
            for action in Action.objects.filter(key__in=wanted, execution__pipeline__in=pipelines)
        }
    ran = (recorded.values(), *by_execution.values())
    started = started_by(
        {
            "codepipeline.stage": [row.pk for row in rows],
            "codepipeline.action": [one.pk for some in ran for one in some],
        }
    )
    contexts: dict[int, dict[str, Any]] = {}
    for pk, pipeline in pipelines.items():
        board = live_board(pipeline, stages[pk], recorded, executions, started)
        beside_it = beside.get(pk, [])
        side_boards = [
            execution_board(one, pipeline.definition, by_execution[one.pk], started)
            for one in beside_it
        ]
        side = [
            {"execution": one, "board": told}
            for one, told in zip(beside_it, side_boards, strict=True)
        ]
        contexts[pk] = {
            "pipeline": pipeline,
            "unread_as": unread_as(board, *side_boards),
            "board": board,
            "beside": side,
            "executions": executions,
            "failed": first_failed(stage for stage in board if stage.current),
        }
    return contexts


def newest_executions(ids: Sequence[int], count: int) -> dict[int, list[Execution]]:
    """Return the newest executions of each pipeline, without the columns only their page shows."""
    rows = Execution.objects.filter(pipeline__in=ids).defer(*LIST_COLUMNS)
    newest = [F("started_at").desc(nulls_last=True), F("pk").desc()]
    if len(ids) == 1:
        # Straight off the index, however long the history.
        chosen = list(rows.order_by("-started_at", "-pk")[:count])
    else:
        place = Window(RowNumber(), partition_by=F("pipeline"), order_by=newest)
        chosen = list(rows.annotate(place=place).filter(place__lte=count).order_by("place"))
    found: dict[int, list[Execution]] = defaultdict(list)
    for execution in chosen:
        found[execution.pipeline_id].append(execution)
    return found


def executions_of(pipeline_id: int) -> QuerySet[Execution]:
    """Return a pipeline's executions, without the columns only their page shows."""
    return _listed().filter(pipeline=pipeline_id)


def _listed() -> QuerySet[Execution]:
    wide = [f"pipeline__{name}" for name in WIDE]
    rows: QuerySet[Execution] = Execution.objects.select_related("pipeline")
    return rows.defer(*LIST_COLUMNS, *wide)


def pipeline_recent(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Pipelines with their few newest executions."""
    recent = newest_executions(ids, RECENT)
    return {
        pk: {**context, "executions": recent.get(pk, [])}
        for pk, context in pipeline_head(ids).items()
    }


def pipeline_executions(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Pipelines with the first page of their executions."""
    newest = newest_executions(ids, PAGE)
    return {
        pk: {**context, "executions": newest.get(pk, [])}
        for pk, context in pipeline_head(ids).items()
    }


# --- An execution ---------------------------------------------------------------------------------


def execution_detail(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Executions with their board, and why they failed."""
    found = Execution.objects.select_related("scope", "pipeline").filter(pk__in=ids)
    executions = {execution.pk: execution for execution in found}
    actions: dict[int, list[Action]] = defaultdict(list)
    for action in Action.objects.filter(execution__in=executions).order_by("started_at", "pk"):
        actions[action.execution_id].append(action)
    started = started_by(
        {"codepipeline.action": [one.pk for some in actions.values() for one in some]}
    )
    overtakers = _overtakers(list(executions.values()))
    contexts: dict[int, dict[str, Any]] = {}
    unexplained = []
    for pk, execution in executions.items():
        board = execution_board(execution, execution.pipeline.definition, actions[pk], started)
        contexts[pk] = {
            "execution": execution,
            "pipeline": execution.pipeline,
            "board": board,
            "unread_as": unread_as(board),
            "failed": first_failed(board) if execution.state == State.FAILED else None,
            "overtaken_by": overtakers.get(pk),
            "waits": next((one for stage in board for one in stage.actions if one.waits), None),
            "unmet": "",
        }
        if execution.state == State.FAILED and contexts[pk]["failed"] is None:
            unexplained.append(execution)
    for pk, why in unmet(unexplained).items() if unexplained else ():
        contexts[pk]["unmet"] = why
    return contexts


def _overtakers(executions: Sequence[Execution]) -> dict[int, Execution]:
    """Return the executions that superseded some of these, by the superseded one's id."""
    named = {
        one.pk: (one.pipeline_id, found[0])
        for one in executions
        if one.status == "Superseded" and (found := EXECUTION_ID.search(one.status_summary))
    }
    if not named:
        return {}
    rows = Execution.objects.filter(
        pipeline__in={pipeline for pipeline, _ in named.values()},
        key__in={key for _, key in named.values()},
    ).defer(*LIST_COLUMNS)
    found_by = {(row.pipeline_id, row.key): row for row in rows}
    return {pk: found_by[name] for pk, name in named.items() if name in found_by}


def execution_rows(executions: Sequence[Execution]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of executions."""
    return {one.pk: {"execution": one, "pipeline": one.pipeline} for one in executions}


def execution_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return execution_rows(list(_listed().filter(pk__in=ids)))
