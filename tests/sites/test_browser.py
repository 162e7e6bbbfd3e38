"""The pages that connect a site in a real browser: they follow the test; axe is content."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Page, expect

from apps.mirror.models import Operation
from apps.mirror.provider import Health
from apps.sites import opening, trial
from apps.sites.models import Site
from tests.browser import axe_violations, troubles_of
from tests.sites.flight import SiteFlight
from tests.sites.people import CLOUD_URL, SELECTION, jira_site

pytestmark = pytest.mark.django_db(transaction=True)
FULL = Path(__file__).parent.parent / "jira" / "flights" / "full"


@pytest.fixture
def signed_in(page: Page, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A page in which somebody of the staff is signed in."""
    cache.clear()
    monkeypatch.setattr("apps.sites.addresses.resolve", lambda _host, _port: ["93.184.215.14"])
    client = Client()
    client.force_login(get_user_model().objects.create_user("operator", is_staff=True))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}]
    )
    return page


def test_the_page_follows_a_test_to_its_end_and_stores_what_was_tested(
    signed_in: Page, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("celery.app.task.Task.delay", lambda _task, *args: asked.extend(args))
    flown = SiteFlight("jira", CLOUD_URL, "cloud", SELECTION).load(FULL)
    plain = opening.wire_of

    def wire_of(site: Site) -> Any:
        wire: Any = plain(site)
        flown.mount(wire.session)
        return wire

    monkeypatch.setattr(opening, "wire_of", wire_of)
    page = signed_in
    page.goto(f"{live_server.url}/sites/")
    assert axe_violations(page) == []
    page.get_by_role("link", name="Connect Jira").click()
    expect(page.get_by_label("User", exact=True)).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_label("Jira Data Center").check()
    expect(page.get_by_label("User", exact=True)).to_be_hidden()
    page.get_by_label("Jira Cloud").check()
    page.get_by_label("Name", exact=True).fill("Shop's Jira")
    page.get_by_label("Address", exact=True).fill(CLOUD_URL)
    page.get_by_label("User", exact=True).fill("reader@example.com")
    page.get_by_label("API token or Personal access token").fill("ATATT-secret")
    page.get_by_label("Projects", exact=True).fill("SHOP")
    page.get_by_label("Queries", exact=True).fill("Nobody's = project = NOBODY")
    page.get_by_role("button", name="Test the connection").click()

    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    assert axe_violations(page) == []
    page.evaluate("window.stayed = true")
    trial.run(asked[0])
    expect(page.get_by_role("button", name="Save with warnings")).to_be_visible()
    assert page.evaluate("window.stayed")
    expect(page.get_by_text("Jira rejects this JQL")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("link", name="Change what was entered").click()
    expect(page.get_by_text("Jira rejects this JQL")).to_be_visible()
    assert axe_violations(page) == []
    page.go_back()
    page.get_by_role("button", name="Save with warnings").click()
    expect(page.get_by_role("heading", name="Shop's Jira")).to_be_visible()
    site = Site.objects.get()
    page.get_by_role("button", name="Make a new secret and show it").click()
    expect(page.get_by_text("The secret, shown this once")).to_be_visible()
    assert axe_violations(page) == []
    for path in ("", f"{site.pk}/", f"{site.pk}/edit/", f"{site.pk}/remove/"):
        page.goto(f"{live_server.url}/sites/{path}")
        assert axe_violations(page) == [], path


def test_on_a_phone_nothing_is_wider_than_the_screen(signed_in: Page, live_server: Any) -> None:
    site = jira_site(
        base_url=f"https://{'long-' * 12}name.atlassian.net",
        selection={"projects": ["SHOP"], "queries": [{"name": "Q", "jql": "x" * 600}]},
    )
    Operation.objects.create(
        scope=site.scope,
        kind="jira.issue",
        operation="jira:SearchIssues",
        health=Health.CREDENTIALS,
        code="HTTP401",
        error="w" * 300,
        cure="Give it a new token.",
    )
    page = signed_in
    own = [f"{site.pk}/{rest}" for rest in ("", "edit/", "remove/")]
    for path in ("health/", *(f"sites/{rest}" for rest in ("", "new/jira/", *own))):
        page.goto(f"{live_server.url}/{path}")
        assert troubles_of(page) == [], path


def test_every_field_that_is_wrong_is_marked_alike(signed_in: Page, live_server: Any) -> None:
    page = signed_in
    page.goto(f"{live_server.url}/sites/new/jira/")
    fine = page.get_by_label("OAuth client id").evaluate("e => getComputedStyle(e).borderColor")
    page.get_by_role("button", name="Save without testing").click()
    wrong = page.locator("form.connect [aria-invalid=true]")
    expect(wrong).to_have_count(5)
    borders = wrong.evaluate_all("found => found.map((e) => getComputedStyle(e).borderColor)")
    assert len(set(borders)) == 1
    assert borders[0] != fine
