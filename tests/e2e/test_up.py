"""`manage.py up` with its sandbox, as a newcomer meets it in a browser: nothing is pretended."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.servers import free_port
from tests.whole.aws import client as aws
from tests.whole.program import LINK, Up, collect_static, run, temporary_data, until

from .conftest import DESK

# Twice as fast as life: a stage takes seconds, a build goes on for long enough to be looked at.
SPEED = "2"
PATIENCE = 150_000
# What a row shows of its pipeline: the state in words and every stage's.
PICTURE = """() => Object.fromEntries([...document.querySelectorAll("tr[id^='pipeline-row-']")].map(
  (row) => [row.id, row.querySelector(".col-state").textContent.trim() + " " +
    [...row.querySelectorAll(".seg")].map((stage) => stage.className).join(",")]))"""


@pytest.fixture
def up() -> Iterator[Up]:
    """The whole program, on a sandbox that denies what the printed policy does not allow."""
    collect_static()
    with temporary_data() as data:
        printed = run(data, "iam_policy")
        assert printed.returncode == 0, printed.stderr
        policy = data / "policy.json"
        policy.write_text(printed.stdout)
        port = str(free_port())
        settings = {"SANDBOX_SPEED": SPEED, "SANDBOX_POLICY": str(policy), "SANDBOX_PORT": port}
        with Up(data, first=True, **settings) as program:
            program.wait_until_it_serves()
            assert_held_to_policy(f"http://127.0.0.1:{port}")
            yield program
            assert "Denied" not in program.output


def assert_held_to_policy(url: str) -> None:
    """What the policy leaves out is denied, or the test would say nothing of the policy."""
    codepipeline = aws(url, "codepipeline")
    with pytest.raises(codepipeline.exceptions.ClientError, match="not authorized"):
        codepipeline.start_pipeline_execution(name="any")


@pytest.mark.timeout(600)
def test_a_newcomer_signs_in_sees_a_pipeline_move_and_a_log_grow(page: Page, up: Up) -> None:
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size(DESK)
    visits: list[str] = []
    page.on("framenavigated", lambda frame: visits.append(frame.url))

    page.goto(up.wait_for(LINK.pattern)[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{up.url}/")

    # Home fills by itself, and then a pipeline moves; the document is the one that came first.
    page.evaluate("window.sameDocument = true")
    rows = page.locator("tr[id^='pipeline-row-']")
    expect(rows.nth(7)).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#live")).to_have_text("Live", timeout=PATIENCE)
    # Looked at from outside: the pages' own policy forbids to evaluate text in them.
    until(lambda: "st-" in str(page.evaluate(PICTURE)), PATIENCE / 1000, "row with a state")
    before = page.evaluate(PICTURE)

    def moved() -> bool:
        now = page.evaluate(PICTURE)
        return any(now[row] != was for row, was in before.items() if row in now)

    until(moved, PATIENCE / 1000, "pipeline that moves")
    assert page.evaluate("window.sameDocument === true")
    assert visits[-1] == f"{up.url}/"

    # A build that is running: its log grows under the reader's eyes.
    open_running_build(page, up)
    page.evaluate("window.sameDocument = true")
    lines = page.locator("ol.log:not(.excerpt) .log-line")
    expect(lines.first).to_be_visible(timeout=PATIENCE)
    first = lines.first.text_content()
    seen = lines.count()
    expect(lines.nth(seen)).to_be_attached(timeout=PATIENCE)
    assert lines.first.text_content() == first
    numbers = page.locator("ol.log:not(.excerpt) .log-line").evaluate_all(
        "all => all.map((line) => line.id)"
    )
    assert len(set(numbers)) == len(numbers), "a line stands twice"
    assert page.evaluate("window.sameDocument === true")

    # Once everything was read, what hangs together is in projects without anybody's doing.
    page.goto(f"{up.url}/projects/")
    expect(page.locator(".project-card").nth(8)).to_be_visible(timeout=PATIENCE)
    # The list sorts itself as pipelines move: what one clicks may have changed its place.
    expect(page.locator("a.name[href='/projects/checkout-api/']")).to_be_attached()
    page.goto(f"{up.url}/projects/checkout-api/")
    expect(page.locator("#tile-pipelines")).to_be_visible()
    expect(page.get_by_text("This tile could not be drawn")).to_have_count(0)
    for account in ("111122223333", "444455556666"):
        page.goto(f"{up.url}/?account={account}")
        expect(rows.first).to_be_visible()


def open_running_build(page: Page, up: Up) -> None:
    """Open the newest build that is running from the list, once there is one."""
    page.goto(f"{up.url}/codebuild/builds/?state=moving")
    running = page.locator("tr[id^='build-row-']")
    until = time.monotonic() + PATIENCE / 1000
    while not running.count() and time.monotonic() < until:
        # The list shows new builds by itself only where it is not narrowed down to nothing.
        page.wait_for_timeout(500)
        page.reload()
    running.first.get_by_role("rowheader").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/codebuild/builds/\d+/$"))
