"""Single rows of the API: stages with actions, executions with what they ran, builds with why."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from apps.mirror.models import Scope
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import Program, make_build, make_execution, make_pipeline, make_scope

pytestmark = pytest.mark.django_db


def test_a_pipeline_has_its_stages_with_transitions_and_actions(
    program: Program, scope: Scope
) -> None:
    body = program.json(f"pipelines/{make_pipeline(scope).pk}")
    assert body["version"] == 3
    assert body["tags"] == {"team": "checkout"}
    source, build = body["stages"]
    assert (source["name"], source["state"]) == ("Source", "done")
    assert build["transition"] == {
        "enabled": False,
        "reason": "frozen for the sale",
        "changed_by": "",
        "changed_at": None,
    }
    assert [(one["run_order"], one["name"]) for one in build["actions"]] == [
        (1, "Lint"),
        (2, "Compile"),
    ]
    failed = build["actions"][1]
    assert failed["state"] == "failed"
    assert failed["error_message"] == "exit status 1"
    assert failed["external_id"] == "shop:0001"
    assert failed["last_change"] == "2026-03-01T12:03:00Z"


def test_an_execution_is_found_by_its_own_id_with_what_its_actions_ran(
    program: Program, scope: Scope
) -> None:
    row = make_pipeline(scope)
    build = make_build(scope)
    body = program.json(f"executions/{row.latest_execution.key}")
    assert (body["id"], body["pipeline"]) == (row.latest_execution.key, row.pk)
    [action] = body["actions"]
    assert action["runs"] == [
        {
            "kind": "codebuild.build",
            "arn": build.arn,
            "url": f"http://testserver/codebuild/builds/{build.pk}/",
        }
    ]
    assert "exit status 1" in action["why"]


def test_an_execution_and_its_pipeline_say_why_it_failed(program: Program, scope: Scope) -> None:
    row = make_pipeline(scope)
    make_build(scope)
    for path in (f"executions/{row.latest_execution.key}", f"pipelines/{row.pk}"):
        why = program.json(path)["why"]
        assert why == "Build / Compile: BUILD: exit status 1", path
    make_execution(row, 1, status="Succeeded", state="done").actions.update(state="done")
    type(row).objects.update(latest_execution=row.executions.get(status="Succeeded"))
    newest = row.executions.get(status="Succeeded").key
    for path in (f"executions/{newest}", f"pipelines/{row.pk}"):
        assert program.json(path)["why"] == "", path


def test_a_revision_has_the_author_its_source_action_told(program: Program, scope: Scope) -> None:
    row = make_pipeline(scope)
    row.executions.update(authors={"Fetch": "checkout-developer"})
    for body in (
        program.json("pipelines")["items"][0]["latest_execution"],
        program.json(f"pipelines/{row.pk}/executions")["items"][0],
        program.json(f"executions/{row.latest_execution.key}"),
    ):
        assert [one["author"] for one in body["revisions"]] == ["checkout-developer"]


def test_a_stage_names_all_that_wait_to_enter_it(program: Program, scope: Scope) -> None:
    row = make_pipeline(scope)
    row.stages.filter(name="Build").update(inbound_execution_ids=["e1", "e2"])
    source, build = program.json(f"pipelines/{row.pk}")["stages"]
    assert (source["inbound_execution_id"], source["inbound_execution_ids"]) == ("", [])
    assert (build["inbound_execution_id"], build["inbound_execution_ids"]) == ("e1", ["e1", "e2"])


def test_a_log_in_s3_is_named_by_its_object(program: Program, scope: Scope) -> None:
    build = make_build(scope)
    build.logs |= {"s3_location": "logs/shop", "s3_arn": "arn:aws:s3:::logs/shop/0001.gz"}
    build.save()
    logs = program.json(f"builds/{build.pk}")["logs"]
    assert (logs["s3_location"], logs["s3_object"]) == ("logs/shop", "logs/shop/0001.gz")


def test_what_an_action_ran_may_be_unknown_to_the_mirror(program: Program, scope: Scope) -> None:
    row = make_pipeline(scope)
    [action] = program.json(f"executions/{row.latest_execution.key}")["actions"]
    assert action["runs"][0]["url"] == ""


def test_a_build_has_its_phases_its_log_and_why_it_failed(program: Program, scope: Scope) -> None:
    body = program.json(f"builds/{make_build(scope).pk}")
    [phase] = body["phases"]
    assert (phase["type"], phase["seconds"]) == ("BUILD", 42)
    assert phase["start"] == "2026-03-01T12:00:00Z"
    assert phase["contexts"] == [{"code": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"}]
    assert body["logs"]["group"] == "/aws/codebuild/shop"
    assert "exit status 1" in body["why"]


def test_a_row_one_may_not_see_is_missing_like_one_that_does_not_exist(
    program: Program, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = make_scope("444455556666", "us-east-1")
    seen, unseen = make_pipeline(scope), make_pipeline(hidden, "secret")
    build = make_build(hidden)
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda *_: Q(scope__account="111122223333"))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda _user: Q(account="111122223333"))
    missing = program.json("pipelines/999999", status=404)
    for path in (
        f"pipelines/{unseen.pk}",
        f"pipelines/{unseen.pk}/executions",
        f"executions/{unseen.latest_execution.key}",
        f"builds/{build.pk}",
        f"build-projects/{build.project_id}",
    ):
        assert program.json(path, status=404) == missing, path
    assert [item["id"] for item in program.json("pipelines")["items"]] == [seen.pk]
    assert program.json("builds")["items"] == []
    assert program.json("build-projects")["items"] == []
    assert {row["account"] for row in program.json("scopes")["items"]} == {"111122223333"}
    for kind in ("codepipeline.pipeline", "codepipeline.action", "codepipeline.execution"):
        assert {row["account"] for row in program.json(f"rows/{kind}")["items"]} == {"111122223333"}


def test_what_an_action_ran_is_not_told_to_who_may_not_see_it(
    program: Program, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, build = make_pipeline(scope), make_build(scope)
    elsewhere = make_scope("444455556666", "us-east-1")
    build.failing_message, build.scope = "only for others", elsewhere
    build.save()
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda *_: Q(scope__account="111122223333"))
    [action] = program.json(f"executions/{row.latest_execution.key}")["actions"]
    assert action["runs"][0]["url"] == ""
    assert action["why"] == "JobFailed: exit status 1"
    for path in (f"executions/{row.latest_execution.key}", f"pipelines/{row.pk}"):
        assert program.json(path)["why"] == "Build / Compile: JobFailed: exit status 1"


def test_the_number_of_queries_does_not_grow_with_stages(program: Program, scope: Scope) -> None:
    row = make_pipeline(scope)
    with CaptureQueriesContext(connection) as few:
        program.json(f"pipelines/{row.pk}")
    for position in range(2, 9):
        row.stages.create(
            scope=scope, key=f"shop/{position}", name=str(position), position=position, actions=[]
        )
    with CaptureQueriesContext(connection) as many:
        assert len(program.json(f"pipelines/{row.pk}")["stages"]) == 9
    assert len(many) <= len(few)


def test_the_number_of_queries_does_not_grow_with_failed_actions(
    program: Program, scope: Scope
) -> None:
    row = make_pipeline(scope)
    make_build(scope)
    address = f"executions/{row.latest_execution.key}"
    program.json(address)
    with CaptureQueriesContext(connection) as few:
        program.json(address)
    for number in range(1, 5):
        make_build(scope, number)
        make_execution(row, number).actions.update(execution=row.latest_execution)
    with CaptureQueriesContext(connection) as many:
        assert len(program.json(address)["actions"]) == 5
    assert len(many) == len(few)


@pytest.mark.parametrize(
    "path",
    ["pipelines/999999999999999999999", "builds/0", "executions/nothing", "executions/%00"],
)
def test_what_is_not_there_is_404(program: Program, path: str) -> None:
    assert program.json(path, status=404)["code"] == "not_found"


def test_hostile_text_is_told_as_it_is_and_as_json(program: Program, scope: Scope) -> None:
    row: Any = make_pipeline(scope, "<script>alert(1)</script>")
    assert program.json(f"pipelines/{row.pk}")["name"] == "<script>alert(1)</script>"
