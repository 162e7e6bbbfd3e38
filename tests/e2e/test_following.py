"""Build pages and their logs, while the build goes on and when it is over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from apps.codebuild.lines import store_of
from apps.codebuild.models import Build
from apps.live.bus import BUS, CHANGES
from tests.factories import change, make_build

from .conftest import DESK, Site, not_reloaded

LINES = "ol.log:not(.excerpt) .log-line"
IN_VIEW = """() => {
  const log = document.querySelector("ol.log:not(.excerpt)").getBoundingClientRect();
  const line = document.querySelector("ol.log:not(.excerpt) .is-error").getBoundingClientRect();
  return line.top >= log.top && line.bottom <= log.bottom;
}"""


def read(build: Build, count: int, *, done: bool = False) -> None:
    """What the follower does when it has read that many more lines."""
    store = store_of(build.pk)
    contents = store.open() or store.begin()
    first = contents.next
    store.extend(contents, [f"line {number}" for number in range(first, first + count)])
    contents.done = done
    store.save(contents)
    BUS.publish(f"log:{build.pk}", str(contents.next))


def tell(build: Build, **columns: Any) -> None:
    """What reconcile does when a build changed."""
    Build.objects.filter(pk=build.pk).update(**columns)
    change(build, "codebuild.build")
    BUS.publish(CHANGES)


def logged(**more: Any) -> dict[str, Any]:
    return {"group": "/builds/orders", "stream": "8745", "cloudwatch_status": "ENABLED", **more}


def test_a_long_log_goes_on_after_the_connection_was_lost(
    living: Callable[[str], Page], site: Site
) -> None:
    build = make_build("orders-build", "IN_PROGRESS", logs=logged())
    read(build, 1_300)
    page = living(build.get_absolute_url())
    lines = page.locator(LINES)
    expect(lines).to_have_count(1_300)
    site.stop()
    expect(page.locator("#live")).to_have_text("Reconnecting…", timeout=45_000)
    read(build, 10)  # nobody hears of it now
    site.start()
    expect(page.locator("#live")).to_have_text("Live", timeout=90_000)
    expect(lines).to_have_count(1_310)
    read(build, 5)
    expect(lines).to_have_count(1_315)
    expect(lines.last).to_contain_text("line 1314")
    assert not_reloaded(page)


def test_the_newest_line_is_in_the_window_and_phases_do_not_move_it(
    living: Callable[[str], Page],
) -> None:
    begun = {"type": "SUBMITTED", "status": "SUCCEEDED", "state": "done", "seconds": 0}
    queued = {"type": "QUEUED", "status": "", "state": "moving", "seconds": None}
    build = make_build(
        "orders-build", "IN_PROGRESS", logs=logged(), phases=[{**begun, "contexts": []}]
    )
    read(build, 300)
    page = living(build.get_absolute_url())
    newest = page.locator(LINES).last
    expect(newest).to_contain_text("line 299")
    expect(newest).to_be_in_viewport(ratio=1)
    place = newest.bounding_box()
    phases = [{**begun, "contexts": []}, {**queued, "contexts": []}]
    tell(build, phases=phases, current_phase="QUEUED")
    expect(page.locator(".phase.st-run")).to_contain_text("Queued")
    assert newest.bounding_box() == place


def test_lines_that_are_missing_are_fetched_from_where_the_log_ends(
    living: Callable[[str], Page],
) -> None:
    build = make_build("orders-build", "IN_PROGRESS", logs=logged())
    read(build, 1_200)
    page = living(build.get_absolute_url())
    lines = page.locator(LINES)
    expect(lines).to_have_count(1_200)
    # As if a message had been lost: the stream goes on further than the page has come.
    page.evaluate(
        """() => {
          const log = document.querySelector("ol.log:not(.excerpt)");
          for (const line of [...log.children].slice(1100)) line.remove();
          log.dataset.next = "1100";
        }"""
    )
    read(build, 5)
    expect(lines).to_have_count(1_205)
    expect(lines.last).to_contain_text("line 1204")


def test_a_build_that_was_queued_gets_its_log_and_its_commit_without_a_reload(
    living: Callable[[str], Page],
) -> None:
    build = make_build("orders-build", "IN_PROGRESS", resolved_source_version="", logs={})
    page = living(build.get_absolute_url())
    expect(page.get_by_role("link", name="CloudWatch Logs")).to_have_count(0)
    tell(
        build,
        logs=logged(),
        resolved_source_version="abcdef0123456789abcdef0123456789abcdef01",
        exported_variables=["IMAGE_TAG"],
        report_arns=["arn:aws:codebuild:eu-west-1:111122223333:report/unit:1"],
    )
    expect(page.get_by_role("link", name="CloudWatch Logs")).to_be_visible()
    facts = page.locator(f"#build-facts-{build.pk}")
    for words in ("abcdef0", "IMAGE_TAG", "report/unit:1"):
        expect(facts).to_contain_text(words)
    assert not_reloaded(page)


def test_a_projects_facts_follow_an_edit(living: Callable[[str], Page]) -> None:
    project = make_build("orders-build").project
    page = living(project.get_absolute_url())
    type(project).objects.filter(pk=project.pk).update(image="aws/codebuild/standard:9.0")
    change(project, "codebuild.project")
    BUS.publish(CHANGES)
    expect(page.locator(f"#project-facts-{project.pk}")).to_contain_text("standard:9.0")


@pytest.fixture
def failed() -> Build:
    """A build that failed an hour ago, at line 301 of its log."""
    return make_build(
        "orders-build",
        "FAILED",
        logs=logged(),
        failing_phase="BUILD",
        failing_message="npm test: 1",
        ended_at=now() - timedelta(hours=1),
        excerpt="line 299\nline 300",
        excerpt_line=300,
        excerpt_mark=1,
    )


def test_the_log_of_a_finished_build_opens_at_its_error_and_is_not_followed(
    living: Callable[[str], Page], failed: Build
) -> None:
    read(failed, 600, done=True)
    page = living(failed.get_absolute_url())
    expect(page.locator(f"{LINES}.is-error")).to_contain_text("line 300")
    assert page.evaluate(IN_VIEW)
    expect(page.get_by_role("button", name="Follow")).to_have_count(0)


def test_it_opens_at_its_error_too_where_the_log_is_read_first(
    living: Callable[[str], Page], failed: Build
) -> None:
    page = living(failed.get_absolute_url())
    for _ in range(3):
        read(failed, 200)
    expect(page.locator(LINES)).to_have_count(600)
    page.wait_for_function(IN_VIEW)


def test_lines_that_came_before_the_error_was_found_are_marked_then(
    living: Callable[[str], Page],
) -> None:
    build = make_build("orders-build", "IN_PROGRESS", logs=logged())
    page = living(build.get_absolute_url())
    read(build, 400, done=True)
    expect(page.locator(LINES)).to_have_count(400)
    tell(
        build,
        status="FAILED",
        state="failed",
        excerpt="line 299\nline 300",
        excerpt_line=300,
        excerpt_mark=1,
    )
    expect(page.locator(f"{LINES}.is-error")).to_contain_text("line 300")


def test_a_log_that_aws_has_no_more_says_so_without_an_empty_box(
    living: Callable[[str], Page], failed: Build
) -> None:
    page = living(failed.get_absolute_url())
    log = page.locator("ol.log:not(.excerpt)")
    height = log.evaluate("log => log.clientHeight")
    assert 0 < height < 60, "the log that is being read reserves a line and no more"
    store = store_of(failed.pk)
    contents = store.begin()
    contents.done = True
    title = "CloudWatch Logs no longer has this log"
    contents.say({"state": "unknown", "title": title, "text": "Its retention passed.", "cure": ""})
    store.save(contents)
    BUS.publish(f"log:{failed.pk}", "0")
    expect(page.locator(".log-note")).to_contain_text(title)
    expect(log).to_be_hidden()


def test_reading_on_without_scripts_goes_on_where_it_ended(opened: Callable[..., Page]) -> None:
    build = make_build("orders-build", "IN_PROGRESS", logs=logged())
    read(build, 20)
    page = opened(build.get_absolute_url(), java_script_enabled=False, viewport=DESK)
    expect(page.locator(LINES)).to_have_count(20)
    read(build, 3)
    page.get_by_role("link", name="Read on").click()
    expect(page.locator(LINES)).to_have_count(3)
    expect(page.locator(LINES).first).to_contain_text("line 20")
