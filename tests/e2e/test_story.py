"""The story of a change, whole: a push that names an issue, until the issue says it is out."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.servers import free_port
from tests.whole.aws import client
from tests.whole.program import LINK, Up, collect_static, temporary_data

from .conftest import DESK

PATIENCE = 300_000
REPOSITORY, BRANCH, PIPELINE = "example-shop/release-train", "release", "release-train"


@pytest.fixture
def up() -> Iterator[Up]:
    """The whole program on a sandbox, ten times as fast as life, in which nobody else works."""
    collect_static()
    with temporary_data() as data:
        port = str(free_port())
        quick = {"SANDBOX_SCENARIO": "quiet", "SANDBOX_SPEED": "10", "SANDBOX_PORT": port}
        with Up(data, **quick) as program:
            program.wait_until_it_serves()
            yield program


def push(url: str, message: str) -> str:
    """Push a commit to the simulated GitHub, as somebody would; return its id."""
    body = {"repository": REPOSITORY, "branch": BRANCH, "message": message}
    request = urllib.request.Request(
        f"{url}/_sandbox/push", data=json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        told: Any = json.load(answer)
    return str(told["commit"])


@pytest.mark.timeout(1200)
def test_a_push_that_names_an_issue_is_followed_into_production(page: Page, up: Up) -> None:
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size(DESK)
    page.goto(up.wait_for(LINK.pattern)[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{up.url}/")

    # An issue that nobody works on: the simulated team takes others, an epic is nobody's task.
    page.goto(f"{up.url}/source/?q={REPOSITORY}")
    expect(page.locator("tbody tr[data-state]").first).to_be_visible(timeout=PATIENCE)
    page.goto(f"{up.url}/issues/?q=SHOP&state=waiting&type=Epic")
    issue = page.locator("tbody tr[data-state=waiting] a", has_text="SHOP-").first
    expect(issue).to_be_visible(timeout=PATIENCE)
    key = (issue.inner_text()).split()[0]
    issue.click()
    where = page.locator("section[id^=panel-journey]")
    expect(where).to_contain_text("No commit names it yet", timeout=PATIENCE)
    expect(page.locator("#live")).to_have_text("Live", timeout=PATIENCE)
    page.evaluate("window.sameDocument = true")

    codepipeline = client(up.sandbox_url, "codepipeline")
    door = {"pipelineName": PIPELINE, "stageName": "Production", "transitionType": "Inbound"}
    codepipeline.disable_stage_transition(**door, reason="The fair is on")
    commit = push(up.sandbox_url, f"{key} Show the delivery date before paying")
    # It moves by itself: to a door that somebody closed, and out when it is opened.
    expect(where).to_contain_text("The fair is on", timeout=PATIENCE)
    expect(where).to_contain_text("Not in production: the transition into Production is disabled")
    codepipeline.enable_stage_transition(**door)
    expect(where).not_to_contain_text("Not in production", timeout=PATIENCE)
    expect(where).to_contain_text("In production", timeout=PATIENCE)
    assert page.evaluate("window.sameDocument === true")

    where.get_by_role("link", name="Its whole journey").click()
    way = page.locator("section[id^=way-]", has_text=PIPELINE)
    expect(way.locator(".leg", has_text="Production")).to_contain_text("through")
    expect(page.locator(".leg", has_text=commit[:7])).to_contain_text("there")
