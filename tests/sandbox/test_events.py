"""What happens is told through EventBridge to SQS queues, in AWS's shape, unasked."""

import json
import re

import pytest
from moto.sqs.models import Message

from apps.sandbox import trail, wire
from apps.sandbox.eventbridge import _told_by_texts
from apps.sandbox.trail import API_CALL, HIDDEN, is_told, recorded

from .shapes import approval, build, deploy, pipeline, project

CODEBUILD_DATE = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M")


@pytest.fixture
def events(aws):
    """A function that takes all events off the scenario's queue of a place, oldest first.

    Those of API calls by themselves, because every test makes some.
    """

    def take(
        account="111122223333", region="eu-west-1", queue="codestar-dash-events", *, calls=False
    ):
        sqs = aws("sqs", account, region)
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            sqs.delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]}
                    for i, m in enumerate(messages)
                ],
            )
        return [event for event in found if (event["detail-type"] == API_CALL) is calls]

    return take


def test_an_execution_tells_each_step_in_order(aws, events):
    aws("codepipeline").create_pipeline(pipeline=pipeline("web", [deploy()]))
    told = [
        (
            event["detail-type"].split()[1],
            event["detail"].get("action", event["detail"].get("stage")),
            event["detail"]["state"],
        )
        for event in events()
    ]
    assert told == [
        ("Pipeline", None, "STARTED"),
        ("Stage", "Source", "STARTED"),
        ("Action", "Source", "STARTED"),
        ("Action", "Source", "SUCCEEDED"),
        ("Stage", "Source", "SUCCEEDED"),
        ("Stage", "Two", "STARTED"),
        ("Action", "Deploy", "STARTED"),
        ("Action", "Deploy", "SUCCEEDED"),
        ("Stage", "Two", "SUCCEEDED"),
        ("Pipeline", None, "SUCCEEDED"),
    ]


def test_an_action_event_has_awss_envelope_and_members(aws, events):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    (execution,) = client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"]
    event = next(e for e in events() if e["detail"].get("action") == "Deploy")
    assert {
        name: event[name]
        for name in ("version", "detail-type", "source", "account", "region", "resources")
    } == {
        "version": "0",
        "detail-type": "CodePipeline Action Execution State Change",
        "source": "aws.codepipeline",
        "account": "111122223333",
        "region": "eu-west-1",
        "resources": ["arn:aws:codepipeline:eu-west-1:111122223333:web"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    detail = event["detail"]
    assert detail["execution-id"] == execution["pipelineExecutionId"]
    assert detail["type"] == {
        "owner": "AWS",
        "provider": "CodeDeploy",
        "category": "Deploy",
        "version": "1",
    }
    assert (detail["pipeline"], detail["stage"], detail["state"]) == ("web", "Two", "STARTED")
    assert (detail["version"], detail["region"]) == (1, "eu-west-1")


def test_a_failure_event_carries_what_failed(aws, events):
    aws("codebuild").create_project(
        **project(
            source={
                "type": "NO_SOURCE",
                "buildspec": "phases:\n  build:\n    commands:\n      - exit 1\n",
            }
        )
    )
    aws("codepipeline").create_pipeline(pipeline=pipeline("web", [build()]))
    failed = next(
        e
        for e in events()
        if e["detail"].get("action") == "Build" and e["detail"]["state"] == "FAILED"
    )
    result = failed["detail"]["execution-result"]
    assert result["error-code"] == "JobFailed"
    assert "exit status 1" in result["external-execution-summary"]
    assert result["external-execution-id"].startswith("web:")


def test_superseded_stopped_and_resumed_are_told(aws, events):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [approval()]))
    for _ in range(2):
        last = client.start_pipeline_execution(name="web")["pipelineExecutionId"]
    client.stop_pipeline_execution(pipelineName="web", pipelineExecutionId=last, reason="no")
    states = [e["detail"]["state"] for e in events() if " Pipeline Execution " in e["detail-type"]]
    assert states == ["STARTED", "STARTED", "STARTED", "SUPERSEDED", "STOPPING", "STOPPED"]


def test_a_build_tells_its_phases_and_states_with_spoken_dates(aws, events):
    client = aws("codebuild")
    variables = [{"name": "TEST", "value": "yes"}]
    made = project()
    made["environment"]["environmentVariables"] = variables
    client.create_project(**made)
    identity = client.start_build(projectName="web")["build"]["arn"]
    told = events()
    kinds = [event["detail-type"] for event in told]
    assert kinds == [
        "CodeBuild Build State Change",
        *["CodeBuild Build Phase Change"] * 10,
        "CodeBuild Build State Change",
    ]
    assert [told[0]["detail"]["build-status"], told[-1]["detail"]["build-status"]] == [
        "IN_PROGRESS",
        "SUCCEEDED",
    ]
    assert [e["detail"]["completed-phase"] for e in told[1:-1]][:4] == [
        "SUBMITTED",
        "QUEUED",
        "PROVISIONING",
        "DOWNLOAD_SOURCE",
    ]
    phase = told[5]["detail"]
    assert CODEBUILD_DATE.fullmatch(phase["completed-phase-start"])
    assert CODEBUILD_DATE.fullmatch(phase["completed-phase-end"])
    assert (phase["completed-phase-status"], phase["completed-phase-context"]) == (
        "SUCCEEDED",
        "[]",
    )
    for event in told:
        assert event["resources"] == [identity] == [event["detail"]["build-id"]]
        assert event["detail"]["version"] == "1"
    information = told[-1]["detail"]["additional-information"]
    assert information["environment"]["environment-variables"] == [
        {"name": "TEST", "value": "yes", "type": "PLAINTEXT"}
    ]
    assert CODEBUILD_DATE.fullmatch(information["build-start-time"])
    assert (information["build-complete"], information["phases"][-1]["phase-type"]) == (
        True,
        "COMPLETED",
    )
    assert information["logs"]["group-name"] == "/aws/codebuild/web"


def test_a_rule_sends_events_across_accounts_and_only_what_matches(aws, events):
    aws("sqs", "444455556666").create_queue(QueueName="central")
    rules = aws("events")
    pattern = {
        "source": ["aws.codepipeline"],
        "detail": {"state": ["SUCCEEDED"], "pipeline": ["web"]},
    }
    rules.put_rule(Name="central", EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:444455556666:central"}
    rules.put_targets(Rule="central", Targets=[target])
    for name in ("web", "other"):
        aws("codepipeline").create_pipeline(pipeline=pipeline(name, [deploy()]))
    told = events("444455556666", queue="central")
    assert len(told) == 5
    assert {(e["account"], e["detail"]["pipeline"], e["detail"]["state"]) for e in told} == {
        ("111122223333", "web", "SUCCEEDED")
    }
    assert events("444455556666") == []


def test_an_event_is_not_copied_where_its_source_decides(aws, events, monkeypatch):
    copied = []

    def matches(_pattern, event):
        copied.append(event)
        return True

    monkeypatch.setattr("moto.events.models.EventPattern.matches_event", matches)
    rules = aws("events")
    other = {"source": ["aws.codebuild"], "detail": {"build-status": ["FAILED"]}}
    rules.put_rule(Name="failures", EventPattern=json.dumps(other))
    aws("codepipeline").create_pipeline(pipeline=pipeline("web", [deploy()]))
    assert len(events()) == 10
    assert copied == []


def test_a_disabled_rule_and_a_missing_queue_stop_nothing(aws, events):
    rules = aws("events")
    rules.disable_rule(Name="codestar-dash-events-codepipeline")
    rules.put_rule(Name="lost", EventPattern=json.dumps({"source": ["aws.codepipeline"]}))
    rules.put_targets(
        Rule="lost",
        Targets=[
            {"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:111122223333:nowhere"},
            {"Id": "2", "Arn": "arn:aws:sns:eu-west-1:111122223333:topic"},
        ],
    )
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    assert (
        client.list_pipeline_executions(pipelineName="web")["pipelineExecutionSummaries"][0][
            "status"
        ]
        == "Succeeded"
    )
    assert events() == []


def test_a_queue_nobody_reads_stays_bounded(aws, events, monkeypatch):
    monkeypatch.setattr("apps.sandbox.eventbridge.QUEUE_LIMIT", 50)
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    for _ in range(9):
        client.start_pipeline_execution(name="web")
    assert len(Message.instances_tracked) <= 51  # moto would keep every message it ever made
    told = events()
    assert 39 <= len(told) <= 50
    assert told[-1]["detail"]["state"] == "SUCCEEDED"


# --- API calls ------------------------------------------------------------------------------------


def test_a_call_that_changes_something_is_told_as_cloudtrail_does(aws, events):
    client = aws("codepipeline")
    client.create_pipeline(pipeline=pipeline("web", [deploy()]))
    events(calls=True)
    client.disable_stage_transition(
        pipelineName="web", stageName="Two", transitionType="Inbound", reason="Freeze"
    )
    (event,) = events(calls=True)
    assert (event["source"], event["account"]) == ("aws.codepipeline", "111122223333")
    detail = event["detail"]
    assert detail["requestParameters"] == {
        "pipelineName": "web",
        "stageName": "Two",
        "transitionType": "Inbound",
        "reason": "Freeze",
    }
    assert detail["responseElements"] is None
    assert {
        name: detail[name] for name in ("eventSource", "eventName", "awsRegion", "readOnly")
    } == {
        "eventSource": "codepipeline.amazonaws.com",
        "eventName": "DisableStageTransition",
        "awsRegion": "eu-west-1",
        "readOnly": False,
    }
    assert detail["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/dashboard"
    assert detail["userIdentity"]["type"] == "IAMUser"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", detail["eventTime"])


def test_what_reads_and_what_fails_is_not_told(aws, events):
    client = aws("codepipeline")
    client.list_pipelines()
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.start_pipeline_execution(name="web")
    assert events(calls=True) == []


def test_members_begin_with_a_small_letter_and_secrets_are_hidden(aws, events):
    made = project()
    made["environment"]["environmentVariables"] = [{"name": "A", "value": "b"}]
    aws("codebuild").create_project(**made)
    (event,) = events(calls=True)
    assert event["detail"]["requestParameters"]["name"] == "web"
    told = event["detail"]["responseElements"]["project"]
    assert re.fullmatch(r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M", told["created"])
    shape = wire.operation_model("cloudformation", "CreateStack").input_shape
    parameters = [{"ParameterKey": "Size", "ParameterValue": "1"}]
    assert recorded(shape, {"StackName": "web", "Parameters": parameters}) == {
        "stackName": "web",
        "parameters": [{"parameterKey": "Size", "parameterValue": "1"}],
    }
    shape = wire.operation_model("codepipeline", "CreateCustomActionType").input_shape
    assert recorded(shape, {"nothing": "of it"}) == {}
    secret = wire.operation_model("codebuild", "ImportSourceCredentials").input_shape
    assert recorded(secret, {"token": "t", "serverType": "GITHUB"}) == {
        "token": HIDDEN,
        "serverType": "GITHUB",
    }


def test_what_is_told_are_management_calls_that_change_something():
    assert is_told("codepipeline", "UpdatePipeline")
    assert is_told("codebuild", "BatchDeleteBuilds")
    assert is_told("codebuild", "StartBuild")
    for name in ("GetPipeline", "ListPipelines", "BatchGetBuilds", "DescribeStacks"):
        assert not is_told("any", name)
    assert not is_told("logs", "PutLogEvents")


def test_names_of_dated_operations_are_those_that_cloudtrail_writes():
    for service, name in trail._NAMES:
        assert wire.operation_model(service, name)


def test_a_rule_may_ask_for_some_calls_alone(aws, events):
    aws("sqs").create_queue(QueueName="edits")
    rules = aws("events")
    pattern = {
        "source": ["aws.codepipeline"],
        "detail-type": [API_CALL],
        "detail": {"eventName": ["UpdatePipeline", "DisableStageTransition"]},
    }
    rules.put_rule(Name="edits", EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:111122223333:edits"}
    rules.put_targets(Rule="edits", Targets=[target])
    client = aws("codepipeline")
    made = client.create_pipeline(pipeline=pipeline("web", [deploy()]))["pipeline"]
    client.update_pipeline(pipeline=made)
    client.start_pipeline_execution(name="web")
    told = events(queue="edits", calls=True)
    assert [event["detail"]["eventName"] for event in told] == ["UpdatePipeline"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.a"]}, True),
        ({"source": ["aws.b"]}, False),
        ({"detail": {"name": ["x", "y"], "inner": {"deep": ["z"]}}}, True),
        ({"detail": {"name": ["x"], "inner": {"deep": ["no"]}}}, False),
        ({"detail": {"missing": ["x"]}}, False),
        ({"detail": {"name": [{"anything-but": ["y"]}]}}, True),
        ({"detail": {"name": [{"anything-but": ["x", "y"]}]}}, False),
        ({"detail": {"name": [{"anything-but": {"prefix": "x"}}]}}, None),
        # Whatever is no list of texts is moto's to decide.
        ({"detail": {"name": [{"prefix": "x"}]}}, None),
        ({"detail": {"number": [1]}}, None),
        ({"resources": ["arn"]}, None),
        ({"source": ["aws.b"], "detail": {"name": [{"prefix": "x"}]}}, False),
    ],
)
def test_lists_of_texts_decide_by_themselves(pattern, expected):
    event = {
        "source": "aws.a",
        "resources": ["arn"],
        "detail": {"name": "x", "number": 1, "inner": {"deep": "z"}},
    }
    assert _told_by_texts(pattern, event) is expected
