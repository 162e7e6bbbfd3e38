"""CodePipeline's operations that change what runs: start, stop, retry, roll back, approve, open."""

from __future__ import annotations

from apps.sandbox.codepipeline import engine, providers
from apps.sandbox.codepipeline.definitions import find
from apps.sandbox.codepipeline.model import Execution, Pipeline, Transition
from apps.sandbox.codepipeline.reads import find_execution
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation

#: AWS's limit of executions in progress in QUEUED and PARALLEL pipelines.
CONCURRENT_EXECUTIONS = 50


def _stage_or_complain(pipeline: Pipeline, name: str) -> None:
    if pipeline.stage(name) is None:
        raise AwsError(
            "StageNotFoundException", f"Stage {name} does not exist in pipeline {pipeline.name}"
        )


@operation("codepipeline", "StartPipelineExecution")
def start_pipeline_execution(call: Call, params: Params) -> Answer:
    """Start by hand; the same clientRequestToken again answers the same execution."""
    pipeline = find(call, params["name"])
    token = params.get("clientRequestToken")
    if token and token in pipeline.client_tokens:
        return {"pipelineExecutionId": pipeline.client_tokens[token]}
    variables = {variable["name"]: variable["value"] for variable in params.get("variables", [])}
    unknown = set(variables) - {
        variable["name"] for variable in pipeline.definition.get("variables", [])
    }
    if unknown:
        raise AwsError(
            "ValidationException",
            f"Variable {min(unknown)} is not declared in pipeline {pipeline.name}",
        )
    if (
        pipeline.mode != "SUPERSEDED"
        and sum(e.running for e in pipeline.executions) >= CONCURRENT_EXECUTIONS
    ):
        raise AwsError(
            "ConcurrentPipelineExecutionsLimitExceededException",
            f"Pipeline {pipeline.name} has reached its limit of {CONCURRENT_EXECUTIONS} "
            "concurrent executions",
        )
    wanted = {
        item["actionName"]: item["revisionValue"] for item in params.get("sourceRevisions", [])
    }
    execution = engine.start(
        pipeline,
        "StartPipelineExecution",
        call.caller.arn,
        variables=variables,
        wanted_revisions=wanted,
    )
    if token:
        pipeline.client_tokens[token] = execution.id
        while len(pipeline.client_tokens) > 100:
            pipeline.client_tokens.pop(next(iter(pipeline.client_tokens)))
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "StopPipelineExecution")
def stop_pipeline_execution(call: Call, params: Params) -> Answer:
    """Stop an execution: its running actions finish, or are abandoned."""
    pipeline = find(call, params["pipelineName"])
    execution = find_execution(pipeline, params["pipelineExecutionId"])
    abandon = params.get("abandon", False)
    if execution.status == "Stopping" and (execution.abandon or not abandon):
        raise AwsError(
            "DuplicatedStopRequestException",
            f"Pipeline execution {execution.id} of pipeline {pipeline.name} is already stopping",
        )
    if not execution.running:
        raise AwsError(
            "PipelineExecutionNotStoppableException",
            f"Pipeline execution {execution.id} of pipeline {pipeline.name} is in status "
            f"{execution.status} and cannot be stopped",
        )
    engine.stop(execution, abandon=abandon, reason=params.get("reason"))
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "RetryStageExecution")
def retry_stage_execution(call: Call, params: Params) -> Answer:
    """Run a failed or stopped stage again, in the same execution."""
    pipeline = find(call, params["pipelineName"])
    name = params["stageName"]
    _stage_or_complain(pipeline, name)
    execution = pipeline.by_id.get(params["pipelineExecutionId"])
    if execution is None:
        raise AwsError(
            "NotLatestPipelineExecutionException",
            f"Pipeline execution {params['pipelineExecutionId']} is not the latest execution "
            f"of stage {name}",
        )
    stage = execution.stages.get(name)
    if stage is None or stage.status not in ("Failed", "Stopped"):
        status = "not started" if stage is None else stage.status
        raise AwsError(
            "StageNotRetryableException",
            f"Stage {name} of pipeline execution {execution.id} cannot be retried: it is {status}",
        )
    if execution.mode != "PARALLEL":
        if pipeline.latest_stage.get(name) is not stage or pipeline.occupants.get(name) is not None:
            raise AwsError(
                "NotLatestPipelineExecutionException",
                f"Pipeline execution {execution.id} is not the latest execution of stage {name}",
            )
        if execution.definition["version"] != pipeline.version:
            raise AwsError(
                "StageNotRetryableException",
                f"Stage {name} cannot be retried: the pipeline's structure was changed after "
                "the execution started",
            )
    engine.retry(execution, stage, params["retryMode"])
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "RollbackStage")
def rollback_stage(call: Call, params: Params) -> Answer:
    """Bring a stage back to an execution that succeeded in it, by a new execution.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html
    """
    pipeline = find(call, params["pipelineName"])
    name = params["stageName"]
    _stage_or_complain(pipeline, name)
    target = find_execution(pipeline, params["targetPipelineExecutionId"])
    why = _why_no_rollback(pipeline, name, target)
    if why:
        raise AwsError("UnableToRollbackStageException", f"Unable to roll back stage {name}: {why}")
    if target.definition["version"] != pipeline.version:
        raise AwsError(
            "PipelineExecutionOutdatedException",
            f"Pipeline execution {target.id} is outdated: the pipeline's structure was changed "
            "after it started",
        )
    execution = engine.roll_back(pipeline, name, target, "ManualRollback", call.caller.arn)
    return {"pipelineExecutionId": execution.id}


def _why_no_rollback(pipeline: Pipeline, name: str, target: Execution) -> str:
    ran = target.stages.get(name)
    if name == pipeline.definition["stages"][0]["name"]:
        return "a source stage cannot be rolled back"
    if pipeline.mode == "PARALLEL":
        return "rollback is not available for pipelines in PARALLEL mode"
    if name in pipeline.occupants:
        return "the stage is currently running"
    if target.rolls_back is not None:
        return f"pipeline execution {target.id} is a rollback itself"
    if ran is None or ran.status != "Succeeded":
        return f"pipeline execution {target.id} did not succeed in it"
    return ""


@operation("codepipeline", "PutApprovalResult")
def put_approval_result(call: Call, params: Params) -> Answer:
    """Approve or reject a waiting approval; the token is the one GetPipelineState shows."""
    pipeline = find(call, params["pipelineName"])
    stage_name, action_name = params["stageName"], params["actionName"]
    _stage_or_complain(pipeline, stage_name)
    stage = pipeline.stage(stage_name) or {"actions": []}
    if all(action["name"] != action_name for action in stage["actions"]):
        raise AwsError(
            "ActionNotFoundException", f"Action {action_name} does not exist in stage {stage_name}"
        )
    for execution in pipeline.executions:
        for run in execution.runs:
            if (run.stage, run.name, run.token) != (stage_name, action_name, params["token"]):
                continue
            if run.status != "InProgress":
                raise AwsError(
                    "ApprovalAlreadyCompletedException", "The approval has already been completed."
                )
            result = params["result"]
            ends = providers.Ends(engine.succeed, engine.fail)
            answer = providers.Decision(result["status"], result["summary"], call.caller.arn)
            providers.decide_approval(execution, run, ends, answer)
            return {"approvedAt": run.updated}
    raise AwsError("InvalidApprovalTokenException", "The approval token is not valid.")


@operation("codepipeline", "DisableStageTransition")
def disable_stage_transition(call: Call, params: Params) -> Answer:
    """Close a stage's inbound transition (Outbound: the next stage's) and say why."""
    pipeline = find(call, params["pipelineName"])
    name = _target(pipeline, params["stageName"], params["transitionType"])
    pipeline.transitions[name] = Transition(
        False, call.caller.arn, call.world.now(), params["reason"]
    )
    return {}


@operation("codepipeline", "EnableStageTransition")
def enable_stage_transition(call: Call, params: Params) -> Answer:
    """Open it again; whoever waited goes in."""
    pipeline = find(call, params["pipelineName"])
    name = _target(pipeline, params["stageName"], params["transitionType"])
    pipeline.transitions[name] = Transition(True, call.caller.arn, call.world.now(), None)
    engine.admit(pipeline, name)
    return {}


def _target(pipeline: Pipeline, stage: str, kind: str) -> str:
    _stage_or_complain(pipeline, stage)
    names = [declared["name"] for declared in pipeline.definition["stages"]]
    index = names.index(stage) + (1 if kind == "Outbound" else 0)
    if index >= len(names):
        raise AwsError(
            "ValidationException", f"Stage {stage} is the last one and has no outbound transition"
        )
    return str(names[index])
