"""A project of each kind, deployed by somebody else while a browser looks on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers import free_port
from tests.whole.aws import client
from tests.whole.program import LINK, Up, collect_static, temporary_data, until

from .conftest import DESK

PATIENCE = 300_000
CANARY = "CodeDeployDefault.ECSCanary10Percent5Minutes"
SHOP, LAB = "111122223333", "444455556666"


@dataclass(frozen=True)
class Kind:
    """A deployment group of one kind, and an event that only its way of deploying has."""

    account: str
    region: str
    application: str
    group: str
    event: str
    config: str = ""


GROUPS = {
    "EC2 in place": Kind(SHOP, "eu-west-1", "checkout-web", "production", "Application stop"),
    "EC2 blue/green": Kind(LAB, "eu-west-1", "orders-backend", "blue-green", "Allow traffic"),
    "Lambda with a canary": Kind(LAB, "us-east-1", "fraud-model", "canary", "Allow traffic"),
    "ECS blue/green": Kind(
        SHOP, "eu-west-1", "basket", "blue-green", "After allow test traffic", CANARY
    ),
    "on-premises": Kind(SHOP, "eu-west-1", "build-rack", "basement", "Application stop"),
}


@pytest.fixture
def up() -> Iterator[Up]:
    """The whole program on a sandbox, ten times as fast as life, in which nobody else works."""
    collect_static()
    with temporary_data() as data:
        port = str(free_port())
        more = {"SANDBOX_SCENARIO": "quiet", "SANDBOX_SPEED": "10", "SANDBOX_PORT": port}
        with Up(data, **more) as program:
            program.wait_until_it_serves()
            yield program


def deploy(url: str, kind: Kind) -> str:
    """What was deployed last, once more; what is on its way there is stopped first."""
    codedeploy = client(url, "codedeploy", kind.account, kind.region)
    there = {"applicationName": kind.application, "deploymentGroupName": kind.group}
    [group] = codedeploy.batch_get_deployment_groups(
        applicationName=kind.application, deploymentGroupNames=[kind.group]
    )["deploymentGroupsInfo"]
    last = group["lastSuccessfulDeployment"]["deploymentId"]
    config = {"deploymentConfigName": kind.config} if kind.config else {}
    told = codedeploy.get_deployment(deploymentId=last)["deploymentInfo"]["revision"]
    # A deployment tells an AppSpec's hash alone, its application the text.
    revision = codedeploy.get_application_revision(applicationName=kind.application, revision=told)[
        "revision"
    ]

    def begun() -> str | None:
        try:
            made = codedeploy.create_deployment(**there, **config, revision=revision)
        except codedeploy.exceptions.DeploymentLimitExceededException as error:
            active = error.response["Error"]["Message"].split("'")[-2]
            codedeploy.stop_deployment(deploymentId=active, autoRollbackEnabled=False)
            return None
        return str(made["deploymentId"])

    return until(begun, PATIENCE / 1000, f"room for a deployment to {kind.application}")


def enter(page: Page, up: Up) -> None:
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size(DESK)
    page.goto(up.wait_for(LINK.pattern)[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{up.url}/")


def row_of(page: Page, words: str) -> Locator:
    return page.locator("tbody tr[data-state]", has_text=words).first


def row_named(page: Page, name: str) -> Locator:
    return page.locator(f"tbody tr[data-state]:has(a.name:text-is('{name}'))").first


def state_is(row: Locator, state: str) -> None:
    expect(row).to_have_attribute("data-state", state, timeout=PATIENCE)


# The longest of these deployments shifts its traffic for five minutes of an account's time.
@pytest.mark.timeout(1200)
def test_a_project_of_each_kind_is_deployed_and_one_is_rolled_back(page: Page, up: Up) -> None:
    enter(page, up)

    # Deployments of every kind come into a list that is open, go on in it, and come to their end.
    page.goto(f"{up.url}/codedeploy/")
    expect(page.locator("#live")).to_have_text("Live", timeout=PATIENCE)
    page.evaluate("window.sameDocument = true")
    begun = {name: deploy(up.sandbox_url, kind) for name, kind in GROUPS.items()}
    for deployment in begun.values():
        expect(row_of(page, deployment)).to_be_visible(timeout=PATIENCE)
    for deployment in begun.values():
        state_is(row_of(page, deployment), "done")
    assert page.evaluate("window.sameDocument === true")

    # One that is stopped is rolled back by another deployment, which is watched to its end, too.
    stopped = deploy(up.sandbox_url, GROUPS["ECS blue/green"])
    state_is(row_of(page, stopped), "moving")
    client(up.sandbox_url, "codedeploy").stop_deployment(
        deploymentId=stopped, autoRollbackEnabled=True
    )
    rollback = row_of(page, f"rolls back {stopped}")
    state_is(rollback, "done")
    assert page.evaluate("window.sameDocument === true")
    rollback.get_by_role("rowheader").get_by_role("link").first.click()
    expect(page.locator("dt:text-is('Rolls back') + dd", has_text=stopped)).to_be_visible()

    # Each one's page tells the steps that only its kind takes.
    for name, deployment in begun.items():
        page.goto(f"{up.url}/codedeploy/?q={deployment}")
        row_of(page, deployment).get_by_role("rowheader").get_by_role("link").first.click()
        expect(page.get_by_text(GROUPS[name].event, exact=True).first).to_be_attached(
            timeout=PATIENCE
        )

    # What has no application of CodeDeploy's: read by then, so the program is not started anew.
    a_service_and_an_environment_are_deployed(page, up)


def another_version(beanstalk: Any) -> tuple[Any, str] | None:
    """An environment that can be deployed to, and a version that it does not run."""
    for found in beanstalk.describe_environments(IncludeDeleted=False)["Environments"]:
        told = beanstalk.describe_application_versions(ApplicationName=found["ApplicationName"])
        labels = {one["VersionLabel"] for one in told["ApplicationVersions"]}
        others = labels - {found["VersionLabel"]}
        if others and (found["Status"], found["Health"]) == ("Ready", "Green"):
            return found, sorted(others)[0]
    return None


def a_service_and_an_environment_are_deployed(page: Page, up: Up) -> None:
    page.goto(f"{up.url}/ecs/")
    service = row_named(page, "gateway")
    state_is(service, "failed")
    page.evaluate("window.sameDocument = true")
    client(up.sandbox_url, "ecs", LAB).update_service(
        cluster="mobile", service="gateway", forceNewDeployment=True
    )
    # On its way for two seconds, which a busy machine may pass over.
    state_is(service, "done")
    assert page.evaluate("window.sameDocument === true")

    beanstalk = client(up.sandbox_url, "elasticbeanstalk")
    now, other = until(lambda: another_version(beanstalk), PATIENCE / 1000, "calm environment")
    page.goto(f"{up.url}/beanstalk/")
    environment = row_named(page, now["EnvironmentName"])
    expect(environment).to_contain_text(now["VersionLabel"])
    page.evaluate("window.sameDocument = true")
    beanstalk.update_environment(EnvironmentName=now["EnvironmentName"], VersionLabel=other)
    expect(environment).to_contain_text(other, timeout=PATIENCE)
    expect(environment).not_to_have_attribute("data-state", "moving", timeout=PATIENCE)
    assert page.evaluate("window.sameDocument === true")
