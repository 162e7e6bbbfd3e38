"""Environments in the API: what an item says, why, its instances and what was said of it."""

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from apps.mirror.models import Scope
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import Program, make_scope
from tests.beanstalk.making import (
    BEGAN,
    SEVERE,
    make_application,
    make_environment,
    make_event,
    make_instance,
    make_managed,
)

pytestmark = pytest.mark.django_db


def test_an_environment_says_where_it_is_how_it_fares_and_why(program: Program, scope: Scope):
    row = make_environment(application=make_application(scope=scope), **SEVERE)
    make_event(row, 5, "pip install failed", "ERROR")
    [item] = program.json("environments")["items"]
    assert (item["id"], item["arn"]) == (
        row.pk,
        "arn:aws:elasticbeanstalk:eu-west-1:111122223333:environment/loyalty/loyalty-api",
    )
    assert (item["account"], item["region"]) == ("111122223333", "eu-west-1")
    assert (item["status"], item["state"]) == ("Ready", "failed")
    assert (item["health"], item["health_status"]) == ("Red", "Severe")
    assert item["why"] == "Command failed on all instances.\npip install failed"
    assert item["url"] == f"http://testserver/beanstalk/environments/{row.pk}/"
    assert item["console_url"].startswith("https://eu-west-1.console.aws.amazon.com/elasticbean")
    assert (item["application"], item["version_label"]) == ("loyalty", "v1")


def test_one_that_is_well_has_nothing_to_explain(program: Program, scope: Scope):
    row = make_environment(application=make_application(scope=scope), causes=["old"])
    assert program.json(f"environments/{row.pk}")["why"] == ""


def test_an_environment_has_its_instances(program: Program, scope: Scope):
    row = make_environment(application=make_application(scope=scope), **SEVERE)
    make_instance(row, "i-2")
    make_instance(row, "i-1", status="Ok", state="done", causes=[])
    body = program.json(f"environments/{row.pk}")
    assert [(one["instance_id"], one["state"]) for one in body["instances"]] == [
        ("i-1", "done"),
        ("i-2", "failed"),
    ]
    assert body["instances"][1]["causes"] == ["Application deployment failed."]
    assert body["instances"][1]["deployment_status"] == "Failed"
    for one in body["instances"]:
        assert (one["account"], one["region"]) == (scope.account, scope.region)
        assert one["url"] == f"{body['url']}#instance-{one['id']}"
        assert one["console_url"] == body["console_url"]
    assert [one["why"] for one in body["instances"]] == ["", "Application deployment failed."]


def test_what_failed_without_a_cause_says_that_none_is_told(program: Program, scope: Scope):
    application = make_application(scope=scope)
    basic = {"state": "failed", "health": "Red", "health_status": "", "causes": []}
    row = make_environment(application=application, **basic)
    told = "Red: basic health does not say why, and no event that was read does"
    assert program.json(f"environments/{row.pk}")["why"] == told
    make_instance(row, "i-1", status="Severe", state="failed", causes=[])
    [one] = program.json(f"environments/{row.pk}")["instances"]
    assert one["why"] == "Severe, and nothing that was read of it says why"


def test_events_come_newest_first_and_by_severity(program: Program, scope: Scope):
    row = make_environment(application=make_application(scope=scope))
    for minute, severity in enumerate(("INFO", "ERROR", "WARN", "FATAL")):
        make_event(row, minute, f"{severity} was said", severity)
    path = f"environments/{row.pk}/events"
    assert [one["severity"] for one in program.everything(path, limit=2)] == [
        "FATAL",
        "WARN",
        "ERROR",
        "INFO",
    ]
    assert [one["severity"] for one in program.everything(path, severity="WARN")] == [
        "FATAL",
        "WARN",
        "ERROR",
    ]
    assert len(program.everything(path, severity="ERROR")) == 2
    program.json(path, 422, severity="LOUD")


def test_environments_are_narrowed(program: Program, scope: Scope):
    make_environment(application=make_application(scope=scope), **SEVERE)
    make_environment("storefront-web", make_application("storefront", scope))
    make_scope("444455556666", "us-east-1")

    def names(**params: str) -> list[str]:
        return [one["name"] for one in program.json("environments", **params)["items"]]

    assert names() == ["loyalty-api", "storefront-web"]
    assert names(state="failed") == ["loyalty-api"]
    assert names(q="store") == names(application="storefront") == ["storefront-web"]
    assert names(account="444455556666") == []


@pytest.mark.sql
def test_queries_do_not_grow_with_the_environments(program: Program, scope: Scope):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            program.json("environments")
        return len(queries)

    application = make_application(scope=scope)
    make_event(make_environment(application=application, **SEVERE), 1, "failed", "ERROR")
    program.json("environments")
    few = count()
    for n in range(10):
        row = make_environment(f"loyalty-{n}", application, **SEVERE)
        make_event(row, n, "failed", "ERROR")
    assert count() == few


def test_rows_one_may_not_see_do_not_exist(
    program: Program, scope: Scope, monkeypatch: pytest.MonkeyPatch
):
    row = make_environment(application=make_application(scope=scope))
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert program.json("environments")["items"] == []
    for path in (f"environments/{row.pk}", f"environments/{row.pk}/events"):
        assert program.json(path, 404)["code"] == "not_found"


def test_an_environment_has_what_aws_does_to_it_by_itself(program: Program, scope: Scope):
    row = make_environment(application=make_application(scope=scope))
    make_managed(row, "A-1", description="To 4.3.1")
    failed = {"status": "Failed", "state": "failed", "failure_type": "InternalFailure"}
    make_managed(row, "A-0", finished_at=BEGAN, **failed)
    scheduled, failed = program.json(f"environments/{row.pk}")["managed_actions"]
    assert (scheduled["action_id"], scheduled["state"], scheduled["why"]) == ("A-1", "unknown", "")
    assert (failed["failure_type"], failed["why"]) == (
        "InternalFailure",
        "Elastic Beanstalk failed",
    )
    assert failed["url"].endswith(f"/beanstalk/environments/{row.pk}/#managed")


def test_what_belongs_to_an_environment_obeys_the_rule_for_rows(
    program: Program, scope: Scope, monkeypatch: pytest.MonkeyPatch
):
    row = make_environment(application=make_application(scope=scope))
    make_managed(row, "A-1")
    make_instance(row, "i-1")
    make_event(row, 5, "pip install failed", "ERROR")
    for shown in (True, False):
        told = program.json(f"environments/{row.pk}")
        events = program.json(f"environments/{row.pk}/events")["items"]
        members = (told["instances"], told["managed_actions"], events)
        assert [bool(member) for member in members] == [shown] * 3
        monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(key=row.key))
