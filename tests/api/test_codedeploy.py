"""Deployments and deployment groups, as a program reads them."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from apps.codedeploy.models import Deployment, DeploymentGroup, OnPremisesInstance, Target
from apps.mirror.models import Hint, ReadToEnd
from apps.mirror.visibility import VISIBILITY
from tests.api.conftest import Program, make_scope
from tests.codedeploy.conftest import full, scope, sweep, swept

__all__ = ["full", "scope", "sweep", "swept"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]


def failed() -> Deployment:
    return Deployment.objects.get(key="d-FAILED001")


def test_a_deployment_says_how_it_fares_and_why_it_failed(program: Program) -> None:
    row = failed()
    item = next(one for one in program.json("deployments")["items"] if one["id"] == row.pk)
    assert (item["deployment_id"], item["arn"]) == ("d-FAILED001", "d-FAILED001")
    assert (item["account"], item["region"]) == ("111122223333", "eu-west-1")
    assert (item["status"], item["state"]) == ("Failed", "failed")
    assert item["why"].startswith("ApplicationStart: scripts/start.sh: Error: connect ECONNREFUSED")
    assert item["url"] == f"http://testserver{row.get_absolute_url()}"
    assert item["console_url"] == row.console_url
    assert item["overview"]["failed"] == 1
    assert item["revision"]["bucket"] == "codepipeline-eu-west-1-111122223333"
    assert item["rollback_deployment_id"] == "d-NEXT00001"
    assert item["group"] == row.group_id


def test_a_deployment_tells_its_targets_and_their_events(program: Program) -> None:
    detail = program.json(f"deployments/{failed().pk}")
    target = next(one for one in detail["targets"] if one["state"] == "failed")
    assert target["target_id"] == "i-0a1b2c3d4e5f60002"
    assert target["arn"].endswith(":instance/i-0a1b2c3d4e5f60002")
    assert target["why"].startswith("ApplicationStart: scripts/start.sh: Error: connect")
    assert target["url"].endswith(f"#target-{target['id']}")
    event = next(one for one in target["lifecycle_events"] if one["state"] == "failed")
    assert (event["name"], event["error_code"]) == ("ApplicationStart", "ScriptFailed")
    assert event["seconds"] == 40
    assert event["start"].endswith("Z")
    assert "DB_PASSWORD=***" in target["log_tail"]
    listed = program.everything(f"deployments/{failed().pk}/targets", limit=2)
    assert {one["id"] for one in listed} == {one["id"] for one in detail["targets"]}
    assert detail["targets"][0]["state"] == "failed"


def test_of_very_many_targets_the_failed_ones_are_told(program: Program) -> None:
    row = failed()
    Target.objects.filter(deployment=row).delete()
    made = [
        Target(
            scope=row.scope,
            deployment=row,
            key=f"{row.key}/i-{number:03}",
            target_id=f"i-{number:03}",
            state="failed" if number == 119 else "done",
            status="Failed" if number == 119 else "Succeeded",
        )
        for number in range(120)
    ]
    Target.objects.bulk_create(made)
    told = program.json(f"deployments/{row.pk}")["targets"]
    assert (len(told), told[0]["target_id"]) == (100, "i-119")
    # No event of it failed, and yet it says so.
    assert told[0]["why"] == "Failed, and CodeDeploy names no event that failed"


def test_what_was_not_read_of_a_deployment_is_null_and_read_now(program: Program) -> None:
    row = failed()
    Target.objects.filter(deployment=row).delete()
    ReadToEnd.objects.filter(parent_key=row.key).delete()
    Deployment.objects.filter(pk=row.pk).update(revision={"sha256": "4f2a"}, appspec="")
    Hint.objects.all().delete()
    told = program.json(f"deployments/{row.pk}")
    assert (told["targets"], told["targets_read"]) == (None, False)
    assert (told["appspec"], told["appspec_read"]) == (None, False)
    asked = Hint.objects.values_list("kind", "parent_key", "row_key")
    assert set(asked) == {
        ("codedeploy.target", row.key, ""),
        ("codedeploy.deployment", "", row.key),
    }
    Hint.objects.all().delete()
    ReadToEnd.objects.create(scope=row.scope, kind="codedeploy.target", parent_key=row.key)
    Deployment.objects.filter(pk=row.pk).update(appspec_sha256="4f2a")
    told = program.json(f"deployments/{row.pk}")
    assert (told["targets"], told["targets_read"]) == ([], True)
    assert (told["appspec"], told["appspec_read"]) == ("", True)
    assert not Hint.objects.exists()


def test_a_group_tells_its_newest_deployment_and_who_was_left_failed(program: Program) -> None:
    row = failed().group
    item = next(one for one in program.json("deployment-groups")["items"] if one["id"] == row.pk)
    assert (item["application"], item["name"]) == ("checkout-api", "production")
    assert (item["state"], item["latest_deployment"]) == ("failed", failed().pk)
    assert item["failed_instances"] == ["i-0a1b2c3d4e5f60002"]
    assert item["why"].startswith("ApplicationStart")
    detail = program.json(f"deployment-groups/{row.pk}")
    assert detail["alarm_configuration"]["alarms"] == ["checkout-api-5xx"]
    assert detail["target_revision"]["version"] == "v1"


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"application": "fraud-model"}, {"d-BACK00001", "d-ALARM0001"}),
        ({"group": "hooks"}, {"d-STACK0001"}),
        ({"state": "waiting"}, {"d-ECS000001"}),
        ({"q": "77f0b10477"}, {"d-STACK0001"}),
        ({"account": "444455556666"}, set()),
    ],
)
def test_deployments_are_narrowed(program: Program, params: Any, ids: set[str]) -> None:
    make_scope("444455556666", "us-east-1")
    assert {one["deployment_id"] for one in program.everything("deployments", **params)} == ids


def test_what_one_may_not_see_is_not_there(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, group = failed(), failed().group
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert program.json("deployments")["items"] == []
    assert program.json("deployment-groups")["items"] == []
    for path in (
        f"deployments/{row.pk}",
        f"deployments/{row.pk}/targets",
        f"deployment-groups/{group.pk}",
    ):
        assert program.json(path, 404)["code"] == "not_found"


@pytest.mark.sql
def test_lists_ask_no_more_for_more_rows(program: Program) -> None:
    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            program.json(path)
        return len(queries)

    paths = ("deployments", "deployment-groups", f"deployments/{failed().pk}")
    # The first time, the token is noted as used.
    few = {path: count(path) and count(path) for path in paths}
    row, group = failed(), failed().group
    target = Target.objects.filter(deployment=row).first()
    assert group is not None
    assert target is not None
    for number in range(8):
        target.pk, target.key = None, f"t-{number}"
        target.save()
        DeploymentGroup.objects.create(
            scope=row.scope,
            key=f"checkout-api/g{number}",
            application=group.application,
            latest_deployment=failed(),
            state="failed",
        )
        row.pk, row.key = None, f"d-{number}"
        row.save()
    assert {path: count(path) for path in paths} == few


def test_on_premises_instances_are_told_with_the_groups_that_deploy_to_them(
    program: Program,
) -> None:
    items = program.everything("on-premises-instances", limit=2)
    assert [one["name"] for one in items] == ["rack-00", "rack-01", "rack-02"]
    assert [(one["status"], one["state"]) for one in items[:2]] == [
        ("Deregistered", "stopped"),
        ("Registered", "done"),
    ]
    assert items[1]["tags"] == {"location": "basement", "team": ""}
    assert items[2]["iam_session_arn"].endswith("assumed-role/rack/rack-02")
    found = program.json("on-premises-instances", q="attic")["items"]
    assert [one["name"] for one in found] == ["rack-02"]
    group = DeploymentGroup.objects.present().earliest("pk")
    wanted = [[{"key": "team", "value": "", "type": "KEY_ONLY"}]]
    DeploymentGroup.objects.filter(pk=group.pk).update(on_premises_tag_set=wanted)
    detail = program.json(f"on-premises-instances/{items[1]['id']}")
    assert detail["deployment_groups"] == [group.pk]
    assert detail["url"].endswith(f"/codedeploy/on-premises/{items[1]['id']}/")
    assert program.json(f"on-premises-instances/{items[0]['id']}")["deployment_groups"] == []


def test_on_premises_instances_one_may_not_see_are_not_there(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = program.json("on-premises-instances")["items"][0]["id"]
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert program.json("on-premises-instances")["items"] == []
    program.json(f"on-premises-instances/{one}", status=404)


def test_the_groups_of_an_on_premises_instance_obey_the_rule_for_rows(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = program.json("on-premises-instances", q="rack-01")["items"][0]["id"]
    wanted = [[{"key": "team", "value": "", "type": "KEY_ONLY"}]]
    group = DeploymentGroup.objects.present().earliest("pk")
    DeploymentGroup.objects.filter(pk=group.pk).update(on_premises_tag_set=wanted)
    assert program.json(f"on-premises-instances/{one}")["deployment_groups"] == [group.pk]
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(key="rack-01"))
    assert program.json(f"on-premises-instances/{one}")["deployment_groups"] == []


def test_the_groups_of_an_instance_whose_tags_were_not_read_are_not_known(program: Program) -> None:
    rack = OnPremisesInstance.objects.get(key="rack-01")
    row = OnPremisesInstance.objects.create(scope=rack.scope, key="rack-07")
    detail = program.json(f"on-premises-instances/{row.pk}")
    assert (detail["status"], detail["deployment_groups"], detail["tags"]) == ("Unknown", None, {})
