"""Says what issues about failed executions and actions begin with."""

from collections.abc import Iterator
from typing import Any

from apps.issues.failures import FAILURES, Failure
from apps.mirror.links import links_of, resolve
from apps.mirror.state import State

from .digest import first_failure, last_tries
from .models import Action, Execution, Pipeline


def _first_of(execution: Execution) -> Iterator[tuple[str, Any]]:
    first = first_failure(execution.actions.order_by("started_at", "pk"))
    if first is not None:
        yield "codepipeline.action", first


def _failed_actions(execution: Execution) -> Iterator[tuple[str, Any]]:
    actions = execution.actions.select_related("execution__pipeline").order_by("started_at", "pk")
    for action in last_tries(actions):
        if action.state == State.FAILED:
            yield "codepipeline.action", action


def _failed_lately(pipeline: Pipeline) -> Iterator[tuple[str, Any]]:
    execution = pipeline.latest_execution
    if execution is not None:
        if execution.state == State.FAILED:
            yield "codepipeline.execution", execution
        yield from _failed_actions(execution)


def _run_by(action: Action) -> Iterator[tuple[str, Any]]:
    for link in links_of("codepipeline.action", [action.pk]).get(action.pk, []):
        if link.relation == "runs":
            for row in resolve(link.to_kind, [link.to_arn]).values():
                if row.state == State.FAILED:
                    yield link.to_kind, row


FAILURES.add(
    Failure(
        kind="codepipeline.execution",
        name=lambda row: f"Execution {row.key[:8]} of pipeline {row.pipeline.key}",
        at=lambda row: row.ended_at or row.last_update,
        commit=lambda row: (row.revision_id, row.summary),
        below=_first_of,
        parts=_failed_actions,
    )
)
FAILURES.add(
    Failure(
        kind="codepipeline.action",
        name=lambda row: f"{row.stage} / {row.name} of pipeline {row.execution.pipeline.key}",
        at=lambda row: row.last_update,
        commit=lambda row: (row.execution.revision_id, row.execution.summary),
        below=_run_by,
    )
)
FAILURES.show("codepipeline.pipeline", _failed_lately)
