"""Every page as people meet it: light, dark, on a phone, by keyboard, without scripts."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.mirror.models import Operation
from apps.people.accounts import make_sign_in_link
from tests.browser import axe_violations, troubles_of
from tests.factories import (
    link_runs,
    make_action,
    make_build,
    make_parallel_pipeline,
    make_pipeline,
    make_running_pipeline,
    make_scope,
    make_user,
    make_waiting_pipeline,
)
from tests.whole.program import until

from .conftest import DESK, PHONE, Site

EVIL = "<script>alert(1)</script>-a-name-that-goes-on-and-on-" + "x" * 60


# By how many pixels the page, or a table's cell on it, is too narrow for what it holds.
TOO_WIDE = """() => Math.max(
  document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll("tbody td, tbody th")].map(
    (cell) => cell.scrollWidth - cell.clientWidth),
)"""


def furnish() -> dict[str, str]:
    """Rows of every kind; the paths of all pages that show them."""
    failed = make_running_pipeline("orders-api", "Failed")
    build = make_build("orders-build", "FAILED", failing_phase="BUILD", failing_message="npm: 1")
    action = make_action(
        failed.latest_execution, "Build", "Compile", "Failed", external_id=build.key
    )
    link_runs("codepipeline.action", action, build)
    failed.stages.filter(name="Deploy").update(
        transition_enabled=False, transition_reason="Freeze until Monday"
    )
    make_running_pipeline("billing", "InProgress")
    hostile = make_running_pipeline(EVIL, "Succeeded")
    hostile.latest_execution.summary = "<img src=x onerror=alert(2)> " + "y" * 4000
    hostile.latest_execution.save()
    waiting, parallel = make_waiting_pipeline("ledger"), make_parallel_pipeline("previews")
    make_pipeline("never-ran")
    denied = make_scope("444455556666", "us-east-1")
    Operation.objects.filter(scope=denied, operation="codepipeline:GetPipelineState").update(
        health="denied",
        error="not authorized",
        cure="Allow it.",
        statement={"Effect": "Allow", "Action": "codepipeline:GetPipelineState", "Resource": "*"},
    )
    return {
        "home": "/",
        "nothing found": "/?q=nothing-like-this",
        "failed pipeline": failed.get_absolute_url(),
        "hostile pipeline": hostile.get_absolute_url(),
        "waiting pipeline": waiting.get_absolute_url(),
        "parallel pipeline": parallel.get_absolute_url(),
        "executions": f"/codepipeline/{failed.pk}/executions/",
        "failed execution": failed.latest_execution.get_absolute_url(),
        "waiting execution": waiting.latest_execution.get_absolute_url(),
        "health": "/health/",
        "search": "/search?q=or",
        "search without words": "/search",
        "builds": "/codebuild/builds/",
        "build": build.get_absolute_url(),
        "projects": "/codebuild/",
        "project": build.project.get_absolute_url(),
        "accounts": "/aws/accounts/",
        "connect": "/aws/accounts/new/",
        "password": "/accounts/password/change/",
        "not there": "/no/such/page",
    }


def test_every_page_is_accessible_and_fits(opened: Callable[..., Page], site: Site) -> None:
    page = opened("/health/", viewport=DESK)
    found: dict[str, list[str]] = {}
    for name, path in furnish().items():
        page.goto(site.url + path)
        if troubles := troubles_of(page):
            found[name] = troubles
    assert found == {}


def test_the_doors_are_accessible(opened: Callable[..., Page], site: Site) -> None:
    link = make_sign_in_link(make_user("newcomer"), site.url).removeprefix(site.url)
    page = opened("/accounts/login/", user=None, viewport=DESK)
    found: dict[str, list[str]] = {}
    for path in ("/accounts/login/", link, "/enter/used-up/", "/accounts/signup/"):
        page.goto(site.url + path)
        if troubles := troubles_of(page):
            found[path] = troubles
    assert found == {}


def test_an_empty_house_is_accessible_and_teaches(opened: Callable[..., Page]) -> None:
    page = opened("/", viewport=DESK)
    expect(page.get_by_role("heading", name="No AWS account is connected")).to_be_visible()
    assert axe_violations(page) == []


def test_the_first_sweep_is_accessible(opened: Callable[..., Page]) -> None:
    make_scope(first_swept_at=None)
    page = opened("/", viewport=DESK)
    expect(page.get_by_role("heading", name="Reading AWS for the first time")).to_be_visible()
    assert axe_violations(page) == []


def test_a_newcomer_comes_in_by_the_link(page: Page, site: Site) -> None:
    link = make_sign_in_link(make_user("newcomer"), site.url)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/")
    expect(page.get_by_role("heading", name="No AWS account is connected")).to_be_visible()


def test_a_password_opens_and_sign_out_closes(page: Page, site: Site, owner: Any) -> None:
    page.goto(f"{site.url}/health/")
    page.get_by_label("User name or e-mail address").fill("release-manager")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/health/")
    page.locator("#user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/accounts/login/")


def test_it_reads_and_filters_without_scripts(opened: Callable[..., Page]) -> None:
    make_running_pipeline("orders", "Failed")
    make_running_pipeline("mailer")
    make_running_pipeline("billing", "InProgress")
    make_waiting_pipeline("ledger")
    page = opened("/", java_script_enabled=False, viewport=DESK)
    expect(page.locator("tbody time").first).to_contain_text("UTC")
    running = page.locator("tbody tr", has_text="billing").locator(".col-when")
    expect(running).to_contain_text(re.compile(r"since \d+ \w+ \d{4}, \d\d:\d\d UTC$"))
    expect(running).not_to_contain_text("for since")
    # One date is enough, and no key does anything.
    expect(running.locator("[data-running]")).to_be_hidden()
    expect(page.locator(".find kbd")).to_be_hidden()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        # Letters are as wide as they will be once their font has come.
        until(lambda: page.evaluate(TOO_WIDE) <= 0, 15, f"page that fits into {width}", 0.3)
    page.get_by_label("Filter by name, change or SHA").fill("ord")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="orders", exact=True).click()
    expect(page.get_by_role("heading", name="orders")).to_be_visible()
    expect(page.locator("#theme")).to_be_hidden()
    page.get_by_role("link", name="All executions").click()
    page.locator("tbody a").first.click()
    expect(
        page.get_by_text("Build / Compile failed").or_(page.get_by_text("It failed"))
    ).to_be_visible()


def test_who_wants_no_motion_gets_none(opened: Callable[..., Page]) -> None:
    make_running_pipeline("billing", "InProgress")
    moving = "getComputedStyle(document.querySelector('.spin')).animationName"
    assert opened("/", reduced_motion="reduce").evaluate(moving) == "none"
    assert opened("/", reduced_motion="no-preference").evaluate(moving) == "spin"


def test_a_phone_has_its_bar_below_and_one_thumb_gets_everywhere(
    opened: Callable[..., Page], site: Site
) -> None:
    page = opened("/", viewport=PHONE)
    bar = page.get_by_role("navigation", name="Main, on a phone")
    expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_hidden()
    bar.get_by_role("link", name="Deployments").click()
    expect(page).to_have_url(f"{site.url}/running/")
    bar.get_by_text("More").click()
    bar.get_by_role("link", name="Health").click()
    expect(page).to_have_url(f"{site.url}/health/")


def test_on_a_phone_filters_stand_side_by_side(opened: Callable[..., Page]) -> None:
    make_build("orders-build")
    make_scope("444455556666", "us-east-1")
    page = opened("/codebuild/builds/", viewport=PHONE)
    state, account = page.get_by_label("State"), page.get_by_label("Account")
    boxes = [state.bounding_box(), account.bounding_box()]
    assert len({box["y"] for box in boxes if box}) == 1


def test_names_of_stages_stand_beside_their_icons(opened: Callable[..., Page]) -> None:
    pipeline = make_parallel_pipeline("previews")
    page = opened(pipeline.get_absolute_url(), viewport=DESK)
    head = page.locator(".run .stage-head").first
    boxes = [head.locator(part).bounding_box() for part in (".sti", "h3")]
    middles = [box["y"] + box["height"] / 2 for box in boxes if box]
    assert abs(middles[0] - middles[1]) <= 1


def test_on_a_phone_stages_stand_one_below_the_other(opened: Callable[..., Page]) -> None:
    pipeline = make_running_pipeline("orders")
    page = opened(pipeline.get_absolute_url(), viewport=PHONE)
    boxes = [stage.bounding_box() for stage in page.locator(".pipe > .stage").all()]
    assert len({box["x"] for box in boxes if box}) == 1
    wide = opened(pipeline.get_absolute_url(), viewport=DESK)
    boxes = [stage.bounding_box() for stage in wide.locator(".pipe > .stage").all()]
    assert len({box["y"] for box in boxes if box}) == 1


def test_the_theme_follows_the_system_until_somebody_chooses(
    opened: Callable[..., Page],
) -> None:
    page = opened("/health/", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Switch between light and dark").click()
    light = page.evaluate(background)
    assert light != dark
    page.reload()
    assert page.evaluate(background) == light
    page.get_by_role("button", name="Switch between light and dark").click()
    page.emulate_media(color_scheme="light")
    # The choice was the system's own, so the system is followed again.
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_times_are_in_the_readers_zone(browser: Any, site: Site, owner: Any) -> None:
    from .conftest import sign_in

    pipeline = make_running_pipeline("orders")
    context = browser.new_context(locale="en-US", timezone_id="America/New_York")
    sign_in(context, site, owner)
    page = context.new_page()
    page.goto(site.url + pipeline.get_absolute_url())
    created = page.locator("dt:has-text('Created') + dd time")
    expect(created).to_have_attribute("title", "Jan 5, 2026, 4:30:00 AM (America/New_York)")
    context.close()


# --- By keyboard ------------------------------------------------------------------------------


def test_the_first_stop_skips_to_the_content(desk: Page, site: Site) -> None:
    desk.goto(f"{site.url}/health/")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to content")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.locator("#main")).to_be_focused()


def test_letters_go_and_search(desk: Page, site: Site) -> None:
    make_running_pipeline("orders")
    desk.goto(f"{site.url}/")
    for letter, path in (
        ("h", "/health/"),
        ("b", "/codebuild/builds/"),
        ("a", "/aws/accounts/"),
        ("p", "/"),
    ):
        desk.keyboard.press("g")
        desk.keyboard.press(letter)
        expect(desk).to_have_url(site.url + path)
        # A page hears letters once its scripts run, which is after its address shows.
        desk.wait_for_load_state()
    desk.keyboard.press("/")
    expect(desk.locator("#find")).to_be_focused()
    desk.keyboard.type("gh ord")  # letters that go elsewhere, were this no field
    expect(desk).to_have_url(f"{site.url}/")


def test_one_letter_alone_goes_nowhere_however_soon_it_is_pressed(desk: Page, site: Site) -> None:
    desk.goto(f"{site.url}/")
    desk.keyboard.press("h")
    desk.wait_for_timeout(300)
    expect(desk).to_have_url(f"{site.url}/")


def test_where_an_action_runs_is_reached_without_a_mouse(desk: Page, site: Site) -> None:
    pipeline = make_running_pipeline("orders")
    stage = pipeline.stages.get(name="Build")
    stage.actions = [
        {**action, "external_url": "https://example.com/job"} for action in stage.actions
    ]
    stage.save()
    desk.goto(site.url + pipeline.get_absolute_url())
    out = desk.get_by_role("link", name="Compile where it runs")
    expect(out).to_be_visible()
    out.focus()
    expect(out).to_be_focused()


def test_what_is_found_is_walked_by_arrows(desk: Page, site: Site) -> None:
    first = make_pipeline("orders-api")
    make_pipeline("orders-web")
    desk.goto(f"{site.url}/health/")
    desk.keyboard.press("/")
    desk.keyboard.type("orders")
    expect(desk.locator("#found a")).to_have_count(3)
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("ArrowUp")
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(site.url + first.get_absolute_url())


def test_a_question_mark_explains_and_the_letters_can_be_switched_off(
    desk: Page, site: Site
) -> None:
    desk.goto(f"{site.url}/health/")
    desk.keyboard.press("?")
    dialog = desk.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    assert axe_violations(desk) == []
    dialog.get_by_label("Shortcuts of one letter are on").uncheck()
    desk.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    desk.keyboard.press("/")
    expect(desk.locator("#find")).not_to_be_focused()


def test_what_has_focus_is_seen(desk: Page, site: Site) -> None:
    make_running_pipeline("orders", "Failed")
    desk.goto(f"{site.url}/")
    unseen = []
    for _ in range(25):
        desk.keyboard.press("Tab")
        style = desk.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.outerHTML.slice(0, 80), s.outlineStyle, e === document.body] })()"
        )
        if style[1] == "none" and not style[2]:
            unseen.append(style[0])
    assert unseen == []


def test_an_id_is_copied_in_full(desk: Page, site: Site) -> None:
    execution = make_running_pipeline("orders").latest_execution
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.goto(site.url + execution.get_absolute_url())
    desk.locator("button.sha").first.click()
    expect(desk.locator("button.sha").first).to_have_attribute("data-copied", "")
    assert desk.evaluate("navigator.clipboard.readText()") == execution.key
