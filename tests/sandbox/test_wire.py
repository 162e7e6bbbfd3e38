"""The front door speaks AWS's protocols, and every mistake gets an AWS error, never a page."""

import http.client
import json

import pytest
from botocore.exceptions import ClientError

from .shapes import deploy, pipeline


def call(
    sandbox,
    target,
    body,
    service="codepipeline",
    key="111122223333",
    headers=None,
    method="POST",
    path="/",
):
    """One raw request; answers (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    scope = f"{key}/20260101/eu-west-1/{service}/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    sent = {
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": signed,
        **(headers or {}),
    }
    if target:
        sent["X-Amz-Target"] = target
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def error_of(refused):
    return refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"][
        "HTTPStatusCode"
    ]


def test_a_connection_is_kept_alive(sandbox):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/_sandbox/")
        before = connection.sock
        connection.getresponse().read()
        assert connection.sock is before is not None
    connection.close()


def test_what_is_no_json_is_a_serialization_exception(sandbox):
    for body in ("{", "[1]"):
        status, headers, text = call(sandbox, "CodePipeline_20150709.GetPipelineState", body)
        assert (status, json.loads(text)["__type"]) == (400, "SerializationException")
        assert headers["x-amzn-RequestId"]


def test_an_unsigned_request_is_refused(sandbox):
    status, _, text = call(
        sandbox, "CodePipeline_20150709.ListPipelines", "{}", headers={"Authorization": "Basic x"}
    )
    assert (status, json.loads(text)["__type"]) == (403, "MissingAuthenticationTokenException")


def test_members_are_judged_with_awss_words(aws):
    client = aws("codepipeline")
    with pytest.raises(ClientError) as missing:
        client.get_pipeline_state()
    assert missing.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "1 validation error detected: Value at 'name' failed to satisfy constraint: "
        "Member must not be null",
    }
    with pytest.raises(ClientError) as wrong:
        client.list_pipeline_executions(pipelineName="a b", maxResults=101)
    text = wrong.value.response["Error"]["Message"]
    assert text.startswith(
        "2 validation errors detected: Value 'a b' at 'pipelineName' failed to satisfy constraint"
    )
    assert (
        "Value '101' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 100" in text
    )
    with pytest.raises(ClientError) as wrong:
        client.retry_stage_execution(
            pipelineName="p", stageName="s", pipelineExecutionId="x", retryMode="SOMETIMES"
        )
    assert (
        "Member must satisfy enum value set: [FAILED_ACTIONS, ALL_ACTIONS]"
        in wrong.value.response["Error"]["Message"]
    )


@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("codepipeline", "list_webhooks", {}),  # ours, not written
        ("logs", "describe_queries", {}),
        ("codeconnections", "list_hosts", {}),  # moto has no such service
        ("codedeploy", "list_git_hub_account_token_names", {}),
        ("events", "list_endpoints", {}),  # moto has the service only
    ],
)
def test_an_operation_nobody_implements_is_a_modelled_error(aws, service, operation, members):
    with pytest.raises(ClientError) as refused:
        getattr(aws(service), operation)(**members)
    assert error_of(refused) == ("UnknownOperationException", 400)


def test_an_unknown_target_and_service_are_modelled_errors(sandbox):
    status, _, text = call(sandbox, "CodePipeline_20150709.MakeCoffee", "{}")
    assert (status, json.loads(text)["__type"]) == (400, "UnknownOperationException")
    status, _, text = call(
        sandbox, None, "", service="coffee", headers={"Content-Type": "text/plain"}, method="GET"
    )
    assert (status, json.loads(text)["__type"]) == (400, "UnknownOperationException")


def test_an_unknown_key_is_refused_in_each_protocol(aws):
    with pytest.raises(ClientError) as refused:
        aws("codepipeline", "AKIANOBODYKNOWSTHIS1").list_pipelines()
    assert error_of(refused) == ("UnrecognizedClientException", 400)
    with pytest.raises(ClientError) as refused:
        aws("sts", "AKIANOBODYKNOWSTHIS1").get_caller_identity()
    assert error_of(refused) == ("InvalidClientTokenId", 403)
    with pytest.raises(ClientError) as refused:
        aws("s3", "AKIANOBODYKNOWSTHIS1").list_buckets()
    assert error_of(refused) == ("InvalidAccessKeyId", 403)


def test_keys_lead_to_accounts(aws):
    assert aws("sts").get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/dashboard"
    assert aws("sts", "AKIAIOSFODNN7EXAMPLE").get_caller_identity()["Account"] == "111122223333"
    assert aws("sts", "999988887777").get_caller_identity()["Account"] == "999988887777"
    key = aws("iam").create_access_key(UserName="release-manager")["AccessKey"]["AccessKeyId"]
    assert (
        aws("sts", key).get_caller_identity()["Arn"]
        == "arn:aws:iam::111122223333:user/release-manager"
    )


def test_accounts_and_regions_are_apart(aws):
    aws("codepipeline").create_pipeline(pipeline=pipeline("web", [deploy()]))
    assert aws("codepipeline", "444455556666").list_pipelines()["pipelines"] == []
    assert aws("codepipeline", region="us-east-1").list_pipelines()["pipelines"] == []


def test_what_is_not_ours_is_answered_by_moto(aws):
    s3 = aws("s3", region="us-east-1")
    s3.create_bucket(Bucket="things")
    s3.put_object(Bucket="things", Key="a b/c", Body=b"content")
    assert s3.get_object(Bucket="things", Key="a b/c")["Body"].read() == b"content"
    assert aws("s3", "444455556666", region="us-east-1").list_buckets()["Buckets"] == []
    aws("sns", "444455556666").create_topic(Name="news")
    assert len(aws("sns", "444455556666").list_topics()["Topics"]) == 1
    assert aws("sns").list_topics()["Topics"] == []
    with pytest.raises(ClientError) as missing:
        aws("iam").get_user(UserName="nobody")
    assert error_of(missing) == ("NoSuchEntity", 404)


def test_a_failure_of_the_sandbox_itself_looks_like_a_bad_day_at_aws(
    sandbox, aws, monkeypatch, caplog
):
    from apps.sandbox.operations import HANDLERS

    def broken(call, params):
        raise RuntimeError("bug")

    monkeypatch.setitem(HANDLERS, ("codepipeline", "ListPipelines"), broken)
    with pytest.raises(ClientError) as failed:
        aws("codepipeline").list_pipelines()
    assert error_of(failed) == ("InternalFailure", 500)
    assert "bug" in caplog.text


def test_a_member_that_aws_does_not_have_is_never_sent(sandbox, aws, monkeypatch, caplog):
    from apps.sandbox.operations import HANDLERS

    monkeypatch.setitem(
        HANDLERS, ("codepipeline", "ListPipelines"), lambda call, params: {"pipelins": []}
    )
    with pytest.raises(ClientError) as failed:
        aws("codepipeline").list_pipelines()
    assert "has no member pipelins" in failed.value.response["Error"]["Message"]


def test_too_large_a_body_is_refused(sandbox):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
