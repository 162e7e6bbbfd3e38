"""The policy to copy allows exactly what is declared to be called."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.aws.actions import action_of
from apps.aws.policy import LISTENING, read_operations, read_policy
from apps.mirror.looks import LOOKS
from apps.mirror.resource import REGISTER
from apps.sites.kinds import SITES


def _allowed(document: dict) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_the_policy_allows_exactly_the_declared_calls_and_listening() -> None:
    declared = {call for resource in REGISTER.of("aws") for call in resource.calls}
    looked = {call for look in LOOKS.by_name.values() for call in look.calls}
    declared |= {call for call in looked if call.partition(":")[0] not in SITES.by_name}
    said = {
        action
        for look in LOOKS.by_name.values()
        for statement in look.statements
        for action in statement["Action"]
    }
    allowed = _allowed(read_policy("events"))
    assert allowed == set(map(action_of, declared)) | set(LISTENING) | said
    assert set(read_operations()) == declared
    assert {"codepipeline:ListPipelines", "codebuild:BatchGetBuilds"} <= declared


def test_objects_and_their_keys_are_allowed_apart_from_services_and_no_more_than_needed() -> None:
    told = {one["Sid"]: one for one in read_policy("events")["Statement"] if "Sid" in one}
    assert "ReadS3" not in told
    assert told["ReadAppSpecs"]["Resource"] == "arn:*:s3:::*/*"
    assert told["ReadAppSpecs"]["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    # No key decrypts anything but what S3 holds.
    [via] = told["DecryptAppSpecs"]["Condition"]["StringLike"].values()
    assert via.startswith("s3.")
    assert [one for one in told.values() if "s3:GetObject" in one["Action"]] == [
        told["ReadAppSpecs"]
    ]


def test_the_policy_reads_only() -> None:
    reading = ("Get", "List", "BatchGet", "Describe", "Filter", "Evaluate", "Decrypt")
    for action in _allowed(read_policy("events")) - set(LISTENING):
        assert action.partition(":")[2].startswith(reading), action


def test_only_the_queue_named_may_be_listened_to() -> None:
    [listening] = [
        one
        for one in read_policy("our-events")["Statement"]
        if "sqs:ReceiveMessage" in one["Action"]
    ]
    assert listening["Resource"].endswith(":our-events")


def test_the_command_prints_the_document_alone(settings: object) -> None:
    out = StringIO()
    call_command("iam_policy", "--queue", "our-events", stdout=out)
    assert json.loads(out.getvalue()) == read_policy("our-events")


@pytest.mark.parametrize(
    "name", ["", "a b", "https://sqs.eu-west-1.amazonaws.com/1/q", "q" * 81, '"*"']
)
def test_a_name_that_can_be_no_queue_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="1 to 80 letters"):
        call_command("iam_policy", "--queue", name)
