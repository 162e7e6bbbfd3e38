"""Issues in a real browser: they move while one looks, and a failure becomes one."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from celery.app.task import Task
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from apps.deeds import performing
from apps.deeds.models import Deed
from apps.issues.acting import KEEPERS, Standing
from apps.issues.models import Category, Issue, Tracker
from apps.live.bus import BUS, CHANGES
from apps.mirror.models import Link
from tests.browser import troubles_of
from tests.factories import (
    change,
    hold,
    link_runs,
    make_action,
    make_build,
    make_execution,
    make_pipeline,
    make_project,
)
from tests.issues.making import HOSTILE, Keeper, make_issue, make_tracker
from tests.source.making import make_commit, make_repository

from .conftest import DESK, Site, not_reloaded


@pytest.fixture(autouse=True)
def _nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pages ask workers to do is done by the tests."""
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Keeper:
    found = Keeper()
    monkeypatch.setitem(KEEPERS.by_provider, "jira", found)
    return found


@pytest.fixture
def tracker(site: Site) -> Tracker:
    return make_tracker()


@pytest.fixture
def project(tracker: Tracker) -> Any:
    return make_project("Checkout", tracker)


@pytest.fixture
def issue(project: Any, tracker: Tracker) -> Issue:
    long = "A table:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n" + "x" * 300 + "\n```\n\n> said"
    issue = make_issue(
        tracker,
        key="SHOP-12",
        title="Basket forgets items",
        body=f"{HOSTILE}\n\n{long}",
        sprint="Sprint 7",
        labels=["checkout", "later"],
        comments=[
            {"id": "1", "author": "Release Manager", "at": "2026-01-05T09:00:00Z", "text": long}
        ],
        related=[{"relation": "blocks", "key": "SHOP-99", "url": "https://example.com/SHOP-99"}],
    )
    commit = make_commit(make_repository(), 1, message="Remember items SHOP-12")
    Link.objects.create(
        from_kind="codecommit.commit",
        from_id=commit.pk,
        relation="mentions",
        to_kind="jira.issue",
        to_arn="SHOP-12",
    )
    return issue


@pytest.fixture
def failed(project: Any) -> Any:
    pipeline = make_pipeline("checkout")
    execution = make_execution(pipeline, "Failed", summary="Remember items")
    build = make_build(
        "checkout-build",
        "FAILED",
        failing_message="exit status 1",
        excerpt="compiling\nERROR cannot find basket.ts",
        excerpt_mark=1,
        ended_at=now(),
    )
    action = make_action(execution, "Build", "Compile", "Failed", error_message="It failed")
    link_runs("codepipeline.action", action, build)
    hold(project, pipeline, build.project)
    return execution


def moved(issue: Issue, **values: Any) -> None:
    """What reconcile does when an issue changed."""
    Issue.objects.filter(pk=issue.pk).update(updated=now(), **values)
    issue.refresh_from_db()
    change(issue, "jira.issue")
    BUS.publish(CHANGES)


DOING = {"status": "In Review", "category": Category.DOING, "state": "moving"}


def test_the_list_moves_while_one_looks(issue: Issue, living: Callable[[str], Page]) -> None:
    page = living("/issues/")
    row = page.locator(f"#issue-row-{issue.pk}")
    expect(row).to_contain_text("To Do")
    moved(issue, **DOING)
    expect(row).to_contain_text("In Review")
    made = make_issue(issue.tracker, title="Just made")
    change(made, "jira.issue", verb="appeared")
    BUS.publish(CHANGES)
    expect(page.get_by_text("Just made")).to_be_visible()
    assert not_reloaded(page)


def test_what_is_typed_narrows_the_list(issue: Issue, living: Callable[[str], Page]) -> None:
    make_issue(issue.tracker, title="Another thing", assignee="")
    page = living("/issues/")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Assignee").select_option("Nobody")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Another thing")
    assert not_reloaded(page)


def test_the_tile_moves_while_one_looks(issue: Issue, living: Callable[[str], Page]) -> None:
    page = living("/projects/checkout/")
    tile = page.locator("#tile-issues")
    expect(tile).to_contain_text("1 to do · 0 in progress")
    moved(issue, **DOING)
    expect(tile).to_contain_text("0 to do · 1 in progress")
    expect(tile).to_contain_text("In Review")
    assert not_reloaded(page)


def test_a_failure_becomes_an_issue(
    failed: Any, keeper: Keeper, living: Callable[[str], Page], tracker: Tracker
) -> None:
    page = living(failed.get_absolute_url())
    page.get_by_role("link", name="Create an issue", exact=True).click()
    expect(page.get_by_label("What happened")).to_have_value(
        re.compile("ERROR cannot find basket.ts")
    )
    expect(page.locator("section[aria-labelledby=h-preview] strong").first).to_contain_text(
        "Execution"
    )
    page.get_by_label("Where").select_option(label="Shop board: Task")
    page.get_by_label("Title").fill("")
    page.get_by_role("button", name="Create the issue").click()
    expect(page.get_by_text("Give the issue a title")).to_be_visible()
    expect(page.get_by_label("What happened")).to_have_value(
        re.compile("ERROR cannot find basket.ts")
    )
    page.get_by_label("Title").fill("Checkout cannot be built")
    page.get_by_role("button", name="Create the issue").click()
    expect(page.get_by_text("On its way")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    deed = Deed.objects.get()
    performing.perform(deed.pk)
    expect(page.get_by_text("SHOP-100 Checkout cannot be built").first).to_be_visible()
    make_issue(tracker, key="SHOP-100", title="Checkout cannot be built")
    link = page.get_by_role("link", name="SHOP-100 Checkout cannot be built")
    expect(link).to_be_visible()
    assert not_reloaded(page)
    assert keeper.sent() == ["create"]
    link.click()
    expect(page.locator("h1")).to_contain_text("Checkout cannot be built")


def test_a_state_is_changed_and_the_page_follows(
    issue: Issue, keeper: Keeper, living: Callable[[str], Page]
) -> None:
    page = living(issue.get_absolute_url())
    page.locator("#id_move_transition").select_option("21")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#deeds")).to_contain_text("On its way")
    page.evaluate("window.sameDocument = true")
    performing.perform(Deed.objects.get().pk)
    expect(page.locator("#deeds")).to_contain_text("Done")
    ways = [{"id": "31", "name": "Close", "to": "Closed", "category": "done"}]
    moved(issue, **{**DOING, "status": "In Progress"}, transitions=ways)
    expect(page.locator("h1")).to_contain_text("In Progress")
    expect(page.locator("#id_move_transition option").last).to_have_text("Close → Closed")
    assert not_reloaded(page)


def test_a_comment_that_is_typed_outlives_what_moves(
    issue: Issue, keeper: Keeper, living: Callable[[str], Page]
) -> None:
    page = living(issue.get_absolute_url())
    page.get_by_label("Your comment").fill("Half a thought")
    moved(issue, **DOING)
    expect(page.locator("h1")).to_contain_text("In Review")
    expect(page.get_by_label("Your comment")).to_have_value("Half a thought")
    assert not_reloaded(page)


def test_all_can_use_the_pages(
    issue: Issue,
    failed: Any,
    keeper: Keeper,
    owner: Any,
    opened: Callable[..., Page],
) -> None:
    for category in Category:
        make_issue(issue.tracker, category, title="x" * 300)
    words = "The value 'SHPO' does not exist for the field 'project'."
    query = make_tracker("Urgent", query="project = SHPO", state="failed", trouble=words)
    keeper.stands["SHOP-12"] = Standing(status="To Do")
    notes = {"act": "issues.comment", "kind": "issues.issue", "row_id": issue.pk, "alone": False}
    notes |= {"name": str(issue), "scope": issue.scope, "who": owner}
    for outcome in Deed.Outcome:
        deed = Deed.objects.create(
            **notes, said={"text": "Said"}, outcome=outcome, reason="No", ended_at=now()
        )
    for path in (
        "/issues/",
        "/issues/trackers/",
        issue.tracker.get_absolute_url(),
        query.get_absolute_url(),
        issue.get_absolute_url(),
        deed.get_absolute_url(),
        f"/issues/{issue.pk}/named/",
        f"/issues/new/?about=codepipeline.execution:{failed.pk}",
        f"/issues/of/codepipeline.execution/{failed.pk}/",
        "/projects/checkout/",
    ):
        assert troubles_of(opened(path, viewport=DESK)) == [], path


def test_the_pages_can_be_read_and_sent_without_scripts(
    issue: Issue, keeper: Keeper, opened: Callable[..., Page]
) -> None:
    page = opened(issue.get_absolute_url(), java_script_enabled=False)
    expect(page.get_by_text("Remember items SHOP-12")).to_be_visible()
    page.get_by_label("Your comment").fill("Seen.")
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_text("On its way", exact=False).first).to_be_visible()
    assert Deed.objects.get().said == {"text": "Seen."}
