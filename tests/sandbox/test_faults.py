"""Bad days can be switched on and off while it runs, for what they are meant for only."""

import json
import time
import urllib.error
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from .shapes import deploy, pipeline


def refusal(call, **members):
    with pytest.raises(ClientError) as refused:
        call(**members)
    return refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"][
        "HTTPStatusCode"
    ]


def control(sandbox, method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{sandbox.url}/_sandbox/{path}", method=method, data=data)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_an_operation_can_be_denied_and_allowed_again(sandbox, aws):
    client = aws("codepipeline")
    fault = sandbox.faults.add("deny", service="codepipeline", operation="List*")
    assert refusal(client.list_pipelines) == ("AccessDeniedException", 400)
    aws("codebuild").list_projects()
    sandbox.faults.clear(fault.id)
    client.list_pipelines()


def test_a_fault_may_be_meant_for_one_account_and_region(sandbox, aws):
    sandbox.faults.add("deny", account="444455556666", region="us-east-1")
    assert (
        refusal(aws("codepipeline", "444455556666", "us-east-1").list_pipelines)[0]
        == "AccessDeniedException"
    )
    aws("codepipeline", "444455556666", "eu-west-1").list_pipelines()
    aws("codepipeline", "111122223333", "us-east-1").list_pipelines()


def test_calls_above_a_rate_are_throttled(sandbox, aws):
    sandbox.faults.add("throttle", service="codepipeline", rate=4)
    client, answers = aws("codepipeline"), []
    for _ in range(12):
        try:
            client.list_pipelines()
            answers.append("ok")
        except ClientError as refused:
            answers.append(refused.response["Error"]["Code"])
    assert answers[:4] == ["ok"] * 4
    assert "ThrottlingException" in answers
    aws("codebuild").list_projects()
    time.sleep(0.6)
    client.list_pipelines()


def test_boto3_itself_gets_over_a_throttle(sandbox, aws):
    sandbox.faults.add("throttle", times=2)
    patient = Config(retries={"total_max_attempts": 4, "mode": "standard"})
    assert aws("codepipeline", config=patient).list_pipelines()["pipelines"] == []


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"kind": "expired"}, "ExpiredTokenException", 400),
        ({"kind": "not-opted-in"}, "UnrecognizedClientException", 400),
        ({"kind": "error"}, "InternalFailure", 500),
        ({"kind": "error", "status": 503}, "ServiceUnavailable", 503),
    ],
)
def test_each_fault_answers_as_aws_does(sandbox, aws, fault, code, status):
    sandbox.faults.add_from(fault)
    assert refusal(aws("codepipeline").list_pipelines) == (code, status)


def test_query_services_say_it_in_their_own_words(sandbox, aws):
    sandbox.faults.add("expired")
    assert refusal(aws("sts").get_caller_identity) == ("ExpiredToken", 403)
    sandbox.faults.clear()
    sandbox.faults.add("throttle")
    assert refusal(aws("iam").list_users) == ("Throttling", 400)


def test_a_page_of_html_reaches_the_client(sandbox, aws):
    sandbox.faults.add("html", service="codebuild")
    with pytest.raises(ClientError) as refused:
        aws("codebuild").list_projects()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "text/html"


def test_latency_makes_every_answer_late(sandbox, aws):
    client = aws("codepipeline")
    client.list_pipelines()
    sandbox.faults.add("latency", seconds=0.3)
    began = time.monotonic()
    client.list_pipelines()
    assert time.monotonic() - began >= 0.3


def test_a_hanging_operation_leaves_the_others_alone(sandbox, aws):
    sandbox.faults.add("hang", operation="ListPipelines")
    impatient = Config(read_timeout=0.3, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        aws("codepipeline", config=impatient).list_pipelines()
    aws("codebuild").list_projects()


def test_a_dropped_connection_is_no_answer(sandbox, aws):
    sandbox.faults.add("drop", times=1)
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        aws("codepipeline").list_pipelines()
    aws("codepipeline").list_pipelines()


def test_a_cut_off_list_gives_one_page_and_refuses_the_next(sandbox, aws):
    client = aws("codepipeline")
    for name in ("one", "two", "three"):
        client.create_pipeline(pipeline=pipeline(name, [deploy()]))
    sandbox.faults.add("cut-page", service="codepipeline", page=2)
    first = client.list_pipelines()
    assert [p["name"] for p in first["pipelines"]] == ["one", "three"]
    assert refusal(client.list_pipelines, nextToken=first["nextToken"]) == (
        "InvalidNextTokenException",
        400,
    )


def test_faults_are_driven_over_the_control_path(sandbox, aws):
    made = control(sandbox, "POST", "faults", {"kind": "deny", "service": "codebuild"})
    assert refusal(aws("codebuild").list_projects)[0] == "AccessDeniedException"
    shown = control(sandbox, "GET", "faults")["faults"]
    assert [(fault["id"], fault["service"], fault["struck"]) for fault in shown] == [
        (made["id"], "codebuild", 1)
    ]
    control(sandbox, "DELETE", f"faults/{made['id']}")
    aws("codebuild").list_projects()
    control(sandbox, "POST", "faults", {"kind": "expired"})
    assert control(sandbox, "DELETE", "faults") == {"cleared": 1}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "rain"},
        {"kind": "deny", "colour": "red"},
        {"kind": "latency", "seconds": "long"},
        [1],
    ],
)
def test_what_is_no_fault_is_refused(sandbox, body):
    with pytest.raises(urllib.error.HTTPError) as refused:
        control(sandbox, "POST", "faults", body)
    assert refused.value.code == 400
    assert json.load(refused.value)["error"]
    assert control(sandbox, "GET", "faults")["faults"] == []


def test_calls_are_counted_by_account_region_service_and_operation(sandbox, aws):
    aws("codepipeline").list_pipelines()
    aws("codepipeline", "444455556666", "us-east-1").list_pipelines()
    aws("sqs").list_queues()
    counted = control(sandbox, "GET", "calls")
    assert counted["total"] == 3
    assert {
        "account": "444455556666",
        "region": "us-east-1",
        "service": "codepipeline",
        "operation": "ListPipelines",
        "count": 1,
    } in counted["calls"]
    assert sandbox.calls()["111122223333", "eu-west-1", "sqs", "ListQueues"] == 1
    control(sandbox, "DELETE", "calls")
    assert control(sandbox, "GET", "calls")["total"] == 0


def test_refused_calls_are_counted_too(sandbox, aws):
    sandbox.faults.add("throttle")
    refusal(aws("codepipeline").list_pipelines)
    assert sum(sandbox.calls().values()) == 1


def test_the_status_says_what_there_is(sandbox, aws):
    aws("codepipeline").create_pipeline(pipeline=pipeline("web", [deploy()]))
    status = control(sandbox, "GET", "")
    assert (status["seed"], status["speed"]) == (7, 0)
    [place] = status["places"]
    where = {"account": "111122223333", "region": "eu-west-1"}
    assert place.items() >= {**where, "pipelines": 1, "executions_in_progress": 0}.items()
    assert {"projects", "builds", "deployments", "stacks"} <= place.keys()
    assert {value for name, value in place.items() if name not in {*where, "pipelines"}} == {0}


def test_the_control_path_knows_its_own_paths_only(sandbox):
    with pytest.raises(urllib.error.HTTPError) as missing:
        control(sandbox, "GET", "nothing")
    assert missing.value.code == 404
