"""From CloudFormation's answers to rows: complete, without secrets, in as few calls as can be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import serializers
from django.utils.timezone import now

from apps.cloudformation import collect
from apps.cloudformation.digest import UNREAD
from apps.cloudformation.models import ChangeSet, Event, Resource, Stack
from apps.cloudformation.named import arn_of
from apps.cloudformation.records import EventRecord
from apps.mirror.ask import Ask, Covered, Parent, Vanished
from apps.mirror.due import take
from apps.mirror.hints import follow_hints
from apps.mirror.ingest import Event as Told
from apps.mirror.ingest import names_in
from apps.mirror.links import explain_of, explain_then, url_of
from apps.mirror.models import Change, Hint, Link, Scope, Sweep
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import run
from tests.cloudformation.conftest import KINDS, sweep
from tests.flight import BEGAN, PLANTED, Fault, Flight

pytestmark = pytest.mark.sql
HOUR = timedelta(hours=1)
ARN = "arn:aws:cloudformation:eu-west-1:111122223333"
SHOP = f"{ARN}:stack/shop/0a1b2c3d-1111-11ee-8000-000000000001"
NETWORK = f"{ARN}:stack/shop-Network-1ABCDEFGHIJKL/0a1b2c3d-1111-11ee-8000-000000000002"


def stack(number: int, status: str = "CREATE_COMPLETE", **more: Any) -> dict[str, Any]:
    """A stack as DescribeStacks gives it, no more than what is always there."""
    return {
        "StackId": f"{ARN}:stack/s{number}/{number}",
        "StackName": f"s{number}",
        "CreationTime": 1767260000,
        "StackStatus": status,
        **more,
    }


def account(*stacks: dict[str, Any]) -> Flight:
    """An account with these stacks, 100 to a page; nothing is in any of them."""

    def describe(params: Any) -> Any:
        if name := params.get("StackName"):
            found = [one for one in stacks if one["StackId"] == name]
            return (
                {"Stacks": found} if found else Fault("ValidationError", f"{name} does not exist")
            )
        at = int(params.get("NextToken", "0"))
        following = {"NextToken": str(at + 100)} if at + 100 < len(stacks) else {}
        return {"Stacks": list(stacks[at : at + 100]), **following}

    def events(params: Any) -> Any:
        name = params["StackName"]
        event = {
            "StackId": name,
            "EventId": f"{name}-1",
            "StackName": "s",
            "PhysicalResourceId": name,
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatus": "CREATE_IN_PROGRESS",
            "Timestamp": "2126-01-01T00:00:00Z",
        }
        return {"StackEvents": [event]}

    return (
        Flight()
        .on("cloudformation:DescribeStacks", describe)
        .on("cloudformation:DescribeStackEvents", events)
        .on("cloudformation:ListStackResources", {"StackResourceSummaries": []})
        .on("cloudformation:ListChangeSets", {"Summaries": []})
    )


# --- What is read ---------------------------------------------------------------------------------


def test_a_stack_is_read_with_what_it_names(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope)
    shop = Stack.objects.get(key=SHOP)
    assert (shop.name, shop.status, shop.state) == ("shop", "UPDATE_ROLLBACK_COMPLETE", "failed")
    assert shop.tags == {"team": "checkout"}
    assert shop.outputs[0]["export"] == "shop-address"
    assert shop.moved_at == shop.updated_at
    links = Link.objects.filter(from_kind="cloudformation.stack", from_id=shop.pk)
    assert {(link.relation, link.to_kind) for link in links} == {
        ("assumes", "iam.role"),
        ("notifies", "sns.topic"),
        ("rolls back on", "cloudwatch.alarm"),
    }
    nested = Stack.objects.get(key=NETWORK)
    assert nested.parent_id == nested.root_id == SHOP
    assert Link.objects.get(from_id=nested.pk, relation="nested in").to_arn == SHOP


def test_what_a_stack_made_is_linked_where_its_arn_can_be_known(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope)
    links = Link.objects.filter(from_kind="cloudformation.resource", relation="creates")
    assert {(link.to_kind, link.to_arn, link.owning) for link in links} == {
        ("cloudformation.stack", NETWORK, True),
        (
            "awslambda.function",
            "arn:aws:lambda:eu-west-1:111122223333:function:shop-handler",
            False,
        ),
        ("ecs.service", "arn:aws:ecs:eu-west-1:111122223333:service/shop/web", False),
        ("codepipeline.pipeline", "arn:aws:codepipeline:eu-west-1:111122223333:shop", False),
        ("s3.bucket", "arn:aws:s3:::shop-artifacts", False),
    }


@pytest.mark.parametrize(
    ("kind", "physical", "arn"),
    [
        ("AWS::EC2::Instance", "i-1", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"),
        (
            "AWS::CloudWatch::Alarm",
            "a b",
            "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a b",
        ),
        ("AWS::IAM::Role", "r", "arn:aws:iam::111122223333:role/r"),
        ("AWS::SNS::Topic", "not made yet", None),
        ("AWS::AutoScaling::AutoScalingGroup", "fleet", None),
    ],
)
def test_arns_are_made_by_their_documented_formats(kind: str, physical: str, arn: str | None):
    found = arn_of(SHOP, kind, physical)
    assert (found and found[1]) == arn


def test_no_secret_gets_behind_the_collectors(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope)
    models = (Stack, Event, Resource, ChangeSet, Change, Link)
    stored = serializers.serialize("json", [row for kind in models for row in kind.objects.all()])
    assert PLANTED not in stored
    shop = Stack.objects.get(key=SHOP)
    assert {one["key"]: one["value"] for one in shop.parameters} == {
        "Stage": "production",
        "ImageId": "/aws/service/ami",
        "DatabasePassword": "",
        "ApiKey": "***",
        "Feed": "https://***@feed.example.com/a",
    }
    assert [one["key"] for one in shop.parameters if one["no_echo"]] == ["DatabasePassword"]


def test_a_change_set_tells_what_it_would_change_and_one_without_changes_is_no_failure(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope)
    raises, nothing = ChangeSet.objects.order_by("-created_at")
    assert (raises.state, nothing.state) == ("waiting", "stopped")
    first = raises.changes[0]
    assert (first["logical_id"], first["replacement"]) == ("Function", "True")
    assert first["details"][0]["recreation"] == "Always"
    assert raises.changes_cut
    assert "didn't contain changes" in nothing.reason


def test_the_same_flight_twice_writes_nothing(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope)
    before = Change.objects.count()
    sweep(scope)
    assert Change.objects.count() == before


# --- Why ------------------------------------------------------------------------------------------


def test_the_cause_is_followed_into_the_nested_stack(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope)
    shop = Stack.objects.get(key=SHOP)
    assert shop.failure["path"] == [{"logical_id": "Network", "stack": NETWORK}]
    assert Event.objects.get(key=shop.failure["event"]).logical_id == "Network"
    why = explain_of("cloudformation.stack", shop)
    assert why.startswith(
        "Network / Gateway (AWS::EC2::InternetGateway) UPDATE_FAILED: "
        'Resource handler returned message: "The gateway igw-0a1b is not attached'
    )
    assert url_of("cloudformation.stack", shop) == f"/cloudformation/stacks/{shop.pk}/"


def test_where_the_nested_stack_is_not_known_its_parents_words_are_what_there_is(
    scope: Scope, full: Flight, aws: Any
):
    network = full._plays["cloudformation:DescribeStackEvents"]

    def hidden(params: Any) -> Any:
        return Fault("AccessDenied", "no") if params["StackName"] == NETWORK else network(params)  # type: ignore[operator]

    aws(full.on("cloudformation:DescribeStackEvents", hidden))
    sweep(scope)
    why = explain_of("cloudformation.stack", Stack.objects.get(key=SHOP))
    assert why.startswith("Network (AWS::CloudFormation::Stack) UPDATE_FAILED: Embedded stack")


def test_events_of_the_nested_stack_that_come_later_are_the_cause_above_it(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope, "cloudformation.stack")
    resource = REGISTER.get("cloudformation.event")
    for key in (SHOP, NETWORK):
        parent = Parent(key=key, fields={"events_stamp": ""})
        records = [
            one
            for one in collect.events(full.reach(), Ask(parents=(parent,)))
            if not isinstance(one, Covered)
        ]
        reconcile(resource, scope, records, extent=Nothing())
    why = explain_of("cloudformation.stack", Stack.objects.get(key=SHOP))
    assert why.startswith("Network / Gateway (AWS::EC2::InternetGateway)")


def test_an_action_of_long_ago_is_not_explained_by_what_fails_today(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope)
    shop = Stack.objects.get(key=SHOP)
    began, ended = (datetime.fromtimestamp(BEGAN - ago, UTC) for ago in (3605, 3495))
    minute, day = timedelta(minutes=1), timedelta(days=1)

    def then(since: datetime | None, until: datetime | None) -> str:
        return explain_then("cloudformation.stack", shop, since, until)

    assert then(began, ended).startswith("Network / Gateway")
    assert then(None, ended).startswith("Network / Gateway")
    assert then(began, None).startswith("Network / Gateway")
    assert then(began - day, ended - day) == ""
    assert then(None, ended - day) == ""
    assert then(ended + minute, None) == ""
    assert then(None, ended + day) == ""


def test_a_stack_without_events_still_says_what_is_known(scope: Scope, aws: Any):
    aws(account(stack(1, "DELETE_FAILED", StackStatusReason="no"), stack(2, "CREATE_FAILED")))
    sweep(scope, "cloudformation.stack")
    one, two = Stack.objects.order_by("name")
    # CloudFormation was not asked yet what happened in them.
    assert explain_of("cloudformation.stack", one) == f"DELETE_FAILED: no\n{UNREAD}"
    assert explain_of("cloudformation.stack", two) == f"CREATE_FAILED. {UNREAD}"
    one.events_stamp, two.events_stamp = one.stamp, two.stamp
    assert explain_of("cloudformation.stack", one) == "DELETE_FAILED: no"
    assert explain_of("cloudformation.stack", two) == (
        "CREATE_FAILED, and CloudFormation says no more"
    )


# --- How many calls -------------------------------------------------------------------------------


def test_an_empty_account_is_one_call(scope: Scope, empty: Flight, aws: Any):
    aws(empty)
    sweep(scope)
    assert empty.count() == {"cloudformation:DescribeStacks": 1}


def test_250_stacks_are_three_calls_and_one_for_each_the_first_time_and_then_three_in_all(
    scope: Scope, aws: Any
):
    flight = aws(account(*(stack(n) for n in range(250))))
    sweep(scope)
    assert flight.count() == {
        "cloudformation:DescribeStacks": 3,
        "cloudformation:ListStackResources": 250,
    }
    with flight.recorded() as asked:
        sweep(scope)
    assert [name for name, _ in asked] == ["cloudformation:DescribeStacks"] * 3


@pytest.mark.parametrize(
    ("status", "opened", "calls"),
    [
        ("CREATE_COMPLETE", "", 0),
        ("CREATE_COMPLETE", "an earlier version", 2),
        ("ROLLBACK_COMPLETE", "", 2),
        ("UPDATE_IN_PROGRESS", "", 2),
        ("REVIEW_IN_PROGRESS", "", 2),
    ],
)
def test_events_and_change_sets_are_read_of_what_moves_waits_failed_or_was_opened(
    scope: Scope, aws: Any, status: str, opened: str, calls: int
):
    flight = aws(account(stack(1, status)))
    sweep(scope, "cloudformation.stack")
    Stack.objects.update(events_stamp=opened, change_sets_stamp=opened)
    sweep(scope, "cloudformation.event", "cloudformation.changeset")
    assert sum(flight.count().values()) == 1 + calls


def test_only_the_stack_that_moved_is_looked_into(scope: Scope, aws: Any):
    aws(account(*(stack(n) for n in range(5))))
    sweep(scope)
    moved = account(
        *(stack(n, "UPDATE_COMPLETE" if n == 3 else "CREATE_COMPLETE") for n in range(5))
    )
    aws(moved)
    sweep(scope, "cloudformation.stack")
    wanted = {(hint.kind, hint.parent_key) for hint in Hint.objects.all()}
    assert wanted == {(kind, f"{ARN}:stack/s3/3") for kind in KINDS[1:]}
    Hint.objects.update(not_before=now())
    follow_hints(scope.pk)
    assert moved.count() == {
        "cloudformation:DescribeStacks": 1,
        "cloudformation:DescribeStackEvents": 1,
        "cloudformation:ListStackResources": 1,
        "cloudformation:ListChangeSets": 1,
    }


def test_while_a_stack_moves_it_alone_is_looked_at_every_few_seconds(scope: Scope, aws: Any):
    flight = account(stack(1, "UPDATE_IN_PROGRESS"), stack(2))
    aws(flight)
    sweep(scope)
    soon = {row.kind: row.hot_due_at for row in Sweep.objects.filter(scope=scope)}
    assert soon["cloudformation.changeset"] is None
    with flight.recorded() as asked:
        for kind in KINDS[:3]:
            assert soon[kind] is not None, kind
            row = Sweep.objects.get(scope=scope, kind=kind)
            Sweep.objects.filter(pk=row.pk).update(hot_due_at=now(), due_at=now() + HOUR)
            assert take(row)
            run(row)
    moving = f"{ARN}:stack/s1/1"
    assert [(name.partition(":")[2], params["StackName"]) for name, params in asked] == [
        ("DescribeStacks", moving),
        ("DescribeStackEvents", moving),
        ("ListStackResources", moving),
    ]


def test_a_stack_that_waits_for_a_person_is_not_asked_for_again_and_again(scope: Scope, aws: Any):
    aws(account(stack(1, "REVIEW_IN_PROGRESS")))
    sweep(scope)
    assert set(Sweep.objects.filter(kind__in=KINDS).values_list("hot_due_at", flat=True)) == {None}


@pytest.mark.parametrize(
    "moved",
    [
        {"LastUpdatedTime": 1767270000},
        {"DriftInformation": {"StackDriftStatus": "DRIFTED", "LastCheckTimestamp": 1767270000}},
        {"LastOperations": [{"OperationType": "CREATE_CHANGESET", "OperationId": "7"}]},
    ],
)
def test_what_moves_in_a_stack_moves_its_stamp(moved: dict[str, Any]):
    (before,) = collect.stacks(account(stack(1)).reach(), Ask())
    (after,) = collect.stacks(account(stack(1, **moved)).reach(), Ask())
    assert before.stamp != after.stamp


def test_few_stacks_are_asked_for_by_id_and_many_in_the_list_of_all():
    flight = account(*(stack(n) for n in range(10)))
    keys = tuple(f"{ARN}:stack/s{n}/{n}" for n in range(10))
    assert len(list(collect.stacks(flight.reach(), Ask(keys=keys[:2])))) == 2
    assert len(flight.asked) == 2
    assert len(list(collect.stacks(flight.reach(), Ask(keys=keys)))) == 10
    assert len(flight.asked) == 3


def test_a_stack_nobody_knows_has_vanished():
    [told] = collect.stacks(account().reach(), Ask(keys=("arn:nobody",)))
    assert told == Vanished("arn:nobody")


def test_a_deleted_stack_is_asked_for_once_and_then_gone(scope: Scope, aws: Any):
    aws(account(stack(1), stack(2)))
    sweep(scope)
    deleted = stack(1, "DELETE_COMPLETE", DeletionTime=1767270000)

    def describe(params: Any) -> Any:
        return {"Stacks": [deleted if params.get("StackName") else stack(2)]}

    flight = aws(account().on("cloudformation:DescribeStacks", describe))
    sweep(scope, "cloudformation.stack")
    row = Stack.objects.get(name="s1")
    assert (row.status, row.state, row.gone_at) == ("DELETE_COMPLETE", "stopped", None)
    assert row.deleted_at is not None
    sweep(scope, "cloudformation.stack")
    sweep(scope, "cloudformation.stack")
    row.refresh_from_db()
    assert row.gone_at is not None
    assert len(flight.asked) == 4


def pages_of_events(count: int, beginning: int | None = None) -> Flight:
    """A stack with so many pages of two events; on page `beginning` its operation begins."""

    def events(params: Any) -> Any:
        at = int(params.get("NextToken", "0"))
        found = [
            {
                "StackId": SHOP,
                "EventId": f"{at}-{n}",
                "StackName": "shop",
                "PhysicalResourceId": SHOP if at == beginning else "x",
                "ResourceType": "AWS::CloudFormation::Stack",
                "ResourceStatus": "UPDATE_IN_PROGRESS",
                "Timestamp": 1767260000 - at,
            }
            for n in range(2)
        ]
        return {"StackEvents": found, **({"NextToken": str(at + 1)} if at + 1 < count else {})}

    return Flight().on("cloudformation:DescribeStackEvents", events)


def asked(stamp: str = "", *known: str) -> Ask:
    parent = Parent(key=SHOP, fields={"events_stamp": stamp})
    return Ask(parents=(parent,), finished=lambda keys: frozenset(keys) & frozenset(known))


def test_a_first_reading_ends_where_the_newest_operation_began():
    flight = pages_of_events(5, beginning=1)
    told = list(collect.events(flight.reach(), asked()))
    assert len(told) == 5
    assert told[-1] == Covered(SHOP)
    assert len(flight.asked) == 2


def test_a_later_reading_ends_at_the_first_known_event_and_misses_no_operation_between():
    flight = pages_of_events(5, beginning=0)
    assert len(list(collect.events(flight.reach(), asked("1", "2-1")))) == 7
    assert len(flight.asked) == 3


def test_events_of_the_same_moment_keep_awss_order():
    flight = pages_of_events(2)
    told = [one for one in collect.events(flight.reach(), asked()) if isinstance(one, EventRecord)]
    by_time = sorted(told, key=lambda one: str(one.at), reverse=True)
    assert [one.key for one in by_time] == ["0-0", "0-1", "1-0", "1-1"]


def test_a_long_history_is_not_read_without_end():
    flight = pages_of_events(50)
    *told, covered = collect.events(flight.reach(), asked())
    assert covered == Covered(SHOP)
    assert len(flight.asked) == collect.EVENT_PAGES
    # The oldest one that was read says that there were more.
    (cut,) = [one for one in told if isinstance(one, EventRecord) and one.cut]
    assert cut.key == f"{collect.EVENT_PAGES - 1}-1"


def test_a_history_that_was_read_to_what_is_known_has_no_hole():
    flight = pages_of_events(5, beginning=0)
    told = list(collect.events(flight.reach(), asked("1", "2-1")))
    assert not any(one.cut for one in told if isinstance(one, EventRecord))


def test_events_that_break_off_leave_nothing_behind_which_a_hole_would_be():
    flight = pages_of_events(5, beginning=4)
    whole = flight._plays["cloudformation:DescribeStackEvents"]

    def breaks(params: Any) -> Any:
        return Fault("AccessDenied", "no") if params.get("NextToken") == "2" else whole(params)  # type: ignore[operator]

    flight.on("cloudformation:DescribeStackEvents", breaks)
    assert list(collect.events(flight.reach(), asked())) == []


# --- What is heard --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("Stack Status Change", {("stack", SHOP, ""), ("event", "", SHOP)}),
        ("Resource Status Change", {("event", "", SHOP), ("resource", "", SHOP)}),
        ("Drift Detection Status Change", {("stack", SHOP, "")}),
    ],
)
def test_events_name_what_they_tell_of(what: str, names: set[tuple[str, str, str]]):
    event = Told(
        place="111122223333/eu-west-1",
        source="aws.cloudformation",
        type=f"CloudFormation {what}",
        detail={"stack-id": SHOP, "status-details": {"status": "X"}},
    )
    found = {(one.kind.partition(".")[2], one.key, one.parent) for one in names_in(event)}
    assert found == names


def test_every_call_made_is_declared(scope: Scope, full: Flight, aws: Any):
    aws(full)
    sweep(scope)
    declared = {call for kind in KINDS for call in REGISTER.get(kind).calls}
    # DescribeStacks of all stacks needs the permission to list them.
    assert set(full.count()) == declared - {"cloudformation:ListStacks"}


def test_a_change_set_that_waits_is_looked_after_until_somebody_deletes_it(
    scope: Scope, full: Flight, aws: Any
):
    aws(full)
    sweep(scope)
    row = Sweep.objects.get(scope=scope, kind="cloudformation.changeset")
    assert ChangeSet.objects.filter(state="waiting").exists()
    assert row.hot_due_at is not None
    assert row.hot_due_at <= now() + timedelta(minutes=10)
