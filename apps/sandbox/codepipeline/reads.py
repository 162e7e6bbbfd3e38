"""CodePipeline's operations that read state and history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codepipeline import revisions
from apps.sandbox.codepipeline.definitions import find, invalid_token
from apps.sandbox.codepipeline.providers import artifact_bucket, artifact_key
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import ActionRun, Declaration, Execution, Pipeline


def find_execution(pipeline: Pipeline, execution_id: str) -> Execution:
    """The execution, or AWS's PipelineExecutionNotFoundException."""
    execution = pipeline.by_id.get(execution_id)
    if execution is None:
        raise AwsError(
            "PipelineExecutionNotFoundException",
            f"Pipeline execution {execution_id} does not exist for pipeline {pipeline.name}",
        )
    return execution


@operation("codepipeline", "GetPipelineState")
def get_pipeline_state(call: Call, params: Params) -> Answer:
    """Tell where each stage and action stands, without executions for a PARALLEL pipeline."""
    pipeline = find(call, params["name"])
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage_state(pipeline, stage) for stage in pipeline.definition["stages"]],
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def _stage_state(pipeline: Pipeline, stage: Declaration) -> Answer:
    name = stage["name"]
    transition = pipeline.transitions.get(name)
    state: Answer = {
        "stageName": name,
        "inboundTransitionState": {"enabled": True}
        if transition is None
        else {
            "enabled": transition.enabled,
            "lastChangedBy": transition.changed_by,
            "lastChangedAt": transition.changed_at,
            "disabledReason": transition.reason if not transition.enabled else None,
        },
        "inboundExecutions": [],
        "actionStates": [_action_state(pipeline, name, action) for action in stage["actions"]],
    }
    if pipeline.mode == "PARALLEL":
        return state
    waiting = [
        {"pipelineExecutionId": execution.id, "status": execution.status, "type": execution.type}
        for execution in pipeline.waiting.get(name, [])
    ]
    if waiting:
        state["inboundExecution"], state["inboundExecutions"] = waiting[0], waiting
    run = pipeline.latest_stage.get(name)
    if run is not None:
        state["latestExecution"] = {
            "pipelineExecutionId": run.execution.id,
            "status": run.status,
            "type": run.execution.type,
        }
        if run.last_retry:
            state["retryStageMetadata"] = {
                "autoStageRetryAttempt": run.automatic_retries or None,
                "manualStageRetryAttempt": run.retries or None,
                "latestRetryTrigger": run.last_retry,
            }
    return state


def _action_state(pipeline: Pipeline, stage: str, action: Declaration) -> Answer:
    name = action["name"]
    state: Answer = {"actionName": name}
    region = action.get("region", pipeline.place.region)
    state["entityUrl"] = revisions.entity_url(action, region)
    if pipeline.mode == "PARALLEL":
        return state
    commit = pipeline.latest_commit.get((stage, name))
    if commit is not None:
        state["currentRevision"] = {
            "revisionId": commit.sha,
            "revisionChangeId": commit.sha,
            "created": commit.at,
        }
        state["revisionUrl"] = revisions.url(action, pipeline.place, commit)
    run = pipeline.latest_action.get((stage, name))
    if run is not None:
        state["latestExecution"] = {
            "actionExecutionId": run.id,
            "status": run.status,
            "summary": run.summary,
            "lastStatusChange": run.updated,
            "token": run.token if run.status == "InProgress" else None,
            "lastUpdatedBy": run.updated_by,
            "externalExecutionId": run.external_id,
            "externalExecutionUrl": run.external_url,
            "errorDetails": _error(run),
            "logStreamARN": run.log_stream_arn,
        }
    return state


def _error(run: ActionRun) -> Answer | None:
    if run.error_code is None and run.error_message is None:
        return None
    return {"code": run.error_code, "message": run.error_message}


def _source_actions(execution: Execution) -> dict[str, Declaration]:
    return {action["name"]: action for action in execution.definition["stages"][0]["actions"]}


@operation("codepipeline", "ListPipelineExecutions")
def list_pipeline_executions(call: Call, params: Params) -> Answer:
    """List executions, newest first, 100 a page; with a filter those that got through a stage.

    Of the current structure alone: they are what the stage may be rolled back to.
    """
    pipeline = find(call, params["pipelineName"])
    executions = pipeline.executions
    stage = params.get("filter", {}).get("succeededInStage", {}).get("stageName")
    if stage is not None:
        executions = [
            one
            for one in executions
            if one.definition["version"] == pipeline.version
            and stage in one.stages
            and one.stages[stage].status == "Succeeded"
        ]
    page, token = paginate(
        call,
        executions,
        lambda execution: execution.id,
        size=params.get("maxResults", 100),
        token=params.get("nextToken"),
        error=invalid_token,
        scope=f"{pipeline.name}/{stage}",
    )
    return {
        "pipelineExecutionSummaries": [_execution_summary(execution) for execution in page],
        "nextToken": token,
    }


def _execution_summary(execution: Execution) -> Answer:
    place, actions = execution.pipeline.place, _source_actions(execution)
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.status_summary,
        "startTime": execution.started,
        "lastUpdateTime": execution.updated,
        "sourceRevisions": [
            {
                "actionName": name,
                "revisionId": commit.sha,
                "revisionSummary": revisions.summary(actions[name], commit),
                "revisionUrl": revisions.url(actions[name], place, commit),
            }
            for name, commit in execution.revisions.items()
        ],
        "trigger": {
            "triggerType": execution.trigger_type,
            "triggerDetail": execution.trigger_detail,
        },
        "stopTrigger": {"reason": execution.stop_reason} if execution.stop_reason else None,
        "executionMode": execution.mode,
        "executionType": execution.type,
        "rollbackMetadata": _rolled_back(execution),
    }


def _rolled_back(execution: Execution) -> Answer | None:
    target = execution.rolls_back
    return None if target is None else {"rollbackTargetPipelineExecutionId": target.id}


@operation("codepipeline", "GetPipelineExecution")
def get_pipeline_execution(call: Call, params: Params) -> Answer:
    """One execution with its artifact revisions and resolved variables."""
    pipeline = find(call, params["pipelineName"])
    execution = find_execution(pipeline, params["pipelineExecutionId"])
    actions = _source_actions(execution)
    return {
        "pipelineExecution": {
            "pipelineName": pipeline.name,
            "pipelineVersion": execution.definition["version"],
            "pipelineExecutionId": execution.id,
            "status": execution.status,
            "statusSummary": execution.status_summary,
            "artifactRevisions": [
                {
                    "name": artifact["name"],
                    "revisionId": commit.sha,
                    "revisionSummary": revisions.summary(actions[name], commit),
                    "created": commit.at,
                    "revisionUrl": revisions.url(actions[name], pipeline.place, commit),
                }
                for name, commit in execution.revisions.items()
                for artifact in actions[name]["outputArtifacts"]
            ],
            "variables": [
                {"name": name, "resolvedValue": value}
                for name, value in sorted(execution.variables.items())
            ],
            "trigger": {
                "triggerType": execution.trigger_type,
                "triggerDetail": execution.trigger_detail,
            },
            "executionMode": execution.mode,
            "executionType": execution.type,
            "rollbackMetadata": _rolled_back(execution),
        }
    }


@operation("codepipeline", "ListActionExecutions")
def list_action_executions(call: Call, params: Params) -> Answer:
    """Action executions, newest first, 100 a page; of one execution when filtered by its id."""
    pipeline = find(call, params["pipelineName"])
    wanted = params.get("filter", {})
    latest = wanted.get("latestInPipelineExecution")
    execution_id = wanted.get("pipelineExecutionId") or (latest or {}).get("pipelineExecutionId")
    executions = [find_execution(pipeline, execution_id)] if execution_id else pipeline.executions
    runs = [(execution, run) for execution in executions for run in reversed(execution.runs)]
    if latest and latest["startTimeRange"] == "Latest":
        runs = [
            (execution, run)
            for execution, run in runs
            if execution.stages[run.stage].actions.get(run.name) is run
        ]
    if not execution_id:
        runs.sort(key=lambda pair: pair[1].started, reverse=True)
    page, token = paginate(
        call,
        runs,
        lambda pair: pair[1].id,
        size=params.get("maxResults", 100),
        token=params.get("nextToken"),
        error=invalid_token,
        scope=f"{pipeline.name}/{execution_id}",
    )
    return {
        "actionExecutionDetails": [_detail(execution, run) for execution, run in page],
        "nextToken": token,
    }


def _detail(execution: Execution, run: ActionRun) -> Answer:
    declaration, place = run.declaration, execution.pipeline.place
    bucket = artifact_bucket(execution)

    def artifacts(names: list[Declaration]) -> list[Answer]:
        return [
            {
                "name": artifact["name"],
                "s3location": {"bucket": bucket, "key": artifact_key(execution, artifact["name"])},
            }
            for artifact in names
        ]

    detail: Answer = {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.definition["version"],
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "updatedBy": run.updated_by,
        "status": run.status,
        "input": {
            "actionTypeId": declaration["actionTypeId"],
            "configuration": declaration["configuration"],
            "resolvedConfiguration": run.resolved,
            "roleArn": declaration.get("roleArn"),
            "region": declaration.get("region", place.region),
            "inputArtifacts": artifacts(declaration["inputArtifacts"]),
            "namespace": declaration.get("namespace"),
        },
        "output": {
            "outputArtifacts": artifacts(declaration["outputArtifacts"])
            if run.status == "Succeeded"
            else [],
            "executionResult": {
                # Where GetPipelineState tells no token, it stands here.
                # https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html
                "externalExecutionId": run.token
                if execution.mode == "PARALLEL" and run.token
                else run.external_id,
                "externalExecutionSummary": run.summary,
                "externalExecutionUrl": run.external_url,
                "errorDetails": _error(run),
                "logStreamARN": run.log_stream_arn,
            },
            "outputVariables": run.output,
        },
    }
    return detail


@operation("codepipeline", "ListRuleExecutions")
def list_rule_executions(call: Call, params: Params) -> Answer:
    """No pipeline here has stage conditions with rules, so there are none."""
    pipeline = find(call, params["pipelineName"])
    execution_id = params.get("filter", {}).get("pipelineExecutionId")
    if execution_id:
        find_execution(pipeline, execution_id)
    if params.get("nextToken"):
        raise invalid_token()
    return {"ruleExecutionDetails": []}
