"""From Beanstalk's answers to rows: complete, without secrets, in as few calls as there can be."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import serializers

from apps.beanstalk import collect
from apps.beanstalk.health import state_of, urgency
from apps.beanstalk.models import Application, Environment, Event, Instance, ManagedAction, Version
from apps.beanstalk.records import (
    ApplicationRecord,
    EnvironmentRecord,
    EventRecord,
    InstanceRecord,
    ManagedActionRecord,
    VersionRecord,
    environment_record,
    event_record,
)
from apps.mirror.ask import UNREAD, Ask, Covered, Ended, Parent, Vanished
from apps.mirror.ingest import Event as Heard
from apps.mirror.ingest import names_in
from apps.mirror.models import Change, Link, Operation, Scope, Sweep
from apps.mirror.provider import Health
from apps.mirror.reading import Reading
from apps.mirror.reconcile import Everything, Nothing, reconcile
from apps.mirror.resource import REGISTER, Names
from apps.mirror.state import URGENCY, State
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight

from .making import make_application, make_environment

ARN = f"arn:aws:elasticbeanstalk:{REGION}:{ACCOUNT}"
MODELS: Any = (Application, Version, Environment, Event, Instance, ManagedAction)


def environment(name: str = "shop-web", **more: Any) -> dict[str, Any]:
    """An environment as DescribeEnvironments gives it, no more than what is always there."""
    return {
        "EnvironmentName": name,
        "EnvironmentId": f"e-{name}",
        "ApplicationName": "shop",
        "EnvironmentArn": f"{ARN}:environment/shop/{name}",
        "Status": "Ready",
        "Health": "Green",
        "HealthStatus": "Ok",
        "DateCreated": 1767260000,
        "DateUpdated": 1767260000,
        **more,
    }


def account(*environments: dict[str, Any], **answers: Any) -> Flight:
    """An account of these environments, with health and instances that say little."""
    flight = Flight()
    flight.on("elasticbeanstalk:DescribeApplications", {"Applications": []})
    flight.on("elasticbeanstalk:DescribeApplicationVersions", {"ApplicationVersions": []})
    flight.on("elasticbeanstalk:DescribeEnvironments", {"Environments": list(environments)})
    flight.on("elasticbeanstalk:DescribeEnvironmentHealth", {"Causes": ["it is on fire"]})
    flight.on("elasticbeanstalk:DescribeEvents", {"Events": []})
    flight.on("elasticbeanstalk:DescribeInstancesHealth", {"InstanceHealthList": []})
    flight.on("elasticbeanstalk:DescribeEnvironmentManagedActions", {})
    flight.on("elasticbeanstalk:DescribeEnvironmentManagedActionHistory", {})
    for operation, answer in answers.items():
        flight.on(f"elasticbeanstalk:{operation}", answer)
    return flight


def environments(flight: Flight, **ask: Any) -> list[Any]:
    return list(collect.environments(flight.reach(), Ask(**ask)))


def due_within(time: timedelta) -> list[str]:
    """The kinds that are read by then, where nothing happens, parents first."""
    due = Sweep.objects.filter(due_at__lte=datetime.now(UTC) + time)
    kinds = set(due.values_list("kind", flat=True))
    return [r.kind for r in REGISTER if r.kind in kinds and r.app_label == "beanstalk"]


def said(
    number: int, name: str = "shop-web", severity: str = "INFO", **more: Any
) -> dict[str, Any]:
    """An event, `number` minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=number)
    return {
        "EventDate": at.timestamp(),
        "EnvironmentName": name,
        "ApplicationName": "shop",
        "Severity": severity,
        "Message": f"What happened {number} minutes ago.",
        **more,
    }


@pytest.mark.parametrize(
    ("record", "model"),
    [
        (ApplicationRecord, Application),
        (VersionRecord, Version),
        (EnvironmentRecord, Environment),
        (EventRecord, Event),
        (InstanceRecord, Instance),
        (ManagedActionRecord, ManagedAction),
    ],
)
def test_records_carry_every_column_that_is_read_from_aws(record: Any, model: Any):
    own = {f.name for f in model._meta.concrete_fields} - {"scope", "id", "application"}
    written_here = {
        "first_seen_at",
        "changed_at",
        "gone_at",
        "version",
        "environment",
        "errors",
        "settled_at",
        "instances",
        "instances_read",
        "managed",
        # Of an application: its environments tell; of an event: it is nobody's target.
        "status",
        "state",
        "arn",
    }
    assert own - {f.name for f in fields(record)} - written_here == set()


def test_no_planted_secret_gets_behind_the_collector(sweep: Any, full: Flight):
    sweep(full)
    rows = [row for model in MODELS for row in model.objects.all()]
    stored = serializers.serialize("json", [*rows, *Change.objects.all(), *Link.objects.all()])
    # An application, its versions, environments, all that is said of one of them, an instance, and
    # managed actions: one that is to come, two that are over.
    assert len(rows) == 1 + 2 + 2 + 8 + 1 + (1 + 2)
    assert PLANTED not in stored
    assert "pypi.example.com" in stored


def test_the_same_flight_twice_writes_nothing(sweep: Any, full: Flight):
    sweep(full)
    rows = serializers.serialize("json", [row for m in MODELS for row in m.objects.all()])
    changes = Change.objects.count()
    sweep(full)
    assert serializers.serialize("json", [row for m in MODELS for row in m.objects.all()]) == rows
    assert Change.objects.count() == changes


def test_an_account_without_beanstalk_is_three_calls_and_no_error(
    sweep: Any, empty: Flight, scope: Scope
):
    results = sweep(empty)
    assert all(result is not None for result in results.values())
    assert empty.count() == {
        "elasticbeanstalk:DescribeApplications": 1,
        "elasticbeanstalk:DescribeApplicationVersions": 1,
        "elasticbeanstalk:DescribeEnvironments": 1,
    }
    assert set(Operation.objects.values_list("health", flat=True)) <= {Health.OK, Health.NOT_TRIED}


@pytest.mark.sql
def test_a_sweep_of_well_environments_is_one_list_a_kind(sweep: Any):
    flight = account(*(environment(f"web-{number}") for number in range(40)))
    # Every environment's instances are read once; from then on nobody asks for any.
    sweep(flight)
    first = flight.count()
    assert first["elasticbeanstalk:DescribeInstancesHealth"] == 40
    # Managed actions have no list for several, and are due again after hours alone.
    assert first["elasticbeanstalk:DescribeEnvironmentManagedActions"] == 40
    assert first["elasticbeanstalk:DescribeEnvironmentManagedActionHistory"] == 40
    sweep(flight, *due_within(timedelta(minutes=10)))
    again = {name: count - first[name] for name, count in flight.count().items()}
    assert again == {
        "elasticbeanstalk:DescribeApplications": 1,
        "elasticbeanstalk:DescribeApplicationVersions": 1,
        "elasticbeanstalk:DescribeEnvironments": 1,
        "elasticbeanstalk:DescribeEvents": 1,
        "elasticbeanstalk:DescribeInstancesHealth": 0,
        "elasticbeanstalk:DescribeEnvironmentManagedActions": 0,
        "elasticbeanstalk:DescribeEnvironmentManagedActionHistory": 0,
    }


def test_managed_actions_are_two_calls_every_six_hours_where_there_may_be_any(sweep: Any):
    basic = environment("basic")
    del basic["HealthStatus"]
    flight = account(environment("enhanced"), basic)
    began = datetime.now(UTC)
    sweep(flight)
    for operation in REGISTER.get("beanstalk.managedaction").calls:
        asked = flight.calls(operation)
        assert [one["EnvironmentName"] for one in asked] == ["enhanced"]
    due = Sweep.objects.get(kind="beanstalk.managedaction").due_at
    assert timedelta(hours=6) <= due - began < timedelta(hours=6, minutes=5)
    assert "beanstalk.managedaction" not in due_within(timedelta(hours=5, minutes=59))


def test_lists_are_read_in_pages_of_a_thousand():
    def pages(params: Any) -> dict[str, Any]:
        assert params["MaxRecords"] == "1000"
        if params.get("NextToken"):
            return {"Environments": [environment("two")]}
        return {"Environments": [environment("one")], "NextToken": "more"}

    found = environments(account(DescribeEnvironments=pages))
    assert [one.key for one in found] == ["one", "two"]


# --- Health ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "health_status", "color", "state"),
    [
        ("Launching", "Pending", "Grey", State.MOVING),
        ("Updating", "Info", "Green", State.MOVING),
        ("Updating", "Severe", "Red", State.MOVING),
        ("Aborting", "Info", "Green", State.MOVING),
        ("Terminating", "Unknown", "Grey", State.MOVING),
        ("LinkingTo", "Ok", "Green", State.MOVING),
        ("Terminated", "Unknown", "Grey", State.STOPPED),
        ("Ready", "Ok", "Green", State.DONE),
        ("Ready", "Info", "Green", State.DONE),
        ("Ready", "Pending", "Grey", State.MOVING),
        ("Ready", "Warning", "Yellow", State.UNKNOWN),
        ("Ready", "Degraded", "Red", State.FAILED),
        ("Ready", "Severe", "Red", State.FAILED),
        ("Ready", "Suspended", "Grey", State.STOPPED),
        ("Ready", "NoData", "Grey", State.UNKNOWN),
        ("Ready", "", "Green", State.DONE),
        ("Ready", "", "Yellow", State.UNKNOWN),
        ("Ready", "", "Red", State.FAILED),
        ("Ready", "", "Grey", State.UNKNOWN),
        ("Ready", "Exhausted", "Purple", State.UNKNOWN),
        ("Hibernating", "Ok", "Green", State.UNKNOWN),
        ("", "", "", State.UNKNOWN),
    ],
)
def test_an_environment_fares_as_its_status_and_health_say(
    status: str, health_status: str, color: str, state: State
):
    assert state_of(status, health_status, color) is state
    told = environment(Status=status, HealthStatus=health_status, Health=color)
    (record,) = environments(account(told))
    assert (record.state, record.status) == (state, status)


def test_lists_begin_with_what_is_worst():
    words = ("Severe", "Degraded", "Warning", "NoData", "Ok")
    standing = [urgency(state_of("Ready", word, ""), word, "") for word in words]
    assert standing == sorted(standing)
    assert len(set(standing)) == len(standing)
    assert urgency(State.FAILED, "", "Red") < urgency(State.MOVING, "", "Red") < standing[2]


def test_causes_are_asked_for_where_an_environment_is_not_plainly_well():
    flight = account(
        environment("well"),
        environment("bad", Health="Red", HealthStatus="Severe"),
        environment("moving", Status="Updating"),
        environment("info", HealthStatus="Info"),
    )
    found = {one.key: one for one in environments(flight)}
    assert found["well"].causes == []
    assert {key for key, one in found.items() if one.causes == ["it is on fire"]} == {
        "bad",
        "moving",
        "info",
    }
    asked = flight.calls("elasticbeanstalk:DescribeEnvironmentHealth")
    assert sorted(one["EnvironmentId"] for one in asked) == ["e-bad", "e-info", "e-moving"]


def test_no_more_than_a_hundred_are_asked_for_their_causes_the_worst_first():
    many = [environment(f"warned-{n}", Health="Yellow", HealthStatus="Warning") for n in range(110)]
    flight = account(*many, environment("worst", Health="Red", HealthStatus="Severe"))
    found = {one.key: one for one in environments(flight)}
    assert len(flight.calls("elasticbeanstalk:DescribeEnvironmentHealth")) == 100
    assert found["worst"].causes == ["it is on fire"]
    assert sum(one.causes is UNREAD for one in found.values()) == 11


def test_basic_health_has_no_causes_and_is_not_asked_for_any():
    told = environment(Health="Red")
    del told["HealthStatus"]
    flight = account(told)
    (record,) = environments(flight)
    assert (record.state, record.causes, record.instances_due) == (State.FAILED, [], "")
    assert not flight.calls("elasticbeanstalk:DescribeEnvironmentHealth")


def test_where_enhanced_health_is_not_supported_nothing_failed(sweep: Any, scope: Scope):
    refused = Fault("InvalidRequestException", "DescribeEnvironmentHealth is not supported.")
    flight = account(
        *(environment(f"web-{n}", Health="Red", HealthStatus="Severe") for n in range(5)),
        DescribeEnvironmentHealth=refused,
        DescribeInstancesHealth=refused,
    )
    sweep(flight)
    sweep(flight)
    assert Environment.objects.filter(state=State.FAILED).count() == 5
    assert set(Operation.objects.values_list("health", flat=True)) == {Health.OK}
    # It is asked each time: a refusal of that kind does not suspend the operation.
    assert len(flight.calls("elasticbeanstalk:DescribeEnvironmentHealth")) == 10


def test_causes_that_may_not_be_read_are_left_as_they_are(sweep: Any, full: Flight, scope: Scope):
    sweep(full)
    denied = Fault("AccessDenied", "not authorized to perform", status=403)
    full.on("elasticbeanstalk:DescribeEnvironmentHealth", denied)
    sweep(full, "beanstalk.environment")
    assert Environment.objects.get(key="loyalty-api-prod").causes[0].startswith("Command failed")
    told = Operation.objects.get(operation="elasticbeanstalk:DescribeEnvironmentHealth")
    assert told.health == Health.DENIED


# --- By name --------------------------------------------------------------------------------------


def test_a_terminated_environment_is_found_by_its_name_and_one_made_anew_goes_before_it():
    old = environment(EnvironmentId="e-old", Status="Terminated", Health="Grey")
    flight = account(old, environment(EnvironmentId="e-new"))
    (record,) = environments(flight, keys=("shop-web",))
    assert record.environment_id == "e-new"
    (call,) = flight.calls("elasticbeanstalk:DescribeEnvironments")
    assert call["IncludeDeleted"] == "true"
    (record,) = environments(account(old), keys=("shop-web",))
    assert record.state == State.STOPPED


def test_what_is_named_and_not_there_has_vanished():
    assert environments(account(), keys=("shop-web",)) == [Vanished("shop-web")]
    reach = account().reach()
    assert list(collect.applications(reach, Ask(keys=("shop",)))) == [Vanished("shop")]
    assert list(collect.versions(reach, Ask(keys=("shop/v1",)))) == [Vanished("shop/v1")]


def test_versions_are_named_by_application_in_one_call_each():
    flight = account()
    list(collect.versions(flight.reach(), Ask(keys=("shop/v1", "shop/v2", "api/v1"))))
    asked = flight.calls("elasticbeanstalk:DescribeApplicationVersions")
    assert [one["ApplicationName"] for one in asked] == ["shop", "api"]


def test_a_version_that_aws_deleted_keeps_its_row(sweep: Any, full: Flight):
    sweep(full)
    full.on("elasticbeanstalk:DescribeApplicationVersions", {"ApplicationVersions": []})
    sweep(full, "beanstalk.version")
    assert Version.objects.count() == 2
    assert not Version.objects.present().exists()


# --- Events ---------------------------------------------------------------------------------------


def ask_events(*keys: str, known: Any = (), unended: Any = ()) -> Ask:
    return Ask(
        parents=tuple(Parent(key=key) for key in keys),
        finished=lambda asked: frozenset(asked) & frozenset(known),
        unended=frozenset(unended),
    )


def test_events_of_all_environments_are_one_list_with_a_start_time():
    flight = account(
        DescribeEvents={"Events": [said(1), said(2, "shop-api"), said(3, "forgotten")]}
    )
    ask = ask_events("shop-web", "shop-api", unended=("shop-web", "shop-api"))
    found = list(collect.events(flight.reach(), ask))
    assert [one.parent for one in found if isinstance(one, EventRecord)] == [
        "shop-web",
        "shop-api",
        "forgotten",
    ]
    assert found[3:] == [
        Ended("shop-web"),
        Ended("shop-api"),
        Covered("shop-web"),
        Covered("shop-api"),
    ]
    (call,) = flight.calls("elasticbeanstalk:DescribeEvents")
    assert "EnvironmentName" not in call
    assert call["MaxRecords"] == "1000"
    assert datetime.fromisoformat(call["StartTime"]) < datetime.now(UTC) - timedelta(days=13)


def test_reading_events_stops_at_a_page_that_holds_only_known_ones():
    events = [said(number) for number in (1, 2, 3)]

    def pages(params: Any) -> dict[str, Any]:
        at = int(params.get("NextToken", "0"))
        following = {"NextToken": str(at + 1)} if at < 2 else {}
        return {"Events": events[at : at + 1], **following}

    def read(*known: str) -> tuple[list[str], int]:
        flight = account(DescribeEvents=pages)
        ask = ask_events("shop-web", "shop-api", known=known)
        found = list(collect.events(flight.reach(), ask))
        keys = [one.key for one in found if isinstance(one, EventRecord)]
        return keys, len(flight.calls("elasticbeanstalk:DescribeEvents"))

    everything, calls = read()
    assert (len(everything), calls) == (3, 3)
    assert read(everything[1]) == (everything[:2], 2)


def test_events_of_a_single_environment_are_asked_for_by_its_name():
    flight = account()
    list(collect.events(flight.reach(), ask_events("shop-web")))
    (call,) = flight.calls("elasticbeanstalk:DescribeEvents")
    assert (call["EnvironmentName"], call["MaxRecords"]) == ("shop-web", "100")


def test_the_past_of_a_new_environment_is_read_beside_the_list_of_the_others():
    flight = account()
    ask = ask_events("shop-web", "shop-api", "shop-new", unended=("shop-new",))
    list(collect.events(flight.reach(), ask))
    calls = flight.calls("elasticbeanstalk:DescribeEvents")
    assert [one.get("EnvironmentName") for one in calls] == ["shop-new", None]


def test_events_are_written_once_however_often_they_are_read(sweep: Any):
    events = [said(n, Message=f"{n}") for n in (1, 2, 3)]
    flight = account(environment(), DescribeEvents={"Events": events})
    sweep(flight)
    flight.on("elasticbeanstalk:DescribeEvents", {"Events": [said(0), *reversed(events)]})
    sweep(flight, "beanstalk.event")
    assert Event.objects.count() == 4
    assert Change.objects.filter(kind="beanstalk.event").count() == 0


def test_hostile_text_is_stored_as_text(scope: Scope):
    nasty = "<script>alert(1)</script>\x00\ud800" + "x" * 3000
    at = datetime.now(UTC)
    told = environment(Description="a\x00b" * 200, DateCreated=at, DateUpdated=at)
    record = environment_record(told, {"Causes": [nasty]})
    reconcile(REGISTER.get("beanstalk.environment"), scope, [record], extent=Everything())
    event = event_record({**said(1, severity="ERROR", Message=nasty), "EventDate": at})
    reconcile(REGISTER.get("beanstalk.event"), scope, [event], extent=Nothing())
    row = Environment.objects.get()
    assert "\x00" not in json.dumps(row.causes) + row.description + Event.objects.get().message
    assert row.errors[0]["message"].startswith("<script>")


# --- Instances ------------------------------------------------------------------------------------


def instance(key: str = "i-1", **more: Any) -> dict[str, Any]:
    return {"InstanceId": key, "HealthStatus": "Ok", "Color": "Green", **more}


def test_the_first_list_has_the_instances_of_calm_environments_read_once(sweep: Any):
    told = environment("basic")
    del told["HealthStatus"]
    flight = account(environment(), told)
    flight.on("elasticbeanstalk:DescribeInstancesHealth", {"InstanceHealthList": [instance()]})

    def asked() -> list[str]:
        calls = flight.calls("elasticbeanstalk:DescribeInstancesHealth")
        return [one["EnvironmentName"] for one in calls]

    sweep(flight)
    assert asked() == ["shop-web"]
    assert Environment.objects.get(key="shop-web").instances[0]["id"] == "i-1"
    sweep(flight)
    assert asked() == ["shop-web"]
    # A version that came between two lists, so that nobody saw the environment move.
    moved = environment(VersionLabel="v2")
    flight.on("elasticbeanstalk:DescribeEnvironments", {"Environments": [moved]})
    sweep(flight)
    sweep(flight)
    assert asked() == ["shop-web", "shop-web"]


def test_instances_are_read_where_an_environment_moved_on_and_until_it_is_well_again(sweep: Any):
    bad = environment(Health="Red", HealthStatus="Severe")
    flight = account(bad)
    flight.on(
        "elasticbeanstalk:DescribeInstancesHealth",
        {"InstanceHealthList": [instance(HealthStatus="Severe", Color="Red", Causes=["no disk"])]},
    )
    sweep(flight)
    calls = flight.calls("elasticbeanstalk:DescribeInstancesHealth")
    assert [one["EnvironmentName"] for one in calls] == ["shop-web"]
    assert Instance.objects.get().state == State.FAILED
    # Nothing moved: nothing to ask.
    sweep(flight)
    assert len(flight.calls("elasticbeanstalk:DescribeInstancesHealth")) == 1
    # Well again: asked once more, and no longer.
    flight.on("elasticbeanstalk:DescribeEnvironments", {"Environments": [environment()]})
    flight.on("elasticbeanstalk:DescribeInstancesHealth", {"InstanceHealthList": [instance("i-2")]})
    sweep(flight)
    sweep(flight)
    assert len(flight.calls("elasticbeanstalk:DescribeInstancesHealth")) == 2
    assert Instance.objects.present().get().key == "i-2"
    assert Environment.objects.get(key="shop-web").instances[0]["calm"] is True


def test_instances_are_read_page_by_page():
    def pages(params: Any) -> dict[str, Any]:
        if params.get("NextToken"):
            return {"InstanceHealthList": [instance("i-2")]}
        return {"InstanceHealthList": [instance("i-1")], "NextToken": "more"}

    flight = account(DescribeInstancesHealth=pages)
    parent = Parent(key="shop-web", fields={"health_status": "Severe"})
    found = list(collect.instances(flight.reach(), Ask(parents=(parent,))))
    assert [one.key for one in found if isinstance(one, InstanceRecord)] == ["i-1", "i-2"]


@pytest.mark.parametrize(
    ("health_status", "deployment", "state"),
    [
        ("Ok", "Deployed", State.DONE),
        ("Ok", "In Progress", State.MOVING),
        ("Severe", "Failed", State.FAILED),
        ("Pending", "", State.MOVING),
        ("Baffled", "Hoped For", State.UNKNOWN),
    ],
)
def test_an_instance_fares_as_its_health_and_deployment_say(
    health_status: str, deployment: str, state: State
):
    told = instance(HealthStatus=health_status, Color="", Deployment={"Status": deployment})
    flight = account(DescribeInstancesHealth={"InstanceHealthList": [told]})
    parent = Parent(key="shop-web", fields={"health_status": "Severe"})
    record = next(iter(collect.instances(flight.reach(), Ask(parents=(parent,)))))
    assert isinstance(record, InstanceRecord)
    assert (record.state, record.status) == (state, health_status)


# --- Links and events -----------------------------------------------------------------------------


def test_links_name_what_belongs_together(sweep: Any, full: Flight):
    sweep(full)
    links = set(Link.objects.values_list("from_kind", "relation", "to_kind", "to_arn"))
    environment, version = "beanstalk.environment", "beanstalk.version"
    assert {
        (environment, "belongs to", "beanstalk.application", f"{ARN}:application/loyalty"),
        (environment, "serves", version, f"{ARN}:applicationversion/loyalty/loyalty-2.0.0"),
        (version, "belongs to", "beanstalk.application", f"{ARN}:application/loyalty"),
        (
            version,
            "comes from",
            "s3.bucket",
            "arn:aws:s3:::elasticbeanstalk-eu-west-1-111122223333",
        ),
        (
            version,
            "built by",
            "codebuild.build",
            "arn:aws:codebuild:eu-west-1:111122223333:build/"
            "loyalty-build:8745a7a9-c340-456a-9166-edf953571bee",
        ),
        (
            "beanstalk.instance",
            "is",
            "ec2.instance",
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0c91c7861b2a3c4d5",
        ),
    } <= links
    served = Version.objects.get(arn=f"{ARN}:applicationversion/loyalty/loyalty-2.0.0")
    assert served.application == Environment.objects.get(key="loyalty-api-prod").application


@pytest.mark.parametrize(
    "kind",
    [
        "Elastic Beanstalk resource status change",
        "Health status change",
        "Other resource status change",
        "Managed update status change",
    ],
)
def test_an_event_names_its_environment_its_events_and_its_instances(kind: str):
    event = Heard(
        place=f"{ACCOUNT}/{REGION}",
        source="aws.elasticbeanstalk",
        type=kind,
        detail={"EnvironmentName": "shop-web", "ApplicationName": "shop", "Status": "whatever"},
    )
    named = {
        Names(kind="beanstalk.environment", key="shop-web"),
        Names(kind="beanstalk.event", parent="shop-web"),
        Names(kind="beanstalk.instance", parent="shop-web"),
    }
    # What somebody does to an environment changes nothing of what AWS does to it by itself.
    if kind == "Managed update status change":
        named.add(Names(kind="beanstalk.managedaction", parent="shop-web"))
    assert set(names_in(event)) == named


@pytest.mark.parametrize(
    ("call", "asked", "names"),
    [
        (
            "UpdateApplication",
            {"applicationName": "shop"},
            [Names(kind="beanstalk.application", key="shop")],
        ),
        (
            "DeleteApplicationVersion",
            {"applicationName": "shop", "versionLabel": "v1"},
            [Names(kind="beanstalk.version", key="shop/v1")],
        ),
        (
            "SwapEnvironmentCNAMEs",
            {"sourceEnvironmentName": "blue", "destinationEnvironmentName": "green"},
            [
                Names(kind="beanstalk.environment", key="blue"),
                Names(kind="beanstalk.environment", key="green"),
            ],
        ),
        ("UpdateApplication", None, []),
    ],
)
def test_a_call_that_somebody_makes_names_what_it_is_about(call: str, asked: Any, names: Any):
    event = Heard(
        place=f"{ACCOUNT}/{REGION}",
        source="aws.elasticbeanstalk",
        type="AWS API Call via CloudTrail",
        detail={"eventName": call, "requestParameters": asked},
    )
    assert list(names_in(event)) == names


def test_environments_that_are_swapped_by_id_are_named(scope: Any):
    application = make_application(scope=scope)
    for name, number in (("blue", "e-1"), ("green", "e-2")):
        make_environment(name, application=application, environment_id=number)
    asked = {"sourceEnvironmentId": "e-1", "destinationEnvironmentId": "e-2"}
    event = Heard(
        place=f"{ACCOUNT}/{REGION}",
        source="aws.elasticbeanstalk",
        type="AWS API Call via CloudTrail",
        detail={"eventName": "SwapEnvironmentCNAMEs", "requestParameters": asked},
    )
    assert list(names_in(event)) == [
        Names(kind="beanstalk.environment", key="blue"),
        Names(kind="beanstalk.environment", key="green"),
    ]


def test_a_hint_reads_the_environment_and_what_is_said_of_it(sweep: Any, full: Flight):
    sweep(full)
    scope = Scope.objects.get()
    with full.recorded() as asked:
        for kind, name in (
            ("beanstalk.environment", Names(kind="beanstalk.environment", key="loyalty-api-prod")),
            ("beanstalk.event", Names(kind="beanstalk.event", parent="loyalty-api-prod")),
        ):
            reading = Reading(
                resource=REGISTER.get(kind),
                scope=scope,
                reach=full.reach(),
                at=datetime.now(UTC),
            )
            reading.named([name])
    assert [operation.partition(":")[2] for operation, _ in asked] == [
        "DescribeEnvironments",
        "DescribeEnvironmentHealth",
        "DescribeEvents",
    ]


def test_every_call_made_is_declared(sweep: Any, full: Flight):
    sweep(full)
    declared = {
        call
        for resource in REGISTER
        if resource.app_label == "beanstalk"
        for call in resource.calls
    }
    assert set(full.count()) == declared


def test_environments_stand_as_everything_does_by_its_state():
    standing = [urgency(state, "", "") for state in sorted(State, key=URGENCY.__getitem__)]
    assert standing == sorted(standing)
    assert Environment().urgency == urgency(State.UNKNOWN, "", "")
