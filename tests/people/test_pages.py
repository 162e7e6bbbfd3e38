"""The pages of people as they are met: in Chromium, light and dark, on a phone, by keyboard."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import get_user_model
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from apps.api.models import ApiToken
from apps.people.accounts import make_sign_in_link
from apps.people.models import KnownSession, Profile
from tests.browser import troubles_of
from tests.e2e.conftest import DESK, PHONE, Site, desk, living, opened, owner, site
from tests.factories import make_running_pipeline
from tests.factories import make_user as make_reader
from tests.people.conftest import ProviderProcess
from tests.people.making import make_user
from tests.people.test_second_factor import code_at

__all__ = ["desk", "living", "opened", "owner", "site"]
pytestmark = pytest.mark.django_db(transaction=True)
SIZES = {"desk": DESK, "phone": PHONE}
LONG = "A name that goes on and on " + "y" * 70
SECRET = "JBSWY3DPEHPK3PXP"


def furnish(owner: Any) -> dict[str, str]:
    """People of every kind; the paths of all pages about them."""
    asleep, long = make_user("old.timer"), make_user("x" * 140)
    get_user_model().objects.filter(pk=asleep.pk).update(is_active=False)
    get_user_model().objects.filter(pk=long.pk).update(email=f"{'z' * 60}@example.com")
    Profile.objects.create(user=long, display_name=LONG, email_unconfirmed=True)
    reader = make_user("reader")
    Profile.objects.create(user=reader, display_name="Rita Reader", reads_everything=True)
    TOTP.activate(reader, SECRET)
    for number, agent in enumerate(("curl/8.5", "w" * 300)):
        KnownSession.objects.create(user=owner, session_key=f"k{number}", user_agent=agent)
    for name, more in (("wallboard", {}), ("y" * 64, {"expires_at": now() - timedelta(days=1)})):
        row = ApiToken(user=owner, name=name, **more)
        row.renew()
        row.save()
    return {
        "profile": "/people/me/",
        "security": "/people/me/security/",
        "tokens": "/tokens/",
        "revoke": f"/tokens/{row.pk}/revoke/",
        "everybody's tokens": "/tokens/everybody/",
        "people": "/people/",
        "nobody": "/people/?q=nobody-is-called-so",
        "new": "/people/new/",
        "person": f"/people/{long.pk}/",
        "reader": f"/people/{reader.pk}/",
        "switched off": f"/people/{asleep.pk}/",
        "confirm": f"/people/{long.pk}/deactivate/",
        "again": "/accounts/reauthenticate/",
        "password": "/accounts/password/change/",
    }


def test_every_page_is_accessible_and_fits(
    opened: Callable[..., Page], site: Site, owner: Any
) -> None:
    page = opened("/health/", viewport=DESK)
    found: dict[str, list[str]] = {}
    for name, path in furnish(owner).items():
        page.goto(site.url + path)
        if troubles := troubles_of(page):
            found[name] = troubles
    page.goto(f"{site.url}/people/me/")
    page.get_by_label("Time zone").fill("Europe/Atlantis")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["error"] = troubles_of(page)
    page.locator("#user-menu summary").click()
    found["menu"] = troubles_of(page)
    assert {name: troubles for name, troubles in found.items() if troubles} == {}


def test_the_doors_are_accessible_with_a_provider_and_a_second_factor(
    opened: Callable[..., Page], site: Site, provider: ProviderProcess
) -> None:
    user = make_reader("checkout-developer")
    TOTP.activate(user, SECRET)
    page = opened("/accounts/login/", user=None, viewport=DESK)
    found = {"sign in": troubles_of(page)}
    page.goto(f"{site.url}/accounts/oidc/sso/login/callback/?state=x")
    expect(page.get_by_role("heading", name="This sign-in was not begun here")).to_be_visible()
    found["refused"] = troubles_of(page)
    page.goto(make_sign_in_link(user, site.url))
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    found["code"] = troubles_of(page)
    for _ in range(6):
        page.get_by_label("Code of the app").fill("000000")
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Too many tries")).to_be_visible()
    found["too often"] = troubles_of(page)
    assert {name: troubles for name, troubles in found.items() if troubles} == {}


@pytest.mark.timeout(300)
def test_a_second_factor_is_set_up_and_used_in_a_browser(
    opened: Callable[..., Page], site: Site
) -> None:
    user = make_reader("checkout-developer")
    page = opened("/people/me/security/", user=user)
    page.get_by_role("link", name="Set up an app").click()
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Continue").click()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    found = {"set up": troubles_of(page)}
    page.get_by_text("No camera? Type the secret").click()
    secret = page.locator("details code").inner_text()
    page.get_by_label("Code that the app shows").fill(code_at(secret))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    found["recovery codes"] = troubles_of(page)
    page.get_by_role("link", name="Make new ones").click()
    found["new codes"] = troubles_of(page)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Switch off").click()
    expect(page.get_by_role("heading", name="Switch the second factor off?")).to_be_visible()
    found["switch off"] = troubles_of(page)
    assert {name: troubles for name, troubles in found.items() if troubles} == {}


@pytest.mark.timeout(300)
def test_the_button_leads_through_the_provider_and_in(
    page: Page, site: Site, provider: ProviderProcess
) -> None:
    user = make_user("eve")
    get_user_model().objects.filter(pk=user.pk).update(email="eve@example.com")
    page.goto(f"{site.url}/accounts/login/?next=/health/")
    page.get_by_role("link", name="Sign in with Example SSO").click()
    page.wait_for_url(f"{provider.issuer}/**")
    page.locator("input[name=login]").fill("eve")
    page.locator("input[name=password]").fill("x")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{site.url}/health/")
    expect(page.locator("#user-menu summary")).to_have_attribute("aria-label", "EV: menu of eve")


def test_times_are_told_in_the_zone_that_the_reader_chose(
    living: Callable[[str], Page], owner: Any
) -> None:
    Profile.objects.create(user=owner, time_zone="Asia/Tokyo")
    row = ApiToken(user=owner, name="wallboard", expires_at=now())
    row.renew()
    row.expires_at = now().replace(year=2031, month=3, day=31, hour=20, minute=5)
    row.save()
    page = living("/")
    page.goto(re.sub(r"/$", "/tokens/", page.url))
    ends = page.locator(f"#token-{row.pk} [data-label=Ends] time")
    expect(ends).to_have_text("1 Apr 2031, 05:05")
    expect(ends).to_have_attribute("title", re.compile(r"1 Apr 2031, 05:05:\d\d \(Asia/Tokyo\)"))
    Profile.objects.update(time_zone="Mars/Olympus")
    page.reload()
    expect(ends).to_have_text("31 Mar 2031, 20:05")
    expect(ends).to_have_attribute("title", re.compile(r"\(UTC\)"))


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_the_menu_works_by_keyboard_with_and_without_scripts(
    opened: Callable[..., Page], size: str, script: bool
) -> None:
    page = opened("/health/", viewport=SIZES[size], java_script_enabled=script)
    page.locator("#user-menu summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Profile")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/people/me/$"))
    page.locator("#user-menu summary").click()
    page.locator("#user-menu").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/accounts/login/$"))


@pytest.mark.timeout(120)
def test_open_pages_of_a_session_that_is_ended_elsewhere_lead_to_the_door(
    living: Callable[[str], Page],
    opened: Callable[..., Page],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.dashboard.stream.HEARTBEAT", 0.5)
    make_running_pipeline("orders")
    there = living("/")
    here = opened("/people/me/security/")
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_text("1 other browser is signed out.")).to_be_visible()
    expect(there).to_have_url(re.compile(r"/accounts/login/"))


def test_a_token_can_be_copied_and_is_gone_after_a_reload(
    opened: Callable[..., Page],
) -> None:
    page = opened("/tokens/", java_script_enabled=False)
    page.get_by_label("What uses it").fill("wallboard")
    page.get_by_role("button", name="Make").click()
    token = page.locator("#new-token").inner_text()
    assert token.startswith("csd_")
    page.goto(page.url)
    expect(page.locator("#new-token")).to_have_count(0)
