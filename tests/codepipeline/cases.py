"""How each act on pipelines is really done in a simulated account; see `tests.deeds.cases`."""

from collections.abc import Mapping
from typing import Any

from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from tests.acting import Acting
from tests.deeds.cases import Case
from tests.sandbox.shapes import action_state, approval, deploy, pipeline

KINDS = tuple(f"codepipeline.{one}" for one in ("pipeline", "stage", "execution", "action"))
NAME, STAGE, COMMIT = "web", "Two", "a" * 40
Ready = tuple[Any, Mapping[str, Any]]


def client(acting: Acting) -> Any:
    return acting.aws("codepipeline")


def make(acting: Acting, *stages: list[dict[str, Any]], **more: Any) -> None:
    """A pipeline of source and these stages, whose first execution went as far as it gets."""
    client(acting).create_pipeline(pipeline=pipeline(NAME, *stages, **more))
    acting.clock.advance(600)


def mirrored(acting: Acting) -> None:
    """What there is is read, and the project has the pipeline."""
    acting.sweep(*KINDS)
    if not acting.project.holdings.exists():
        acting.hold(Pipeline.objects.get())


def stage(name: str = STAGE) -> Stage:
    return Stage.objects.select_related("pipeline", "scope").get(name=name)


def newest() -> Execution:
    return Execution.objects.select_related("pipeline", "scope").latest("started_at", "pk")


def executions(acting: Acting) -> list[dict[str, Any]]:
    """All executions, the newest first."""
    answer = client(acting).list_pipeline_executions(pipelineName=NAME)
    found: list[dict[str, Any]] = answer["pipelineExecutionSummaries"]
    return found


def ran(acting: Acting, name: str) -> list[dict[str, Any]]:
    """All runs of an action, the newest first."""
    told = client(acting).list_action_executions(pipelineName=NAME)["actionExecutionDetails"]
    return [one for one in told if one["actionName"] == name]


def start(acting: Acting) -> str:
    answer = client(acting).start_pipeline_execution(name=NAME)
    acting.clock.advance(600)
    return str(answer["pipelineExecutionId"])


def answer(acting: Acting, status: str) -> None:
    """Somebody answers the approval that waits."""
    state = client(acting).get_pipeline_state(name=NAME)
    client(acting).put_approval_result(
        pipelineName=NAME,
        stageName=STAGE,
        actionName="Approve",
        token=action_state(state, "Approve")["latestExecution"]["token"],
        result={"status": status, "summary": "by hand"},
    )
    acting.clock.advance(600)


# --- What is prepared -----------------------------------------------------------------------------


def quiet(acting: Acting) -> Ready:
    variables = [{"name": "target", "defaultValue": "blue"}]
    make(acting, [deploy()], variables=variables)
    mirrored(acting)
    said = {"variables": {"target": "green"}, "revisions": {"Source": COMMIT}}
    return Pipeline.objects.select_related("scope").get(), said


def running(acting: Acting) -> Ready:
    make(acting, [approval()])
    mirrored(acting)
    return newest(), {"how": "wait"}


def running_abandoned(acting: Acting) -> Ready:
    return running(acting)[0], {"how": "abandon"}


def failed(acting: Acting) -> Ready:
    make(acting, [approval()])
    answer(acting, "Rejected")
    mirrored(acting)
    return stage(), {}


def failed_beside(acting: Acting) -> Ready:
    make(acting, [approval()], executionMode="PARALLEL")
    (run,) = ran(acting, "Approve")
    client(acting).put_approval_result(
        pipelineName=NAME,
        stageName=STAGE,
        actionName="Approve",
        token=run["output"]["executionResult"]["externalExecutionId"],
        result={"status": "Rejected", "summary": "by hand"},
    )
    acting.clock.advance(600)
    mirrored(acting)
    return newest(), {"stage": STAGE, "mode": "FAILED_ACTIONS"}


def waiting(acting: Acting) -> Ready:
    make(acting, [approval()])
    mirrored(acting)
    rows = Action.objects.select_related("execution__pipeline", "scope")
    return rows.get(name="Approve"), {}


def open_way(acting: Acting) -> Ready:
    make(acting, [deploy()])
    mirrored(acting)
    return stage(), {}


def close(acting: Acting) -> None:
    client(acting).disable_stage_transition(
        pipelineName=NAME, stageName=STAGE, transitionType="Inbound", reason="by hand"
    )


def closed_way(acting: Acting) -> Ready:
    make(acting, [deploy()])
    close(acting)
    start(acting)
    mirrored(acting)
    return stage(), {}


def two_came_through(acting: Acting) -> Ready:
    make(acting, [deploy()], [deploy("Last")])
    first = executions(acting)[0]["pipelineExecutionId"]
    start(acting)
    mirrored(acting)
    return stage(), {"to": first}


# --- What is counted, and what comes before -------------------------------------------------------


def stopped(acting: Acting) -> int:
    return sum(one["status"] in ("Stopping", "Stopped") for one in executions(acting))


def answered(status: str) -> Any:
    def count(acting: Acting) -> int:
        return sum(one["status"] == status for one in ran(acting, "Approve"))

    return count


def asked_again(acting: Acting) -> int:
    return len(ran(acting, "Approve")) - 1


def is_open(acting: Acting) -> bool:
    (told,) = [
        one
        for one in client(acting).get_pipeline_state(name=NAME)["stageStates"]
        if one["stageName"] == STAGE
    ]
    return bool(told["inboundTransitionState"]["enabled"])


def rollbacks(acting: Acting) -> int:
    return sum(one["executionType"] == "ROLLBACK" for one in executions(acting))


def by_hand_started(acting: Acting) -> int:
    triggers = [one["trigger"]["triggerType"] for one in executions(acting)]
    return triggers.count("StartPipelineExecution")


def retried(acting: Acting) -> None:
    """Somebody retries, and it is approved."""
    client(acting).retry_stage_execution(
        pipelineName=NAME,
        stageName=STAGE,
        pipelineExecutionId=executions(acting)[0]["pipelineExecutionId"],
        retryMode="FAILED_ACTIONS",
    )
    acting.clock.advance(600)


def ended(acting: Acting) -> None:
    answer(acting, "Rejected")


def edited(acting: Acting) -> None:
    """Somebody edits the pipeline, which counts its version up."""
    told = client(acting).get_pipeline(name=NAME)["pipeline"]
    client(acting).update_pipeline(pipeline=told)


def came_after(acting: Acting) -> None:
    start(acting)


CASES = {
    "codepipeline.release": Case(
        sends="codepipeline:StartPipelineExecution",
        prepare=quiet,
        count=by_hand_started,
        moves=edited,
        told="It was edited meanwhile (version 2)",
        tokened=True,
    ),
    "codepipeline.stop": Case(
        sends="codepipeline:StopPipelineExecution",
        prepare=running,
        count=stopped,
        moves=ended,
        told="It is Failed by now: there is nothing to stop.",
    ),
    "codepipeline.retry": Case(
        sends="codepipeline:RetryStageExecution",
        prepare=failed,
        count=asked_again,
        moves=retried,
        told="somebody retried it meanwhile",
        untold="The stage runs again",
    ),
    "codepipeline.retry_all": Case(
        sends="codepipeline:RetryStageExecution",
        prepare=failed,
        count=asked_again,
        moves=retried,
        told="somebody retried it meanwhile",
        untold="The stage runs again",
    ),
    "codepipeline.retry_beside": Case(
        sends="codepipeline:RetryStageExecution",
        prepare=failed_beside,
        count=asked_again,
        moves=retried,
        told="somebody retried it meanwhile",
        untold="The stage runs again",
    ),
    "codepipeline.approve": Case(
        sends="codepipeline:PutApprovalResult",
        prepare=waiting,
        count=answered("Succeeded"),
        moves=ended,
        told="It was answered meanwhile",
    ),
    "codepipeline.reject": Case(
        sends="codepipeline:PutApprovalResult",
        prepare=waiting,
        count=answered("Failed"),
        moves=lambda acting: answer(acting, "Approved"),
        told="It was answered meanwhile",
    ),
    "codepipeline.disable": Case(
        sends="codepipeline:DisableStageTransition",
        prepare=open_way,
        count=lambda acting: int(not is_open(acting)),
    ),
    "codepipeline.enable": Case(
        sends="codepipeline:EnableStageTransition",
        prepare=closed_way,
        count=lambda acting: int(is_open(acting)),
        untold="The way into the stage is open",
    ),
    "codepipeline.rollback": Case(
        sends="codepipeline:RollbackStage",
        prepare=two_came_through,
        count=rollbacks,
        moves=came_after,
        told="Another execution came to the stage meanwhile",
        untold="Execution ",
    ),
}
