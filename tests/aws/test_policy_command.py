"""The policy to copy allows exactly what is declared to be called."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.aws.actions import action_of
from apps.aws.policy import LISTENING, read_operations, read_policy
from apps.mirror.looks import LOOKS
from apps.mirror.resource import REGISTER


def _allowed(document: dict) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_the_policy_allows_exactly_the_declared_calls_and_listening() -> None:
    declared = {call for resource in REGISTER.of("aws") for call in resource.calls}
    declared |= {call for look in LOOKS.by_name.values() for call in look.calls}
    assert _allowed(read_policy("events")) == set(map(action_of, declared)) | set(LISTENING)
    assert set(read_operations()) == declared
    assert {"codepipeline:ListPipelines", "codebuild:BatchGetBuilds"} <= declared


def test_the_policy_reads_only() -> None:
    reading = ("Get", "List", "BatchGet", "Describe", "Filter", "Evaluate")
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
