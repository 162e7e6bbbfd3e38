"""Stacks in a real browser: pages that fit, one that fails while it is watched, a template."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.cloudformation import looks
from apps.cloudformation.lines import store_of
from apps.cloudformation.models import Stack
from apps.live.bus import BUS, CHANGES
from tests.browser import troubles_of
from tests.cloudformation.making import (
    KIND,
    make_change_set,
    make_event,
    make_failed,
    make_resource,
    make_stack,
    tell,
)
from tests.factories import change, make_pipeline

from .conftest import DESK, Site
from .test_reading import EVIL

SAID = (
    'Resource handler returned message: "shared-artifacts already exists (Service: S3, Status Code:'
    ' 409, Request ID: 1A2B3C4D5E6F7081)" (RequestToken: 6f5c1f0e-0000-4000-8000-000000000001, '
    "HandlerErrorCode: AlreadyExists)"
)


def furnish() -> dict[str, str]:
    """Stacks in every state; the paths of the pages that show them."""
    root = make_stack("orders-platform", "UPDATE_ROLLBACK_COMPLETE", drift_status="DRIFTED")
    nested = make_failed("orders-platform-Data-QJURILYPT8L8", SAID, nested_in=root)
    make_event(root, 0, "orders-platform", "UPDATE_IN_PROGRESS", reason="User Initiated")
    make_event(
        root,
        5,
        "Data",
        "UPDATE_FAILED",
        resource_type=KIND,
        physical_id=nested.key,
        reason=f"Embedded stack {nested.key} was not successfully updated: …",
    )
    make_event(root, 9, "orders-platform", "UPDATE_ROLLBACK_COMPLETE")
    tell(root, nested)
    pipeline = make_pipeline("orders-api")
    make_resource(root, "Pipeline", makes=("codepipeline.pipeline", pipeline.arn))
    make_resource(root, "Files", drift_status="MODIFIED")
    make_resource(root, "Q" * 60, physical_id="https://sqs.example.com/" + "q" * 200)
    waits = make_stack("new-warehouse", "REVIEW_IN_PROGRESS")
    make_change_set(waits, description="The first version")
    moving = make_stack("refunds-ledger", "UPDATE_IN_PROGRESS")
    hostile = make_failed(EVIL, EVIL, tags={EVIL: EVIL}, description=EVIL)
    page = root.get_absolute_url()
    return {
        "list": "/cloudformation/",
        "nothing fits": "/cloudformation/?q=nothing-like-this",
        "failed": page,
        "nested": nested.get_absolute_url(),
        "waits": waits.get_absolute_url(),
        "moving": moving.get_absolute_url(),
        "hostile": hostile.get_absolute_url(),
        "events": f"{page}events/",
        "template": f"{page}template/",
    }


@pytest.fixture(autouse=True)
def _nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks.read_template, "delay", lambda *_: None)


def test_every_page_of_stacks_is_accessible_and_fits(
    opened: Callable[..., Page], site: Site
) -> None:
    page = opened("/health/", viewport=DESK)
    found: dict[str, list[str]] = {}
    for name, path in furnish().items():
        page.goto(site.url + path)
        if troubles := troubles_of(page):
            found[name] = troubles
    assert found == {}


def test_a_stack_that_fails_while_it_is_watched_says_why(living: Any) -> None:
    stack = make_stack("refunds-ledger", "UPDATE_IN_PROGRESS")
    make_event(stack, 0, "refunds-ledger", "UPDATE_IN_PROGRESS", reason="User Initiated")
    page = living(stack.get_absolute_url())
    expect(page.locator(".event")).to_have_count(1)
    make_event(stack, 3, "Booker", "UPDATE_FAILED", reason=SAID)
    make_event(stack, 4, "refunds-ledger", "UPDATE_ROLLBACK_IN_PROGRESS", reason="…")
    Stack.objects.update(status="UPDATE_ROLLBACK_IN_PROGRESS")
    tell(stack)
    change(stack, "cloudformation.stack")
    BUS.publish(CHANGES)
    expect(page.get_by_role("heading", name="Why it goes back: Booker")).to_be_visible()
    expect(page.locator(".said")).to_contain_text("shared-artifacts already exists")
    expect(page.locator(".event.is-first")).to_contain_text("first failure")
    assert page.evaluate("window.sameDocument === true")


def test_a_template_comes_to_the_page_when_it_was_read(living: Any) -> None:
    stack = make_stack()
    page = living(f"{stack.get_absolute_url()}template/")
    store = store_of(stack.pk)
    contents = store.begin()
    contents.token, contents.done = stack.stamp, True
    store.extend(contents, ["Resources:", "  Topic:", "    Type: AWS::SNS::Topic"])
    store.save(contents)
    BUS.publish(f"template:{stack.pk}", "3")
    expect(page.locator(".log-line")).to_have_count(3)
    expect(page.locator(".log-line").nth(2)).to_contain_text("Type: AWS::SNS::Topic")


def test_stacks_can_be_read_without_scripts(opened: Callable[..., Page], site: Site) -> None:
    paths = furnish()
    page = opened(paths["failed"], java_script_enabled=False)
    expect(page.get_by_role("heading", name="Why it failed: Files")).to_be_visible()
    page.get_by_role("link", name="All events").click()
    expect(page.locator(".event")).to_have_count(3)
