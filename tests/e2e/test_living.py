"""Pages that keep themselves up to date without a reload, and without taking anything away."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect

from apps.codepipeline.models import Pipeline
from apps.dashboard import stream
from apps.live.bus import BUS, CHANGES
from apps.mirror.models import Change, Scope, Sweep
from apps.mirror.state import State
from tests.factories import change, make_running_pipeline, make_scope

from .conftest import Site, finish, not_reloaded


def test_a_row_follows_its_pipeline_by_itself(living: Callable[[str], Page]) -> None:
    pipeline = make_running_pipeline("orders", "InProgress")
    page = living("/")
    row = page.locator(f"#pipeline-row-{pipeline.pk}")
    expect(row).to_contain_text("In progress")
    finish(pipeline)
    expect(row).to_contain_text("Succeeded")
    expect(page.locator("#counts")).to_contain_text("Succeeded 1")
    assert not_reloaded(page)


def test_what_breaks_rises_unless_the_pointer_is_on_the_list(
    living: Callable[[str], Page],
) -> None:
    make_running_pipeline("a-failed", "Failed")
    pipeline = make_running_pipeline("b-moving", "InProgress")
    other = make_running_pipeline("c-moving", "InProgress")
    make_running_pipeline("d-moving", "InProgress")
    page = living("/")
    names = page.locator("tbody .name")
    page.mouse.move(5, 5)
    finish(other, "Failed", State.FAILED)
    expect(names).to_have_text(["a-failed", "c-moving", "b-moving", "d-moving"])
    page.locator("tbody tr").last.hover()
    finish(pipeline)
    expect(page.locator(f"#pipeline-row-{pipeline.pk}")).to_contain_text("Succeeded")
    expect(names).to_have_text(["a-failed", "c-moving", "b-moving", "d-moving"])
    page.mouse.move(5, 5)
    expect(names).to_have_text(["a-failed", "c-moving", "d-moving", "b-moving"])


def test_a_new_pipeline_appears_and_a_gone_one_leaves(living: Callable[[str], Page]) -> None:
    old = make_running_pipeline("orders")
    page = living("/")
    fresh = make_running_pipeline("newcomer")
    Change.objects.filter(row_id=fresh.pk).update(verb=Change.Verb.APPEARED)
    BUS.publish(CHANGES)
    change(fresh, "codepipeline.pipeline", verb=Change.Verb.APPEARED)
    BUS.publish(CHANGES)
    expect(page.locator("tbody .name")).to_have_text(["newcomer", "orders"])
    # The page listens to the newcomer too now.
    finish(fresh, "Failed", State.FAILED)
    expect(page.locator(f"#pipeline-row-{fresh.pk}")).to_contain_text("Failed")
    Pipeline.objects.filter(pk=old.pk).update(gone_at=fresh.changed_at)
    change(old, "codepipeline.pipeline", verb=Change.Verb.GONE)
    BUS.publish(CHANGES)
    expect(page.locator("tbody .name")).to_have_text(["newcomer"])
    assert not_reloaded(page)


def test_focus_scroll_and_open_menus_stay(living: Callable[[str], Page]) -> None:
    pipelines = [make_running_pipeline(f"service-{n:02d}", "InProgress") for n in range(40)]
    page = living("/")
    target = pipelines[30]
    link = page.locator(f"#pipeline-row-{target.pk} a.name")
    link.focus()
    page.locator("#user-menu").evaluate("menu => { menu.open = true }")
    page.evaluate("scrollTo(0, 900)")
    before = page.evaluate("scrollY")
    finish(target, "Succeeded")
    expect(page.locator(f"#pipeline-row-{target.pk}")).to_contain_text("Succeeded")
    expect(link).to_be_focused()
    assert page.evaluate("scrollY") == before
    assert page.locator("#user-menu").evaluate("menu => menu.open")


def test_a_board_lights_up_without_reload(living: Callable[[str], Page]) -> None:
    pipeline = make_running_pipeline("orders", "InProgress")
    page = living(pipeline.get_absolute_url())
    stage = page.locator(".stage", has=page.get_by_role("heading", name="Build"))
    expect(stage).to_have_class(re.compile("st-run"))
    pipeline.stages.filter(name="Build").update(status="Succeeded", state=State.DONE)
    finish(pipeline)
    expect(stage).to_have_class(re.compile("st-ok"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded")
    assert not_reloaded(page)


def test_an_open_fold_stays_open_when_health_refreshes(
    living: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = make_scope()
    page = living("/health/")
    fold = page.locator("details.fold").first
    fold.locator("summary").first.click()
    scope.operations.update(health="denied", error="not authorized at all")
    BUS.publish("scope", str(scope.pk))
    expect(page.locator(".note").first).to_contain_text("1 cause keeps")
    assert page.locator("details.fold[open]").count() == 1
    assert not_reloaded(page)


def test_the_first_sweep_counts_up_and_vanishes(living: Callable[[str], Page]) -> None:
    scope = make_scope(first_swept_at=None)
    sweeps = Sweep.objects.filter(scope=scope)
    page = living("/")
    sweeps.filter(kind="codepipeline.execution").update(
        started_at=scope.created_at, done=7, total=9
    )
    expect(page.locator("#progress")).to_contain_text("7 of 9", timeout=45_000)
    sweeps.update(finished_at=scope.created_at)
    Scope.objects.update(first_swept_at=scope.created_at)
    expect(page.locator("#progress")).to_be_hidden(timeout=45_000)
    assert not_reloaded(page)


def test_a_lost_connection_says_so_heals_and_catches_up(
    living: Callable[[str], Page], site: Site
) -> None:
    pipeline = make_running_pipeline("orders", "InProgress")
    page = living("/")
    site.stop()
    expect(page.locator("#live")).to_have_text("Reconnecting…", timeout=45_000)
    # Whether it still runs is not known now, so its clock stands.
    clock = page.locator(f"#pipeline-row-{pipeline.pk} [data-running]")
    page.wait_for_timeout(1100)
    stands = clock.text_content()
    page.wait_for_timeout(2200)
    assert clock.text_content() == stands
    finish(pipeline)  # nobody hears of it now
    site.start()
    expect(page.locator("#live")).to_have_text("Live", timeout=90_000)
    expect(page.locator(f"#pipeline-row-{pipeline.pk}")).to_contain_text("Succeeded")
    assert not_reloaded(page)


def test_signed_out_elsewhere_the_page_goes_to_sign_in(
    living: Callable[[str], Page], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.3)
    page = living("/health/")
    Session.objects.all().delete()
    door = re.compile(r"/accounts/login/\?next=%2Fhealth%2F$")
    expect(page).to_have_url(door, timeout=45_000)


def test_a_session_that_ended_while_the_line_was_dead_leads_to_the_door_and_back(
    living: Callable[[str], Page], site: Site
) -> None:
    page = living("/?state=failed")
    site.stop()
    expect(page.locator("#live")).to_have_text("Reconnecting…", timeout=45_000)
    Session.objects.all().delete()
    site.start()
    expect(page).to_have_url(f"{site.url}/accounts/login/?next=/%3Fstate%3Dfailed", timeout=90_000)


def test_what_could_not_be_fetched_is_fetched_later(
    living: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.5)
    pipeline = make_running_pipeline("orders", "InProgress")
    page = living("/")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.fulfill(status=502, body="<h1>Bad gateway</h1>")

    page.route("**/?part=counts", refuse)
    finish(pipeline)
    expect(page.locator(f"#pipeline-row-{pipeline.pk}")).to_contain_text("Succeeded")
    deadline = time.monotonic() + 10
    while not refused and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert refused
    expect(page.locator("#counts")).to_contain_text("In progress 1")
    page.unroute("**/?part=counts")
    expect(page.locator("#counts")).to_contain_text("Succeeded 1")
    assert not_reloaded(page)


def test_an_empty_home_fills_by_itself(living: Callable[[str], Page]) -> None:
    page = living("/")
    expect(page.get_by_role("heading", name="No AWS account is connected")).to_be_visible()
    scope = make_scope()
    BUS.publish("scope", str(scope.pk))
    expect(page.get_by_role("heading", name="No pipelines in the connected")).to_be_visible()
    expect(page.locator("#ages")).to_contain_text("eu-west-1")
    assert not_reloaded(page)


def test_the_foot_of_a_page_tells_of_a_denial_as_it_happens(living: Callable[[str], Page]) -> None:
    pipeline = make_running_pipeline("orders")
    page = living(pipeline.get_absolute_url())
    expect(page.locator("#ages")).not_to_contain_text("not all of it")
    expect(page.locator("#troubles")).to_be_hidden()
    pipeline.scope.operations.filter(operation="codepipeline:GetPipelineState").update(
        health="denied", last_error=pipeline.scope.created_at
    )
    BUS.publish("scope", str(pipeline.scope_id))
    expect(page.locator("#ages")).to_contain_text("codepipeline:GetPipelineState denied")
    expect(page.get_by_role("link", name="Health 1 trouble", exact=True)).to_be_visible()
    page.get_by_role("link", name="How to cure it").click()
    expect(page).to_have_url(re.compile(rf"/health/#scope-{pipeline.scope_id}$"))


def test_filtering_keeps_the_cursor_and_back_goes_back(
    living: Callable[[str], Page], site: Site
) -> None:
    make_running_pipeline("orders", "Failed")
    make_running_pipeline("mailer")
    page = living("/")
    field = page.get_by_label("Filter by name, change or SHA")
    field.press_sequentially("ord", delay=30)
    expect(page.locator("tbody .name")).to_have_text(["orders"])
    expect(field).to_be_focused()
    expect(field).to_have_value("ord")
    expect(page).to_have_url(f"{site.url}/?q=ord")
    page.go_back()
    expect(page.locator("tbody .name")).to_have_text(["orders", "mailer"])
    expect(field).to_have_value("")
    assert not_reloaded(page)


def test_ages_follow_the_heartbeat(
    living: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.3)
    scope = make_scope()
    Sweep.objects.filter(scope=scope).update(last_success="2026-01-01T00:00:00Z")
    page = living("/")
    age = page.locator(f"time[data-scope-age='{scope.pk}']")
    expect(age).to_have_attribute("datetime", re.compile(r"^2026-01-01"))
    Sweep.objects.filter(scope=scope).update(last_success="2026-02-02T00:00:00Z")
    expect(age).to_have_attribute("datetime", re.compile(r"^2026-02-02"))


# --- Logs ---------------------------------------------------------------------------------------

LOG = """() => {
  const main = document.getElementById("main");
  main.innerHTML = `<button data-follow="log-1">Follow</button>
    <div class="log" id="log-1" data-next="100" tabindex="0"></div>`;
  const log = document.getElementById("log-1");
  const line = (n) => `<div class="log-line"><span class="log-text">line ${n}</span></div>`;
  const lines = (from, to) => Array.from({length: to - from}, (_, n) => line(from + n)).join("");
  log.innerHTML = lines(0, 100);
  window.more = (first, next, done = false) =>
    window.dashLog.append(log, {html: lines(first, next), first, next, done});
  document.dispatchEvent(new CustomEvent("dash:morphed"));
}"""
AT_END = """() => { const l = document.getElementById("log-1");
  return l.scrollHeight - l.scrollTop - l.clientHeight < 30 }"""


@pytest.fixture
def log(desk: Page, site: Site) -> Any:
    desk.goto(f"{site.url}/health/")
    desk.evaluate(LOG)
    return desk


def test_a_log_is_followed_while_the_reader_is_at_its_end(log: Page) -> None:
    button = log.get_by_role("button", name="Follow")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert log.evaluate(AT_END)
    assert log.evaluate("more(100, 150)")
    assert log.evaluate(AT_END)
    log.locator("#log-1").hover()
    log.mouse.wheel(0, -600)
    expect(button).to_have_attribute("aria-pressed", "false")
    place = log.evaluate("document.getElementById('log-1').scrollTop")
    log.evaluate("more(150, 200)")
    assert log.evaluate("document.getElementById('log-1').scrollTop") == place
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert log.evaluate(AT_END)


def test_scrolling_back_to_the_end_follows_again(log: Page) -> None:
    button = log.get_by_role("button", name="Follow")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    log.evaluate("more(100, 150)")
    log.locator("#log-1").hover()
    for _ in range(8):
        log.mouse.wheel(0, 1500)
        time.sleep(0.05)
    expect(button).to_have_attribute("aria-pressed", "true")


def test_lines_said_twice_are_shown_once_and_missing_ones_are_noticed(log: Page) -> None:
    count = "document.querySelectorAll('#log-1 .log-line').length"
    assert log.evaluate("more(100, 120)") is True
    assert log.evaluate("more(100, 120)") is True
    assert log.evaluate(count) == 120
    assert log.evaluate("more(130, 140)") is False
    assert log.evaluate(count) == 120
