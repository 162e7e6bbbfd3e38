"""What deployments run on, in a browser: in light and dark, on a phone, and while it changes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches
from playwright.sync_api import Page, expect

from apps.awslambda.models import Function
from apps.ec2.models import AutoScalingGroup, Instance, LoadBalancer
from apps.ecs.models import Service
from apps.mirror.provider import PROVIDERS
from apps.sandbox.process import SandboxProcess
from tests.browser import troubles_of
from tests.simulated import Simulated, kinds_of, mirrored

from .conftest import DESK, Site

SHOP, LAB = "111122223333", "444455556666"


@pytest.fixture(scope="module")
def aws() -> Iterator[Simulated]:
    """The default scenario, where everything is immediate."""
    with SandboxProcess("--seed", "1", "--speed", "0") as sandbox:
        yield Simulated(sandbox.url)


@pytest.fixture
def compute(site: Site, aws: Simulated, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """What both accounts run on, as it was read."""
    for cache in caches.all():
        cache.clear()
    monkeypatch.setitem(PROVIDERS.by_name, "aws", aws)
    for account, region in ((SHOP, "eu-west-1"), (LAB, "eu-west-1"), (LAB, "us-east-1")):
        mirrored(account, region, *kinds_of("awslambda", "ecs", "ec2"))
    return aws


def pages() -> list[str]:
    """Every list, and a page of each kind that has something to say."""
    return [
        "/awslambda/",
        "/ecs/",
        "/ec2/instances/",
        "/ec2/groups/",
        "/ec2/load-balancers/",
        Function.objects.get(key="fraud-model").get_absolute_url(),
        Function.objects.get(key="fraud-features").get_absolute_url(),
        Service.objects.get(name="gateway").get_absolute_url(),
        Service.objects.get(name="gateway").cluster.get_absolute_url(),
        Service.objects.get(name="gateway").task_definitions.first().get_absolute_url(),
        Instance.objects.get(name="billing-jenkins").get_absolute_url(),
        AutoScalingGroup.objects.get(key="search-index").get_absolute_url(),
        LoadBalancer.objects.get(name="checkout-api").get_absolute_url(),
        LoadBalancer.objects.get(name="checkout-api").target_groups.first().get_absolute_url(),
    ]


def test_every_page_is_readable_in_light_in_dark_and_on_a_phone(
    compute: Simulated, opened: Callable[..., Page], site: Site
):
    page = opened("/ecs/", viewport=DESK)
    found: dict[str, Any] = {}
    for path in pages():
        page.goto(site.url + path)
        page.wait_for_load_state("networkidle")
        if troubles := troubles_of(page):
            found[path] = troubles
    assert found == {}


def test_pages_say_the_same_without_scripts(compute: Simulated, opened: Callable[..., Page]):
    path = Service.objects.get(name="gateway").get_absolute_url()
    page = opened(path, viewport=DESK, java_script_enabled=False)
    expect(page.locator(".why-box")).to_contain_text("CannotPullContainerError")
    expect(page.get_by_role("link", name="gateway:2").first).to_be_visible()


def test_a_shift_of_traffic_arrives_on_the_open_page(
    compute: Simulated, living: Callable[[str], Page]
):
    function = Function.objects.get(key="fraud-model")
    page = living(function.get_absolute_url())
    client = compute.aws("lambda", LAB, "us-east-1")
    client.update_alias(
        FunctionName="fraud-model",
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}},
    )
    Function.objects.update(aliases_read="")
    mirrored(LAB, "us-east-1", "awslambda.alias")
    row = page.locator("#alias-live")
    expect(row).to_contain_text("Shifting")
    expect(row).to_contain_text("90 %")
    expect(row).to_contain_text("10 %")
    assert page.evaluate("window.sameDocument === true")
