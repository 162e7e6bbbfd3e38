"""Approvals in a real browser: they come and go by themselves, and everybody can read them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.timezone import now
from playwright.sync_api import Page, expect

from apps.codepipeline.models import Action, Execution, Stage
from apps.live.bus import BUS, CHANGES
from apps.mirror.state import State
from tests.browser import troubles_of
from tests.delivery.making import make_line, make_pipeline, run
from tests.delivery.test_approvals import ask
from tests.e2e.conftest import DESK, Site, not_reloaded
from tests.factories import change, make_project

HOSTILE = '<img src=x onerror="window.harmed=1">' + "x" * 120


def decided(action: Action) -> None:
    """Somebody approves it, and the mirror reads so."""
    Action.objects.filter(pk=action.pk).update(state=State.DONE, status="Succeeded")
    Execution.objects.filter(pk=action.execution_id).update(state=State.MOVING)
    change(action, "codepipeline.action")
    BUS.publish(CHANGES)


def test_the_counter_and_the_inbox_follow_what_waits(
    site: Site, living: Callable[[str], Page], owner: Any
) -> None:
    pipeline = make_pipeline()
    make_project("Shop", pipeline, owner=owner)
    page = living("/approvals/")
    mark = page.locator("#approvals-waiting")
    expect(mark).to_be_hidden()
    expect(page.locator("#main")).to_contain_text("Nothing waits for approval")
    action = ask(pipeline, 1, expires_at=now() + timedelta(minutes=59))
    change(action, "codepipeline.action")
    BUS.publish(CHANGES)
    expect(page.locator(f"#approval-{action.pk}")).to_contain_text("Approve")
    expect(page.get_by_role("link", name="1 approval waits for you")).to_be_visible()
    left = page.locator("[data-left]")
    expect(left).to_contain_text("left")
    before = left.inner_text()
    expect(left).not_to_have_text(before)
    decided(action)
    expect(page.locator(f"#approval-{action.pk}")).to_have_count(0)
    expect(mark).to_be_hidden()
    assert not_reloaded(page)


def test_the_counter_follows_on_a_page_of_something_else(
    site: Site, living: Callable[[str], Page], owner: Any
) -> None:
    pipeline = make_pipeline()
    make_project("Shop", pipeline, owner=owner)
    page = living("/")
    action = ask(pipeline, 1)
    change(action, "codepipeline.action")
    BUS.publish(CHANGES)
    page.get_by_role("link", name="1 approval waits for you").click()
    expect(page).to_have_url(f"{site.url}/approvals/?whose=me")
    expect(page.locator(f"#approval-{action.pk}")).to_be_visible()


def test_the_inbox_and_the_planner_are_accessible_and_fit(
    site: Site, opened: Callable[..., Page], owner: Any
) -> None:
    _, commits = make_line(4)
    type(commits[0]).objects.update(message=HOSTILE)
    pipeline = make_pipeline("shop-" + "y" * 90, pipeline_version=3)
    good = run(pipeline, 1)
    waits = ask(
        pipeline,
        4,
        expires_at=now() + timedelta(hours=2),
        configuration={
            "CustomData": HOSTILE,
            "ExternalEntityLink": "https://example.com/" + "z" * 90,
        },
    )
    Execution.objects.update(summary=HOSTILE, author=HOSTILE)
    Stage.objects.filter(name="Production").update(execution_id=waits.execution.key)
    make_project("Shop", pipeline, owner=owner)
    for path, shown in (
        ("/approvals/", f"#approval-{waits.pk}"),
        (f"/codepipeline/{pipeline.pk}/stages/Production/rollback/", f"#to-{good.pk}"),
    ):
        page = opened(path, viewport=DESK)
        expect(page.locator(shown)).to_be_visible()
        for fold in page.locator("details.fold > summary").all():
            fold.click()
        assert troubles_of(page) == [], path
        assert page.evaluate("window.harmed") is None
