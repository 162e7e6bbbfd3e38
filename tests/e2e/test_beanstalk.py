"""Environments in a browser: they move while one looks, read well everywhere, also by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.beanstalk.models import Environment
from apps.live.bus import BUS, CHANGES
from tests.beanstalk.making import (
    SEVERE,
    make_application,
    make_environment,
    make_event,
    make_instance,
    make_version,
)
from tests.browser import troubles_of
from tests.e2e.conftest import DESK, not_reloaded
from tests.factories import change

OUTPUT = (
    "[Instance: i-0c91c7861b2a3c4d5] Command failed on instance. Return code: 1 Output: Engine "
    "execution has encountered an error. (TRUNCATED)...\nERROR: No matching distribution found for "
    "pandas==2.9.1\npip install -r requirements.txt failed with exit status 1"
)


@pytest.fixture
def environment(transactional_db: None) -> Environment:
    """A Severe environment beside others, with everything its page may show."""
    application = make_application()
    for number in range(1, 13):
        make_version(f"loyalty-2.{number}.0", application, description="Round points half up")
    row = make_environment(
        "loyalty-api-prod",
        application,
        version_label="loyalty-2.11.0",
        **{
            **SEVERE,
            "causes": [
                "Command failed on all instances.",
                "Incorrect application version found on all instances. Expected version "
                '"loyalty-2.11.0" (deployment 11).',
            ],
        },
    )
    make_event(row, 0, "Environment update completed successfully.")
    for minute in range(1, 40):
        make_event(row, minute, f"Environment health has transitioned from Ok to Info ({minute}).")
    make_event(row, 60, OUTPUT, "ERROR", request_id="b7f3960b-4709-11e5-ba1e-07e16200da41")
    make_event(row, 61, "Failed to deploy application.", "ERROR")
    make_event(row, 62, "Environment health has transitioned from Info to Severe.", "WARN")
    for key in ("i-0c91c7861b2a3c4d5", "i-0d82b8752c3b4d5e6"):
        make_instance(row, key)
    make_environment("loyalty-staging", application, health_status="Ok")
    warning = {"state": "unknown", "health": "Yellow", "health_status": "Warning", "urgency": 3}
    causes = ["12.5% of the requests are failing with HTTP 4xx."]
    make_environment("storefront-web", make_application("storefront"), causes=causes, **warning)
    row.refresh_from_db()
    return row


def pages(environment: Environment) -> list[str]:
    return [
        "/beanstalk/",
        environment.get_absolute_url(),
        "/beanstalk/applications/",
        f"/beanstalk/applications/{environment.application_id}/",
    ]


def test_pages_are_accessible_and_nothing_runs_over_the_edge(
    environment: Environment, opened: Callable[..., Page]
):
    for path in pages(environment):
        assert troubles_of(opened(path, viewport=DESK)) == [], path


def test_pages_are_read_without_scripts(environment: Environment, opened: Callable[..., Page]):
    page = opened(environment.get_absolute_url(), java_script_enabled=False)
    expect(page.get_by_role("heading", name="Why it is Severe")).to_be_visible()
    page.get_by_role("link", name="Errors", exact=True).click()
    rows = page.locator("table.events tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Failed to deploy application.")


def test_an_environment_recovers_while_one_looks(
    environment: Environment, living: Callable[[str], Page]
):
    page = living(environment.get_absolute_url())
    expect(page.get_by_role("heading", name="Why it is Severe")).to_be_visible()
    make_event(environment, 90, "Environment health has transitioned from Severe to Ok.")
    Environment.objects.filter(pk=environment.pk).update(
        state="done", health="Green", health_status="Ok", urgency=6, causes=[]
    )
    change(environment, "beanstalk.environment")
    BUS.publish(CHANGES)
    expect(page.get_by_role("heading", name="Why it is Severe")).to_have_count(0)
    expect(page.locator("h1")).to_contain_text("Ok")
    first = page.locator("table.events tbody tr").first
    expect(first).to_contain_text("from Severe to Ok")
    assert not_reloaded(page)


def test_the_list_puts_what_breaks_on_top(environment: Environment, living: Callable[[str], Page]):
    page = living("/beanstalk/")
    names = page.locator("tbody .name")
    expect(names).to_have_text(["loyalty-api-prod", "storefront-web", "loyalty-staging"])
    staging = Environment.objects.get(key="loyalty-staging")
    Environment.objects.filter(pk=staging.pk).update(**{**SEVERE, "health_status": "Degraded"})
    Environment.objects.filter(pk=staging.pk).update(urgency=1)
    change(staging, "beanstalk.environment")
    BUS.publish(CHANGES)
    expect(names).to_have_text(["loyalty-api-prod", "loyalty-staging", "storefront-web"])
    assert not_reloaded(page)
