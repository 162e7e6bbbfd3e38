"""Moves executions into a stage, through its runOrder groups, out of it, and stops them.

Rules of AWS: one execution per stage at a time (unless PARALLEL); one that finds its stage taken or
its transition disabled waits in front of it; in SUPERSEDED mode a newer one replaces it there, in
QUEUED mode it waits its turn; a failed or finished stage is free again.
"""

from __future__ import annotations

import json

from apps.sandbox.codepipeline import conditions, events, providers
from apps.sandbox.codepipeline.model import (
    RUNNING,
    ActionRun,
    Commit,
    Declaration,
    Execution,
    Pipeline,
    StageRun,
)
from apps.sandbox.world import uuid_from


def start(
    pipeline: Pipeline,
    trigger_type: str,
    trigger_detail: str,
    *,
    variables: dict[str, str] | None = None,
    wanted_revisions: dict[str, str] | None = None,
) -> Execution:
    """Begin an execution of the current definition, in its first stage or waiting before it."""
    execution = _begin(pipeline, trigger_type, trigger_detail)
    execution.wanted_revisions = wanted_revisions or {}
    declared = {
        v["name"]: v.get("defaultValue", "") for v in pipeline.definition.get("variables", [])
    }
    execution.variables = {**declared, **(variables or {})}
    pipeline.remember(execution)
    events.pipeline_changed(execution, "STARTED")
    arrive(execution, 0)
    return execution


def _begin(pipeline: Pipeline, trigger_type: str, trigger_detail: str) -> Execution:
    world = pipeline.place.world
    pipeline.started_count += 1
    now = world.now()
    return Execution(
        id=uuid_from(world.chance(pipeline.arn, pipeline.started_count, int(pipeline.created))),
        number=pipeline.started_count,
        pipeline=pipeline,
        definition=pipeline.definition,
        trigger_type=trigger_type,
        trigger_detail=trigger_detail,
        started=now,
        updated=now,
    )


def roll_back(
    pipeline: Pipeline, name: str, target: Execution, trigger_type: str, trigger_detail: str
) -> Execution:
    """RollbackStage: a new execution runs this one stage, with what ``target`` ran with.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html
    """
    execution = _begin(pipeline, trigger_type, trigger_detail)
    execution.rolls_back = target
    execution.variables = dict(target.variables)
    execution.revisions = dict(target.revisions)
    execution.artifacts = dict(target.artifacts)
    execution.outputs = {name: dict(told) for name, told in target.outputs.items()}
    execution.at_stage = execution.stage_names().index(name)
    pipeline.remember(execution)
    events.pipeline_changed(execution, "STARTED")
    enter(execution, name)
    return execution


def last_good(pipeline: Pipeline, name: str) -> Execution | None:
    """The newest execution that a stage may be rolled back to: see ``acts.rollback_stage``."""
    return next((one for one in pipeline.executions if came_through(one, name)), None)


def came_through(execution: Execution, name: str) -> bool:
    """Whether an execution of the current structure succeeded in a stage; no rollback does."""
    stage = execution.stages.get(name)
    return (
        stage is not None
        and stage.status == "Succeeded"
        and execution.rolls_back is None
        and execution.definition["version"] == execution.pipeline.version
    )


def arrive(execution: Execution, index: int) -> None:
    """The execution is due in stage ``index``: enter, or wait in front of it."""
    pipeline, name = execution.pipeline, execution.stage_names()[index]
    execution.at_stage = index
    if execution.mode == "PARALLEL":
        enter(execution, name)
        return
    if (
        name not in pipeline.occupants
        and not pipeline.disabled(name)
        and not pipeline.waiting.get(name)
    ):
        enter(execution, name)
        return
    queue = pipeline.waiting.setdefault(name, [])
    if execution.mode == "SUPERSEDED":
        for older in list(queue):
            _supersede(older, execution)
        queue.clear()
    execution.waiting_for = name
    queue.append(execution)


def enter(execution: Execution, name: str) -> None:
    """Take the stage and start its first group of actions."""
    run = StageRun(name, execution)
    execution.stages[name] = run
    execution.waiting_for = None
    _touch(execution)
    if execution.mode != "PARALLEL":
        execution.pipeline.occupants[name] = execution
        execution.pipeline.latest_stage[name] = run
    events.stage_changed(execution, name, "STARTED")
    proceed(run)


def proceed(stage: StageRun) -> None:
    """Start what may start next in this stage, or end the stage when nothing is left to do."""
    execution = stage.execution
    if stage.status not in RUNNING or execution.pipeline.deleted:
        return
    if any(run.status == "InProgress" for run in stage.actions.values()):
        return
    if execution.status == "Stopping":
        _stopped(execution, stage)
        return
    if any(run.status != "Succeeded" for run in stage.actions.values()):
        _failed(execution, stage)
        return
    declared = execution.stage_declaration(stage.name)["actions"]
    left = [action for action in declared if action["name"] not in stage.actions]
    if not left:
        if not stage.judged:
            stage.judged = True
            conditions.watch(execution, stage, _succeeded, _unmet)
        return
    order = min(int(action.get("runOrder", 1)) for action in left)
    group = [action for action in left if int(action.get("runOrder", 1)) == order]
    # Register the whole group first: an action may end at once, and its group must not look
    # complete then.
    runs = [_begin_action(execution, stage, action) for action in group]
    for run in runs:
        providers.begin(execution, run, providers.Ends(succeed, fail))


def _begin_action(execution: Execution, stage: StageRun, action: Declaration) -> ActionRun:
    pipeline = execution.pipeline
    world, now = pipeline.place.world, pipeline.place.world.now()
    attempt = 1 + sum(
        1 for run in execution.runs if run.stage == stage.name and run.name == action["name"]
    )
    run = ActionRun(
        id=uuid_from(world.chance(execution.id, stage.name, action["name"], attempt)),
        declaration=action,
        stage=stage.name,
        attempt=attempt,
        started=now,
        updated=now,
    )
    run.resolved = providers.resolve(execution, action.get("configuration", {}))
    stage.actions[run.name] = run
    execution.runs.append(run)
    if execution.mode != "PARALLEL":
        pipeline.latest_action[stage.name, run.name] = run
    _touch(execution)
    events.action_changed(execution, run, "STARTED")
    return run


def succeed(
    execution: Execution,
    run: ActionRun,
    summary: str | None = None,
    *,
    commit: Commit | None = None,
) -> None:
    """An action did its work; a source action brings its ``commit``."""
    if run.status != "InProgress":
        return
    run.summary = summary or run.summary
    if commit is not None:
        execution.revisions[run.name] = commit
        if execution.mode != "PARALLEL":
            execution.pipeline.latest_commit[run.stage, run.name] = commit
    namespace = run.declaration.get("namespace")
    if namespace and run.output:
        execution.outputs[namespace] = run.output
    _end(execution, run, "Succeeded", "SUCCEEDED")


def fail(execution: Execution, run: ActionRun, code: str | None, message: str | None) -> None:
    """An action failed, with AWS's error code and message where it has them."""
    if run.status != "InProgress":
        return
    run.error_code, run.error_message = code, message
    _end(execution, run, "Failed", "FAILED")


def _end(execution: Execution, run: ActionRun, status: str, event: str) -> None:
    run.status, run.updated = status, execution.pipeline.place.world.now()
    for timer in run.timers:
        timer.cancel()
    run.timers.clear()
    _touch(execution)
    events.action_changed(execution, run, event)
    proceed(execution.stages[run.stage])


def stop(execution: Execution, *, abandon: bool, reason: str | None) -> None:
    """StopPipelineExecution: wait for what runs, or abandon it."""
    execution.stop_reason = reason or execution.stop_reason
    execution.abandon = execution.abandon or abandon
    if execution.status != "Stopping":
        execution.status = "Stopping"
        _touch(execution)
        events.pipeline_changed(execution, "STOPPING")
    if execution.waiting_for is not None:
        _leave_queue(execution)
        execution.status = "Stopped"
        _touch(execution)
        events.pipeline_changed(execution, "STOPPED")
        return
    for stage in [s for s in execution.stages.values() if s.status in RUNNING]:
        if stage.status != "Stopping":
            stage.status = "Stopping"
            events.stage_changed(execution, stage.name, "STOPPING")
        if abandon:
            for run in [r for r in stage.actions.values() if r.status == "InProgress"]:
                _end(execution, run, "Abandoned", "ABANDONED")
        # What is waited for may be an approval: that ends by a person, or after seven days.
        proceed(stage)


def retry(execution: Execution, stage: StageRun, mode: str, *, automatic: bool = False) -> None:
    """RetryStageExecution: run the failed actions of a stage again (or all of them) and go on."""
    execution.status, execution.status_summary, execution.stop_reason = "InProgress", None, None
    execution.abandon = False
    execution.attempt += 1
    if automatic:
        stage.automatic_retries += 1
    else:
        stage.retries += 1
    stage.judged = False
    stage.last_retry = "AutomatedStageRetry" if automatic else "ManualStageRetry"
    stage.status = "InProgress"
    stage.actions = {
        name: run
        for name, run in stage.actions.items()
        if mode == "FAILED_ACTIONS" and run.status == "Succeeded"
    }
    if execution.mode != "PARALLEL":
        execution.pipeline.occupants[stage.name] = execution
        execution.pipeline.latest_stage[stage.name] = stage
    _touch(execution)
    events.pipeline_changed(execution, "RESUMED")
    events.stage_changed(execution, stage.name, "RESUMED")
    proceed(stage)


def admit(pipeline: Pipeline, name: str) -> None:
    """Let the next waiting execution into a stage that is free and open."""
    queue = pipeline.waiting.get(name)
    if (
        queue
        and name not in pipeline.occupants
        and not pipeline.disabled(name)
        and not pipeline.deleted
    ):
        enter(queue.pop(0), name)


def _free(execution: Execution, stage: StageRun) -> None:
    if execution.pipeline.occupants.get(stage.name) is execution:
        del execution.pipeline.occupants[stage.name]


def _succeeded(execution: Execution, stage: StageRun) -> None:
    stage.status = "Succeeded"
    events.stage_changed(execution, stage.name, "SUCCEEDED")
    _free(execution, stage)
    following = execution.stage_names().index(stage.name) + 1
    if following < len(execution.definition["stages"]) and execution.rolls_back is None:
        arrive(execution, following)
    else:
        execution.status = "Succeeded"
        _touch(execution)
        events.pipeline_changed(execution, "SUCCEEDED")
    admit(execution.pipeline, stage.name)


def _unmet(execution: Execution, stage: StageRun, result: str) -> None:
    """A condition of a stage whose actions succeeded was not met."""
    _end_failed(execution, stage)
    if result != "ROLLBACK" or not _goes_back(execution, stage):
        admit(execution.pipeline, stage.name)


def _end_failed(execution: Execution, stage: StageRun) -> None:
    stage.status = execution.status = "Failed"
    _touch(execution)
    events.stage_changed(execution, stage.name, "FAILED")
    events.pipeline_changed(execution, "FAILED")
    _free(execution, stage)


def _goes_back(execution: Execution, stage: StageRun) -> bool:
    """Whether a failed stage is rolled back; a rollback that fails itself is not."""
    target = last_good(execution.pipeline, stage.name) if execution.rolls_back is None else None
    if target is None:
        return False
    detail = json.dumps({"FailedPipelineExecutionId": execution.id}, separators=(",", ":"))
    roll_back(execution.pipeline, stage.name, target, "AutomatedRollback", detail)
    return True


def _failed(execution: Execution, stage: StageRun) -> None:
    _end_failed(execution, stage)
    on_failure = execution.stage_declaration(stage.name).get("onFailure", {})
    if on_failure.get("result") == "RETRY" and stage.automatic_retries == 0:
        retry(
            execution,
            stage,
            on_failure.get("retryConfiguration", {}).get("retryMode", "FAILED_ACTIONS"),
            automatic=True,
        )
        return
    if on_failure.get("result") == "ROLLBACK" and _goes_back(execution, stage):
        return
    admit(execution.pipeline, stage.name)


def _stopped(execution: Execution, stage: StageRun) -> None:
    stage.status = execution.status = "Stopped"
    _touch(execution)
    events.stage_changed(execution, stage.name, "STOPPED")
    events.pipeline_changed(execution, "STOPPED")
    _free(execution, stage)
    admit(execution.pipeline, stage.name)


def _supersede(older: Execution, newer: Execution) -> None:
    older.status, older.waiting_for = "Superseded", None
    older.status_summary = f"Superseded by {newer.id}"
    _touch(older)
    events.pipeline_changed(older, "SUPERSEDED")


def _leave_queue(execution: Execution) -> None:
    queue = execution.pipeline.waiting.get(execution.waiting_for or "", [])
    if execution in queue:
        queue.remove(execution)
    execution.waiting_for = None


def _touch(execution: Execution) -> None:
    execution.updated = execution.pipeline.place.world.now()
