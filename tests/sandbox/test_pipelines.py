"""Executions move, wait, fail, are approved, stopped and retried as CodePipeline's do."""

import json

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.codepipeline.model import PipelineStore, Script

from .shapes import (
    action_state,
    actions,
    approval,
    build,
    deploy,
    pipeline,
    project,
    source,
    stages,
)


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def script(sandbox, name, **scripts):
    """Direct a pipeline's actions: stage__action=Script(...)."""
    store = sandbox.world.place("111122223333", "eu-west-1").of(PipelineStore)
    store.pipelines[name].scripts = {
        key.replace("__", "/"): value for key, value in scripts.items()
    }


def statuses(client, name):
    found = client.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    return [execution["status"] for execution in found]


def start(client, name, **members):
    return client.start_pipeline_execution(name=name, **members)["pipelineExecutionId"]


def test_a_new_pipeline_runs_at_once_and_succeeds(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    (execution,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    assert (execution["status"], execution["trigger"]["triggerType"]) == (
        "Succeeded",
        "CreatePipeline",
    )
    assert execution["startTime"] < execution["lastUpdateTime"]
    assert stages(client.get_pipeline_state(name="web")) == {
        "Source": "Succeeded",
        "Two": "Succeeded",
    }


def test_a_group_of_actions_runs_in_parallel_and_the_next_group_waits(held, aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy("A"), deploy("B"), deploy("C", 2)]))
    held.clock.advance(20)
    assert actions(client.get_pipeline_state(name="web")) == {
        "Source": "Succeeded",
        "A": "InProgress",
        "B": "InProgress",
        "C": None,
    }
    held.clock.advance(140)
    seen = actions(client.get_pipeline_state(name="web"))
    assert (seen["A"], seen["B"], seen["C"]) == ("Succeeded", "Succeeded", "InProgress")


def test_a_failed_action_says_why_and_ends_the_execution(sandbox, held, aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()], [approval()]))
    script(
        sandbox, "web", Two__Deploy=Script(fails_every=1, message="Deployment {external} failed.")
    )
    held.clock.release()
    state = client.get_pipeline_state(name="web")
    latest = action_state(state, "Deploy")["latestExecution"]
    assert stages(state) == {"Source": "Succeeded", "Two": "Failed", "Three": None}
    assert latest["errorDetails"] == {
        "code": "JobFailed",
        "message": f"Deployment {latest['externalExecutionId']} failed.",
    }
    assert "codedeploy" in latest["externalExecutionUrl"]
    assert statuses(client, "web") == ["Failed"]


def test_the_other_actions_of_a_group_finish_before_the_stage_fails(sandbox, held, aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy("Quick"), deploy("Slow")]))
    script(
        sandbox,
        "web",
        Two__Quick=Script(seconds=(5, 5), fails_every=1),
        Two__Slow=Script(seconds=(60, 60)),
    )
    held.clock.advance(30)
    state = client.get_pipeline_state(name="web")
    assert actions(state)["Quick"] == "Failed"
    assert stages(state)["Two"] == "InProgress"
    held.clock.advance(60)
    state = client.get_pipeline_state(name="web")
    assert actions(state)["Slow"] == "Succeeded"
    assert stages(state)["Two"] == "Failed"


def test_an_approval_waits_for_the_token_it_shows(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], [deploy()]))
    latest = action_state(client.get_pipeline_state(name="web"), "Approve")["latestExecution"]
    assert latest["status"] == "InProgress"
    answer = {
        "pipelineName": "web",
        "stageName": "Two",
        "actionName": "Approve",
        "result": {"summary": "fine", "status": "Approved"},
    }
    with pytest.raises(ClientError) as refused:
        client.put_approval_result(**answer, token="11111111-2222-4333-8444-555555555555")
    assert code_of(refused) == "InvalidApprovalTokenException"
    client.put_approval_result(**answer, token=latest["token"])
    state = client.get_pipeline_state(name="web")
    assert stages(state)["Three"] == "Succeeded"
    done = action_state(state, "Approve")["latestExecution"]
    assert (done["summary"], done["lastUpdatedBy"]) == (
        "fine",
        "arn:aws:iam::111122223333:user/dashboard",
    )
    assert "token" not in done
    with pytest.raises(ClientError) as refused:
        client.put_approval_result(**answer, token=latest["token"])
    assert code_of(refused) == "ApprovalAlreadyCompletedException"


def test_a_rejected_approval_fails_the_execution(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()]))
    token = action_state(client.get_pipeline_state(name="web"), "Approve")["latestExecution"][
        "token"
    ]
    client.put_approval_result(
        pipelineName="web",
        stageName="Two",
        actionName="Approve",
        token=token,
        result={"summary": "not today", "status": "Rejected"},
    )
    latest = action_state(client.get_pipeline_state(name="web"), "Approve")["latestExecution"]
    assert (latest["status"], latest["summary"]) == ("Failed", "not today")
    assert statuses(client, "web") == ["Failed"]


def test_an_approval_that_nobody_answers_fails_after_seven_days(held, aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()]))
    held.clock.advance(7 * 86400 - 60)
    assert statuses(client, "web") == ["InProgress"]
    held.clock.advance(120)
    assert statuses(client, "web") == ["Failed"]


def test_a_newer_execution_supersedes_the_one_that_waits(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()]))
    second, third = start(client, "web"), start(client, "web")
    assert statuses(client, "web") == ["InProgress", "Superseded", "InProgress"]
    two = client.get_pipeline_state(name="web")["stageStates"][1]
    assert two["inboundExecution"]["pipelineExecutionId"] == third
    assert (
        client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=second)[
            "pipelineExecution"
        ]["status"]
        == "Superseded"
    )


def test_queued_executions_take_their_turn(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], executionMode="QUEUED"))
    second, third = start(client, "web"), start(client, "web")
    assert statuses(client, "web") == ["InProgress"] * 3
    two = client.get_pipeline_state(name="web")["stageStates"][1]
    assert [e["pipelineExecutionId"] for e in two["inboundExecutions"]] == [second, third]
    token = two["actionStates"][0]["latestExecution"]["token"]
    client.put_approval_result(
        pipelineName="web",
        stageName="Two",
        actionName="Approve",
        token=token,
        result={"summary": "", "status": "Approved"},
    )
    two = client.get_pipeline_state(name="web")["stageStates"][1]
    assert two["latestExecution"]["pipelineExecutionId"] == second


def test_a_parallel_pipeline_runs_everything_and_shows_no_execution_in_its_state(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], executionMode="PARALLEL"))
    start(client, "web")
    assert statuses(client, "web") == ["InProgress", "InProgress"]
    state = client.get_pipeline_state(name="web")
    assert stages(state) == {"Source": None, "Two": None}
    assert actions(state) == {"Source": None, "Approve": None}
    waiting = client.list_action_executions(pipelineName="web")["actionExecutionDetails"]
    assert sorted((a["actionName"], a["status"]) for a in waiting) == [
        ("Approve", "InProgress"),
        ("Approve", "InProgress"),
        ("Source", "Succeeded"),
        ("Source", "Succeeded"),
    ]


def test_an_approval_of_a_parallel_pipeline_is_answered_by_its_external_id(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], executionMode="PARALLEL"))
    (run,) = [
        one
        for one in client.list_action_executions(pipelineName="web")["actionExecutionDetails"]
        if one["actionName"] == "Approve"
    ]
    client.put_approval_result(
        pipelineName="web",
        stageName="Two",
        actionName="Approve",
        token=run["output"]["executionResult"]["externalExecutionId"],
        result={"status": "Approved", "summary": ""},
    )
    assert statuses(client, "web") == ["Succeeded"]


def test_a_parallel_pipeline_takes_fifty_executions_at_most(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], executionMode="PARALLEL"))
    for _ in range(49):
        start(client, "web")
    with pytest.raises(ClientError) as refused:
        start(client, "web")
    assert code_of(refused) == "ConcurrentPipelineExecutionsLimitExceededException"


def test_a_disabled_transition_holds_executions_until_it_is_enabled(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    where = {"pipelineName": "web", "stageName": "Two", "transitionType": "Inbound"}
    client.disable_stage_transition(**where, reason="freeze")
    waiting = start(client, "web")
    two = client.get_pipeline_state(name="web")["stageStates"][1]
    transition = two["inboundTransitionState"]
    assert (transition["enabled"], transition["disabledReason"]) == (False, "freeze")
    assert transition["lastChangedBy"] == "arn:aws:iam::111122223333:user/dashboard"
    assert two["inboundExecution"]["pipelineExecutionId"] == waiting
    client.enable_stage_transition(**where)
    two = client.get_pipeline_state(name="web")["stageStates"][1]
    assert two["latestExecution"] == {
        "pipelineExecutionId": waiting,
        "status": "Succeeded",
        "type": "STANDARD",
    }
    assert "inboundExecution" not in two


def test_stopping_abandons_what_runs(aws, held):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    held.clock.advance(20)
    execution = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"][0]
    client.stop_pipeline_execution(
        pipelineName="web",
        pipelineExecutionId=execution["pipelineExecutionId"],
        abandon=True,
        reason="wrong branch",
    )
    (after,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    assert (after["status"], after["stopTrigger"]) == ("Stopped", {"reason": "wrong branch"})
    assert actions(client.get_pipeline_state(name="web"))["Deploy"] == "Abandoned"
    with pytest.raises(ClientError) as refused:
        client.stop_pipeline_execution(
            pipelineName="web", pipelineExecutionId=execution["pipelineExecutionId"]
        )
    assert code_of(refused) == "PipelineExecutionNotStoppableException"


def test_stopping_without_abandon_lets_the_running_action_finish(aws, held):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()], [deploy("Later")]))
    held.clock.advance(20)
    (execution,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    which = {"pipelineName": "web", "pipelineExecutionId": execution["pipelineExecutionId"]}
    client.stop_pipeline_execution(**which, reason="enough")
    assert stages(client.get_pipeline_state(name="web"))["Two"] == "Stopping"
    with pytest.raises(ClientError) as refused:
        client.stop_pipeline_execution(**which)
    assert code_of(refused) == "DuplicatedStopRequestException"
    held.clock.advance(200)
    state = client.get_pipeline_state(name="web")
    assert actions(state) == {"Source": "Succeeded", "Deploy": "Succeeded", "Later": None}
    assert stages(state)["Two"] == "Stopped"
    assert statuses(client, "web") == ["Stopped"]


def test_stopping_without_abandon_waits_for_an_approval_too(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], [deploy("Later")]))
    (execution,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    which = {"pipelineName": "web", "pipelineExecutionId": execution["pipelineExecutionId"]}
    client.stop_pipeline_execution(**which)
    assert statuses(client, "web") == ["Stopping"]
    client.stop_pipeline_execution(**which, abandon=True)
    assert statuses(client, "web") == ["Stopped"]
    state = client.get_pipeline_state(name="web")
    assert action_state(state, "Approve")["latestExecution"]["status"] == "Abandoned"


def test_a_retry_runs_only_what_failed_and_goes_on(sandbox, held, aws):
    client = aws("codepipeline")
    client.create_pipeline(
        pipeline=pipeline("web", [deploy("Good"), deploy("Bad")], [deploy("Last")])
    )
    script(sandbox, "web", Two__Bad=Script(fails_every=1))
    held.clock.release()
    (execution,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    which = {"pipelineName": "web", "pipelineExecutionId": execution["pipelineExecutionId"]}
    with pytest.raises(ClientError) as refused:
        client.retry_stage_execution(**which, stageName="Three", retryMode="FAILED_ACTIONS")
    assert code_of(refused) == "StageNotRetryableException"
    client.retry_stage_execution(**which, stageName="Two", retryMode="FAILED_ACTIONS")
    assert statuses(client, "web") == ["Succeeded"]
    runs = client.list_action_executions(
        pipelineName="web", filter={"pipelineExecutionId": execution["pipelineExecutionId"]}
    )
    names = [run["actionName"] for run in runs["actionExecutionDetails"]]
    assert sorted(names) == ["Bad", "Bad", "Good", "Last", "Source"]
    assert names[0] == "Last"
    metadata = client.get_pipeline_state(name="web")["stageStates"][1]["retryStageMetadata"]
    assert metadata == {"manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry"}


def test_only_the_latest_execution_of_a_stage_can_be_retried(sandbox, held, aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    script(sandbox, "web", Two__Deploy=Script(fails_every=1))
    held.clock.release()
    (first,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    start(client, "web")
    with pytest.raises(ClientError) as refused:
        client.retry_stage_execution(
            pipelineName="web",
            pipelineExecutionId=first["pipelineExecutionId"],
            stageName="Two",
            retryMode="ALL_ACTIONS",
        )
    assert code_of(refused) == "NotLatestPipelineExecutionException"


def test_a_stage_that_retries_by_itself_tries_once_more(sandbox, held, aws):
    client = aws("codepipeline")
    declared = pipeline("web", [deploy()])
    declared["stages"][1]["onFailure"] = {
        "result": "RETRY",
        "retryConfiguration": {"retryMode": "ALL_ACTIONS"},
    }
    client.create_pipeline(pipeline=declared)
    script(sandbox, "web", Two__Deploy=Script(fails_every=1))
    held.clock.release()
    assert statuses(client, "web") == ["Succeeded"]
    metadata = client.get_pipeline_state(name="web")["stageStates"][1]["retryStageMetadata"]
    assert metadata == {"autoStageRetryAttempt": 1, "latestRetryTrigger": "AutomatedStageRetry"}


def test_an_update_raises_the_version_and_leaves_old_versions_readable(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    before = client.get_pipeline(name="web")
    changed = before["pipeline"]
    changed["stages"][1]["name"] = "Ship"
    assert client.update_pipeline(pipeline=changed)["pipeline"]["version"] == 2
    after = client.get_pipeline(name="web")
    assert after["pipeline"]["stages"][1]["name"] == "Ship"
    assert after["metadata"]["updated"] > before["metadata"]["updated"]
    assert client.get_pipeline(name="web", version=1)["pipeline"]["stages"][1]["name"] == "Two"
    with pytest.raises(client.exceptions.PipelineVersionNotFoundException):
        client.get_pipeline(name="web", version=3)
    assert client.list_pipelines()["pipelines"][0]["version"] == 2
    assert len(statuses(client, "web")) == 1


def test_a_deleted_pipeline_is_gone_and_deleting_again_is_no_error(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()]))
    client.delete_pipeline(name="web")
    client.delete_pipeline(name="web")
    with pytest.raises(client.exceptions.PipelineNotFoundException) as missing:
        client.get_pipeline_state(name="web")
    assert missing.value.response["Error"]["Message"] == (
        "Account '111122223333' does not have a pipeline with name 'web'"
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stages": [{"name": "Source", "actions": [source()]}]}, "InvalidStructureException"),
        (
            {"artifactStores": {"eu-west-1": {"type": "S3", "location": "artifacts"}}},
            "InvalidStructureException",
        ),
        ({"pipelineType": "V1", "executionMode": "QUEUED"}, "InvalidStructureException"),
        (
            {
                "stages": [
                    {"name": "A", "actions": [source()]},
                    {"name": "A", "actions": [deploy()]},
                ]
            },
            "InvalidStageDeclarationException",
        ),
        (
            {
                "stages": [
                    {"name": "A", "actions": [source()]},
                    {"name": "B", "actions": [deploy(), deploy()]},
                ]
            },
            "InvalidActionDeclarationException",
        ),
        (
            {
                "stages": [
                    {"name": "A", "actions": [source()]},
                    {"name": "B", "actions": [source()]},
                ]
            },
            "InvalidStructureException",
        ),
        ({"executionMode": "SOMEHOW"}, "ValidationException"),
    ],
)
def test_a_structure_that_cannot_run_is_refused(aws, change, code):
    client = aws("codepipeline")
    with pytest.raises(ClientError) as refused:
        client.create_pipeline(pipeline={**pipeline("web", [deploy()]), **change})
    assert code_of(refused) == code
    assert client.list_pipelines()["pipelines"] == []


def test_tags_can_be_set_read_and_removed(aws):
    client = aws("codepipeline")
    client.create_pipeline(
        pipeline=pipeline("web", [deploy()]), tags=[{"key": "team", "value": "shop"}]
    )
    arn = client.get_pipeline(name="web")["metadata"]["pipelineArn"]
    client.tag_resource(resourceArn=arn, tags=[{"key": "tier", "value": "1"}])
    client.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "tier", "value": "1"}]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(resourceArn=arn + "x")


def test_a_codebuild_action_runs_a_build_and_names_it(aws):
    aws("codebuild").create_project(**project())
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [build()]))
    (built,) = [
        a
        for a in client.list_action_executions(pipelineName="web")["actionExecutionDetails"]
        if a["actionName"] == "Build"
    ]
    result = built["output"]["executionResult"]
    (found,) = aws("codebuild").batch_get_builds(ids=[result["externalExecutionId"]])["builds"]
    assert (found["initiator"], found["buildStatus"]) == ("codepipeline/web", "SUCCEEDED")
    revision = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"][0][
        "sourceRevisions"
    ][0]
    assert found["resolvedSourceVersion"] == revision["revisionId"]
    assert found["id"].replace(":", "%3A") in result["externalExecutionUrl"]


def test_a_failed_build_fails_its_action_with_the_phase_and_the_command(aws):
    install = "  install:\n    commands:\n      - npm ci\n"
    spec = f"version: 0.2\nphases:\n{install}  build:\n    commands:\n      - exit 3\n"
    aws("codebuild").create_project(**project(source={"type": "NO_SOURCE", "buildspec": spec}))
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [build()]))
    assert action_state(client.get_pipeline_state(name="web"), "Build")["latestExecution"][
        "errorDetails"
    ] == {
        "code": "JobFailed",
        "message": "Build terminated with state: FAILED. Phase: BUILD, "
        "Code: COMMAND_EXECUTION_ERROR, "
        "Message: Error while executing command: exit 3. Reason: exit status 3",
    }


def test_an_action_whose_project_is_missing_fails_and_says_so(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [build(project="nowhere")]))
    error = action_state(client.get_pipeline_state(name="web"), "Build")["latestExecution"][
        "errorDetails"
    ]
    assert error["code"] == "ConfigurationError"
    assert "project/nowhere" in error["message"]


def test_variables_are_resolved_in_configurations(aws):
    client = aws("codepipeline")
    declared = pipeline("web", [approval()], variables=[{"name": "Stage", "defaultValue": "test"}])
    declared["stages"][1]["actions"][0]["configuration"] = {
        "CustomData": "#{SourceVariables.BranchName} to #{variables.Stage}, #{unknown.thing}"
    }
    client.create_pipeline(pipeline=declared)
    token = action_state(client.get_pipeline_state(name="web"), "Approve")["latestExecution"][
        "token"
    ]
    client.put_approval_result(
        pipelineName="web",
        stageName="Two",
        actionName="Approve",
        token=token,
        result={"summary": "", "status": "Approved"},
    )
    execution = start(client, "web", variables=[{"name": "Stage", "value": "prod"}])
    details = client.list_action_executions(
        pipelineName="web", filter={"pipelineExecutionId": execution}
    )
    asked = details["actionExecutionDetails"][0]["input"]
    assert asked["resolvedConfiguration"]["CustomData"] == "main to prod, #{unknown.thing}"
    assert asked["configuration"]["CustomData"].startswith("#{SourceVariables")
    shown = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=execution)[
        "pipelineExecution"
    ]
    assert shown["variables"] == [{"name": "Stage", "resolvedValue": "prod"}]
    with pytest.raises(ClientError) as refused:
        start(client, "web", variables=[{"name": "Nope", "value": "1"}])
    assert code_of(refused) == "ValidationException"


def test_the_same_client_token_starts_one_execution(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    assert start(client, "web", clientRequestToken="once") == start(
        client, "web", clientRequestToken="once"
    )
    assert len(statuses(client, "web")) == 2


def test_a_wanted_revision_is_what_the_source_brings(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    sha = "a" * 40
    start(
        client,
        "web",
        sourceRevisions=[
            {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": sha}
        ],
    )
    newest = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"][0]
    assert newest["sourceRevisions"][0]["revisionId"] == sha


def test_pages_follow_each_other_and_a_foreign_token_is_refused(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    client.create_pipeline(pipeline=pipeline("other", [deploy()]))
    started = [start(client, "web") for _ in range(6)]
    first = client.list_pipeline_executions(pipelineName="web", maxResults=4)
    start(client, "web")  # newer ones do not shift the following pages
    second = client.list_pipeline_executions(
        pipelineName="web", maxResults=4, nextToken=first["nextToken"]
    )
    ids = [
        e["pipelineExecutionId"]
        for page in (first, second)
        for e in page["pipelineExecutionSummaries"]
    ]
    assert ids[:6] == started[::-1]
    assert len(ids) == 7
    assert "nextToken" not in second
    for wrong in ("rubbish", first["nextToken"][:-6]):
        with pytest.raises(client.exceptions.InvalidNextTokenException):
            client.list_pipeline_executions(pipelineName="web", nextToken=wrong)
    with pytest.raises(client.exceptions.InvalidNextTokenException):
        client.list_pipeline_executions(pipelineName="other", nextToken=first["nextToken"])


def test_executions_can_be_listed_by_a_stage_they_got_through(aws, sandbox):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    script(sandbox, "web", Two__Deploy=Script(fails_every=2))
    start(client, "web")
    wanted = {"succeededInStage": {"stageName": "Two"}}
    assert (
        len(
            client.list_pipeline_executions(pipelineName="web", filter=wanted)[
                "pipelineExecutionSummaries"
            ]
        )
        == 1
    )
    assert len(statuses(client, "web")) == 2


def test_history_does_not_grow_without_bound(aws, monkeypatch):
    monkeypatch.setattr("apps.sandbox.codepipeline.model.KEPT_EXECUTIONS", 10)
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()], executionMode="PARALLEL"))
    waiting = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"][0]
    for _ in range(15):
        execution = start(client, "web")
        client.stop_pipeline_execution(
            pipelineName="web", pipelineExecutionId=execution, abandon=True
        )
    kept = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    assert len(kept) == 10
    assert waiting["pipelineExecutionId"] in {e["pipelineExecutionId"] for e in kept}


def test_a_connection_words_its_revision_as_json(aws):
    client = aws("codepipeline")
    declared = pipeline("web", [deploy()])
    declared["stages"][0]["actions"][0]["actionTypeId"]["provider"] = "CodeStarSourceConnection"
    declared["stages"][0]["actions"][0]["configuration"] = {
        "ConnectionArn": "arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
        "FullRepositoryId": "example-shop/web",
        "BranchName": "main",
    }
    client.create_pipeline(pipeline=declared)
    (execution,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    (revision,) = execution["sourceRevisions"]
    assert json.loads(revision["revisionSummary"]) == {
        "ProviderType": "GitHub",
        "CommitMessage": "Initial commit",
    }
    assert f"Commit={revision['revisionId']}" in revision["revisionUrl"]


def test_action_types_can_be_listed_by_owner(aws):
    client = aws("codepipeline")
    custom = client.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    assert [kind["id"]["provider"] for kind in custom] == ["Jenkins"]
    assert len(client.list_action_types()["actionTypes"]) > 10


def test_no_pipeline_has_rules_to_list(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    assert client.list_rule_executions(pipelineName="web")["ruleExecutionDetails"] == []
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.list_rule_executions(pipelineName="other")
