"""Builds and deployments that no pipeline began are on the way of a change, too."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.api.models import ApiToken
from apps.cloudwatch.models import AlarmHistory
from apps.codedeploy.models import Deployment
from apps.codepipeline.models import Execution
from apps.delivery import alone
from apps.delivery import journey as journeys
from apps.issues.meant import Meant
from apps.mirror.models import Link
from tests.api.conftest import Program
from tests.delivery.making import (
    at,
    build,
    deploy,
    make_group,
    make_line,
    make_pipeline,
    name_issue,
    of,
    run,
)
from tests.factories import hold, make_project, make_user
from tests.projects.making import make_alarm
from tests.source.making import make_commit, make_repository, sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def begun_by(execution: Execution, row: Any, kind: str) -> None:
    """Let an execution's last action have begun it."""
    action = execution.actions.get(name="Ship")
    Link.objects.create(
        from_kind="codepipeline.action", from_id=action.pk, relation="runs",
        to_kind=kind, to_arn=row.arn,
    )  # fmt: skip


def test_a_build_of_a_later_commit_has_an_earlier_one(reader: Any):
    make_line(3)
    build(2, 20)
    found = of(reader, 1)
    [place] = found.places
    assert (place.name, place.out, [one.state for one in place.runs]) == (
        "shop-build", False, ["done"],
    )  # fmt: skip
    assert found.answer.text == "Built; nothing has brought it out yet"
    assert of(reader, 3).places == []


def test_a_build_that_failed_holds_it_up(reader: Any):
    make_line(1)
    failed = build(1, 20, "FAILED", failing_message="2 tests failed")
    answer = of(reader, 1).answer
    assert (answer.state, answer.text) == ("failed", "Failed in shop-build")
    assert answer.url == failed.get_absolute_url()


def test_what_was_deployed_by_hand_is_in_production(reader: Any):
    make_line(3)
    deploy(2, 20)
    for number in (1, 2):
        found = of(reader, number)
        assert (found.answer.state, found.answer.text) == ("done", "In production")
        assert found.answer.since == at(21)
        assert found.changes[0].there
    assert of(reader, 3).answer.text == "No pipeline has taken it yet"


def test_a_group_that_is_called_something_else_is_not_production(reader: Any):
    make_line(1)
    deploy(1, 20, group="shop/qa")
    assert of(reader, 1).answer.text == "Through shop / qa"


def test_a_deployment_that_failed_says_so(reader: Any):
    make_line(2)
    deploy(1, 10)
    deploy(2, 20, "Failed")
    assert of(reader, 1).answer.text == "In production"
    answer = of(reader, 2).answer
    assert answer.state == "failed"
    assert answer.text == "Not in production: failed in shop / production"


def test_a_rollback_by_hand_takes_it_out_again(reader: Any):
    make_line(2)
    deploy(1, 10)
    deploy(2, 20)
    back = deploy(1, 30, creator="codeDeployRollback")
    answer = of(reader, 2).answer
    assert answer.state == "stopped"
    assert answer.text.startswith("Not in production: it was in shop / production")
    assert (answer.url, answer.since) == (back.get_absolute_url(), at(30))
    assert "CodeDeploy, to roll back" in answer.why
    assert of(reader, 1).answer.text == "In production"


def in_s3(key: str, version: str = "") -> dict[str, Any]:
    return {
        "revision": {"type": "S3", "bucket": "bundles", "key": key, "version": version},
        "revision_id": version,
    }


def deploy_bundle(key: str, minute: int, version: str = "") -> Deployment:
    row = deploy(None, minute, **in_s3(key, version))
    Link.objects.create(
        from_kind="codedeploy.deployment", from_id=row.pk, relation="deploys from",
        to_kind="s3.bucket", to_arn="arn:aws:s3:::bundles",
    )  # fmt: skip
    return row


PUT = {"artifacts": {"type": "S3", "location": "arn:aws:s3:::bundles/shop.zip"}}


def test_a_bundle_has_the_commit_of_the_build_that_put_it_there_last(reader: Any):
    make_line(2)
    build(1, 10, **PUT)
    first = deploy_bundle("shop.zip", 15)
    build(2, 20, **PUT)
    deploy_bundle("another.zip", 25)
    [place] = [one for one in of(reader, 1).places if one.out]
    assert [one.pk for one in place.runs] == [first.pk]
    assert [one for one in of(reader, 2).places if one.out] == []
    second = deploy_bundle("shop.zip", 30)
    assert of(reader, 2).answer.text == "In production"
    [place] = [one for one in of(reader, 2).places if one.out]
    assert [one.pk for one in place.runs] == [second.pk]


def test_what_lies_there_of_another_line_is_not_it(reader: Any):
    repository, _ = make_line(1)
    make_commit(repository, 9, parents=[])
    build(1, 10, **PUT)
    build(9, 20, **PUT)
    deploy_bundle("shop.zip", 30)
    assert [one for one in of(reader, 1).places if one.out] == []


# --- beside pipelines -----------------------------------------------------------------------------


def test_what_a_pipeline_began_is_told_in_its_way_alone(reader: Any):
    make_line(1)
    execution = run(make_pipeline(), 1)
    begun_by(execution, deploy(1, 14), "codedeploy.deployment")
    found = of(reader, 1)
    assert found.places == []
    assert found.answer.text == "In production"


def pipeline_that_deploys(number: int, minute: int, version: str) -> Execution:
    execution = run(make_pipeline(), number, at=minute)
    row = deploy(None, minute + 3, **in_s3("pipe/app.zip", version))
    Deployment.objects.filter(pk=row.pk).update(created_at=at(minute + 3) + timedelta(seconds=5))
    begun_by(execution, row, "codedeploy.deployment")
    return execution


def test_what_somebody_deployed_in_its_place_is_told(reader: Any):
    make_line(2)
    pipeline_that_deploys(2, 20, "v2")
    assert of(reader, 2).answer.text == "In production"
    by_hand = deploy(None, 40, **in_s3("hotfix.zip", "v9"))
    found = of(reader, 2)
    # Which commit the bundle has, nobody says.
    assert found.answer.state == "unknown"
    assert found.answer.text.startswith("It was in Production; whether what runs there now")
    assert found.answer.url == by_hand.get_absolute_url()
    assert "bundles/hotfix.zip" in found.answer.why
    assert not found.changes[0].there


def test_what_somebody_rolled_back_to_in_its_place_is_told(reader: Any):
    make_line(2)
    pipeline_that_deploys(2, 20, "v2")
    deploy(1, 40)
    answer = of(reader, 2).answer
    assert (answer.state, answer.since) == ("stopped", at(40))
    assert answer.text.startswith("Not in production: it was in Production")


def test_what_came_after_very_many_commits_has_it_still(
    reader: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(alone, "MOST_COMMITS", 2)
    make_line(9)
    deploy(1, 10)
    deploy(9, 20)
    assert of(reader, 1).answer.text == "In production"


def test_who_deploys_the_same_bundle_again_changes_nothing(reader: Any):
    make_line(2)
    pipeline_that_deploys(2, 20, "v2")
    again = deploy(None, 40, **in_s3("pipe/app.zip", "v2"))
    found = of(reader, 2)
    assert found.answer.text == "In production"
    [place] = found.places
    assert place.beside
    assert [one.pk for one in place.runs] == [again.pk]


# --- issues, alarms, for whom, at what cost, where ------------------------------------------------


def test_an_issue_counts_what_was_deployed_by_hand(reader: Any):
    _, commits = make_line(3)
    for commit in (commits[0], commits[2]):
        name_issue(commit, "SHOP-12")
    deploy(3, 30)
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
    assert [one.there for one in found.changes] == [True, True]
    assert found.answer.text == "In production"


def test_alarms_since_are_those_of_the_groups_project(reader: Any):
    make_line(1)
    deployment = deploy(1, 20)
    alarm = make_alarm("slow")
    hold(make_project("Shop"), make_group(), alarm)
    for minute in (10, 40):
        AlarmHistory.objects.create(
            scope=alarm.scope, key=f"{minute}", alarm=alarm, alarm_name=alarm.key, at=at(minute),
            item_type="StateUpdate", status="ALARM", reason="Slow",
        )  # fmt: skip
    assert deployment.group is not None
    assert [one.at for one in of(reader, 1).alarms] == [at(40)]


def test_who_sees_the_repository_alone_learns_of_none():
    repository, _ = make_line(1)
    build(1, 10)
    deploy(1, 20)
    viewer = make_user("viewer", reads_everything=False)
    hold(make_project("Source", viewer=viewer), repository)
    found = of(viewer, 1)
    assert found.places == []
    assert found.answer.text == "No pipeline has taken it yet"


def test_a_commit_that_only_a_build_knows_is_followed(reader: Any):
    build(7, 10)
    assert of(reader, 7).changes[0].row is None
    assert journeys.of_commit(reader, sha(8)) is None
    assert journeys.commits_beginning(reader, sha(7)[:39], 5) == [sha(7)]


def test_the_number_of_queries_does_not_grow(reader: Any):
    _, commits = make_line(20)
    name_issue(commits[18], "SHOP-12")
    docs = make_repository("docs")
    name_issue(make_commit(docs, 90, parents=[]), "SHOP-12")
    pipeline_that_deploys(20, 100, "v20")
    build(20, 100, **PUT)
    deploy_bundle("shop.zip", 120)

    def cost() -> int:
        with CaptureQueriesContext(connection) as told:
            journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
        return len(told)

    cost()
    few = cost()
    for number in range(1, 19):
        name_issue(commits[number - 1], "SHOP-12")
        build(20, 100 + number, **PUT)
        deploy(20, 100 + number, group=f"shop-{number}/live", strip=[{"name": "i-1"}])
    assert cost() == few
    assert few <= 45


def test_the_page_and_the_api_tell_of_it():
    make_line(1)
    strip = [
        {"name": name, "state": state, "status": "x"}
        for name, state in (("i-1", "done"), ("<b>i-2</b>", "failed"))
    ]
    row = deploy(1, 20, strip=strip)
    client = Client()
    client.force_login(make_user("viewer"))
    page = client.get(f"/journeys/commit/{sha(1)}/").text
    assert "Without a pipeline" in page
    assert "1 of 2 targets" in page
    assert "&lt;b&gt;i-2&lt;/b&gt;" in page
    assert row.get_absolute_url() in page
    assert "No pipeline has taken it" not in page
    token = ApiToken(name="x", user=make_user("program"))
    program = Program(token.renew())
    token.save()
    [found] = program.json("journeys", commit=sha(1))["items"]
    [place] = found["without_pipeline"]
    assert (place["name"], place["production"], place["is_there"]) == (
        "shop / production", True, True,
    )  # fmt: skip
    [single] = place["runs"]
    assert (single["kind"], single["id"]) == ("codedeploy.deployment", row.pk)
    assert (single["reached"], single["targets"]) == (1, 2)
