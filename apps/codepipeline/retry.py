"""Runs a stage that failed or was stopped once more, in the same execution.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RetryStageExecution.html
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of

from .acceptable import PARALLEL
from .begun import made, rereading
from .models import Stage
from .transition import state_of

if TYPE_CHECKING:
    from apps.deeds.models import Deed

RETRYABLE = ("Failed", "Stopped")
# What of a stage runs again.
FAILED, ALL = "FAILED_ACTIONS", "ALL_ACTIONS"
AGAIN = "The stage runs again."


def _judges(reach: Reach, deed: "Deed", stage: Stage) -> Moved | Done | None:
    now = state_of(reach, stage).get("latestExecution", {})
    if now.get("pipelineExecutionId") != deed.seen["execution"]:
        return Moved("Another execution is in the stage by now: look at that one.")
    if now.get("status") not in RETRYABLE:
        return Moved(f"The stage is {now.get('status')} by now: somebody retried it meanwhile.")
    return None


def _finds(reach: Reach, deed: "Deed", stage: Stage) -> Untold | None:
    """Whether the stage runs again, or ran again: an action of it changed since."""
    state = state_of(reach, stage)
    now = state.get("latestExecution", {})
    if now.get("pipelineExecutionId") != deed.seen["execution"]:
        return None
    if now.get("status") not in RETRYABLE or _changed(state) > deed.since:
        return Untold("The stage runs again")
    return None


def _changed(state: Mapping[str, Any]) -> datetime:
    """When an action of a stage changed last."""
    moments = [
        one["latestExecution"]["lastStatusChange"]
        for one in state.get("actionStates", ())
        if "lastStatusChange" in one.get("latestExecution", {})
    ]
    return max(moments, default=datetime(1, 1, 1, tzinfo=UTC))


def _retries(mode: str) -> Any:
    def sends(reach: Reach, deed: "Deed", stage: Stage) -> Done:
        answer = reach.call(
            "codepipeline:RetryStageExecution",
            pipelineName=stage.pipeline.key,
            stageName=stage.name,
            pipelineExecutionId=deed.seen["execution"],
            retryMode=mode,
        )
        return made(deed.seen["execution"], AGAIN, request_of(answer))

    return AtAws(judges=_judges, sends=sends, finds=_finds)


def _failed(stage: Stage) -> list[str]:
    return [one["name"] for one in stage.actions if one.get("status") in ("Failed", "Abandoned")]


def _effect_of_failed(stage: Stage, _meant: Mapping[str, Any]) -> Iterator[str]:
    names = ", ".join(_failed(stage)) or "what failed"
    yield f"In {stage.name}, {names} runs again, and what comes after it, in the same execution."
    yield "What succeeded in the stage is not repeated."


def _effect_of_all(stage: Stage, _meant: Mapping[str, Any]) -> Iterator[str]:
    yield f"All actions of {stage.name} run again, in the same execution: those too that succeeded."


def _offered(stage: Stage) -> str | None:
    """PARALLEL pipelines have no one execution in a stage."""
    parallel = stage.pipeline.execution_mode == PARALLEL
    if stage.gone_at or parallel or stage.status not in RETRYABLE or not stage.execution_id:
        return None
    return ""


def _seen(stage: Stage) -> Mapping[str, Any]:
    return {"execution": stage.execution_id, "status": stage.status}


def _declare(name: str, mode: str, label: str, told: str, effect: Any) -> None:
    ACTS.add(
        Act(
            name=name,
            kind="codepipeline.stage",
            label=label,
            group="Pipelines",
            icon="rotate-cw",
            told=told,
            calls=("codepipeline:RetryStageExecution",),
            offered=_offered,
            effect=effect,
            seen=_seen,
            doer=_retries(mode),
            reread=rereading("stage", "execution"),
        )
    )


_declare(
    "codepipeline.retry",
    FAILED,
    "Retry failed actions",
    "retried the failed actions of {what}",
    _effect_of_failed,
)
_declare("codepipeline.retry_all", ALL, "Retry stage", "retried all of {what}", _effect_of_all)
