"""A stage is rolled back as CodePipeline does it: by a new execution, to one it accepts."""

import json

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.codepipeline.model import PipelineStore, Script

from .shapes import action_state, approval, deploy, pipeline, stages

NOBODY = "00000000-0000-4000-8000-000000000000"


def start(client, revision=None):
    wanted = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": revision}
    more = {"sourceRevisions": [wanted]} if revision else {}
    return client.start_pipeline_execution(name="web", **more)["pipelineExecutionId"]


def roll_back(client, target, stage="Two"):
    return client.rollback_stage(
        pipelineName="web", stageName=stage, targetPipelineExecutionId=target
    )["pipelineExecutionId"]


def refused(client, target, stage="Two"):
    with pytest.raises(ClientError) as answer:
        roll_back(client, target, stage)
    error = answer.value.response["Error"]
    return error["Code"], error["Message"]


def listed(client):
    found = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    return {one["pipelineExecutionId"]: one for one in found}


@pytest.fixture
def client(aws):
    found = aws("codepipeline")
    found.create_pipeline(pipeline=pipeline("web", [deploy()], [deploy("Last")]))
    return found


def test_a_rollback_runs_its_stage_alone_with_what_the_other_ran_with(client):
    good, bad = start(client, "a" * 40), start(client, "b" * 40)
    made = roll_back(client, good)
    told = listed(client)[made]
    assert (told["status"], told["executionType"]) == ("Succeeded", "ROLLBACK")
    assert told["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert told["trigger"] == {
        "triggerType": "ManualRollback",
        "triggerDetail": "arn:aws:iam::111122223333:user/dashboard",
    }
    assert [one["revisionId"] for one in told["sourceRevisions"]] == ["a" * 40]
    assert [one["revisionId"] for one in listed(client)[bad]["sourceRevisions"]] == ["b" * 40]
    ran = client.list_action_executions(pipelineName="web", filter={"pipelineExecutionId": made})[
        "actionExecutionDetails"
    ]
    assert [one["actionName"] for one in ran] == ["Deploy"]
    shown = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=made)
    assert shown["pipelineExecution"]["executionType"] == "ROLLBACK"
    assert shown["pipelineExecution"]["rollbackMetadata"] == told["rollbackMetadata"]
    state = client.get_pipeline_state(name="web")
    assert [
        (one["latestExecution"]["pipelineExecutionId"], one["latestExecution"]["type"])
        for one in state["stageStates"]
    ] == [(bad, "STANDARD"), (made, "ROLLBACK"), (bad, "STANDARD")]


def test_artifacts_are_those_of_the_execution_that_is_brought_back(client):
    declared = client.get_pipeline(name="web")["pipeline"]
    deploys = declared["stages"][1]["actions"][0]
    deploys["inputArtifacts"] = [{"name": "SourceArtifact"}]
    client.update_pipeline(pipeline=declared)
    good = start(client)
    start(client)
    made = roll_back(client, good)

    def taken(execution):
        ran = client.list_action_executions(
            pipelineName="web", filter={"pipelineExecutionId": execution}
        )["actionExecutionDetails"]
        return [
            artifact["s3location"]["key"]
            for one in ran
            if one["stageName"] == "Two"
            for artifact in one["input"]["inputArtifacts"]
        ]

    assert taken(made) == taken(good) != []


def test_what_cannot_be_rolled_back_to_is_refused_as_aws_refuses_it(client, sandbox):
    good = start(client)
    made = roll_back(client, good)
    assert refused(client, NOBODY)[0] == "PipelineExecutionNotFoundException"
    assert refused(client, good, "Nowhere")[0] == "StageNotFoundException"
    code, why = refused(client, good, "Source")
    assert (code, "source stage" in why) == ("UnableToRollbackStageException", True)
    code, why = refused(client, made)
    assert (code, "is a rollback itself" in why) == ("UnableToRollbackStageException", True)
    store = sandbox.world.place("111122223333", "eu-west-1").of(PipelineStore)
    store.pipelines["web"].scripts = {"Two/Deploy": Script(fails_every=1)}
    failed = start(client)
    code, why = refused(client, failed)
    assert (code, "did not succeed" in why) == ("UnableToRollbackStageException", True)
    client.update_pipeline(pipeline=client.get_pipeline(name="web")["pipeline"])
    assert refused(client, good)[0] == "PipelineExecutionOutdatedException"


def test_a_stage_that_runs_is_not_rolled_back(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()]))
    (first,) = listed(client)
    token = action_state(client.get_pipeline_state(name="web"), "Approve")["latestExecution"]
    client.put_approval_result(
        pipelineName="web",
        stageName="Two",
        actionName="Approve",
        token=token["token"],
        result={"summary": "", "status": "Approved"},
    )
    start(client)
    code, why = refused(client, first)
    assert (code, "running" in why) == ("UnableToRollbackStageException", True)


def test_a_parallel_pipeline_has_no_rollback(aws):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()], executionMode="PARALLEL"))
    (first,) = listed(client)
    assert refused(client, first)[0] == "UnableToRollbackStageException"


def test_a_stage_that_rolls_back_by_itself_goes_to_the_last_that_succeeded(sandbox, aws):
    client = aws("codepipeline")
    declared = pipeline("web", [deploy()], [deploy("Last")])
    declared["stages"][1]["onFailure"] = {"result": "ROLLBACK"}
    client.create_pipeline(pipeline=declared)
    (good,) = listed(client)
    store = sandbox.world.place("111122223333", "eu-west-1").of(PipelineStore)
    # The second execution fails; the third, which rolls it back, does not.
    store.pipelines["web"].scripts = {"Two/Deploy": Script(fails_every=2)}
    bad = start(client)
    newest = next(iter(listed(client).values()))
    assert newest["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert newest["trigger"]["triggerType"] == "AutomatedRollback"
    assert json.loads(newest["trigger"]["triggerDetail"]) == {"FailedPipelineExecutionId": bad}
    assert stages(client.get_pipeline_state(name="web"))["Two"] == "Succeeded"
    assert listed(client)[bad]["status"] == "Failed"


def test_those_a_stage_can_be_rolled_back_to_are_listed_of_the_current_structure(client):
    start(client)
    wanted = {"succeededInStage": {"stageName": "Two"}}
    found = client.list_pipeline_executions(pipelineName="web", filter=wanted)
    assert len(found["pipelineExecutionSummaries"]) == 2
    client.update_pipeline(pipeline=client.get_pipeline(name="web")["pipeline"])
    newest = start(client)
    found = client.list_pipeline_executions(pipelineName="web", filter=wanted)
    assert [one["pipelineExecutionId"] for one in found["pipelineExecutionSummaries"]] == [newest]


# --- What a stage is to meet once its actions succeeded -------------------------------------------

ALARM = {
    "MetricName": "Errors",
    "Namespace": "Shop",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "Statistic": "Sum",
    "ComparisonOperator": "GreaterThanThreshold",
    # It stays as it is set.
    "TreatMissingData": "ignore",
}
WATCHES = {
    "name": "Healthy",
    "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "CloudWatchAlarm"},
    "configuration": {"AlarmName": "unhealthy", "AlarmStates": "ALARM", "WaitTime": "5"},
}


def watched(held, aws, result="ROLLBACK"):
    """A pipeline whose Two is judged by an alarm; its first execution came through."""
    aws("cloudwatch").put_metric_alarm(AlarmName="unhealthy", **ALARM)
    client = aws("codepipeline")
    declared = pipeline("web", [deploy()], [deploy("Last")])
    declared["stages"][1]["onSuccess"] = {"conditions": [{"result": result, "rules": [WATCHES]}]}
    client.create_pipeline(pipeline=declared)
    held.clock.advance(3600)
    assert stages(client.get_pipeline_state(name="web"))["Two"] == "Succeeded"
    return client


def alarmed(aws, value="ALARM"):
    aws("cloudwatch").set_alarm_state(AlarmName="unhealthy", StateValue=value, StateReason="now")


def test_a_stage_whose_alarm_goes_off_while_it_is_watched_goes_back(held, aws):
    client = watched(held, aws)
    (good,) = listed(client)
    bad = start(client)
    while not came_through_two(client, bad):
        held.clock.advance(5)
    assert stages(client.get_pipeline_state(name="web"))["Two"] == "InProgress"
    held.clock.advance(100)
    alarmed(aws)
    held.clock.advance(70)
    found = listed(client)
    assert found[bad]["status"] == "Failed"
    newest = next(iter(found.values()))
    assert newest["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert newest["trigger"]["triggerType"] == "AutomatedRollback"
    # What goes back is not judged by what it mends.
    held.clock.advance(3600)
    assert next(iter(listed(client).values()))["status"] == "Succeeded"


def test_what_stays_well_goes_on_and_what_was_red_after_that_is_nobodys(held, aws):
    client = watched(held, aws)
    run = start(client)
    held.clock.advance(3600)
    alarmed(aws)
    held.clock.advance(3600)
    assert listed(client)[run]["status"] == "Succeeded"
    assert len(listed(client)) == 2


def test_a_condition_that_only_fails_rolls_nothing_back(held, aws):
    client = watched(held, aws, "FAIL")
    run = start(client)
    while not came_through_two(client, run):
        held.clock.advance(5)
    held.clock.advance(100)
    alarmed(aws)
    held.clock.advance(3600)
    assert listed(client)[run]["status"] == "Failed"
    assert len(listed(client)) == 2


def came_through_two(client, execution):
    ran = client.list_action_executions(
        pipelineName="web", filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    return any((one["stageName"], one["status"]) == ("Two", "Succeeded") for one in ran)
