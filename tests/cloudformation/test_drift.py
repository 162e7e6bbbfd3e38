"""What drifted is read for who looks, property by property, without secrets."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.cloudformation import drift, looks, tasks
from apps.cloudformation.models import Stack
from apps.mirror.models import Operation, Scope
from tests import factories
from tests.cloudformation.conftest import sweep
from tests.flight import PLANTED, Fault, Flight

DRIFTS = "cloudformation:DescribeStackResourceDrifts"
TEMPLATE = """Parameters:
  Secret: {Type: String, NoEcho: true}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub 'shop-${Secret}'
      DelaySeconds: 3
"""


def difference(path: str, expected: Any, actual: Any, kind: str = "NOT_EQUAL") -> dict[str, Any]:
    return {
        "PropertyPath": path,
        "ExpectedValue": expected,
        "ActualValue": actual,
        "DifferenceType": kind,
    }


def modified(name: str, *differences: Any, **more: Any) -> dict[str, Any]:
    return {
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
        "LogicalResourceId": name,
        "PhysicalResourceId": f"{name}-id",
        "ResourceType": "AWS::SQS::Queue",
        "StackResourceDriftStatus": "MODIFIED",
        "Timestamp": 1_750_000_000,
        "PropertyDifferences": list(differences),
        **more,
    }


def shown(drifts: list[Any], withheld: drift.Withheld | None = None) -> list[list[Any]]:
    nothing = drift.Withheld(None, ())
    return [json.loads(line) for line in drift.lines_of(drifts, withheld or nothing)]


def test_each_property_is_told_with_what_the_template_says_and_what_is_there():
    resource, changed, added, removed = shown(
        [
            modified(
                "Queue",
                difference("/DelaySeconds", "3", "5"),
                difference("/Tags/0", "null", '{"Key": "team", "Value": "shop"}', "ADD"),
                difference("/Policy/Effect", "Allow", "null", "REMOVE"),
            )
        ]
    )
    assert resource[:5] == ["R", "Queue", "AWS::SQS::Queue", "Queue-id", "MODIFIED"]
    assert changed == ["P", "NOT_EQUAL", "/DelaySeconds", "3", "5"]
    assert added[:4] == ["P", "ADD", "/Tags/0", ""]
    assert json.loads(added[4]) == {"Key": "team", "Value": "shop"}
    assert removed == ["P", "REMOVE", "/Policy/Effect", "Allow", ""]


@pytest.mark.parametrize(
    ("path", "expected", "actual"),
    [
        ("/Environment/Variables/DB_PASSWORD", PLANTED, f"{PLANTED}-2"),
        ("/Environment/Variables", json.dumps({"API_KEY": PLANTED}), "null"),
        ("/Variables/1", "null", json.dumps({"Name": "NPM_TOKEN", "Value": PLANTED})),
        ("/Variables/0/Value", PLANTED, f"{PLANTED}-2"),
        ("/Feed", "x", f"https://shop:{PLANTED}@example.com/"),
        ("/Command", "serve", f"serve --password {PLANTED}"),
        ("/UserData", "null", PLANTED),
        ("/Value", "{{resolve:secretsmanager:shop}}", PLANTED),
        ("/a~1b/Secret~0", PLANTED, PLANTED),
    ],
)
def test_no_secret_is_shown_wherever_it_stands(path: str, expected: str, actual: str):
    told = shown(
        [
            modified(
                "Queue",
                difference(path, expected, actual),
                ExpectedProperties=json.dumps(
                    {"Variables": [{"Name": "NPM_TOKEN", "Value": PLANTED}]}
                ),
                ActualProperties="{not json",
            )
        ]
    )
    assert PLANTED not in json.dumps(told)
    assert path in json.dumps(told)


def test_what_is_not_echoed_is_withheld_and_all_where_the_template_is_unread():
    drifts = [
        modified(
            "Queue",
            difference("/QueueName", f"shop-{PLANTED}", "shop-x"),
            difference("/DelaySeconds", "3", "5"),
        )
    ]
    _, name, delay = shown(drifts, drift.Withheld(TEMPLATE, ["Secret"]))
    assert (name[3:], delay[3:]) == (["***", "***"], ["3", "5"])
    for unread in (None, "Resources: ["):
        _, name, delay = shown(drifts, drift.Withheld(unread, ["Secret"]))
        assert (name[3:], delay[3:]) == (["***", "***"], ["***", "***"])


def test_what_is_read_is_bounded():
    told = shown([modified(f"R{number}") for number in range(210)])
    assert (len(told), told[-1]) == (drift.MOST_RESOURCES + 1, ["M", drift.MOST_RESOURCES])
    assert ["M", drift.MOST_RESOURCES] not in shown([modified(f"R{n}") for n in range(200)])
    many = [difference(f"/P{number}", "x", "y") for number in range(150)]
    told = shown([modified("Queue", *many)])
    assert (told[0][7], len(told)) == (150, 1 + drift.MOST_DIFFERENCES)
    long = [difference("/A", "x " * 4_000, "y"), difference("/B", "x" * 60_000, "y")]
    _, cut, left_out = shown([modified("Queue", *long)])
    assert (len(cut[3]), cut[3][-1]) == (drift.LONGEST_VALUE + 2, "…")
    assert left_out[3] == "60,000 characters, too long to be shown"


@pytest.fixture
def stack(scope: Scope, full: Flight, aws: Any) -> Stack:
    cache.clear()
    drifts = [
        modified("Queue", difference("/DelaySeconds", "3", "<script>alert(1)</script>")),
        modified("Files", StackResourceDriftStatus="DELETED"),
    ]

    def page(params: Any) -> Any:
        if params.get("NextToken"):
            return {"StackResourceDrifts": drifts[1:]}
        return {"StackResourceDrifts": drifts[:1], "NextToken": "more"}

    full.on(DRIFTS, page)
    aws(full.on("cloudformation:GetTemplate", {"TemplateBody": TEMPLATE}))
    sweep(scope)
    row = Stack.objects.get(name="shop")
    Stack.objects.filter(pk=row.pk).update(drift_status="DRIFTED")
    return row


def read(stack: Stack, queued: list[Any]) -> None:
    looks.watch(stack.pk, "drift")
    name, (pk, ticket) = queued[-1]
    assert (name, pk) == ("cloudformation.read_drift", stack.pk)
    tasks.read_drift(pk, ticket)


def test_drift_is_read_over_all_pages_once_for_all_who_look(
    stack: Stack, full: Flight, queued: list[Any]
):
    queued.clear()
    read(stack, queued)
    told = looks.lines(stack.pk, 0, "drift")
    assert told["done"]
    assert told["next"] == 3
    assert told["html"].count("drift-resource") == 2
    assert "It is no longer there." in told["html"]
    assert "<script>" not in told["html"]
    looks.watch(stack.pk, "drift")
    assert len(queued) == 1
    assert len(full.calls(DRIFTS)) == 2
    asked = full.calls(DRIFTS)[0]
    assert "IN_SYNC" not in str(asked)
    assert not full.calls("cloudformation:DetectStackDrift")
    # Another detection is another version of the stack.
    Stack.objects.update(stamp="another")
    looks.watch(stack.pk, "drift")
    assert len(queued) == 2


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_drift_that_may_not_be_read_says_so_and_is_asked_for_again(
    stack: Stack, full: Flight, queued: list[Any], code: str
):
    full.on(DRIFTS, Fault(code, "not now"))
    read(stack, queued)
    told = looks.lines(stack.pk, 0, "drift")
    assert not told["done"]
    (note,) = told["fragments"]
    assert note["id"] == f"drift-{stack.pk}-note"
    assert "What drifted cannot be read" in note["html"]
    health = Operation.objects.get(operation=DRIFTS).health
    assert health == {"AccessDenied": "denied", "Throttling": "throttled"}[code]


def test_drift_of_a_stack_that_is_gone_is_no_fault(stack: Stack, full: Flight, queued: list[Any]):
    full.on(DRIFTS, Fault("ValidationError", "Stack x does not exist"))
    read(stack, queued)
    told = looks.lines(stack.pk, 0, "drift")
    assert told["done"]
    assert "no longer has this stack" in told["fragments"][0]["html"]


def test_a_drifted_stack_leads_to_what_differs_and_opening_that_reads_it(
    stack: Stack, queued: list[Any]
):
    client = Client()
    client.force_login(factories.make_user("reader"))
    path = f"/cloudformation/stacks/{stack.pk}/drift/"
    assert path in client.get(stack.get_absolute_url()).text
    queued.clear()
    page = client.get(path).text
    assert [name for name, _ in queued] == ["cloudformation.read_drift"]
    assert f"drift:{stack.pk}@0" in page
    tasks.read_drift(*queued[-1][1])
    page = client.get(path).text
    assert "/DelaySeconds" in page
    assert 'data-done="true"' in page
    assert "<html" not in client.get(path, headers={"X-Live": "1"}).text
