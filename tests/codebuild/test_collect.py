"""From CodeBuild's answers to rows: complete, without secrets, in as few calls as there can be."""

import json
from dataclasses import fields
from typing import Any

import pytest
from django.core import serializers

from apps.codebuild import collect
from apps.codebuild.models import Build, Project
from apps.codebuild.records import BuildRecord, ProjectRecord
from apps.codebuild.resources import BUILD, PROJECT
from apps.mirror.ask import UNREAD, Ask, Ended, Vanished
from apps.mirror.models import Change, Link, Mirrored, Scope
from apps.mirror.reconcile import Everything, Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from tests.flight import PLANTED, Fault, Flight

KEY = "checkout-build:8745a7a9-c340-456a-9166-edf953571bee"
ARN = "arn:aws:codebuild:eu-west-1:111122223333"
REPORT = f"{ARN}:report/checkout-unit:11111111-0000-4000-8000-000000000001"


def builds_of(reach: Any, ask: Ask) -> list[BuildRecord]:
    """What a reading says of builds, without the word that it came to the list's end."""
    return [item for item in collect.builds(reach, ask) if not isinstance(item, Ended)]


def read(scope: Scope, flight: Flight) -> list[Change]:
    reach = flight.reach()
    changes = reconcile(
        PROJECT, scope, list(collect.projects(reach, Ask())), extent=Everything()
    ).changes
    changes += reconcile(BUILD, scope, list(builds_of(reach, Ask())), extent=Everything()).changes
    for more in (collect.excerpts(reach, [KEY]), collect.tested(reach, {KEY: [REPORT]})):
        changes += reconcile(BUILD, scope, list(more), extent=Nothing()).changes
    return changes


def answer(key: str, status: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    """A build as BatchGetBuilds gives it, no more than what is always there."""
    return {
        "id": key,
        "arn": f"{ARN}:build/{key}",
        "buildStatus": status,
        "projectName": key.partition(":")[0],
        "startTime": 1767260000.0,
        **more,
    }


def account(
    pages: list[list[str]], status: str = "SUCCEEDED", gone: tuple[str, ...] = ()
) -> Flight:
    """An account whose ListBuilds has these pages."""

    def list_builds(params: Any) -> dict[str, Any]:
        at = int(params.get("nextToken", "0"))
        following = {"nextToken": str(at + 1)} if at + 1 < len(pages) else {}
        return {"ids": pages[at], **following}

    def batch(params: Any) -> dict[str, Any]:
        assert len(params["ids"]) <= 100
        return {
            "builds": [answer(key, status) for key in params["ids"] if key not in gone],
            "buildsNotFound": [key for key in params["ids"] if key in gone],
        }

    return Flight().on("codebuild:ListBuilds", list_builds).on("codebuild:BatchGetBuilds", batch)


def known(*keys: str) -> Any:
    return lambda asked: frozenset(asked) & frozenset(keys)


@pytest.mark.sql
def test_a_full_flight_fills_every_column(scope: Scope, full: Flight):
    read(scope, full)
    for row in (Project.objects.get(), Build.objects.get()):
        unfilled = [
            field.name
            for field in row._meta.concrete_fields
            if field.name not in {"id", "gone_at"}
            and getattr(row, field.attname) in ("", None, [], {}, False, 0)
            and field.name != "urgency"
        ]
        assert unfilled == []
    assert Project.objects.get().urgency == 0


@pytest.mark.parametrize(("record", "model"), [(ProjectRecord, Project), (BuildRecord, Build)])
def test_records_carry_every_column_that_is_read_from_aws(record: Any, model: type[Mirrored]):
    own = {f.name for f in model._meta.concrete_fields} - {
        f.name for f in Mirrored._meta.get_fields()
    }
    digested = {name for name in own if name.startswith(("latest_", "median_"))} | {
        "id",
        "failing_since",
        "recent",
        "urgency",
        "project",
    }
    assert own - {f.name for f in fields(record)} - digested == set()


def test_no_planted_secret_gets_behind_the_collector(scope: Scope, full: Flight):
    read(scope, full)
    stored = serializers.serialize(
        "json",
        [
            *Project.objects.all(),
            *Build.objects.all(),
            *Change.objects.all(),
            *Link.objects.all(),
        ],
    )
    assert PLANTED not in stored
    assert "DATABASE_PASSWORD" in stored
    assert "/shared/licence" in stored


def test_what_may_be_a_secret_is_not_in_the_records_either(full: Flight):
    reach = full.reach()
    records = [
        *collect.projects(reach, Ask()),
        *builds_of(reach, Ask()),
        *collect.excerpts(reach, [KEY]),
        *collect.tested(reach, {KEY: [REPORT]}),
    ]
    assert len(records) == 4
    assert PLANTED not in repr(records)


@pytest.mark.sql
def test_the_same_flight_twice_writes_nothing(scope: Scope, full: Flight):
    assert read(scope, full)
    rows = serializers.serialize("json", [*Project.objects.all(), *Build.objects.all()])
    assert read(scope, full) == []
    assert serializers.serialize("json", [*Project.objects.all(), *Build.objects.all()]) == rows


def test_an_empty_account_is_two_calls(scope: Scope, empty: Flight):
    reach = empty.reach()
    assert list(collect.projects(reach, Ask())) == []
    assert list(builds_of(reach, Ask())) == []
    assert empty.count() == {"codebuild:ListProjects": 1, "codebuild:ListBuilds": 1}


def test_the_first_failed_phase_is_the_cause(full: Flight):
    [build] = builds_of(full.reach(), Ask())
    assert build.failing_phase == "BUILD"
    assert build.failing_message == (
        "COMMAND_EXECUTION_ERROR: Error while executing command: PGPASSWORD=*** npm test. "
        "Reason: exit status 1"
    )
    assert (build.queued_seconds, build.seconds) == (4, 75)


def test_the_excerpt_quotes_the_log_around_the_first_error(full: Flight):
    [excerpt] = collect.excerpts(full.reach(), [KEY])
    assert isinstance(excerpt.excerpt, str)
    lines = excerpt.excerpt.split("\n")
    assert lines[excerpt.excerpt_mark] == "  ● Totals \u203a rounds tax half up"
    assert "connecting with ***" in excerpt.excerpt
    assert excerpt.status is UNREAD
    # Three pages were read backwards, the last of which told that this was the beginning.
    assert excerpt.excerpt_line is not None


def test_a_log_that_is_gone_has_no_excerpt_and_costs_nothing_else(full: Flight):
    full.on("logs:GetLogEvents", Fault("ResourceNotFoundException", "no such log stream"))
    assert list(collect.excerpts(full.reach(), [KEY])) == []


def test_a_denied_log_is_told_on_the_operation(full: Flight):
    full.on("logs:GetLogEvents", Fault("AccessDeniedException", "not allowed"))
    reach = full.reach()
    assert list(collect.excerpts(reach, [KEY])) == []
    failure = reach.outcomes["logs:GetLogEvents"].failure
    assert failure is not None
    assert failure.health == "denied"


def test_links_name_project_role_key_and_log_group(scope: Scope, full: Flight):
    read(scope, full)
    build = Build.objects.get()
    links = set(
        Link.objects.filter(from_kind="codebuild.build", from_id=build.pk).values_list(
            "to_kind", "to_arn"
        )
    )
    assert links == {
        ("codebuild.project", f"{ARN}:project/checkout-build"),
        ("iam.role", "arn:aws:iam::111122223333:role/service-role/codebuild-checkout"),
        ("kms.key", "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000001"),
        ("cloudwatch.loggroup", "arn:aws:logs:eu-west-1:111122223333:log-group:/builds/checkout"),
    }
    assert build.project is not None
    assert build.project.arn == f"{ARN}:project/checkout-build"


def test_builds_are_read_until_a_page_holds_only_known_finished_ones():
    flight = account([["p:5", "p:4"], ["p:3", "p:2"], ["p:1"]])
    ask = Ask(finished=known("p:4", "p:3", "p:2", "p:1"))
    assert [record.key for record in builds_of(flight.reach(), ask)] == ["p:5"]
    assert len(flight.calls("codebuild:ListBuilds")) == 2


def test_a_list_never_read_to_its_end_is_read_to_there_and_describes_only_what_is_new():
    flight = account([["p:5", "p:4"], ["p:3", "p:2"], ["p:1"]])
    ask = Ask(finished=known("p:5", "p:4", "p:3", "p:2"), unended=frozenset({""}))
    assert [record.key for record in builds_of(flight.reach(), ask)] == ["p:1"]
    assert len(flight.calls("codebuild:ListBuilds")) == 3
    assert flight.calls("codebuild:BatchGetBuilds") == [{"ids": ["p:1"]}]


def test_an_empty_page_with_a_token_does_not_end_the_list():
    flight = account([[], ["p:1"]])
    assert [record.key for record in builds_of(flight.reach(), Ask())] == ["p:1"]


def test_running_builds_that_the_newest_pages_do_not_show_are_read_by_key():
    flight = account([["p:9"], ["p:8"], ["p:7"]])
    ask = Ask(finished=known("p:9"), unfinished={"": frozenset({"p:7"})})
    assert [record.key for record in builds_of(flight.reach(), ask)] == ["p:7"]
    assert len(flight.calls("codebuild:ListBuilds")) == 1


def test_a_running_build_that_aws_forgot_ends_unknown_and_is_asked_no_more():
    flight = account([["p:9"]], gone=("p:1",))
    ask = Ask(finished=known("p:9"), unfinished={"": frozenset({"p:1"})})
    [record] = builds_of(flight.reach(), ask)
    assert (record.key, record.state, record.status) == ("p:1", State.UNKNOWN, UNREAD)


def test_named_builds_are_one_call_a_hundred():
    flight = account([])
    keys = tuple(f"p:{n}" for n in range(250))
    assert len(list(builds_of(flight.reach(), Ask(keys=keys)))) == 250
    assert flight.count() == {"codebuild:BatchGetBuilds": 3}


def test_named_builds_that_are_not_found_are_left_alone():
    flight = account([], gone=("p:1",))
    assert list(builds_of(flight.reach(), Ask(keys=("p:1",)))) == []


def test_a_project_deleted_between_two_calls_is_gone_and_the_others_stay():
    flight = (
        Flight()
        .on("codebuild:ListProjects", {"projects": ["one", "two"]})
        .on(
            "codebuild:BatchGetProjects",
            {
                "projects": [{"name": "one", "arn": f"{ARN}:project/one"}],
                "projectsNotFound": ["two"],
            },
        )
    )
    one, two = collect.projects(flight.reach(), Ask())
    assert (one.key, two) == ("one", Vanished("two"))


@pytest.mark.parametrize("status", ["SUCCEEDED", "IN_PROGRESS", "FAULT", "SOMETHING_NEW", ""])
def test_any_status_has_a_state(status: str):
    [record] = builds_of(account([["p:1"]], status).reach(), Ask())
    assert record.state in list(State)
    assert record.status == status


def test_an_answer_with_nulls_where_a_log_has_not_begun_is_read(scope: Scope):
    build = answer("p:1", "IN_PROGRESS", logs={"deepLink": "https://x/#group=null;stream=null"})
    flight = account([["p:1"]]).on("codebuild:BatchGetBuilds", {"builds": [build]})
    [record] = builds_of(flight.reach(), Ask())
    reconcile(BUILD, scope, [record], extent=Nothing())
    row = Build.objects.get()
    assert row.logs["stream"] == row.logs["url"] == ""
    assert row.project is None


@pytest.mark.sql
def test_hostile_text_is_stored_as_text(scope: Scope):
    build = answer(
        "p:1",
        "FAILED",
        initiator="a\x00b\ud800" * 400,
        phases=[
            {
                "phaseType": "BUILD",
                "phaseStatus": "FAILED",
                "contexts": [{"statusCode": "X", "message": "<script>\x00"}],
            }
        ],
    )
    flight = account([["p:1"]]).on("codebuild:BatchGetBuilds", {"builds": [build]})
    records = list(builds_of(flight.reach(), Ask()))
    reconcile(BUILD, scope, records, extent=Nothing())
    assert reconcile(BUILD, scope, records, extent=Nothing()).changes == []
    row = Build.objects.get()
    assert "\x00" not in row.initiator + row.failing_message + json.dumps(row.phases)


@pytest.mark.parametrize("detail_type", ["State", "Phase"])
def test_events_name_the_build_they_tell_of(detail_type: str):
    from apps.mirror.ingest import Event, names_in

    event = Event(
        place="111122223333/eu-west-1",
        source="aws.codebuild",
        type=f"CodeBuild Build {detail_type} Change",
        detail={"project-name": "checkout-build", "build-id": f"{ARN}:build/{KEY}"},
    )
    [name] = names_in(event)
    assert (name.kind, name.key) == ("codebuild.build", KEY)


def test_every_call_made_is_declared(full: Flight, empty: Flight):
    reach = full.reach()
    list(collect.projects(reach, Ask()))
    list(builds_of(reach, Ask()))
    list(collect.excerpts(reach, [KEY]))
    list(collect.tested(reach, {KEY: [REPORT]}))
    declared = {
        call for kind in ("project", "build") for call in REGISTER.get(f"codebuild.{kind}").calls
    }
    assert set(full.count()) == declared
