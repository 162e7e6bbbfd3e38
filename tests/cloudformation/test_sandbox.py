"""From a simulated account to a page: what made a stack fail is the line that its page shows."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from django.core.cache import cache
from django.test import Client

from apps.aws.calls import Reach
from apps.aws.failures import classify
from apps.aws.wire import client_config, quick_session
from apps.cloudformation.models import ChangeSet, Resource, Stack
from apps.codepipeline.models import Action
from apps.mirror.links import explain_of, explain_then
from apps.mirror.models import Link, Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.sweep import ensure_sweeps, sweep_scope
from apps.sandbox.server import SandboxServer
from tests import factories
from tests.cloudformation.conftest import sweep

SHOP, TOOLS = "111122223333", "444455556666"
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
SECRET = "sandbox-secret-marker"


class SandboxProvider:
    """AWS, as the sandbox simulates it."""

    name = "aws"

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = quick_session(boto3.Session())

    def open(self, scope: Any, *, urgent: bool = False) -> Reach:
        def client(service: str) -> Any:
            return self.session.client(
                service,
                region_name=scope.region,
                endpoint_url=self.url,
                aws_access_key_id=scope.account,
                aws_secret_access_key="not checked",
                config=client_config(),
            )

        return Reach(account=scope.account, region=scope.region, client=client)

    def classify(self, error: BaseException, operation: str = "") -> Any:
        return classify(error, operation)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """The default scenario with its past, standing still."""
    with SandboxServer(seed=1, speed=0, scenario="default") as server:
        yield server


@pytest.fixture
def swept(db: None, sandbox: SandboxServer, monkeypatch: Any) -> Callable[[str, str], Scope]:
    """`swept(account, region)`: that place, with CloudFormation's kinds read once."""
    cache.clear()
    monkeypatch.setitem(PROVIDERS.by_name, "aws", SandboxProvider(sandbox.url))

    def read(account: str, region: str) -> Scope:
        place = f"{account}/{region}"
        scope = Scope.objects.create(provider="aws", place=place, account=account, region=region)
        sweep(scope)
        return scope

    return read


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("reader"))
    return client


CAUSES = [
    ("payments-ledger", "Booker", r"Value &#x27;16384&#x27; at &#x27;memorySize&#x27; failed to"),
    (
        "orders-platform",
        "Archive",
        r"shared-artifacts already exists \(Service: S3, Status Code: 409",
    ),
    ("nightly-runner", "Runner", r"Failed to receive 1 resource signal\(s\) within"),
    ("fraud-model-roles", "Trainer", r"is not authorized to perform: iam:CreateRole on resource"),
    ("fraud-scorer", "Scorer", r"The role defined for the function cannot be assumed by Lambda"),
]


def test_each_cause_of_the_scenario_is_quoted_first_on_its_stacks_page(swept, viewer):
    for place in ((SHOP, IRELAND), (TOOLS, IRELAND), (TOOLS, VIRGINIA)):
        swept(*place)
    for name, resource, said in CAUSES:
        stack = Stack.objects.get(name=name)
        assert stack.state == "failed", name
        page = viewer.get(stack.get_absolute_url()).text
        assert f"Why it failed: {resource}" in page, name
        quoted = re.search(r'<div class="said break">(.*?)</div>', page, re.S)
        assert quoted is not None
        assert re.search(said, quoted.group(1)), name
        assert page.index(quoted.group(0)) < page.index("What happened"), name
        listed = viewer.get("/cloudformation/", {"q": name}).text
        assert re.search(said, listed), name


def test_the_cause_lies_in_the_nested_stack_and_its_parent_leads_there(swept, viewer):
    swept(TOOLS, IRELAND)
    root = Stack.objects.get(name="orders-platform")
    child = Stack.objects.get(name__startswith="orders-platform-Data-")
    assert [step["stack"] for step in root.failure["path"]] == [child.key]
    assert explain_of("cloudformation.stack", root).startswith("Data / Archive (AWS::S3::Bucket)")
    assert child.get_absolute_url() in viewer.get(root.get_absolute_url()).text


def test_stacks_that_drifted_wait_or_were_deleted_are_told_apart(swept, viewer):
    swept(SHOP, IRELAND)
    drifted = Stack.objects.get(name="checkout-web-delivery")
    assert (drifted.drift_status, drifted.state) == ("DRIFTED", "done")
    assert Resource.objects.get(stack=drifted, drift_status="MODIFIED").logical_id == "Build"
    waits = Stack.objects.get(name="new-warehouse")
    assert (waits.status, waits.state) == ("REVIEW_IN_PROGRESS", "waiting")
    assert ChangeSet.objects.get(stack=waits).state == "waiting"
    assert [one["no_echo"] for one in waits.parameters] == [True]
    made = Link.objects.filter(from_kind="cloudformation.resource", to_kind="codepipeline.pipeline")
    assert made.get().to_arn == "arn:aws:codepipeline:eu-west-1:111122223333:checkout-web"


def test_no_secret_of_the_scenario_is_on_any_page(swept, viewer):
    swept(SHOP, IRELAND)
    assert Stack.objects.filter(parameters__0__no_echo=True).exists()
    for stack in Stack.objects.all():
        assert SECRET not in viewer.get(stack.get_absolute_url()).text, stack


def test_sweeping_again_costs_one_call_a_place(swept, sandbox):
    places = [swept(TOOLS, VIRGINIA), swept(SHOP, VIRGINIA)]
    before = sandbox.calls()
    for scope in places:
        sweep(scope)
    spent = {key: count - before.get(key, 0) for key, count in sandbox.calls().items()}
    assert {key[3]: count for key, count in spent.items() if count} == {"DescribeStacks": 1}


def test_a_pipelines_action_is_explained_by_what_went_on_while_it_ran(swept, viewer):
    scope = swept(SHOP, VIRGINIA)
    ensure_sweeps(scope)
    Sweep.objects.filter(scope=scope).exclude(kind__startswith="codepipeline.").delete()
    list(sweep_scope(scope))
    # That an action ended on it makes its events worth reading, however well it is by now.
    sweep(scope, "cloudformation.event")
    actions = Action.objects.filter(name="UpdateStack", execution__pipeline__key="image-resizer")
    failed = list(actions.filter(state="failed").order_by("-started_at"))
    assert len(failed) >= 2
    stack = Stack.objects.get(name="image-resizer")
    assert stack.state == "done"
    link = Link.objects.get(from_kind="codepipeline.action", from_id=failed[0].pk)
    assert (link.to_arn, link.owning) == (stack.key, False)
    told = [explain_of("codepipeline.action", action) for action in failed]
    assert all(one.startswith("Resizer (AWS::Lambda::Function) UPDATE_FAILED: ") for one in told)
    # Each by its own failure, and nothing of it today.
    assert len(set(told)) == len(told)
    assert explain_of("cloudformation.stack", stack) == ""
    page = viewer.get(failed[0].execution.get_absolute_url()).text
    assert "Value &#x27;20480&#x27; at &#x27;memorySize&#x27; failed to satisfy constraint" in page
    assert stack.get_absolute_url() in page


def test_a_failure_that_was_seen_explains_its_action_for_good(swept, sandbox):
    scope = swept(SHOP, VIRGINIA)
    client = PROVIDERS.get("aws").open(scope).client("cloudformation")
    body = client.get_template(StackName="image-resizer")["TemplateBody"]
    began = sandbox.world.now()
    many = re.sub(r"MemorySize: \d+", "MemorySize: 30000", body)
    iam = {"Capabilities": ["CAPABILITY_IAM"]}
    client.update_stack(StackName="image-resizer", TemplateBody=many, **iam)
    sweep(scope)
    stack = Stack.objects.get(name="image-resizer")
    assert stack.state == "failed"
    client.update_stack(
        StackName="image-resizer",
        TemplateBody=body.replace("RetentionInDays: 30", "RetentionInDays: 7"),
        **iam,
    )
    sweep(scope)
    stack.refresh_from_db()
    assert (stack.state, explain_of("cloudformation.stack", stack)) == ("done", "")
    since = datetime.fromtimestamp(began, UTC)
    told = explain_then("cloudformation.stack", stack, since, since + timedelta(minutes=5))
    assert told.startswith("Resizer (AWS::Lambda::Function) UPDATE_FAILED: ")
    assert "Value '30000' at 'memorySize'" in told
