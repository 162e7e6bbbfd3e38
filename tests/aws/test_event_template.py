"""The template makes one queue and rules that send to it just what the declarations hear."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from apps.aws import listen
from apps.aws.connect import connect
from apps.aws.event_template import (
    HIDDEN,
    LONGEST_RULE_NAME,
    LONGEST_TEMPLATE,
    PRINCIPAL_ARN,
    as_file,
    deploy_command,
    event_template,
    principal_for,
    rule_name,
    stack_for,
)
from apps.aws.models import Account
from apps.aws.policy import LISTENING
from apps.aws.queues import is_queue_name
from apps.aws.rules import LONGEST_PATTERN, EventRule, event_rules, size_of
from apps.aws.yaml_text import as_yaml
from apps.mirror.resource import REGISTER
from apps.sandbox.server import SandboxServer
from tests.aws.matching import matches

SAMPLES = sorted((Path(__file__).parents[1]).glob("*/events/*.json"))
ROLE = "arn:aws:iam::111122223333:role/teams/codestar-dash"

# The properties that are used, as CloudFormation's resource types have them.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
PROPERTIES = {
    "AWS::SQS::Queue": {
        "QueueName",
        "SqsManagedSseEnabled",
        "MessageRetentionPeriod",
        "VisibilityTimeout",
        "ReceiveMessageWaitTimeSeconds",
        "Tags",
    },
    "AWS::Events::Rule": {"Name", "Description", "State", "EventPattern", "Targets"},
    "AWS::SQS::QueuePolicy": {"Queues", "PolicyDocument"},
}
TARGET = {"Id", "Arn", "RetryPolicy"}
ATTRIBUTES = {"AWS::SQS::Queue": {"Arn", "QueueName", "QueueUrl"}, "AWS::Events::Rule": {"Arn"}}


@pytest.fixture
def template() -> dict[str, Any]:
    """As CloudFormation reads it."""
    return yaml.safe_load(as_file(event_template("our-events"), head="Deploy it:\naws …"))


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions(value: Any) -> Iterator[tuple[str, Any]]:
    """Every intrinsic function of a template and what it is given."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == "Ref" or name.startswith("Fn::"):
                yield name, item
            yield from functions(item)
    elif isinstance(value, list):
        for item in value:
            yield from functions(item)


def resolved(template: dict[str, Any], value: Any, found: Mapping[str, Any]) -> Any:
    """A value as CloudFormation makes it; `found` is {"Queue.Arn": …, "Ref of it": …}."""
    match value:
        case {"Ref": name}:
            return found[name]
        case {"Fn::GetAtt": [name, attribute]}:
            return found[f"{name}.{attribute}"]
        case {"Fn::If": [condition, yes, no]}:
            return resolved(template, yes if found[condition] else no, found)
        case Mapping():
            return {key: resolved(template, item, found) for key, item in value.items()}
        case list():
            items = [resolved(template, item, found) for item in value]
            return [item for item in items if item is not None]
    return value


# --- What is in it --------------------------------------------------------------------------------


def test_yaml_and_json_are_the_same_document(template):
    assert template == json.loads(as_file(event_template("our-events"), form="json"))


def test_every_reference_leads_to_something_that_has_it(template):
    resources = template["Resources"]
    known = resources.keys() | template["Parameters"].keys() | {"AWS::NoValue"}
    for name, given_to in functions(template):
        match name:
            case "Ref":
                assert given_to in known
            case "Fn::GetAtt":
                assert given_to[1] in ATTRIBUTES[resources[given_to[0]]["Type"]]
            case "Fn::If":
                assert given_to[0] in template["Conditions"]
            case _:
                assert name in ("Fn::Not", "Fn::Equals")


def test_every_property_is_one_that_the_resource_has(template):
    for name, resource in template["Resources"].items():
        assert re.fullmatch(r"[A-Za-z0-9]{1,255}", name)
        policies = {"DeletionPolicy", "UpdateReplacePolicy"}
        assert resource.keys() - policies == {"Type", "Properties"}
        assert resource["Properties"].keys() <= PROPERTIES[resource["Type"]]
        for target in resource["Properties"].get("Targets", ()):
            # No InputPath, no InputTransformer: the envelope arrives whole.
            assert target.keys() <= TARGET


def test_the_queue_is_encrypted_polled_long_and_forgets_what_polling_has_found_meanwhile(template):
    (queue,) = of_type(template, "AWS::SQS::Queue").values()
    assert queue["QueueName"] == "our-events"
    assert queue["SqsManagedSseEnabled"] is True
    assert 60 <= queue["MessageRetentionPeriod"] <= 1_209_600
    assert listen.POLL_SECONDS <= queue["ReceiveMessageWaitTimeSeconds"] <= 20
    # A message that is being stored and deleted must not come again meanwhile.
    assert 30 <= queue["VisibilityTimeout"] == HIDDEN < listen.LEASE.total_seconds()


def test_just_these_rules_may_send_and_nobody_else_may_do_anything(template):
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    rules = of_type(template, "AWS::Events::Rule")
    found = {"Queue": "url", "Queue.Arn": "queue", "HasPrincipal": False, "AWS::NoValue": None}
    found |= {f"{name}.Arn": f"arn of {name}" for name in rules}
    document = resolved(template, policy["PolicyDocument"], found)
    allowed = [one for one in document["Statement"] if one["Effect"] == "Allow"]
    assert allowed == [
        {
            "Sid": "RulesSend",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "queue",
            "Condition": {"ArnEquals": {"aws:SourceArn": [f"arn of {name}" for name in rules]}},
        }
    ]
    assert policy["Queues"] == [{"Ref": "Queue"}]


def test_a_principal_may_receive_and_no_more(template):
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    rules = of_type(template, "AWS::Events::Rule")
    found = {"Queue": "url", "Queue.Arn": "queue", "HasPrincipal": True, "AWS::NoValue": None}
    found |= {f"{name}.Arn": name for name in rules} | {"DashboardPrincipal": ROLE}
    document = resolved(template, policy["PolicyDocument"], found)
    (receives,) = [one for one in document["Statement"] if one["Sid"] == "DashboardReceives"]
    assert receives["Principal"] == {"AWS": ROLE}
    assert receives["Action"] == sorted(LISTENING)
    assert receives["Resource"] == "queue"


@pytest.mark.parametrize(
    ("principal", "good"),
    [
        ("", True),
        (ROLE, True),
        ("arn:aws-cn:iam::111122223333:user/dashboard", True),
        ("arn:aws:sts::111122223333:assumed-role/dashboard/session", False),
        ("*", False),
        ("111122223333", False),
    ],
)
def test_a_principal_is_the_arn_of_a_role_or_user(template, principal, good):
    pattern = template["Parameters"]["DashboardPrincipal"]["AllowedPattern"]
    assert bool(re.search(pattern, principal)) is good
    if not good:
        with pytest.raises(ValueError, match="no principal"):
            event_template("our-events", principal=principal)


def test_its_outputs_say_where_to_receive(template):
    assert {name: one["Value"] for name, one in template["Outputs"].items()} == {
        "QueueUrl": {"Ref": "Queue"},
        "QueueArn": {"Fn::GetAtt": ["Queue", "Arn"]},
    }


# --- The rules ------------------------------------------------------------------------------------


def test_each_rule_is_short_enough_and_has_a_name_of_its_own(template):
    rules = of_type(template, "AWS::Events::Rule")
    assert len(rules) == len(event_rules()) > 3
    names = [rule["Name"] for rule in rules.values()]
    assert len(set(names)) == len(names)
    for rule in rules.values():
        assert re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", rule["Name"])
        assert size_of(rule["EventPattern"]) <= LONGEST_PATTERN
        assert len(rule["Description"]) <= 512
    assert len(as_file(event_template("our-events")).encode()) < LONGEST_TEMPLATE
    assert len(template["Description"]) <= 1024


def test_every_declared_event_is_let_through_by_one_rule_and_no_other_is():
    declared = {
        (heard.source, heard.detail_type, member, value)
        for resource in REGISTER.of("aws")
        for heard in resource.events
        for member, values in (heard.where or {"": ("",)}).items()
        for value in values
    }
    # What one kind hears of certain values alone is sent whole where another hears all of it.
    whole = {(source, detail_type) for source, detail_type, member, _ in declared if not member}
    declared = {one for one in declared if not one[2] or one[:2] not in whole}
    sent = {
        (source, detail_type, member, value)
        for rule in event_rules()
        for source in rule.pattern["source"]
        for detail_type in rule.pattern["detail-type"]
        for member, values in rule.pattern.get("detail", {"": [""]}).items()
        for value in values
    }
    assert sent == declared


def test_what_does_not_concern_the_dashboard_is_not_sent():
    sample = json.loads(
        (Path(__file__).parents[1] / "codepipeline/events/call-update-pipeline.json").read_text()
    )
    others = [
        {**sample, "source": "aws.codedeploy"},
        {**sample, "detail-type": "AWS Service Event via CloudTrail"},
        {**sample, "detail": {**sample["detail"], "eventName": "PutApprovalResult"}},
        {**sample, "detail": {}},
    ]
    for event in others:
        assert not [rule for rule in event_rules() if matches(rule.pattern, event)]


def test_a_source_with_very_many_types_gets_several_rules(monkeypatch):
    monkeypatch.setattr("apps.aws.rules.LONGEST_PATTERN", 160)
    rules = event_rules()
    assert "codepipeline-2" in {rule.name for rule in rules}
    for rule in rules:
        assert size_of(rule.pattern) <= 160
    test_every_declared_event_is_let_through_by_one_rule_and_no_other_is()


@pytest.mark.parametrize("queue", ["q", "q" * 80, "codestar-dash-events"])
def test_rules_of_a_queue_with_a_long_name_have_short_ones(queue):
    names = {
        rule_name(queue, EventRule(name=name, source="", pattern={}))
        for name in ("codepipeline", "codepipeline-calls", "elasticloadbalancing-calls-12")
    }
    assert len(names) == 3
    assert all(len(name) <= LONGEST_RULE_NAME for name in names)


@pytest.mark.parametrize("name", ["", "a b", "q" * 81, "events.fifo", "é"])
def test_a_queue_that_the_template_cannot_make_is_refused(name):
    with pytest.raises(ValueError, match="1 to 80 letters"):
        event_template(name)


# --- Written down ---------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
PLAIN = st.from_regex(r"[a-zA-Z:#&*!|>%@`{}\[\],?\-'\" .0-9_/()]{0,12}", fullmatch=True)
DOCUMENTS = st.recursive(
    SCALARS | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | PLAIN, inner, max_size=3)
    ),
    max_leaves=12,
)


@given(document=DOCUMENTS)
def test_whatever_is_written_as_yaml_reads_as_itself(document):
    assert yaml.safe_load(as_yaml(document)) == document


@pytest.mark.parametrize(
    "text", ["yes", "No", "null", "~", "1e3", "0x1F", "12:30:45", "2012-10-17", "- a", "a: b", "*"]
)
def test_a_text_that_yaml_takes_for_something_else_is_quoted(text):
    assert yaml.safe_load(as_yaml({"key": text})) == {"key": text}


# --- Deployed -------------------------------------------------------------------------------------


def test_deployed_in_a_simulated_account_it_fills_the_queue_with_each_sample(template):
    with SandboxServer(seed=1, speed=0) as sandbox:
        session = boto3.Session("444455556666", "any", region_name="eu-west-1")
        sqs = session.client("sqs", endpoint_url=sandbox.url)
        events = session.client("events", endpoint_url=sandbox.url)
        (queue,) = of_type(template, "AWS::SQS::Queue").values()
        url = sqs.create_queue(
            QueueName=queue["QueueName"],
            Attributes={
                name: json.dumps(queue[name])
                for name in ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled")
            },
        )["QueueUrl"]
        arn = f"arn:aws:sqs:eu-west-1:444455556666:{queue['QueueName']}"
        found = {"Queue": url, "Queue.Arn": arn, "HasPrincipal": True, "AWS::NoValue": None}
        found["DashboardPrincipal"] = ROLE
        for logical, rule in of_type(template, "AWS::Events::Rule").items():
            made = events.put_rule(
                Name=rule["Name"],
                EventPattern=json.dumps(rule["EventPattern"]),
                State=rule["State"],
                Description=rule["Description"],
            )
            found[f"{logical}.Arn"] = made["RuleArn"]
            targets = resolved(template, rule["Targets"], found)
            assert events.put_targets(Rule=rule["Name"], Targets=targets)["FailedEntryCount"] == 0
        (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
        document = resolved(template, policy["PolicyDocument"], found)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})
        place = sandbox.world.place("444455556666", "eu-west-1")
        samples = [json.loads(path.read_text()) for path in SAMPLES]
        for sample in samples:
            place.emit(sample["source"], sample["detail-type"], sample["detail"], [])
        place.emit("aws.codepipeline", "AWS API Call via CloudTrail", {"eventName": "Other"}, [])
        arrived: list[Any] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            arrived += [json.loads(message["Body"])["detail"] for message in messages]
        assert arrived == [sample["detail"] for sample in samples]


def test_the_sandboxs_accounts_have_what_the_template_makes():
    path = "apps/sandbox/scenario/events.json"
    kept = json.loads((Path(__file__).parents[2] / path).read_text())
    assert kept == event_template("codestar-dash-events"), (
        f"what is heard has changed: manage.py event_template --format json > {path}"
    )
    with SandboxServer(seed=1, speed=0) as sandbox:
        session = boto3.Session("444455556666", "any", region_name="us-east-1")
        events = session.client("events", endpoint_url=sandbox.url)
        made = {rule["Name"]: rule for rule in events.list_rules()["Rules"]}
        wanted = of_type(kept, "AWS::Events::Rule").values()
        assert {name: json.loads(rule["EventPattern"]) for name, rule in made.items()} == {
            rule["Name"]: rule["EventPattern"] for rule in wanted
        }
        sqs = session.client("sqs", endpoint_url=sandbox.url)
        url = sqs.get_queue_url(QueueName="codestar-dash-events")["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert told["VisibilityTimeout"] == str(HIDDEN)
        (allowed,) = [
            statement
            for statement in json.loads(told["Policy"])["Statement"]
            if statement["Effect"] == "Allow"
        ]
        assert allowed["Condition"]["ArnEquals"]["aws:SourceArn"] == [
            f"arn:aws:events:us-east-1:444455556666:rule/{rule['Name']}" for rule in wanted
        ]


# --- The command ----------------------------------------------------------------------------------


def printed(*args: str) -> str:
    out = StringIO()
    call_command("event_template", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_prints_the_template_alone(settings):
    settings.EVENT_QUEUE_NAME = "our-events"
    assert yaml.safe_load(printed()) == event_template("our-events")
    assert json.loads(printed("--format", "json", "--queue", "theirs")) == event_template("theirs")


@pytest.mark.django_db
def test_the_command_knows_the_queue_and_the_role_of_a_connected_place():
    account = connect(
        name="production", method=Account.Method.ROLE, regions=["eu-west-1"], role_arn=ROLE,
        account_id="111122223333",
    )  # fmt: skip
    account.places.update(queue_name="our-events")
    text = printed("--account", "111122223333", "--region", "eu-west-1")
    assert yaml.safe_load(text) == event_template("our-events", principal=ROLE)
    assert text.startswith("# Deploy it in account 111122223333, eu-west-1:\n# aws cloudformation")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--account", "12"], "12 digits"),
        (["--region", "Ireland"], "eu-west-1"),
        (["--queue", "https://sqs.eu-west-1.amazonaws.com/1/q"], "1 to 80 letters"),
        (["--principal", "me"], "no principal"),
    ],
)
def test_the_command_refuses_what_cannot_be(args, said):
    with pytest.raises(CommandError, match=said):
        printed(*args)


def test_the_command_line_to_deploy_it_survives_a_shell():
    words = shlex.split(deploy_command("eu-west-1", file="our events.yaml").replace("\\\n", " "))
    assert words[:3] == ["aws", "cloudformation", "deploy"]
    assert words[words.index("--template-file") + 1] == "our events.yaml"
    assert words[words.index("--region") + 1] == "eu-west-1"


@given(name=st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True))
def test_the_stack_of_a_queue_has_a_name_that_cloudformation_takes(name):
    assert is_queue_name(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", stack_for(name))


@pytest.mark.parametrize(
    ("method", "role", "caller", "expected"),
    [
        ("role", ROLE, "arn:aws:sts::111122223333:assumed-role/codestar-dash/s", ROLE),
        ("keys", "", "arn:aws:iam::111122223333:user/dash", "arn:aws:iam::111122223333:user/dash"),
        # The role's path is not told, and root is everybody in the account.
        ("ambient", "", "arn:aws:sts::111122223333:assumed-role/dash/i-1", ""),
        ("keys", "", "arn:aws:iam::111122223333:root", ""),
        ("keys", "", "", ""),
    ],
)
def test_who_receives_is_named_only_where_it_is_certain(method, role, caller, expected):
    account = Account(method=method, role_arn=role, caller_arn=caller)
    assert principal_for(account) == expected
    assert not expected or re.fullmatch(PRINCIPAL_ARN, expected)
