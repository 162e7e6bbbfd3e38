"""The way of a change in a real browser: it moves by itself, and everybody can read it."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.codepipeline.models import Action, Execution
from apps.delivery.models import Results
from apps.live.bus import BUS, CHANGES
from apps.mirror.state import State
from tests.browser import troubles_of
from tests.delivery.making import act, build, deploy, make_line, make_pipeline, run
from tests.e2e.conftest import DESK, Site, not_reloaded
from tests.factories import change, hold, make_project
from tests.source.making import make_pull, sha

HOSTILE = '<img src=x onerror="window.harmed=1">' + "x" * 120


def test_a_change_moves_on_its_way_by_itself(site: Site, living: Callable[[str], Page]) -> None:
    make_line(2)
    execution = run(make_pipeline(), 2, to="Build", status="InProgress")
    page = living(f"/journeys/commit/{sha(1)}/")
    said = page.locator("#h-answer").locator("xpath=../..")
    expect(said).to_contain_text("Not in production: is in Build")

    Action.objects.filter(execution=execution).update(state=State.DONE, status="Succeeded")
    act(execution, "Staging", "Stage", "Deploy", "Succeeded", 2)
    for name, category in (("Approve", "Approval"), ("Ship", "Deploy")):
        act(execution, "Production", name, category, "Succeeded", 3)
    Execution.objects.filter(pk=execution.pk).update(state=State.DONE, status="Succeeded")
    change(execution, "codepipeline.execution")
    BUS.publish(CHANGES)
    expect(said).to_contain_text("In production")
    expect(said).not_to_contain_text("Not in production")
    expect(page.locator(".leg-to-come")).to_have_count(0)
    assert not_reloaded(page)


def test_the_page_of_a_commit_leads_to_its_way(site: Site, desk: Page) -> None:
    _, [commit] = make_line(1)
    run(make_pipeline(), 1, to="Staging", status="Failed")
    desk.goto(site.url + commit.get_absolute_url())
    panel = desk.locator("section[id^=panel-journey]")
    expect(panel).to_contain_text("Not in production: failed in Staging: Stage")
    panel.get_by_role("link", name="Its whole journey").click()
    expect(desk).to_have_url(f"{site.url}/journeys/commit/{sha(1)}/")


def test_journeys_and_results_are_accessible_and_fit(
    site: Site, opened: Callable[..., Page], owner: Any
) -> None:
    repository, commits = make_line(3)
    type(commits[0]).objects.filter(repository=repository).update(message=HOSTILE)
    make_pull(repository, 7, source_commit=sha(1), merge_base="", title=HOSTILE)
    pipeline = make_pipeline("shop-" + "y" * 90)
    failed = run(pipeline, 1, to="Production", status="Failed", summary=HOSTILE)
    failed.actions.update(error_message=HOSTILE)
    run(pipeline, 2, to="Build", status="InProgress")
    run(make_pipeline("shop-us"), 3)
    targets = [{"name": "i-" + "z" * 90, "state": state} for state in ("done", "failed")]
    shipped = deploy(1, 20, "Failed", strip=targets, error_message=HOSTILE)
    built = build(1, 15)
    project = make_project("Shop", pipeline, owner=owner)
    hold(project, repository, shipped.group, built.project)
    Results.objects.create(project=project, github=True)
    for path in (f"/journeys/commit/{sha(1)}/", "/projects/shop/results/"):
        page = opened(path, viewport=DESK)
        expect(page.locator("h1").first).to_be_visible()
        for folded in page.locator("details.targets-of > summary").all():
            folded.click()
        assert troubles_of(page) == [], path
        assert page.evaluate("window.harmed") is None


def test_what_is_deployed_by_hand_moves_by_itself(
    site: Site, living: Callable[[str], Page]
) -> None:
    make_line(1)
    row = deploy(1, 20, "InProgress")
    page = living(f"/journeys/commit/{sha(1)}/")
    said = page.locator("#h-answer").locator("xpath=../..")
    expect(said).to_contain_text("Not in production: is in shop / production")
    type(row).objects.filter(pk=row.pk).update(state=State.DONE, status="Succeeded")
    change(row, "codedeploy.deployment")
    BUS.publish(CHANGES)
    expect(said).to_contain_text("In production")
    expect(said).not_to_contain_text("Not in production")
    assert not_reloaded(page)


def test_a_panel_moves_by_itself(site: Site, living: Callable[[str], Page]) -> None:
    _, [commit] = make_line(1)
    page = living(commit.get_absolute_url())
    panel = page.locator("section[id^=panel-journey]")
    expect(panel).to_contain_text("No pipeline has taken it yet")
    page.wait_for_timeout(300)
    change(run(make_pipeline(), 1), "codepipeline.execution", verb="appeared")
    BUS.publish(CHANGES)
    expect(panel).to_contain_text("In production")
    assert not_reloaded(page)


def test_a_page_that_is_fetched_anew_keeps_what_its_panels_said(
    site: Site, living: Callable[[str], Page]
) -> None:
    _, [commit] = make_line(1)
    run(make_pipeline(), 1)
    page = living(commit.get_absolute_url())
    panel = page.locator("section[id^=panel-journey]")
    expect(panel).to_contain_text("In production")
    with page.expect_response(lambda one: one.request.headers.get("x-live") == "1"):
        page.evaluate("document.dispatchEvent(new Event('dash:refresh'))")
    page.wait_for_timeout(300)
    expect(panel).to_contain_text("In production")
    assert not_reloaded(page)
