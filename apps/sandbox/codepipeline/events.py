"""CodePipeline's EventBridge events, in the shape that AWS publishes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.codepipeline.model import ActionRun, Execution

#: Who hears what becomes of executions, in a replayed past, too.
HEARERS: list[Callable[[Execution, str], None]] = []


def pipeline_changed(execution: Execution, state: str) -> None:
    """``CodePipeline Pipeline Execution State Change``."""
    for hear in HEARERS:
        hear(execution, state)
    if execution.pipeline.place.world.bus is None:
        return
    detail = _detail(execution, state)
    detail["execution-trigger"] = {
        "trigger-type": execution.trigger_type,
        "trigger-detail": execution.trigger_detail,
    }
    if execution.stop_reason and state in ("STOPPING", "STOPPED"):
        detail["stop-execution-reason"] = execution.stop_reason
    _emit(execution, "CodePipeline Pipeline Execution State Change", detail)


def stage_changed(execution: Execution, stage: str, state: str) -> None:
    """``CodePipeline Stage Execution State Change``."""
    if execution.pipeline.place.world.bus is None:
        return
    _emit(
        execution,
        "CodePipeline Stage Execution State Change",
        {**_detail(execution, state), "stage": stage},
    )


def action_changed(execution: Execution, run: ActionRun, state: str) -> None:
    """``CodePipeline Action Execution State Change``."""
    if execution.pipeline.place.world.bus is None:
        return
    kind = run.declaration["actionTypeId"]
    detail = {
        **_detail(execution, state),
        "stage": run.stage,
        "action": run.name,
        "action-execution-id": run.id,
        "region": run.declaration.get("region", execution.pipeline.place.region),
        "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
    }
    if state != "STARTED":
        result = {
            "external-execution-url": run.external_url,
            "external-execution-summary": run.error_message or run.summary,
            "external-execution-id": run.external_id,
            "error-code": run.error_code,
        }
        detail["execution-result"] = {name: value for name, value in result.items() if value}
    _emit(execution, "CodePipeline Action Execution State Change", detail)


def _detail(execution: Execution, state: str) -> dict[str, Any]:
    return {
        "pipeline": execution.pipeline.name,
        "execution-id": execution.id,
        "start-time": datetime.fromtimestamp(execution.started, UTC).strftime(
            "%Y-%m-%dT%H:%M:%S.%f"
        )[:-3]
        + "Z",
        "state": state,
        "version": float(execution.definition["version"]),
        "pipeline-execution-attempt": float(execution.attempt),
    }


def _emit(execution: Execution, detail_type: str, detail: dict[str, Any]) -> None:
    pipeline = execution.pipeline
    pipeline.place.emit("aws.codepipeline", detail_type, detail, [pipeline.arn])
