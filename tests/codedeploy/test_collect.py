"""From CodeDeploy's answers to rows: complete, without secrets, in as few calls as there can be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import serializers

from apps.aws.events import API_CALL
from apps.codedeploy import collect
from apps.codedeploy.models import (
    Application,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    Target,
)
from apps.codedeploy.records import DeploymentRecord, TargetRecord
from apps.codedeploy.resources import DEPLOYMENT_EVENT, INSTANCE_EVENT
from apps.mirror.ask import Ask, Covered, Ended, Parent
from apps.mirror.asking import hint
from apps.mirror.hints import follow_hints
from apps.mirror.ingest import Event, names_in
from apps.mirror.models import Change, Hint, Link, ReadToEnd, Scope
from apps.mirror.state import State
from tests.flight import PLANTED, Fault, Flight


def deployment(key: str, status: str = "Succeeded", **more: Any) -> dict[str, Any]:
    """A deployment as BatchGetDeployments gives it, no more than what is always there."""
    return {
        "deploymentId": key,
        "applicationName": "shop",
        "deploymentGroupName": "live",
        "status": status,
        "createTime": 1767260000.0,
        **more,
    }


def account(
    applications: int = 1,
    deployments: int = 0,
    status: str = "Succeeded",
    targets: int = 2,
) -> Flight:
    """An account with so many applications of one group each, and deployments to the first."""

    def page(items: list[str], params: Any, name: str) -> dict[str, Any]:
        at = int(params.get("nextToken", "0"))
        following = {"nextToken": str(at + 100)} if at + 100 < len(items) else {}
        return {name: items[at : at + 100], **following}

    names = [f"app-{number:04}" for number in range(applications)]
    ids = [f"d-{number:09}" for number in reversed(range(deployments))]
    hosts = [f"i-{number:017}" for number in range(targets)]

    def batch(params: Any, name: str, most: int) -> list[str]:
        asked: list[str] = params[name]
        assert len(asked) <= most
        return asked

    def instance(key: str, params: Any) -> dict[str, Any]:
        state = "Succeeded" if status in ("Succeeded", "Failed") else "InProgress"
        return {
            "deploymentTargetType": "InstanceTarget",
            "instanceTarget": {
                "deploymentId": params["deploymentId"],
                "targetId": key,
                "targetArn": f"arn:aws:ec2:eu-west-1:111122223333:instance/{key}",
                "status": state,
                "lifecycleEvents": [],
            },
        }

    flight = Flight()
    flight.on("codedeploy:ListOnPremisesInstances", {"instanceNames": []})
    flight.on("codedeploy:ListApplications", lambda p: page(names, p, "applications"))
    flight.on(
        "codedeploy:BatchGetApplications",
        lambda p: {
            "applicationsInfo": [
                {"applicationName": one, "applicationId": f"id-{one}"}
                for one in batch(p, "applicationNames", 100)
            ]
        },
    )
    flight.on("codedeploy:ListDeploymentGroups", lambda _: {"deploymentGroups": ["live"]})
    flight.on(
        "codedeploy:BatchGetDeploymentGroups",
        lambda p: {
            "deploymentGroupsInfo": [
                {
                    "applicationName": p["applicationName"],
                    "deploymentGroupName": one,
                    "deploymentGroupId": "g",
                }
                for one in batch(p, "deploymentGroupNames", 100)
            ]
        },
    )
    flight.on("codedeploy:ListDeploymentConfigs", {"deploymentConfigsList": []})
    flight.on("codedeploy:ListDeployments", lambda p: page(ids, p, "deployments"))
    flight.on(
        "codedeploy:BatchGetDeployments",
        lambda p: {
            "deploymentsInfo": [
                deployment(one, status, applicationName=(names or ["shop"])[0])
                for one in batch(p, "deploymentIds", 25)
            ]
        },
    )
    flight.on("codedeploy:ListDeploymentTargets", lambda p: page(hosts, p, "targetIds"))
    flight.on(
        "codedeploy:BatchGetDeploymentTargets",
        lambda p: {"deploymentTargets": [instance(one, p) for one in batch(p, "targetIds", 25)]},
    )
    return flight


def parent(key: str = "d-1", status: str = "InProgress", **more: Any) -> Parent:
    state = State.MOVING if status in ("Created", "Queued", "InProgress", "Ready") else State.DONE
    return Parent(key=key, fields={"status": status, "state": state, "completed_at": None, **more})


# --- What is read ---------------------------------------------------------------------------------


def test_no_planted_secret_gets_behind_the_collector(swept: Flight):
    rows = [
        *Application.objects.all(),
        *DeploymentGroup.objects.all(),
        *DeploymentConfig.objects.all(),
        *Deployment.objects.all(),
        *Target.objects.all(),
        *Change.objects.all(),
        *Link.objects.all(),
    ]
    stored = serializers.serialize("json", rows)
    assert PLANTED not in stored
    assert "DB_PASSWORD=***" in stored
    assert "basket:9" in stored


def test_a_failed_target_names_event_script_and_the_line_that_says_it(swept: Flight):
    target = Target.objects.get(target_id="i-0a1b2c3d4e5f60002")
    assert (target.state, target.label) == (State.FAILED, "Green")
    assert (target.failing_event, target.failing_code) == ("ApplicationStart", "ScriptFailed")
    assert target.failing_script == "scripts/start.sh"
    marked = target.log_tail.split("\n")[target.log_mark or 0]
    assert marked == "[stderr]Error: connect ECONNREFUSED 10.0.4.17:5432"
    assert target.seconds == 60


def test_traffic_is_read_from_functions_and_task_sets(swept: Flight):
    percents = dict(Deployment.objects.values_list("key", "traffic_percent"))
    assert (percents["d-BACK00001"], percents["d-ECS000001"]) == (100.0, 10.0)
    assert percents["d-FAILED001"] is None


def test_a_ready_deployment_waits_for_a_person_where_nothing_goes_on_by_itself(swept: Flight):
    assert Deployment.objects.get(key="d-ECS000001").state == State.WAITING
    going_on = {"deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"}}
    answer = deployment("d-1", "Ready", blueGreenDeploymentConfiguration=going_on)
    assert collect.deployment_record(Flight().reach(), answer).state == State.MOVING


def test_what_an_alarm_stopped_failed_though_aws_calls_it_stopped(swept: Flight):
    stopped = Deployment.objects.get(key="d-ALARM0001")
    assert (stopped.status, stopped.state) == ("Stopped", State.FAILED)
    by_hand = deployment("d-1", "Stopped", errorInformation={"code": "MANUAL_STOP"})
    assert collect.deployment_record(Flight().reach(), by_hand).state == State.STOPPED


def test_an_unknown_status_and_an_unknown_target_are_shown_as_they_are():
    record = collect.deployment_record(Flight().reach(), deployment("d-1", "Pondering"))
    assert (record.status, record.state) == ("Pondering", State.UNKNOWN)
    answer = {
        "deploymentTargetType": "MoonTarget",
        "moonTarget": {"targetId": "m-1", "status": "Landing", "lifecycleEvents": [{}]},
    }
    target = collect.target_record(parent(), answer)
    assert (target.target_type, target.target_id) == ("MoonTarget", "m-1")
    assert (target.status, target.state) == ("Landing", State.UNKNOWN)
    assert target.links == ()


def test_a_target_that_never_ended_is_nobodys_long_after_its_deployment():
    answer = {
        "deploymentTargetType": "InstanceTarget",
        "instanceTarget": {"targetId": "i-1", "status": "Pending"},
    }
    over = {"completed_at": datetime.now(UTC) - timedelta(hours=2)}
    assert collect.target_record(parent("d-1", "Stopped", **over), answer).state == State.UNKNOWN
    just = {"completed_at": datetime.now(UTC) - timedelta(minutes=2)}
    assert collect.target_record(parent("d-1", "Stopped", **just), answer).state == State.MOVING


def test_what_a_group_and_a_deployment_name_elsewhere_is_linked(swept: Flight):
    def links(kind: str, row: Any) -> set[tuple[str, str, str]]:
        found = Link.objects.filter(from_kind=kind, from_id=row.pk)
        return set(found.values_list("relation", "to_kind", "to_arn"))

    here = "eu-west-1:111122223333"
    group = DeploymentGroup.objects.get(key="checkout-api/production")
    assert {
        ("assumes", "iam.role", "arn:aws:iam::111122223333:role/service-role/codedeploy"),
        ("notifies", "sns.topic", f"arn:aws:sns:{here}:releases"),
        ("is watched by", "cloudwatch.alarm", f"arn:aws:cloudwatch:{here}:alarm:checkout-api-5xx"),
        (
            "deploys to",
            "ec2.autoscalinggroup",
            f"arn:aws:autoscaling:{here}:autoScalingGroup:*:autoScalingGroupName/checkout-api",
        ),
        (
            "sends traffic by",
            "ec2.targetgroup",
            f"arn:aws:elasticloadbalancing:{here}:targetgroup/checkout-api/*",
        ),
    } == links("codedeploy.deploymentgroup", group)
    ecs = DeploymentGroup.objects.get(key="basket/blue-green")
    assert ("deploys to", "ecs.service", f"arn:aws:ecs:{here}:service/shop/basket") in links(
        "codedeploy.deploymentgroup", ecs
    )
    stopped = Deployment.objects.get(key="d-ALARM0001")
    assert {
        ("is rolled back by", "codedeploy.deployment", "d-BACK00001"),
        (
            "was stopped by",
            "cloudwatch.alarm",
            f"arn:aws:cloudwatch:{here}:alarm:fraud-model-errors",
        ),
        (
            "deploys to",
            "codedeploy.deploymentgroup",
            f"arn:aws:codedeploy:{here}:deploymentgroup:fraud-model/canary",
        ),
    } < links("codedeploy.deployment", stopped)
    commit = Deployment.objects.get(key="d-STACK0001")
    sha = "77f0b10477f0b10477f0b10477f0b10477f0b104"
    assert ("deploys", "github.commit", f"example-shop/stack-shift#{sha}") in links(
        "codedeploy.deployment", commit
    )
    function = Target.objects.get(key="d-BACK00001/fraud-model:live")
    assert links("codedeploy.target", function) == {
        ("deploys to", "awslambda.function", f"arn:aws:lambda:{here}:function:fraud-model")
    }
    premises = Target.objects.get(target_id="ams-rack-3")
    rack = f"arn:aws:codedeploy:{here}:instance/ams-rack-3_Bq1x"
    assert links("codedeploy.target", premises) == {
        ("deploys to", "codedeploy.on_premises_instance", rack)
    }


def test_an_appspec_is_read_once_by_its_hash(full: Flight):
    reach = full.reach()
    (record,) = collect.deployments(reach, Ask(keys=("d-ALARM0001",)))
    sha = record.appspec_sha256
    assert "fraud-model-smoke" in record.appspec
    assert PLANTED not in record.appspec
    (again,) = collect.deployments(reach, Ask(keys=("d-ALARM0001",), known={"d-ALARM0001": sha}))
    assert repr(again.appspec) == "UNREAD"
    full.on("codedeploy:GetApplicationRevision", Fault("AccessDenied", "no"))
    (denied,) = collect.deployments(reach, Ask(keys=("d-ALARM0001",)))
    assert (repr(denied.appspec), denied.status) == ("UNREAD", "Stopped")
    assert len(full.calls("codedeploy:GetApplicationRevision")) == 2


# --- Which calls are made -------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("applications", "deployments"), [(0, 0), (1, 7), (130, 260)])
def test_a_first_sync_makes_no_more_calls_than_its_formula(sweep, applications, deployments):
    flight = sweep(account(applications, deployments))
    hundreds = -(-applications // 100)
    assert flight.count() == {
        name: count
        for name, count in {
            "codedeploy:ListApplications": max(1, hundreds),
            "codedeploy:BatchGetApplications": hundreds,
            "codedeploy:ListOnPremisesInstances": 1,
            "codedeploy:ListDeploymentGroups": applications,
            "codedeploy:BatchGetDeploymentGroups": applications,
            "codedeploy:ListDeploymentConfigs": 1,
            "codedeploy:ListDeployments": max(1, -(-deployments // 100)),
            "codedeploy:BatchGetDeployments": -(-deployments // 25),
            # Of the newest of each group alone.
            "codedeploy:ListDeploymentTargets": min(deployments, 1),
            "codedeploy:BatchGetDeploymentTargets": min(deployments, 1),
        }.items()
        if count
    }


@pytest.mark.django_db
def test_a_second_sweep_lists_and_describes_nothing_that_is_known(sweep):
    sweep(account(3, 30))
    again = sweep(account(3, 30))
    assert again.count() == {
        "codedeploy:ListApplications": 1,
        "codedeploy:ListDeploymentGroups": 3,
        "codedeploy:ListDeploymentConfigs": 1,
        "codedeploy:ListDeployments": 1,
        "codedeploy:ListOnPremisesInstances": 1,
    }


@pytest.mark.django_db
def test_the_ids_are_listed_to_their_end_now_and_then_for_aws_promises_no_order(sweep):
    sweep(account(1, 260))
    assert sweep(account(1, 260)).count()["codedeploy:ListDeployments"] == 1
    assert sweep(account(1, 260), deep=True).count()["codedeploy:ListDeployments"] == 3


def test_groups_are_read_by_name_and_one_that_is_not_there_has_vanished():
    flight = Flight().on(
        "codedeploy:BatchGetDeploymentGroups",
        lambda p: (
            {"deploymentGroupsInfo": []}
            if p["applicationName"] == "shop"
            else Fault("ApplicationDoesNotExistException", "No application found")
        ),
    )
    found = list(collect.groups(flight.reach(), Ask(keys=("shop/live", "old/live"))))
    assert sorted(one.key for one in found) == ["old/live", "shop/live"]
    assert {type(one).__name__ for one in found} == {"Vanished"}


def test_a_group_that_is_missing_beside_an_error_is_not_called_gone():
    answer = {
        "deploymentGroupsInfo": [{"applicationName": "shop", "deploymentGroupName": "live"}],
        "errorMessage": "An internal error occurred",
    }
    flight = Flight().on("codedeploy:BatchGetDeploymentGroups", answer)
    keys = ("shop/live", "shop/test")
    (found,) = collect.groups(flight.reach(), Ask(keys=keys))
    assert (type(found).__name__, found.key) == ("DeploymentGroupRecord", "shop/live")


def test_a_denied_detail_costs_the_details_alone():
    flight = account(1, 0).on("codedeploy:BatchGetApplications", Fault("AccessDenied", "no"))
    (record,) = collect.applications(flight.reach(), Ask())
    assert record.key == "app-0000"
    assert repr(record.compute_platform) == "UNREAD"


def test_a_known_deployment_that_is_not_listed_any_more_is_read_by_its_id():
    flight = account(1, 0).on("codedeploy:BatchGetDeployments", {"deploymentsInfo": []})
    ask = Ask(unfinished={"": frozenset({"d-1"})})
    records = [
        one for one in collect.deployments(flight.reach(), ask) if not isinstance(one, Ended)
    ]
    assert records == [DeploymentRecord(key="d-1", state=State.UNKNOWN.value)]


# --- Whose targets are read -----------------------------------------------------------------------


def test_targets_of_what_has_not_begun_are_not_asked_for():
    flight = Flight()
    found = list(collect.targets(flight.reach(), Ask(parents=(parent(status="Created"),))))
    assert found == [Covered("d-1")]
    assert flight.count() == {}


def test_a_deployment_that_begins_late_or_is_forgotten_is_no_fault():
    for code in ("DeploymentNotStartedException", "DeploymentDoesNotExistException"):
        flight = Flight().on("codedeploy:ListDeploymentTargets", Fault(code, "no"))
        reach = flight.reach()
        assert list(collect.targets(reach, Ask(parents=(parent(),)))) == [Covered("d-1")]
        assert reach.outcomes["codedeploy:ListDeploymentTargets"].failures == 0


def test_targets_that_have_ended_are_left_out_while_the_others_run():
    flight = account(targets=60, status="InProgress")
    known = {f"d-1/i-{number:017}" for number in range(40)}
    ask = Ask(parents=(parent(),), finished=lambda keys: frozenset(keys) & known)
    found = list(collect.targets(flight.reach(), ask))
    assert sum(isinstance(one, TargetRecord) for one in found) == 20
    assert flight.count() == {
        "codedeploy:ListDeploymentTargets": 1,
        "codedeploy:BatchGetDeploymentTargets": 1,
    }
    assert Ended("d-1") not in found


def test_what_is_over_is_read_once_and_never_again():
    flight = account(targets=1)
    found = list(collect.targets(flight.reach(), Ask(parents=(parent(status="Succeeded"),))))
    assert found[-2:] == [Ended("d-1"), Covered("d-1")]


@pytest.mark.parametrize(("state", "unended", "asked"), [("done", True, 2), ("moving", True, 1)])
def test_what_ended_early_is_read_once_more_when_its_deployment_is_over(state, unended, asked):
    flight = account(targets=2)
    ended = "d-1/i-00000000000000000"
    ask = Ask(
        parents=(parent(state=state),),
        finished=lambda keys: frozenset({ended} & set(keys)),
        unended=frozenset({"d-1"} if unended else ()),
    )
    list(collect.targets(flight.reach(), ask))
    (call,) = flight.calls("codedeploy:BatchGetDeploymentTargets")
    assert len(call["targetIds"]) == asked


@pytest.mark.django_db
def test_an_event_or_a_task_set_that_moves_after_its_target_ended_is_shown_as_it_ended(
    sweep: Callable[..., Flight], scope: Scope
):
    flight = account(1, 1, "InProgress", targets=1)
    event = {"lifecycleEventName": "AfterAllowTraffic", "status": "InProgress", "startTime": 5.0}

    def ecs(_params: Any) -> dict[str, Any]:
        told = {
            "targetId": "shop:basket",
            "targetArn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/basket",
            "deploymentId": "d-000000000",
            "status": "Succeeded",
            "lifecycleEvents": [dict(event)],
        }
        return {"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": told}]}

    flight.on("codedeploy:ListDeploymentTargets", {"targetIds": ["shop:basket"]})
    flight.on("codedeploy:BatchGetDeploymentTargets", ecs)
    sweep(flight)
    assert Target.objects.get().lifecycle_events[0]["status"] == "InProgress"
    event |= {"status": "Succeeded", "endTime": 9.0}
    ended = account(1, 1)
    flight.on("codedeploy:BatchGetDeployments", ended._plays["codedeploy:BatchGetDeployments"])
    sweep(flight, "codedeploy.deployment")
    while follow_hints(scope.pk):
        pass
    (told,) = Target.objects.get().lifecycle_events
    assert (told["status"], told["seconds"]) == ("Succeeded", 4)


@pytest.mark.django_db
def test_an_application_that_is_deleted_or_renamed_goes_and_its_groups_with_it(sweep, scope):
    flight = sweep(account(2))
    assert DeploymentGroup.objects.present().count() == 2
    told = {"store": {"applicationName": "store", "applicationId": "app-0000"}}

    def described(params: Any) -> Any:
        if [name for name in params["applicationNames"] if name not in told]:
            return Fault("ApplicationDoesNotExistException", "No application found")
        return {"applicationsInfo": [told[name] for name in params["applicationNames"]]}

    flight.on("codedeploy:BatchGetApplications", described)
    detail = {
        "eventName": "UpdateApplication",
        "requestParameters": {"applicationName": "app-0000", "newApplicationName": "store"},
    }
    event = Event("111122223333/eu-west-1", "aws.codedeploy", API_CALL, detail)
    hint(scope, [one for one in names_in(event) if one.kind == "codedeploy.application"])
    while follow_hints(scope.pk):
        pass
    assert set(Application.objects.present().values_list("key", flat=True)) == {"app-0001", "store"}
    assert not DeploymentGroup.objects.present().filter(key="app-0000/live").exists()
    assert DeploymentGroup.objects.filter(key="app-0000/live").exists()


def test_an_application_is_asked_for_by_the_start_of_a_deployment_alone():
    for state, named in (("START", {"shop"}), ("SUCCESS", set())):
        detail = {"state": state, "application": "shop", "deploymentId": "d-1"}
        event = Event("1/r", "aws.codedeploy", DEPLOYMENT_EVENT, detail)
        found = {one.key for one in names_in(event) if one.kind == "codedeploy.application"}
        assert found == named


def test_a_batch_that_fails_leaves_its_deployment_to_the_next_time():
    flight = account(targets=1).on("codedeploy:BatchGetDeploymentTargets", Fault("AccessDenied"))
    assert list(collect.targets(flight.reach(), Ask(parents=(parent(),)))) == []


@pytest.mark.django_db
def test_of_the_finished_ones_the_newest_and_the_failed_have_their_targets_read(sweep, scope):
    flight = account(1, 6)
    recently = datetime.now(UTC).timestamp() - 3600
    told = {
        "d-000000005": deployment("d-000000005", createTime=recently),
        "d-000000003": deployment("d-000000003", "Failed", createTime=recently - 50),
        "d-000000001": deployment("d-000000001", "Failed", createTime=recently - 86400 * 60),
    }
    flight.on(
        "codedeploy:BatchGetDeployments",
        lambda p: {
            "deploymentsInfo": [
                {
                    **told.get(one, deployment(one, createTime=recently - 900)),
                    "applicationName": "app-0000",
                }
                for one in p["deploymentIds"]
            ]
        },
    )
    sweep(flight)
    asked = {one["deploymentId"] for one in flight.calls("codedeploy:ListDeploymentTargets")}
    assert asked == {"d-000000005", "d-000000003"}
    assert (
        set(ReadToEnd.objects.filter(kind="codedeploy.target").values_list("parent_key", flat=True))
        == asked
    )


# --- Events, and what follows ---------------------------------------------------------------------


@pytest.mark.django_db
def test_an_instances_event_names_its_deployment_and_that_ones_targets():
    detail = {
        "instanceId": "i-1",
        "state": "SUCCESS",
        "application": "shop",
        "deploymentId": "d-1",
        "deploymentGroup": "live",
    }
    event = Event("111122223333/eu-west-1", "aws.codedeploy", INSTANCE_EVENT, detail)
    named = {(one.kind, one.key, one.parent) for one in names_in(event)}
    assert named == {("codedeploy.deployment", "d-1", ""), ("codedeploy.target", "", "d-1")}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operation", "asked", "named"),
    [
        ("CreateDeploymentGroup", {"deploymentGroupName": "live"}, {"shop/live"}),
        ("UpdateDeploymentGroup", {"currentDeploymentGroupName": "live"}, {"shop/live"}),
        (
            "UpdateDeploymentGroup",
            {"currentDeploymentGroupName": "live", "newDeploymentGroupName": "production"},
            {"shop/live", "shop/production"},
        ),
        ("DeleteDeploymentGroup", {"deploymentGroupName": "live"}, {"shop/live"}),
    ],
)
def test_an_edit_of_a_group_names_it_by_its_old_name_and_its_new_one(
    operation: str, asked: dict[str, str], named: set[str]
):
    detail = {"eventName": operation, "requestParameters": {"applicationName": "shop", **asked}}
    event = Event("111122223333/eu-west-1", "aws.codedeploy", API_CALL, detail)
    groups = {one.key for one in names_in(event) if one.kind == "codedeploy.deploymentgroup"}
    assert groups == named
    refused = Event(event.place, event.source, event.type, {**detail, "errorCode": "Denied"})
    assert not list(names_in(refused))


@pytest.mark.django_db
def test_a_deployment_that_ends_has_its_targets_and_its_group_read_once_more(
    sweep: Callable[..., Flight], scope: Scope
):
    sweep(account(1, 1, "InProgress"))
    Hint.objects.all().delete()
    sweep(account(1, 1), "codedeploy.deployment")
    hints = set(Hint.objects.values_list("kind", "row_key", "parent_key"))
    assert hints == {
        ("codedeploy.deploymentgroup", "app-0000/live", ""),
        ("codedeploy.target", "", "d-000000000"),
    }


@pytest.mark.django_db
def test_history_that_is_read_for_the_first_time_asks_for_nothing_more(sweep, scope):
    sweep(account(1, 30))
    assert not Hint.objects.exists()
