"""Every page of projects in a real browser: for everybody, in both schemes, at both widths.

Names of a hundred letters without a space and text that was written to do harm are everywhere.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.adoption.keep import renew
from apps.codepipeline.models import Execution
from apps.projects import deeds
from apps.projects.models import Project
from apps.projects.roles import Role
from apps.wiki import writing
from apps.wiki.models import Page as WikiPage
from tests.adoption import rows as adopted
from tests.adoption.test_deeds import make_shop
from tests.browser import troubles_of
from tests.e2e.conftest import DESK, PHONE, Site
from tests.factories import hold, make_pipeline, make_project, make_running_pipeline, make_user
from tests.projects.making import fill, make_alarm

LONG = "x" * 100
HOSTILE = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\' \u202e txet'
TEXT = f"""# {LONG}

{HOSTILE} [{LONG}](javascript:alert(1)) ![{LONG}](https://example.com/{LONG}.png)

- {LONG}

| {LONG} | {LONG} |
|---|---|
| a | `{LONG}{LONG}` |

```
{LONG}{LONG}
```
"""
HERE = "/projects/checkout/"
# What sticks out of the window, and is not within something that scrolls or cuts it.
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((one) => {
  for (let box = one; box; box = box.parentElement)
    if (box !== one && getComputedStyle(box).overflowX !== "visible") return false;
  return one.getBoundingClientRect().right > innerWidth + 1;
}).map((one) => `${one.tagName}.${one.className}`)"""


class Looked:
    """Looks at a page in every way at once, and keeps what is wrong with it."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site = page, site
        self.found: list[str] = []
        # Chromium tells of each answer that is no success; the page itself is asked for these.
        self.expected: set[str] = set()
        page.on("pageerror", lambda error: self.found.append(f"{page.url}: {error}"))
        page.on("console", self._told)
        page.on("dialog", lambda dialog: dialog.accept())

    def _told(self, message: Any) -> None:
        if message.type == "error" and not any(one in message.text for one in self.expected):
            self.found.append(f"{self.page.url}: {message.text}")

    def at(self, path: str, status: int = 200) -> None:
        """Open a page and look at it."""
        if status >= 400:
            self.expected.add(f"status of {status}")
        answer = self.page.goto(self.site.url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        self.now(path)

    def now(self, name: str) -> None:
        """Look at the page that is open: wide and narrow, light and dark."""
        self.found += [f"{name} at {told}" for told in troubles_of(self.page, "target-size")]
        if wide := [one for one in self.found if "pixels too wide" in one and name in one]:
            self.page.set_viewport_size(PHONE)
            self.found.append(f"{wide[0]}, by {self.page.evaluate(TOO_WIDE)[:6]}")
            self.page.set_viewport_size(DESK)
        assert self.page.evaluate("window.harmed") is None, name


@pytest.fixture
def looked(opened: Callable[..., Page], site: Site, project: Project) -> Iterator[Looked]:
    """Looks at pages as an administrator who owns the project."""
    page = opened("/people/me/", viewport=DESK)
    looking = Looked(page, site)
    yield looking
    assert not looking.found, "\n".join(looking.found)


@pytest.fixture
def project(site: Site, owner: Any) -> Project:
    """A project that holds something of everything, with the worst of names."""
    viewer = make_user(f"v{LONG}", reads_everything=False)
    made: Project = make_project("Checkout", owner=owner, viewer=viewer)
    Project.objects.filter(pk=made.pk).update(
        name=LONG,
        description=f"{HOSTILE} {LONG} {LONG}",
        tags=["shop", LONG[:40], "<b>bold</b>"],
        links=[
            {"label": HOSTILE, "url": f"https://example.com/{LONG}"},
            {"label": "Run it", "url": "javascript:alert(1)"},
        ],
    )
    for turn in range(2):
        fill(made, turn)
    hold(made, make_running_pipeline(LONG, "Failed"), make_alarm(LONG, "ALARM"))
    Execution.objects.update(summary=f"{HOSTILE} {LONG}", author=LONG)
    return made


def wiki_of(project: Project, author: Any) -> WikiPage:
    """A README that was written twice, a page and a removed one."""
    values = {"title": "README", "text": "Call us.", "said": ""}
    readme = writing.readme_of(project)
    readme.save()
    writing.write(readme, author, values, 0)
    writing.write(readme, author, {**values, "text": TEXT, "said": f"{HOSTILE} {LONG}"}, 1)
    writing.make(project, author, {"title": LONG, "text": TEXT, "said": ""})
    writing.remove(writing.make(project, author, {"title": "Old", "text": "Old", "said": ""}))
    return readme


@pytest.mark.timeout(600)
def test_what_a_project_tells(looked: Looked, project: Project, owner: Any) -> None:
    deeds.invite(project, owner, Role.VIEWER, f"{HOSTILE} {LONG}"[:100])
    looked.at("/projects/")
    looked.at("/projects/?state=failed")
    looked.at("/projects/?q=nothing+is+called+so")
    looked.at("/projects/new/")
    looked.at(HERE)
    looked.at(f"{HERE}activity/")
    looked.at(f"{HERE}activity/?group=Alarms&state=done")
    looked.at(f"{HERE}resources/?q=che")
    looked.at(f"{HERE}layout/?for=project")
    looked.at(f"{HERE}settings/")
    looked.at(f"{HERE}delete/")
    looked.at(f"/search?q={LONG}")
    looked.at("/search?q=nothing-is-called-so")
    # A column of tiles alone takes the page's width.
    make_project("Brand new", owner=owner)
    looked.at("/projects/brand-new/")
    box = looked.page.locator("#tile-team").bounding_box()
    assert box is not None
    assert box["width"] > 900


@pytest.mark.timeout(600)
def test_the_team_and_who_is_invited(looked: Looked, project: Project, owner: Any) -> None:
    page = looked.page
    looked.at(f"{HERE}team/")
    # On a phone the pages do not fit side by side: the open one is in sight all the same.
    page.set_viewport_size(PHONE)
    page.reload()
    box = page.locator(".project-nav [aria-current]").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= PHONE["width"]
    page.set_viewport_size(DESK)
    invite = page.locator("section", has=page.get_by_role("heading", name="Invite by a link"))
    invite.get_by_role("textbox").fill(HOSTILE[:100])
    invite.get_by_role("button").click()
    link = page.locator("#invitation-link").text_content() or ""
    looked.now("the invitation's link")
    looked.at(link.removeprefix(looked.site.url))
    looked.at("/projects/join/nonsense/", 410)
    looked.at("/tokens/")
    page.locator("#id_name").fill(LONG[:64])
    page.get_by_role("button", name="Make").click()
    expect(page.locator("#new-token")).to_be_visible()
    looked.now("a new token")
    looked.at("/tokens/everybody/")


@pytest.mark.timeout(600)
def test_the_wiki_and_its_second_writer(looked: Looked, project: Project, owner: Any) -> None:
    page, wiki = looked.page, f"{HERE}wiki/"
    looked.at(wiki)
    readme = wiki_of(project, owner)
    looked.at(wiki)
    looked.at(WikiPage.objects.get(title=LONG).get_absolute_url())
    looked.at(f"{wiki}old/")
    looked.at(f"{wiki}new/")
    looked.at(f"{wiki}readme/history/")
    looked.at(f"{wiki}readme/history/2/")
    looked.at(f"{wiki}readme/edit/")
    expect(page.locator("#wiki-preview")).to_contain_text(LONG)
    theirs = {"title": LONG, "text": f"{TEXT}\n{HOSTILE} was here", "said": HOSTILE}
    writing.write(readme, owner, theirs, 2)
    mine = f"My own words.\n\n{LONG}"
    page.get_by_label("Text", exact=True).fill(mine)
    looked.expected.add("status of 409")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing of yours is lost")
    expect(page.get_by_label("Text", exact=True)).to_have_value(mine)
    looked.now("the page of the second writer")
    page.get_by_role("button", name="Save mine as the newest").click()
    expect(page.locator("main")).to_contain_text("My own words.")


@pytest.mark.timeout(600)
def test_what_is_proposed(looked: Looked, project: Project, owner: Any) -> None:
    looked.at("/projects/proposals/")
    for name in ("shop", LONG):
        make_shop(name)
    adopted.alarm(HOSTILE, adopted.function("near"))
    near = adopted.pipeline("near", adopted.deploy("Lambda", FunctionName="near"))
    hold(project, near)
    make_pipeline("alone", definition=[])
    adopted.function(f"alone-{LONG}")
    renew()
    looked.at("/projects/proposals/")
    looked.at(f"{HERE}resources/")
    looked.page.goto(f"{looked.site.url}/projects/proposals/")
    looked.page.get_by_role("button", name="Ignore").first.click()
    looked.now("an ignored proposal")
