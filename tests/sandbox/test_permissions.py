"""Policies refuse what they do not allow, and roles let in only whom they trust."""

import json

import pytest
from botocore.exceptions import ClientError

from apps.sandbox.codepipeline.definitions import make_pipeline
from apps.sandbox.policy import Policy
from apps.sandbox.scenario.accounts import EXTERNAL_ID, OPEN_ROLE, ROLE
from apps.sandbox.server import SandboxServer

from .conftest import Aws
from .shapes import deploy, pipeline


def allow(actions, resource="*", effect="Allow"):
    return {"Effect": effect, "Action": actions, "Resource": resource}


def shop(world):
    """Two pipelines, made in process."""
    for name in ("checkout-api", "payments-service"):
        make_pipeline(world.place("111122223333", "eu-west-1"), pipeline(name, [deploy()]), {})


def held_to(*statements):
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return SandboxServer(seed=1, speed=0, scenario=shop, policy=document)


def role(name, account="444455556666"):
    return {"RoleArn": f"arn:aws:iam::{account}:role/{name}", "RoleSessionName": "dashboard"}


def message(refused):
    return refused.value.response["Error"]["Message"]


def test_what_the_policy_does_not_allow_is_refused_with_awss_words():
    with held_to(allow(["codepipeline:List*", "codepipeline:GetPipeline"])) as sandbox:
        client = Aws(sandbox.url)("codepipeline")
        client.list_pipelines()
        client.get_pipeline(name="checkout-api")
        with pytest.raises(ClientError) as refused:
            client.get_pipeline_state(name="checkout-api")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message(refused) == (
        "User: arn:aws:iam::111122223333:user/dashboard is not authorized to perform: "
        "codepipeline:GetPipelineState on resource: "
        "arn:aws:codepipeline:eu-west-1:111122223333:checkout-api because no identity-based policy "
        "allows the codepipeline:GetPipelineState action"
    )


def test_moto_services_are_held_to_the_policy_too():
    with held_to(allow("sqs:Receive*")) as sandbox:
        aws = Aws(sandbox.url)
        url = f"{sandbox.url}/111122223333/codestar-dash-events"
        aws("sqs").receive_message(QueueUrl=url)
        with pytest.raises(ClientError) as refused:
            aws("sqs").purge_queue(QueueUrl=url)
        assert (
            "sqs:PurgeQueue on resource: arn:aws:sqs:eu-west-1:111122223333:codestar-dash-events"
            in message(refused)
        )
        with pytest.raises(ClientError) as refused:
            aws("s3").list_buckets()
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
        assert "s3:ListAllMyBuckets" in message(refused)
        assert aws("sts").get_caller_identity()["Account"] == "111122223333"


def test_a_deny_wins_and_resources_are_honoured():
    statements = (
        allow("codepipeline:Get*", "arn:aws:codepipeline:*:*:checkout-*"),
        allow("codepipeline:GetPipeline", effect="Deny"),
        allow("sts:AssumeRole", f"arn:aws:iam::444455556666:role/{OPEN_ROLE}"),
    )
    with held_to(*statements) as sandbox:
        aws = Aws(sandbox.url)
        client = aws("codepipeline")
        client.get_pipeline_state(name="checkout-api")
        with pytest.raises(ClientError):
            client.get_pipeline_state(name="payments-service")
        with pytest.raises(ClientError) as refused:
            client.get_pipeline(name="checkout-api")
        assert message(refused).endswith("with an explicit deny in an identity-based policy")
        aws("sts").assume_role(**role(OPEN_ROLE))
        with pytest.raises(ClientError) as refused:
            aws("sts").assume_role(**role(ROLE), ExternalId=EXTERNAL_ID)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("statement", "action", "resource", "allowed"),
    [
        (allow("codebuild:batchget*"), "codebuild:BatchGetBuilds", "x", True),
        (allow("codebuild:?ist*"), "codebuild:ListBuilds", "x", True),
        (allow("codebuild:*", "arn:a:*"), "codebuild:ListBuilds", "arn:b:c", False),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            "codebuild:ListBuilds",
            "x",
            True,
        ),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "iam:ListUsers", "x", False),
        (
            {"Effect": "Allow", "Action": "*", "NotResource": "arn:secret*"},
            "s3:GetObject",
            "arn:secret/1",
            False,
        ),
    ],
)
def test_a_statement_is_read_as_iam_reads_it(statement, action, resource, allowed):
    policy = Policy({"Version": "2012-10-17", "Statement": statement})
    if allowed:
        policy.check("arn:me", action, [resource])
    else:
        with pytest.raises(Exception, match="not authorized"):
            policy.check("arn:me", action, [resource])


@pytest.mark.parametrize(
    "document",
    [{}, {"Statement": [{"Effect": "Maybe", "Action": "*"}]}, {"Statement": [{"Effect": "Allow"}]}],
)
def test_what_is_no_policy_is_refused(document):
    with pytest.raises(ValueError, match="Statement"):
        Policy(document)


def test_a_role_wants_its_external_id(aws):
    sts = aws("sts")
    for given in ({}, {"ExternalId": "guessed"}):
        with pytest.raises(ClientError) as refused:
            sts.assume_role(**role(ROLE), **given)
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
        assert message(refused) == (
            "User: arn:aws:iam::111122223333:user/dashboard is not authorized to perform: "
            "sts:AssumeRole "
            f"on resource: arn:aws:iam::444455556666:role/{ROLE}"
        )
    given = sts.assume_role(**role(ROLE), ExternalId=EXTERNAL_ID)["Credentials"]
    there = aws("sts", given["AccessKeyId"], token=given["SessionToken"]).get_caller_identity()
    assert there["Account"] == "444455556666"
    assert there["Arn"] == f"arn:aws:sts::444455556666:assumed-role/{ROLE}/dashboard"


def test_an_assumed_role_sees_its_own_account(aws):
    given = aws("sts").assume_role(**role(OPEN_ROLE))["Credentials"]
    queues = aws("sqs", given["AccessKeyId"], token=given["SessionToken"]).list_queues()[
        "QueueUrls"
    ]
    assert [url.split("/")[-2] for url in queues] == ["444455556666"]


def test_a_role_that_is_missing_or_trusts_somebody_else_lets_nobody_in(aws):
    for arn in (role("nowhere"), role(OPEN_ROLE, "999988887777")):
        with pytest.raises(ClientError) as refused:
            aws("sts").assume_role(**arn)
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    with pytest.raises(ClientError):
        aws("sts", "444455556666").assume_role(**role(OPEN_ROLE))


def test_a_role_made_through_iam_can_be_assumed(aws):
    trust = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:user/dashboard"},
            "Action": "sts:AssumeRole",
        }
    }
    aws("iam", "444455556666").create_role(
        RoleName="mine", AssumeRolePolicyDocument=json.dumps(trust)
    )
    aws("sts").assume_role(**role("mine"))
    with pytest.raises(ClientError):
        aws("sts", "123456789012").assume_role(**role("mine"))


def test_temporary_credentials_end(aws, monkeypatch):
    given = aws("sts").assume_role(**role(OPEN_ROLE), DurationSeconds=900)["Credentials"]
    client = aws("codepipeline", given["AccessKeyId"], token=given["SessionToken"])
    client.list_pipelines()
    import time

    now = time.time()
    monkeypatch.setattr("apps.sandbox.principals.time.time", lambda: now + 1000)
    with pytest.raises(ClientError) as refused:
        client.list_pipelines()
    assert refused.value.response["Error"]["Code"] == "ExpiredTokenException"
