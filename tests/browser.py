"""Owns the tests' browser: Debian's Chromium driven by playwright, and axe's verdict on a page."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# The shell opens no window, with the pages that draw one, for each context.
NAMES = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable"),
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1440, "height": 900}

# A machine that runs other tests beside takes longer to show what is asked for than one alone.
expect.set_options(timeout=45_000)


def chromium() -> str:
    """The path of a Chromium; a failure, never a skip, where there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    if Path("/usr/bin/chromium").exists():
        return "/usr/bin/chromium"
    raise RuntimeError("Chromium is missing: run `make test`, or apt-get install chromium")


@pytest.fixture(scope="session")
def chromium_and_loop() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """One headless Chromium for the whole run, and the event loop that playwright keeps for it.

    That loop counts as running in this thread for as long as playwright lives, and no other test
    could run a coroutine meanwhile; so it is taken off the thread between browser tests.
    """
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=chromium(), headless=True, args=list(FLAGS)
        )
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield chrome, loop
        asyncio._set_running_loop(loop)
        chrome.close()


@pytest.fixture
def browser(
    chromium_and_loop: tuple[Browser, asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    """The run's Chromium, for one test."""
    chrome, loop = chromium_and_loop
    # Django takes playwright's loop for an async view, in which the database is out of bounds, and
    # which has connections of its own; the test's open transaction is on these.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    opened = {alias: connections[alias] for alias in connections}
    asyncio._set_running_loop(loop)
    for alias, connection in opened.items():
        connections[alias] = connection
    yield chrome
    asyncio._set_running_loop(None)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; the test fails if its scripts fail or break the policy."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(45_000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "console",
        lambda message: errors.append(message.text) if "Content Security" in message.text else None,
    )
    yield opened
    context.close()
    assert errors == [], f"the page's scripts failed, or broke the content policy: {errors}"


# By how many pixels the page is wider than the screen.
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"


def troubles_of(page: Page, *more: str) -> list[str]:
    """What keeps people from reading the page that is open: wide and narrow, light and dark.

    One load shows all four: the layout and the colours are the style sheet's. `more` are rules that
    axe looks at only when it is asked to.
    """
    as_it_was, found = page.viewport_size, []
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(size)
        if (wide := page.evaluate(TOO_WIDE)) > 0:
            found.append(f"{name}: {wide} pixels too wide")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("html")).to_have_attribute("data-theme", scheme)
            # Schemes differ in their colours alone.
            rules = None if scheme == "light" else ("color-contrast", *more)
            found += [f"{name}, {scheme}: {told}" for told in axe_violations(page, rules)]
    page.emulate_media(color_scheme="light")
    if as_it_was is not None:
        page.set_viewport_size(as_it_was)
    return found


def axe_violations(page: Page, rules: Sequence[str] | None = None) -> list[str]:
    """Each accessibility violation on the page as one line: rule, impact, where.

    Of `rules` alone, where some are named.
    """
    # What a click led to may have come by half.
    page.wait_for_load_state()
    # Evaluated by the debugger, which the page's content policy doesn't bind.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    result = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['target']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]
