"""The deployments of a change, as the pages of issues, commits and pull requests list them."""

from typing import Any

import pytest
from django.test import Client

from apps.delivery.deployed import Deployed
from apps.mirror.state import State
from tests.delivery.making import make_line, make_pipeline, name_issue, of, run
from tests.delivery.test_alone import begun_by, deploy
from tests.issues.making import make_issue, make_tracker

pytestmark = pytest.mark.django_db


def deployed(user: Any, number: int) -> list[Deployed]:
    return of(user, number).deployed


def test_each_stage_that_brings_it_out_is_a_line_with_what_it_began(reader: Any):
    make_line(1)
    execution = run(make_pipeline(), 1, status="InProgress")
    row = deploy(1, 14, "InProgress")
    begun_by(execution, row, "codedeploy.deployment")
    staging, production = deployed(reader, 1)
    assert (staging.where, staging.of, staging.state) == ("Staging", "shop", State.DONE)
    assert (production.where, production.state) == ("Production", State.MOVING)
    assert [one.url for one in production.by] == [row.get_absolute_url()]
    assert not staging.gone
    assert not production.gone


def test_what_was_not_tried_yet_is_no_line(reader: Any):
    make_line(1)
    run(make_pipeline(), 1, to="Build", status="InProgress")
    assert deployed(reader, 1) == []


def test_what_was_taken_out_again_is_told_so(reader: Any):
    make_line(2)
    pipeline = make_pipeline()
    run(pipeline, 2)
    run(pipeline, 1, at=30, execution_type="ROLLBACK")
    assert [(one.where, one.gone) for one in deployed(reader, 2)] == [
        ("Staging", True),
        ("Production", True),
    ]


def test_what_somebody_deployed_by_hand_is_a_line_of_its_own(reader: Any):
    make_line(1)
    row = deploy(1, 30)
    [line] = deployed(reader, 1)
    assert (line.where, line.of, line.state) == ("shop / production", "", State.DONE)
    assert [one.url for one in line.by] == [row.get_absolute_url()]


def test_the_panel_of_an_issue_leads_to_its_deployments(client: Client, reader: Any):
    _, commits = make_line(1)
    name_issue(commits[0], "SHOP-12")
    issue = make_issue(make_tracker(), key="SHOP-12")
    execution = run(make_pipeline(), 1)
    row = deploy(1, 14)
    begun_by(execution, row, "codedeploy.deployment")
    client.force_login(reader)
    told = client.get(
        f"/journeys/panel/jira.issue/{issue.pk}/", headers={"HX-Request": "true"}
    ).content.decode()
    assert f'href="{row.get_absolute_url()}"' in told
    assert f'href="{execution.get_absolute_url()}">Production</a>' in told
