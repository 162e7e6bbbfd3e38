"""The deployments of the default scenario, as they are when it begins."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.sandbox.codedeploy.model import DeployStore
from apps.sandbox.server import SandboxServer

from .conftest import Aws

ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture(scope="module")
def lively() -> Iterator[SandboxServer]:
    """The default scenario as it begins, its clock held."""
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        yield server


def everything(server: SandboxServer) -> dict[str, Any]:
    return {
        f"{application.name}/{group.name}": group
        for place in server.world.places()
        for application in place.of(DeployStore).applications.values()
        for group in application.groups.values()
    }


def test_the_scenario_has_a_group_of_each_kind_with_a_past(lively):
    groups_of = everything(lively)
    for name in (
        "checkout-web/production",
        "checkout-api/production",
        "orders-backend/blue-green",
        "fraud-model/canary",
        "basket/blue-green",
        "build-rack/basement",
        "search-index/production",
    ):
        past = groups_of[name].deployments
        assert len(past) > 5, name
        assert {"Succeeded"} < {one.status for one in past}, name


def test_a_rollback_is_under_way_when_the_scenario_begins(lively):
    running = [group.active() for group in everything(lively).values()]
    assert [one.creator for one in running if one is not None and one.rolls_back] == [
        "codeDeployRollback"
    ]
    assert any(one is not None and one.platform == "ECS" for one in running)


def test_failures_of_the_scenario_have_many_causes(lively):
    codes, events = set(), set()
    for group in everything(lively).values():
        for deployment in group.deployments:
            codes.add(deployment.error[0] if deployment.error else "")
            events |= {
                event.name
                for target in deployment.targets.values()
                for event in target.events
                if event.status == "Failed"
            }
    assert {"HEALTH_CONSTRAINTS", "ALARM_ACTIVE", "HOOK_EXECUTION_FAILURE"} <= codes
    assert {"ApplicationStart", "ValidateService", "DownloadBundle", "BeforeInstall"} <= events


def test_a_pipelines_action_names_its_deployment_and_tells_its_error(lively):
    pipelines = Aws(lively.url)("codepipeline", "444455556666", "eu-west-1")
    listed = pipelines.list_action_executions(pipelineName="orders-backend", maxResults=100)
    deploys = [one for one in listed["actionExecutionDetails"] if one["actionName"] == "BlueGreen"]
    known = everything(lively)["orders-backend/blue-green"].deployments
    ids = {one.id: one for one in known}
    failed = next(one for one in deploys if one["status"] == "Failed")
    result = failed["output"]["executionResult"]
    assert ids[result["externalExecutionId"]].status == "Failed"
    assert result["externalExecutionId"] in result["errorDetails"]["message"]
    assert "HEALTH_CONSTRAINTS" in result["errorDetails"]["message"]
