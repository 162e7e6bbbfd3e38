"""The pages that connect an account in a real browser: they follow the test; axe is content."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Page, expect

from apps.aws import trial
from apps.aws.models import Account
from tests.aws.wire import PretendedAws, pretended
from tests.browser import axe_violations

__all__ = ["pretended"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in(page: Page, live_server: Any) -> Page:
    """A page in which somebody of the staff is signed in."""
    cache.clear()
    client = Client()
    client.force_login(get_user_model().objects.create_user("operator", is_staff=True))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}]
    )
    return page


def test_the_page_follows_a_test_to_its_end_and_stores_what_was_tested(
    signed_in: Page,
    live_server: Any,
    pretended: PretendedAws,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("celery.app.task.Task.delay", lambda _task, *args: asked.extend(args))
    page = signed_in
    page.goto(f"{live_server.url}/aws/accounts/new/")
    assert axe_violations(page) == []
    expect(page.get_by_label("Role", exact=True)).to_be_visible()
    expect(page.get_by_label("Access key id")).to_be_hidden()
    page.get_by_label("Access key, kept here encrypted").check()
    expect(page.get_by_label("Role", exact=True)).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("production")
    page.get_by_label("Access key id").fill("AKIDEXAMPLE")
    page.get_by_label("Secret access key").fill("secret")
    page.get_by_label("eu-west-1 · Ireland").check()
    page.get_by_role("button", name="Test the connection").click()

    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    assert axe_violations(page) == []
    page.evaluate("window.stayed = true")
    pretended.deny("ListBuilds", "AccessDeniedException", "not authorized")
    trial.run(asked[0])
    expect(page.get_by_role("button", name="Save with warnings")).to_be_visible()
    assert page.evaluate("window.stayed")
    expect(page.get_by_text("Allow codebuild:ListBuilds")).to_be_visible()
    assert axe_violations(page) == []

    page.get_by_role("button", name="Save with warnings").click()
    expect(page.get_by_role("heading", name="production")).to_be_visible()
    account = Account.objects.get()
    assert account.account_id == "111122223333"
    for path in ("", f"{account.pk}/", f"{account.pk}/edit/", f"{account.pk}/remove/"):
        page.goto(f"{live_server.url}/aws/accounts/{path}")
        assert axe_violations(page) == [], path


def test_on_a_phone_nothing_is_wider_than_the_screen(signed_in: Page, live_server: Any) -> None:
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("", "new/"):
        page.goto(f"{live_server.url}/aws/accounts/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert axe_violations(page) == [], path
