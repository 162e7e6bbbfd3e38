"""Writing a wiki page in a real browser, while others write and the page is alive."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.live.bus import AUDIENCE, BUS
from apps.projects.models import Project
from apps.wiki import writing
from tests.e2e.conftest import Site, not_reloaded
from tests.factories import make_project, make_user

EDIT = "/projects/checkout/wiki/runbook/edit/"


@pytest.fixture
def project(site: Site, owner: Any) -> Project:
    made: Project = make_project("Checkout", owner=owner)
    writing.make(made, owner, {"title": "Runbook", "text": "One line.", "said": ""})
    return made


def fetch_anew(page: Page) -> None:
    """Something makes the page look anew; wait until it has."""
    with page.expect_response(lambda one: one.request.headers.get("x-live") == "1") as answer:
        BUS.publish(AUDIENCE)
    answer.value.finished()
    page.wait_for_timeout(200)


def test_what_is_being_written_stays_and_the_second_writer_is_told(
    living: Callable[[str], Page], project: Project, owner: Any
) -> None:
    page = living(EDIT)
    text, said = page.get_by_label("Text"), page.get_by_label("What you changed")
    text.fill("One line.\nAnd mine.")
    said.focus()
    other = make_user("other-writer")
    written = project.pages.get(slug="runbook")
    writing.write(written, other, {"title": "Runbook", "text": "Theirs.", "said": ""}, 1)
    fetch_anew(page)
    expect(text).to_have_value("One line.\nAnd mine.")
    assert not_reloaded(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("wrote this page while you did")
    # On the answer nothing moves any more.
    expect(text).to_have_value("One line.\nAnd mine.")
    BUS.publish(AUDIENCE)
    page.wait_for_timeout(700)
    expect(page.get_by_role("alert")).to_contain_text("wrote this page while you did")
    expect(text).to_have_value("One line.\nAnd mine.")
    page.get_by_role("button", name="Save mine as the newest").click()
    expect(page.locator("#told-once")).to_contain_text("The page is written.")
    expect(page.locator("main")).to_contain_text("And mine.")


def test_a_form_that_nobody_filled_in_begins_from_what_is_newest(
    living: Callable[[str], Page], project: Project
) -> None:
    page = living(EDIT)
    written = project.pages.get(slug="runbook")
    other = make_user("other-writer")
    writing.write(written, other, {"title": "Runbook", "text": "Theirs.", "said": ""}, 1)
    fetch_anew(page)
    expect(page.get_by_label("Text")).to_have_value("Theirs.")
    page.get_by_label("Text").fill("Theirs, and mine.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#told-once")).to_contain_text("The page is written.")


def test_what_a_deed_says_is_told_where_it_was_done_and_stays(
    living: Callable[[str], Page], opened: Callable[..., Page], project: Project
) -> None:
    elsewhere = opened("/projects/checkout/team/")
    expect(elsewhere.locator("#live")).to_have_text("Live")
    page = living(EDIT)
    page.get_by_label("Text").fill("Another.")
    page.get_by_role("button", name="Save").click()
    told = page.locator("#told-once")
    expect(told).to_contain_text("The page is written.")
    expect(page.locator("#live")).to_have_text("Live")
    fetch_anew(page)
    expect(told).to_contain_text("The page is written.")
    expect(elsewhere.locator("#told-once")).to_have_count(0)
