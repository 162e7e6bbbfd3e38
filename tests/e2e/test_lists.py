"""Lists that are filtered or have pages: which rows they hold follows what happens, too."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from apps.codebuild import digest
from apps.codebuild.models import Build, Project
from apps.dashboard import views
from apps.live.bus import BUS, CHANGES
from apps.mirror.models import Change
from apps.mirror.state import State
from tests.factories import change, make_build, make_running_pipeline

from .conftest import Site, finish, not_reloaded


def end(build: Build, status: str, state: str) -> None:
    """What reconcile does when a build ends."""
    Build.objects.filter(pk=build.pk).update(status=status, state=state)
    build.refresh_from_db()
    tell_project(build)
    both = [f"codebuild.build:{build.pk}", f"codebuild.project:{build.project_id}"]
    change(build, "codebuild.build", subjects=both)
    BUS.publish(CHANGES)


def tell_project(build: Build) -> None:
    for pk, values in digest.projects([build.project_id]).items():
        Project.objects.filter(pk=pk).update(**values)


def test_who_looks_at_what_failed_sees_the_next_one_fail_and_recover(
    living: Callable[[str], Page],
) -> None:
    make_running_pipeline("a-failed", "Failed")
    pipeline = make_running_pipeline("orders", "InProgress")
    page = living("/?state=failed")
    names = page.locator("tbody .name")
    expect(names).to_have_text(["a-failed"])
    finish(pipeline, "Failed", State.FAILED)
    expect(names).to_have_text(["a-failed", "orders"])
    finish(pipeline, "Succeeded", State.DONE)
    expect(names).to_have_text(["a-failed"])
    assert not_reloaded(page)


def test_what_breaks_on_a_later_page_rises_to_the_first(
    living: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE", 2)
    make_running_pipeline("a")
    make_running_pipeline("b")
    last = make_running_pipeline("c", "Succeeded")
    page = living("/")
    names = page.locator("tbody .name")
    expect(names).to_have_text(["a", "b"])
    finish(last, "Failed", State.FAILED)
    expect(names).to_have_text(["c", "a"])
    assert not_reloaded(page)


@pytest.mark.parametrize("path", ["/codebuild/builds/", "/codebuild/"])
def test_filtered_builds_and_projects_follow_what_happens(
    living: Callable[[str], Page], path: str
) -> None:
    build = make_build("orders-build", "IN_PROGRESS")
    tell_project(build)
    page = living(f"{path}?state=failed")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(0)
    end(build, "FAILED", State.FAILED)
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("orders-build")
    assert not_reloaded(page)


def test_a_row_that_fits_no_more_is_greyed_until_it_goes(living: Callable[[str], Page]) -> None:
    moving = make_running_pipeline("a-moving", "InProgress")
    make_running_pipeline("b-moving", "InProgress")
    page = living("/?state=moving")
    rows = page.locator("tbody tr")
    held: list[Route] | None = []

    def hold(route: Route) -> None:
        if held is None:
            route.continue_()
        else:
            held.append(route)

    page.route(lambda address: address.endswith("/?state=moving"), hold)
    finish(moving)
    greyed = page.get_by_title("No longer matches the filter")
    expect(greyed).to_contain_text("a-moving")
    expect(greyed).to_have_class("misfit")
    expect(rows).to_have_count(2)
    # The route stays: without any, the browser itself lets go of what is held.
    waiting, held = held, None
    for route in waiting:
        route.continue_()
    expect(rows).to_have_count(1)
    expect(greyed).to_have_count(0)


def test_a_build_that_fits_no_more_is_greyed_until_it_goes(living: Callable[[str], Page]) -> None:
    build = make_build("orders-build", "IN_PROGRESS")
    tell_project(build)
    page = living("/codebuild/builds/?state=moving")
    page.route(lambda address: address.endswith("/builds/?state=moving"), lambda _: None)
    end(build, "FAILED", State.FAILED)
    expect(page.locator("tbody tr.misfit")).to_contain_text("orders-build")


def test_a_whole_list_is_not_fetched_again_for_every_row(living: Callable[[str], Page]) -> None:
    make_running_pipeline("orders")
    page = living("/")
    assert page.locator("#main").get_attribute("data-refresh-on") is None


@pytest.mark.parametrize("path", ["/codebuild/builds/", "/codebuild/"])
def test_a_filter_is_emptied_again(living: Callable[[str], Page], site: Site, path: str) -> None:
    tell_project(make_build("orders-build", "FAILED"))
    tell_project(make_build("billing-build", "SUCCEEDED"))
    page = living(f"{path}?state=failed&q=orders&after=nonsense")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_label("State", exact=True).select_option("")
    expect(page).to_have_url(f"{site.url}{path}?q=orders")
    page.get_by_label("Narrow by words").fill("")
    expect(page).to_have_url(site.url + path)
    expect(rows).to_have_count(2)
    assert not_reloaded(page)


def test_rows_stay_under_the_pointer_and_then_stand_as_a_reload_has_them(
    living: Callable[[str], Page],
) -> None:
    rows = [make_running_pipeline(name, "InProgress") for name in ("b", "d", "f")]
    page = living("/")
    names = page.locator("tbody .name")
    page.locator("tbody tr").last.hover()
    finish(rows[2], "Failed", State.FAILED)
    # A newcomer makes the page fetch itself again: sorted, but not under the pointer.
    fresh = make_running_pipeline("a", "InProgress")
    Change.objects.filter(row_id=fresh.pk).update(verb=Change.Verb.APPEARED)
    change(fresh, "codepipeline.pipeline", verb=Change.Verb.APPEARED)
    BUS.publish(CHANGES)
    expect(names).to_have_text(["b", "d", "f", "a"])
    page.mouse.move(5, 5)
    expect(names).to_have_text(["f", "a", "b", "d"])
    finish(rows[0], "Failed", State.FAILED)
    expect(names).to_have_text(["b", "f", "a", "d"])
    page.reload()
    expect(names).to_have_text(["b", "f", "a", "d"])


def test_rows_stay_while_one_has_the_focus(living: Callable[[str], Page]) -> None:
    make_running_pipeline("a", "InProgress")
    other = make_running_pipeline("b", "InProgress")
    page = living("/")
    names = page.locator("tbody .name")
    names.first.focus()
    finish(other, "Failed", State.FAILED)
    expect(page.locator(f"#pipeline-row-{other.pk}")).to_contain_text("Failed")
    expect(names).to_have_text(["a", "b"])
    names.first.blur()
    expect(names).to_have_text(["b", "a"])


def test_all_builds_of_a_project_are_of_no_other(living: Callable[[str], Page]) -> None:
    build = make_build("checkout-api", "SUCCEEDED")
    make_build("checkout-api-lint", "SUCCEEDED")
    page = living(build.project.get_absolute_url())
    page.get_by_role("link", name="All builds").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    # The filter goes on beside the others, and can be taken away.
    page.get_by_label("State", exact=True).select_option("done")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("tbody tr")).to_have_count(2)
