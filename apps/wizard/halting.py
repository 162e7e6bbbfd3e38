"""Stops the pipeline before anything is taken away: what it still deployed would be orphaned.

Its own stack is made with a role that goes with the toolchain, and could not be deleted without it.
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DisableStageTransition.html
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StopPipelineExecution.html
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from apps.aws.calls import Reach
from apps.aws.failures import error_code
from apps.deeds.acts import Done
from apps.deeds.at_aws import AtAws, request_of

from .models import Bootstrap, Creation

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# Closing what is closed and stopping what stops does nothing.
REPEATS = timedelta(days=7)
REASON = "It is being undone"
RUNS, STOPS = "InProgress", "Stopping"
OVER = ("PipelineExecutionNotStoppableException", "DuplicatedStopRequestException")
PIPELINE = "AWS::CodePipeline::Pipeline"
NO_PIPELINE = "PipelineNotFoundException"


def pipeline_of(reach: Reach, bootstrap: Bootstrap) -> Mapping[str, Any] | None:
    """Return the pipeline's definition; None where there is none."""
    try:
        answer = reach.call("codepipeline:GetPipeline", name=bootstrap.name)
    except ClientError as error:
        if error_code(error) == NO_PIPELINE:
            return None
        raise
    found: Mapping[str, Any] = answer["pipeline"]
    return found


def is_ours(bootstrap: Bootstrap) -> bool:
    """Whether the stack made a pipeline of the name: any other is somebody else's."""
    made = bootstrap.creations.filter(kind=PIPELINE, name=bootstrap.name, fate=Creation.Fate.MADE)
    return made.exists()


def running(reach: Reach, bootstrap: Bootstrap, *statuses: str) -> list[str]:
    """Return the ids of the newest executions that are in one of these statuses."""
    if not is_ours(bootstrap):
        return []
    try:
        page = reach.call("codepipeline:ListPipelineExecutions", pipelineName=bootstrap.name)
    except ClientError as error:
        if error_code(error) == NO_PIPELINE:
            return []
        raise
    return [
        str(one["pipelineExecutionId"])
        for one in page["pipelineExecutionSummaries"]
        if one["status"] in statuses
    ]


def at_approvals(reach: Reach, bootstrap: Bootstrap) -> set[str]:
    """Return the ids of executions in which nothing is under way but what waits for a person.

    Stopped otherwise they would go on waiting, for up to seven days: an approval is an action in
    progress, which CodePipeline waits for.
    https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-stop.html
    """
    state = reach.call("codepipeline:GetPipelineState", name=bootstrap.name)
    found = set()
    for stage in state["stageStates"]:
        actions = [one.get("latestExecution", {}) for one in stage.get("actionStates", ())]
        busy = [one for one in actions if one.get("status") == RUNS]
        if busy and all(one.get("token") for one in busy):
            found.add(str(stage.get("latestExecution", {}).get("pipelineExecutionId", "")))
    return found


def hangs(reach: Reach, bootstrap: Bootstrap) -> bool:
    """Whether an execution that stops waits for nothing but a person."""
    stopping = running(reach, bootstrap, STOPS)
    return bool(stopping) and not at_approvals(reach, bootstrap).isdisjoint(stopping)


def _halts(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done:
    pipeline = pipeline_of(reach, bootstrap) if is_ours(bootstrap) else None
    if pipeline is None:
        return Done(told="There is no pipeline.")
    answer: Any = {}
    for stage in pipeline["stages"][1:]:
        answer = reach.call(
            "codepipeline:DisableStageTransition",
            pipelineName=bootstrap.name,
            stageName=stage["name"],
            transitionType="Inbound",
            reason=REASON,
        )
    waiting = at_approvals(reach, bootstrap)
    going = running(reach, bootstrap, RUNS)
    hanging = [one for one in running(reach, bootstrap, STOPS) if one in waiting]
    for execution in (*going, *hanging):
        try:
            answer = reach.call(
                "codepipeline:StopPipelineExecution",
                pipelineName=bootstrap.name,
                pipelineExecutionId=execution,
                abandon=execution in waiting,
                reason=REASON,
            )
        except ClientError as error:
            if error_code(error) not in OVER:
                raise
    return Done(request=request_of(answer), told="Nothing goes through the pipeline any more.")


def _halted(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    told = Done(told="Nothing goes through the pipeline any more.")
    going = running(reach, bootstrap, RUNS) or hangs(reach, bootstrap)
    return None if going else told


HALT = AtAws(sends=_halts, finds=_halted, repeats=REPEATS)
