"""Lists of the API: what an item says, filters, cursors, and the number of queries."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.codebuild.models import Build
from apps.codepipeline.models import Execution, Pipeline
from apps.mirror.ingest import events_ceased, events_heard
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import Failure, Health
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps
from tests.api.conftest import (
    Program,
    make_build,
    make_execution,
    make_pipeline,
    make_scope,
    make_trouble,
)

pytestmark = pytest.mark.django_db


def test_a_pipeline_says_where_it_is_and_how_its_newest_execution_fares(
    program: Program, scope: Scope
) -> None:
    row = make_pipeline(scope)
    [item] = program.json("pipelines")["items"]
    assert item["latest_execution"] == {
        "id": row.latest_execution.key,
        "status": "Failed",
        "state": "failed",
        "started_at": "2026-03-01T12:00:00Z",
        "trigger": {"type": "Webhook", "detail": "arn:aws:codepipeline:…:webhook"},
        "revisions": [
            {
                "action": "Fetch",
                "id": "0123abc",
                "summary": "Round prices",
                "author": "",
                "url": "",
                "provider": "",
            }
        ],
    }
    assert {name: item[name] for name in ("id", "arn", "name", "account", "region")} == {
        "id": row.pk,
        "arn": "arn:aws:codepipeline:eu-west-1:111122223333:shop",
        "name": "shop",
        "account": "111122223333",
        "region": "eu-west-1",
    }
    assert (item["status"], item["state"]) == ("Failed", "failed")
    assert item["url"] == f"http://testserver/codepipeline/{row.pk}/"
    assert item["console_url"] == (
        "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view"
        "?region=eu-west-1"
    )


def test_our_pages_have_the_address_the_operator_set(
    program: Program, scope: Scope, settings: Any
) -> None:
    settings.SITE_URL = "https://dash.example.com/"
    row = make_pipeline(scope)
    [item] = program.json("pipelines")["items"]
    assert item["url"] == f"https://dash.example.com/codepipeline/{row.pk}/"


def test_a_pipeline_that_never_ran_has_no_execution(program: Program, scope: Scope) -> None:
    make_pipeline(scope, runs=0)
    assert program.json("pipelines")["items"][0]["latest_execution"] is None


def test_a_pipeline_that_is_gone_is_not_listed_and_can_still_be_read(
    program: Program, scope: Scope
) -> None:
    row = make_pipeline(scope)
    Pipeline.objects.update(gone_at=now())
    assert program.json("pipelines")["items"] == []
    assert program.json(f"pipelines/{row.pk}")["gone_at"].endswith("Z")


@pytest.mark.parametrize(
    ("narrow", "left"),
    [
        ({}, ["cart", "shop", "stock"]),
        ({"q": "s"}, ["shop", "stock"]),
        ({"q": "s op"}, ["shop"]),
        ({"q": "SHOP"}, ["shop"]),
        ({"q": "nothing"}, []),
        ({"state": "moving"}, ["cart"]),
        ({"account": "444455556666"}, ["stock"]),
        ({"region": "eu-west-1"}, ["cart", "shop"]),
        ({"region": "eu-west-1", "state": "failed"}, ["shop"]),
        ({"q": "%"}, []),
    ],
)
@pytest.mark.sql
def test_pipelines_are_narrowed(
    program: Program, scope: Scope, narrow: dict[str, str], left: list[str]
) -> None:
    make_pipeline(scope, "shop")
    make_pipeline(scope, "cart")
    make_pipeline(make_scope("444455556666", "us-east-1"), "stock")
    Pipeline.objects.filter(key="cart").update(state="moving", status="InProgress")
    assert [item["name"] for item in program.json("pipelines", **narrow)["items"]] == left


@pytest.mark.sql
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
def test_cursors_give_every_row_once_in_order(program: Program, scope: Scope, limit: int) -> None:
    other = make_scope("444455556666", "us-east-1")
    for name in ("a", "b", "c"):
        make_pipeline(scope, name, runs=0)
        make_pipeline(other, name, runs=0)
    names = [item["name"] for item in program.everything("pipelines", limit=limit)]
    assert names == ["a", "a", "b", "b", "c", "c"]


@pytest.mark.sql
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_executions_come_newest_first_and_those_without_a_start_last(
    program: Program, scope: Scope, limit: int
) -> None:
    row = make_pipeline(scope, runs=0)
    for number, hour in enumerate([3, 1, 1, 2]):
        make_execution(row, number, started_at=make_start(hour))
    for number in (4, 5):
        make_execution(row, number, started_at=None)
    items = program.everything(f"pipelines/{row.pk}/executions", limit=limit)
    assert [int(item["id"][-12:], 16) for item in items] == [0, 3, 2, 1, 5, 4]
    first = Execution.objects.order_by("pk")[0]
    assert items[0]["url"].endswith(f"/codepipeline/executions/{first.pk}/")


def make_start(hour: int) -> Any:
    return now().replace(hour=hour, minute=0, second=0, microsecond=123456)


@pytest.mark.sql
def test_rows_that_appear_while_one_pages_shift_nothing(program: Program, scope: Scope) -> None:
    for number in range(4):
        make_build(scope, number)
    first = program.json("builds", limit=2)
    make_build(scope, 9)
    rest = program.json("builds", limit=2, cursor=first["next_cursor"])
    numbers = [item["number"] for item in [*first["items"], *rest["items"]]]
    assert numbers == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "WyJ2IiwiYSIsMV0",
        "WyJ2IiwiYSIsMV0:1abcde:notasignature",
        "é",
        "\x00",
        signing.dumps(["v", "a", 1], salt="api.cursor.builds"),
        signing.dumps(["t", "yesterday", 1], salt="api.cursor.pipelines"),
        signing.dumps(["v"], salt="api.cursor.pipelines"),
        signing.dumps({"a": 1}, salt="api.cursor.pipelines"),
    ],
    # Signatures hold the time: as names they would differ from one test process to the next.
    ids=[
        "nonsense",
        "no signature",
        "wrong signature",
        "not ASCII",
        "a NUL",
        "of another list",
        "of another order",
        "too short",
        "of another shape",
    ],
)
def test_a_cursor_that_is_not_from_this_list_says_what_to_do(program: Program, cursor: str) -> None:
    problem = program.json("pipelines", status=400, cursor=cursor)
    assert problem["code"] == "bad_cursor"
    assert "leave `cursor` out to begin again" in problem["detail"]


def test_the_cursor_of_one_pipelines_executions_does_not_fit_another(
    program: Program, scope: Scope
) -> None:
    one, other = make_pipeline(scope, "a", runs=2), make_pipeline(scope, "b", runs=2)
    cursor = program.json(f"pipelines/{one.pk}/executions", limit=1)["next_cursor"]
    program.json(f"pipelines/{other.pk}/executions", status=400, cursor=cursor)


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"state": "broken"},
        {"q": "a\x00b"},
        {"q": "x" * 201},
        {"cursor": "x" * 5000},
    ],
)
def test_a_parameter_that_is_not_understood_is_named(
    program: Program, params: dict[str, Any]
) -> None:
    problem = program.json("pipelines", status=422, **params)
    assert problem["code"] == "invalid"
    assert [wrong["parameter"] for wrong in problem["errors"]] == list(params)


def test_builds_are_narrowed_by_project_too(program: Program, scope: Scope) -> None:
    make_build(scope, 1, "shop")
    make_build(scope, 2, "cart", status="SUCCEEDED", state="done")
    assert [item["project"] for item in program.json("builds", project="cart")["items"]] == ["cart"]
    assert [item["project"] for item in program.json("builds", state="failed")["items"]] == ["shop"]
    [item] = program.json("builds", q="shop")["items"]
    assert item["build_id"] == "shop:0001"
    assert item["url"].endswith(f"/codebuild/builds/{item['id']}/")
    assert item["console_url"].endswith("/projects/shop/build/shop%3A0001/?region=eu-west-1")


def test_projects_name_their_newest_build(program: Program, scope: Scope) -> None:
    build = make_build(scope)
    build.project.latest_build = build
    build.project.save()
    [item] = program.json("build-projects")["items"]
    assert (item["name"], item["latest_build"]) == ("shop", build.pk)
    assert program.json(f"build-projects/{item['id']}") == item


def test_scopes_tell_each_kind_with_its_error_and_cure(program: Program, scope: Scope) -> None:
    make_trouble(scope)
    make_scope("444455556666", "us-east-1")
    items = program.everything("scopes", limit=3)
    kinds = [resource.kind for resource in REGISTER.of("aws")]
    assert [item["kind"] for item in items] == kinds * 2
    [item] = [
        item
        for item in items
        if item["kind"] == "codepipeline.pipeline" and item["account"] == "111122223333"
    ]
    assert (item["state"], item["operation"]) == ("denied", "codepipeline:ListPipelines")
    assert item["error"] == "not authorized"
    assert item["cure"].startswith("Allow codepipeline:ListPipelines")
    assert item["statement"]["Action"] == ["codepipeline:ListPipelines"]
    assert item["last_success"] == "2026-03-01T12:00:00Z"
    assert item["last_error"] == "2026-03-01T13:00:00Z"
    assert {one["last_error"] for one in items if one is not item} == {None}
    assert {item["region"] for item in items} == {"eu-west-1", "us-east-1"}


def test_scopes_tell_whether_events_tell_of_each_kind(program: Program, scope: Scope) -> None:
    at = now()
    Scope.objects.filter(pk=scope.pk).update(heard_at=at)
    ensure_sweeps(scope)
    Sweep.objects.filter(kind="codebuild.build").update(events_at=at)
    told = {item["kind"]: item["events"] for item in program.everything("scopes", limit=100)}
    assert {kind for kind, events in told.items() if events is None} == {
        resource.kind for resource in REGISTER.of("aws") if not resource.events
    }
    build, stage = told["codebuild.build"], told["codepipeline.stage"]
    assert (build["flowing"], build["trouble"]) == (True, None)
    assert {build["newest_at"], build["listened_at"]} == {build["newest_at"]}
    assert abs(datetime.fromisoformat(build["newest_at"]) - at) < timedelta(seconds=1)
    assert (stage["flowing"], stage["newest_at"]) == (False, None)


def test_scopes_tell_why_events_cannot_be_listened_to(program: Program, scope: Scope) -> None:
    statement = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage"], "Resource": "arn:q"}
    failure = Failure(
        health=Health.DENIED,
        code="AccessDenied",
        message="not authorized",
        cure="Allow it.",
        statement=statement,
        operation="sqs:ReceiveMessage",
    )
    events_ceased(scope.pk, failure)
    items = program.everything("scopes", limit=100)
    told = {json.dumps(item["events"]["trouble"]) for item in items if item["events"]}
    assert [json.loads(trouble) for trouble in told] == [
        {
            "operation": "sqs:ReceiveMessage",
            "state": "denied",
            "error": "not authorized",
            "code": "AccessDenied",
            "cure": "Allow it.",
            "statement": statement,
        }
    ]
    events_heard(scope.pk)
    items = program.everything("scopes", limit=100)
    assert {item["events"]["trouble"] for item in items if item["events"]} == {None}


def test_scopes_that_are_paused_or_wait_are_told_and_what_was_put_aside_is_not(
    program: Program, scope: Scope
) -> None:
    paused = make_scope("444455556666", "us-east-1")
    aside = make_scope("123456789012", "us-east-1")
    Scope.objects.filter(pk=paused.pk).update(enabled=False, paused=True)
    Scope.objects.filter(pk=aside.pk).update(enabled=False, parked=True)
    items = program.everything("scopes", limit=100)
    assert {item["scope"]: item["swept"] for item in items} == {scope.pk: True, paused.pk: False}


def test_every_declared_kind_is_listed_without_a_router_of_its_own(
    program: Program, scope: Scope
) -> None:
    make_pipeline(scope)
    make_build(scope)
    kinds = program.everything("rows", limit=2)
    assert [item["kind"] for item in kinds] == [resource.kind for resource in REGISTER]
    for item in kinds:
        rows = program.everything(f"rows/{item['kind']}", limit=1)
        assert len(rows) == REGISTER.get(item["kind"]).model._default_manager.count(), item
        assert {row["kind"] for row in rows} <= {item["kind"]}
    filled = {item["kind"] for item in kinds if program.json(f"rows/{item['kind']}")["items"]}
    assert {"codepipeline.pipeline", "codepipeline.action", "codebuild.build"} <= filled
    program.json("rows/nothing.here", status=404)


@pytest.mark.parametrize(
    "path",
    [
        "pipelines",
        "builds",
        "build-projects",
        "projects",
        "scopes",
        "rows/codepipeline.action",
        "executions",
    ],
)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    program: Program, scope: Scope, path: str
) -> None:
    row = make_pipeline(scope)
    make_build(scope)
    address = f"pipelines/{row.pk}/executions" if path == "executions" else path
    program.json(address)
    with CaptureQueriesContext(connection) as few:
        program.json(address)
    other = make_scope("444455556666", "us-east-1")
    for number in range(1, 8):
        make_pipeline(other, f"p{number}")
        make_execution(row, number)
        make_build(other, number, f"project-{number}")
        make_scope(f"44445555666{number}", "eu-west-2")
    with CaptureQueriesContext(connection) as many:
        program.json(address)
    assert len(many) == len(few)
    # Why executions failed: their actions, what those ran, and what of it one may see.
    assert len(many) <= (11 if address.startswith("pipelines") else 6)


@pytest.mark.sql
def test_deep_pages_begin_where_the_cursor_points(program: Program, scope: Scope) -> None:
    for number in range(30):
        make_build(scope, number)
    Build.objects.filter(build_number__lte=10).update(started_at=make_start(1))
    numbers = [item["number"] for item in program.everything("builds", limit=7)]
    assert sorted(numbers) == list(range(1, 31))
    assert len(numbers) == 30
