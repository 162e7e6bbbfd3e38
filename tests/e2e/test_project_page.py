"""The page of a project in a real browser: live, laid out by pointer, finger and keys, for all."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from apps.cloudwatch.models import Alarm
from apps.codepipeline.models import Stage
from apps.live.bus import AUDIENCE, BUS, CHANGES
from apps.mirror.state import State
from apps.projects import deeds
from apps.projects.models import Layout, Project
from tests.browser import troubles_of
from tests.e2e.conftest import DESK, PHONE, Site, finish, not_reloaded
from tests.factories import change, hold, live_action, make_build, make_project, make_user
from tests.projects.making import fill, make_alarm, make_deploying

PATH = "/projects/checkout/"
LAYOUT = "/projects/checkout/layout/"


@pytest.fixture
def viewer(site: Site) -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def project(site: Site, owner: Any, viewer: Any) -> Project:
    made: Project = make_project("Checkout", owner=owner, viewer=viewer)
    return made


# --- live ----------------------------------------------------------------------------------------


def test_the_page_moves_by_itself(living: Callable[[str], Page], project: Project) -> None:
    pipeline = make_deploying("checkout", "InProgress")
    alarm = make_alarm("too-slow")
    hold(project, pipeline, alarm)
    page = living(PATH)
    head, board = page.locator("#project-state"), page.locator(f"#project-board-{pipeline.pk}")
    expect(head.locator("h1")).to_contain_text("Deploying")
    expect(board.locator(".stage").last).to_contain_text("Production")
    expect(board.locator("progress")).to_have_attribute("value", "48")

    failed = [live_action("Deploy", "Failed", error_message="Health checks failed")]
    Stage.objects.filter(pipeline=pipeline, name="Production").update(
        status="Failed", state=State.FAILED, actions=failed
    )
    finish(pipeline, "Failed", State.FAILED)
    expect(board).to_contain_text("Health checks failed")
    expect(head.locator("h1")).to_contain_text("Failed")
    expect(head).to_contain_text("checkout · Production")

    Alarm.objects.filter(pk=alarm.pk).update(status="ALARM", state=State.FAILED, urgency=0)
    change(alarm, "cloudwatch.alarm")
    BUS.publish(CHANGES)
    expect(page.locator(f"#alarm-line-{alarm.pk}")).to_contain_text("Alarm")
    expect(page.locator("#tile-alarms .sec-head")).to_contain_text("1 in alarm")
    assert not_reloaded(page)


def test_what_is_new_comes_into_its_tile(living: Callable[[str], Page], project: Project) -> None:
    build = make_build("checkout-build", seconds=60)
    hold(project, build.project)
    page = living(PATH)
    rows = page.locator("#tile-builds tbody tr")
    expect(rows).to_have_count(1)
    fresh = make_build("checkout-build", "IN_PROGRESS")
    subjects = [f"codebuild.build:{fresh.pk}", f"codebuild.project:{build.project_id}"]
    change(fresh, "codebuild.build", verb="appeared", subjects=subjects)
    BUS.publish(CHANGES)
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("In progress")
    assert not_reloaded(page)


def test_the_page_of_who_is_put_out_of_the_project_ends(
    opened: Callable[..., Page], project: Project, viewer: Any
) -> None:
    hold(project, make_deploying("checkout"))
    page = opened(PATH, user=viewer)
    expect(page.locator("#live")).to_have_text("Live")
    deeds.remove(project, viewer.pk)
    expect(page.locator("main")).not_to_contain_text("checkout")


def test_a_range_of_metrics_is_chosen_in_place(
    living: Callable[[str], Page], project: Project
) -> None:
    fill(project)
    page = living(PATH)
    page.locator("#tile-metrics").get_by_role("link", name="24h", exact=True).click()
    chosen = page.locator("#tile-metrics [aria-current]")
    expect(chosen).to_have_text("24h")
    expect(page).to_have_url(re.compile(r"/checkout/\?range=24h$"))
    assert not_reloaded(page)


# --- laying out ----------------------------------------------------------------------------------


def kept(page: Page) -> None:
    expect(page.locator("#lay")).to_have_attribute("data-kept", "yes")


def names(page: Page, area: str) -> list[str]:
    told = page.locator(f"[data-area={area}] > [data-tile]")
    return [one.get_attribute("data-tile") or "" for one in told.all()]


def stored(project: Project, user: Any = None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = Layout.objects.get(project=project, user=user).tiles
    return found


def drag(page: Page, name: str, onto: str) -> None:
    """Take a tile by its handle and let it go above another one."""
    grip = page.locator(f"#lay-{name} .lay-grip").bounding_box()
    target = page.locator(f"#lay-{onto}").bounding_box()
    assert grip
    assert target
    page.mouse.move(grip["x"] + 10, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + target["height"] + 30, steps=8)
    page.mouse.move(target["x"] + 60, target["y"] + 4, steps=6)
    page.mouse.up()


def test_tiles_are_dragged_to_another_column(
    opened: Callable[..., Page], site: Site, project: Project, owner: Any
) -> None:
    fill(project)
    page = opened(f"{LAYOUT}?for=project", viewport=DESK)
    assert names(page, "wide") == ["deployments", "metrics", "builds"]
    drag(page, "alarms", "metrics")
    kept(page)
    assert names(page, "wide") == ["deployments", "alarms", "metrics", "builds"]
    assert stored(project)["wide"] == ["deployments", "alarms", "metrics", "builds"]
    page.goto(site.url + PATH)
    expect(page.locator(".tiles-wide .tile").nth(1)).to_have_id("tile-alarms")


def test_tiles_are_moved_by_keys_and_each_move_is_said(
    opened: Callable[..., Page], project: Project, owner: Any
) -> None:
    fill(project)
    page = opened(LAYOUT, viewport=DESK)
    page.locator("#lay-metrics .lay-grip").focus()
    said = page.locator("#lay-said")
    page.keyboard.press("ArrowUp")
    expect(said).to_have_text("Metrics: Wide column, 1 of 3")
    page.keyboard.press("ArrowRight")
    expect(said).to_have_text("Metrics: Narrow column, 1 of 6")
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text("Metrics: Narrow column, 2 of 6")
    expect(page.locator("#lay-metrics .lay-grip")).to_be_focused()
    kept(page)
    # What it is now, and the way back, is said at once.
    expect(page.locator(".lay-told")).to_contain_text("This is your own layout")
    expect(page.get_by_role("button", name="Back to the project's layout")).to_be_visible()
    expect(page.locator("#lay-metrics .lay-grip")).to_be_focused()
    page.locator("#lay-wiki .lay-grip").focus()
    page.keyboard.press("Delete")
    expect(said).to_have_text("Wiki: Taken away, 1 of 1")
    kept(page)
    page.wait_for_function("document.getElementById('lay').dataset.kept === 'yes'")
    mine = stored(project, owner)
    assert (mine["side"][:2], mine["off"]) == (["alarms", "metrics"], ["wiki"])


def test_a_move_meanwhile_is_waited_for_when_the_page_says_whose_it_is(
    opened: Callable[..., Page], project: Project, owner: Any
) -> None:
    fill(project)
    page = opened(LAYOUT, viewport=DESK)

    def slowly(route: Route) -> None:
        page.wait_for_timeout(400)
        route.continue_()

    page.route("**/layout/*", slowly)
    page.locator("#lay-metrics .lay-grip").focus()
    with page.expect_request(lambda one: one.headers.get("x-live") == "1"):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    # Not only when the stream is heard again, which may be fifteen seconds later.
    told = page.locator(".lay-told")
    expect(told).to_contain_text("This is your own layout", timeout=45_000)
    kept(page)
    assert stored(project, owner)["side"][0] == "metrics"


def test_a_page_that_looks_anew_undoes_no_move(
    living: Callable[[str], Page], project: Project, owner: Any
) -> None:
    fill(project)
    page = living(LAYOUT)

    def slowly(route: Route) -> None:
        if route.request.method == "POST":
            page.wait_for_timeout(600)
        route.continue_()

    page.route("**/layout/*", slowly)
    page.locator("#lay-metrics .lay-grip").focus()
    with page.expect_response(lambda one: one.request.headers.get("x-live") == "1"):
        page.keyboard.press("ArrowUp")
        BUS.publish(AUDIENCE)
    assert names(page, "wide") == ["metrics", "deployments", "builds"]
    kept(page)
    page.unroute("**/layout/*")
    page.keyboard.press("ArrowRight")
    kept(page)
    page.wait_for_function("document.getElementById('lay').dataset.turn !== 'busy'")
    mine = stored(project, owner)
    assert (mine["wide"], mine["side"][0]) == (["deployments", "builds"], "metrics")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_buttons_move_tiles_with_and_without_scripts(
    opened: Callable[..., Page], project: Project, viewer: Any, scripts: bool
) -> None:
    fill(project)
    page = opened(LAYOUT, viewport=DESK, user=viewer, java_script_enabled=scripts)
    page.get_by_role("button", name="Move Builds up").click()
    expect(page.locator("[data-area=wide] > [data-tile]").nth(1)).to_have_id("lay-builds")
    page.get_by_role("button", name="Take Team away").click()
    expect(page.locator("[data-area=off] > [data-tile]")).to_have_id("lay-team")
    if scripts:
        kept(page)
    mine = stored(project, viewer)
    assert (mine["wide"], mine["off"]) == (["deployments", "builds", "metrics"], ["team"])
    page.reload()
    page.get_by_role("button", name="Back to the project's layout").click()
    expect(page.locator("[data-area=off] > [data-tile]")).to_have_count(0)
    assert not Layout.objects.exists()


def test_a_finger_drags_tiles_on_a_phone(
    opened: Callable[..., Page], project: Project, owner: Any
) -> None:
    fill(project)
    page = opened(LAYOUT, viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator("#lay-commits").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.getElementById('lay-alarms').offsetTop - 300)")
    grip = page.locator("#lay-commits .lay-grip").bounding_box()
    target = page.locator("#lay-alarms").bounding_box()
    assert grip
    assert target
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": grip["x"] + 12, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", grip["y"] + 12)
    for part in range(1, 9):
        finger("touchMove", grip["y"] + 12 + (target["y"] + 4 - grip["y"] - 12) * part / 8)
    finger("touchEnd", 0)
    kept(page)
    assert stored(project, owner)["side"][:2] == ["commits", "alarms"]


def test_what_cannot_be_kept_is_said(
    opened: Callable[..., Page], project: Project, owner: Any
) -> None:
    page = opened(LAYOUT, viewport=DESK)
    # The line is dead for what is sent; the browser's own switch takes hold only a moment later.
    page.route(
        "**/layout/*",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    page.locator("#lay-wiki .lay-grip").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#lay-said")).to_contain_text("could not be kept")
    expect(page.locator("#lay-said")).to_be_visible()


# --- for everybody -------------------------------------------------------------------------------


def test_pages_are_accessible_and_fit(
    opened: Callable[..., Page], site: Site, project: Project
) -> None:
    for turn in range(4):
        fill(project, turn)
    Project.objects.filter(pk=project.pk).update(
        name="x" * 100, description="y" * 300, tags=["shop"] * 3
    )
    make_project("Brand new")
    page = opened("/health/", viewport=DESK)
    found: dict[str, list[str]] = {}
    for path in (PATH, LAYOUT, "/projects/brand-new/"):
        page.goto(site.url + path)
        if troubles := troubles_of(page):
            found[path] = troubles
    assert found == {}


def test_the_page_is_read_without_scripts(opened: Callable[..., Page], project: Project) -> None:
    fill(project)
    page = opened(PATH, viewport=DESK, java_script_enabled=False)
    for name in ("delivery", "pipelines", "deployments", "metrics", "builds", "alarms", "commits"):
        expect(page.locator(f"#tile-{name}")).to_be_visible()
    page.get_by_role("link", name="7d", exact=True).click()
    expect(page.locator("#tile-metrics [aria-current]")).to_have_text("7d")
