"""Stacks in the API: what an item says, why, and what happened in, and was made by, a stack."""

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from apps.cloudformation.models import Stack
from apps.mirror.models import Scope
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import Program
from tests.cloudformation.making import (
    make_change_set,
    make_event,
    make_failed,
    make_resource,
    make_stack,
)

pytestmark = pytest.mark.django_db


def test_a_stack_says_where_it_is_how_it_fares_and_why(program: Program, scope: Scope):
    row = make_failed(scope=scope, tags={"team": "checkout"})
    [item] = program.json("stacks")["items"]
    assert (item["id"], item["arn"], item["name"]) == (row.pk, row.key, "shop")
    assert (item["account"], item["region"]) == (scope.account, scope.region)
    assert (item["status"], item["state"]) == ("UPDATE_ROLLBACK_COMPLETE", "failed")
    assert item["why"] == "Files (AWS::S3::Bucket) UPDATE_FAILED: shop-files already exists"
    assert item["url"] == f"http://testserver/cloudformation/stacks/{row.pk}/"
    assert "#/stacks/stackinfo?stackId=arn%3Aaws" in item["console_url"]
    assert item["tags"] == {"team": "checkout"}


def test_a_stack_on_its_way_back_says_why(program: Program, scope: Scope):
    row = make_failed(scope=scope)
    Stack.objects.update(status="UPDATE_ROLLBACK_IN_PROGRESS", state="moving")
    for item in (program.json("stacks")["items"][0], program.json(f"stacks/{row.pk}")):
        assert item["state"] == "moving"
        assert item["why"] == "Files (AWS::S3::Bucket) UPDATE_FAILED: shop-files already exists"


def test_what_belongs_to_a_stack_is_as_well_described_as_the_stack(program: Program, scope: Scope):
    row = make_failed(scope=scope)
    make_resource(row, "Files", status="UPDATE_FAILED", state="failed", reason="exists")
    make_resource(row, "Queue", makes=("sqs.queue", "arn:aws:sqs:eu-west-1:111122223333:q"))
    make_change_set(row, state="failed", reason="No updates are to be performed.")
    body = program.json(f"stacks/{row.pk}")
    everything = [*body["resources"], *body["events"], *body["change_sets"]]
    assert len(everything) == 8
    for item in everything:
        assert (item["account"], item["region"]) == (scope.account, scope.region)
        assert item["id"]
        assert item["arn"]
        assert item["url"].startswith("http://testserver/cloudformation/")
        assert item["console_url"].startswith("https://")
        assert bool(item["why"]) == (item["state"] == "failed")
    assert [one["why"] for one in body["resources"]] == ["UPDATE_FAILED: exists", ""]
    assert body["change_sets"][0]["why"] == "No updates are to be performed."
    assert "shop-files already exists" in {one["why"] for one in body["events"]}


def test_one_that_is_well_has_nothing_to_explain(program: Program, scope: Scope):
    row = make_stack(scope=scope)
    body = program.json(f"stacks/{row.pk}")
    assert (body["why"], body["failure"]) == ("", None)


def test_a_stack_has_its_resources_events_change_sets_and_its_first_failure(
    program: Program, scope: Scope
):
    row = make_failed(scope=scope)
    make_resource(row, "Files", makes=("s3.bucket", "arn:aws:s3:::shop-files"))
    make_change_set(row)
    body = program.json(f"stacks/{row.pk}")
    [resource] = body["resources"]
    assert (resource["logical_id"], resource["kind"], resource["arn"]) == (
        "Files",
        "s3.bucket",
        "arn:aws:s3:::shop-files",
    )
    [change_set] = body["change_sets"]
    assert (change_set["state"], change_set["changes"][0]["replacement"]) == ("waiting", "True")
    assert body["failure"]["logical_id"] == "Files"
    marked = [one["logical_id"] for one in body["events"] if one["first_failure"]]
    assert (len(body["events"]), marked) == (5, ["Files"])


def test_events_and_resources_come_in_pages(program: Program, scope: Scope):
    row = make_failed(scope=scope)
    for number in range(8):
        make_resource(row, f"R{number}")
    events = program.everything(f"stacks/{row.pk}/events", limit=2)
    assert events[0]["status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert len(events) == 5
    failed = program.everything(f"stacks/{row.pk}/events", limit=2, failed="true")
    assert [one["logical_id"] for one in failed] == ["Files", "Queue"]
    resources = program.everything(f"stacks/{row.pk}/resources", limit=3)
    assert [one["logical_id"] for one in resources] == [f"R{number}" for number in range(8)]


def test_stacks_are_narrowed_by_words_state_and_root(program: Program, scope: Scope):
    root = make_stack("site", scope=scope)
    child = make_stack("site-Data-1", scope=scope, nested_in=root)
    broken = make_failed(scope=scope)

    def found(**query: str) -> list[int]:
        return [item["id"] for item in program.json("stacks", **query)["items"]]

    assert found(q="site data") == [child.pk]
    assert found(state="failed") == [broken.pk]
    assert found(root=root.key) == [child.pk]


def test_a_stack_one_may_not_see_is_not_there(program: Program, scope: Scope, monkeypatch):
    row = make_stack(scope=scope)
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert program.json("stacks")["items"] == []
    for path in (f"stacks/{row.pk}", f"stacks/{row.pk}/events", f"stacks/{row.pk}/resources"):
        program.json(path, status=404)


def test_the_number_of_queries_does_not_grow_with_the_rows(program: Program, scope: Scope):
    row = make_failed(scope=scope)
    make_resource(row, "R")

    def cost(path: str) -> int:
        program.json(path)
        with CaptureQueriesContext(connection) as queries:
            program.json(path)
        return len(queries)

    places = ("stacks", f"stacks/{row.pk}", f"stacks/{row.pk}/events", f"stacks/{row.pk}/resources")
    few = [cost(path) for path in places]
    for number in range(6):
        make_failed(f"s{number}", scope=scope)
        make_resource(row, f"R{number}")
        make_event(row, 4, f"R{number}", "UPDATE_COMPLETE")
        make_change_set(row, f"c{number}")
    assert [cost(path) for path in places] == few
