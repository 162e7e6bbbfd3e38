"""From a template to the first green deployment and back, in a browser on the whole program."""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe_violations
from tests.servers import free_port
from tests.whole.program import LINK, Up, collect_static, temporary_data

from .conftest import DESK, PHONE

PATIENCE = 300_000
ACCOUNT = "444455556666"


@pytest.fixture
def up() -> Iterator[Up]:
    """The whole program on a sandbox with nothing in it, thirty times as fast as life."""
    collect_static()
    with temporary_data() as data:
        port = str(free_port())
        more = {"SANDBOX_SCENARIO": "empty", "SANDBOX_SPEED": "30", "SANDBOX_PORT": port}
        with Up(data, **more) as program:
            program.wait_until_it_serves()
            yield program


def names_of(url: str, project: str) -> dict[str, list[str]]:
    """What there is in the account whose name tells that it is the project's."""
    path = f"{url}/_sandbox/inventory?account={ACCOUNT}"
    with urllib.request.urlopen(path, timeout=30) as answer:
        told: Any = json.load(answer)["inventory"]
    found = {kind: [one for one in names if project in one] for kind, names in told.items()}
    return {kind: names for kind, names in found.items() if names}


@pytest.mark.timeout(1200)
def test_a_template_becomes_a_project_that_is_deployed_and_is_undone(page: Page, up: Up) -> None:
    page.set_default_timeout(30_000)
    page.set_viewport_size(DESK)
    page.goto(up.wait_for(LINK.pattern)[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{up.url}/")

    page.goto(f"{up.url}/projects/")
    page.get_by_role("link", name="From a template").click()
    assert axe_violations(page) == []
    page.get_by_role("button", name=re.compile(r"Begin with it.*on AWS Lambda \(Python\)")).click()
    page.get_by_role("button", name="Keep and go on").click()
    page.get_by_label("Name of the project").fill("Quotes")
    page.get_by_label("Id", exact=True).fill("Quotes!")
    where = page.get_by_label("Account and region")
    where.select_option(label=f"Sandbox: production ({ACCOUNT}) · eu-west-1")
    page.get_by_role("button", name="Keep and go on").click()
    expect(page.get_by_text("Choose 3 to 30 characters").first).to_be_visible()
    page.get_by_label("Id", exact=True).fill("quotes")
    page.get_by_role("button", name="Keep and go on").click()
    page.get_by_role("button", name="Keep and go on").click()
    page.get_by_label("Team").fill("Shop")
    page.get_by_role("button", name="Keep and go on").click()

    # Everything is to be seen, and nothing is there.
    expect(page.get_by_text("What it costs a month")).to_be_visible()
    page.get_by_text("template.yml", exact=True).click()
    expect(page.get_by_label("template.yml", exact=True)).to_contain_text(
        "AWS::Serverless::Function"
    )
    assert axe_violations(page) == []
    assert names_of(up.sandbox_url, "quotes") == {}
    page.get_by_role("button", name="Plan it").click()
    page.evaluate("window.sameDocument = true")
    make = page.get_by_role("button", name="Make it")
    expect(make).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.sameDocument === true"), "it came without a reload"
    expect(page.get_by_text("actions are allowed")).to_be_visible()
    make.click()

    # It is watched resource by resource, and by whoever opens the page again.
    expect(page.get_by_role("heading", name="Making")).to_be_visible(timeout=PATIENCE)
    page.goto(page.url)
    opened = page.get_by_role("link", name="Open the project")
    expect(page.locator("h1")).to_contain_text("Made", timeout=PATIENCE)
    here = page.url
    opened.click()
    expect(page.locator("h1")).to_contain_text("Quotes")
    board = page.locator("#main")
    expect(board).to_contain_text("Succeeded", timeout=PATIENCE)
    assert "cloudformation" in names_of(up.sandbox_url, "quotes-app")

    # It is undone, and says what it left.
    page.goto(here)
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Look for edits").click()
    expect(page.get_by_label("The project's id, to be sure")).to_be_visible(timeout=PATIENCE)
    assert axe_violations(page) == []
    page.get_by_label("Why").fill("It was to be tried out.")
    page.get_by_label("The project's id, to be sure").fill("quotes")
    page.get_by_role("button", name="Undo it").click()
    expect(page.locator("h1")).to_contain_text("Undone", timeout=PATIENCE)
    expect(page.get_by_text("it holds your code")).to_be_visible()
    left = names_of(up.sandbox_url, "quotes")
    assert left == {"codecommit": [f"arn:aws:codecommit:eu-west-1:{ACCOUNT}:quotes"]}
