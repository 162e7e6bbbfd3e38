"""Repositories, commits and pull requests in a real browser: changes arrive, all can use them."""

from collections.abc import Callable

import pytest
from celery.app.task import Task
from playwright.sync_api import Page, expect

from apps.live.bus import BUS, CHANGES
from apps.source import diff, looked
from apps.source.models import Commit, PullRequest, Repository
from tests.browser import troubles_of
from tests.factories import change
from tests.source.making import make_branch, make_commit, make_pull, make_repository, sha, tell

from .conftest import DESK, Site, not_reloaded

LINES = "ol.diff li"


@pytest.fixture(autouse=True)
def _nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pages ask workers to read is read by the tests."""
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)


@pytest.fixture
def shop(site: Site) -> Repository:
    repository = make_repository(
        description="The shop's front",
        encryption_key="arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        triggers=[
            {
                "name": "tell-the-team",
                "destination": "arn:aws:sns:eu-west-1:111122223333:pushes",
                "branches": ["main"],
                "events": ["updateReference"],
            }
        ],
    )
    for number in (1, 2, 3):
        make_commit(repository, number)
    make_commit(repository, 12, parents=[sha(2)])
    make_branch(repository, "main", 3)
    make_branch(repository, "feature/basket", 12)
    make_pull(
        repository,
        description="Until the session ends.",
        approved=False,
        mergeable=False,
        conflicts=["src/basket.js"],
        approval_rules=[{"name": "Two reviewers", "needed": 2, "satisfied": False}],
        comments=[
            {
                "id": "1",
                "author": "arn:aws:iam::1:user/platform-engineer",
                "at": "2026-01-05T09:00:00+00:00",
                "text": "Is that long enough?",
                "path": "src/basket.js",
                "position": 14,
            }
        ],
    )
    return tell(repository)


def read(row: Commit | PullRequest, *files: tuple[str, bytes, bytes], done: bool = True) -> None:
    """What a worker does when it has read these files."""
    look = looked.look_at(row)
    assert look is not None
    store = looked.store_of(row)
    contents = store.open() or store.begin()
    for path, before, after in files:
        store.extend(contents, diff.file_lines(path, "M", before, after))
    contents.done = done
    looked.publish(look.name, row, contents)


def test_what_a_commit_changed_comes_in_while_it_is_read(
    shop: Repository, living: Callable[[str], Page]
) -> None:
    commit = shop.commits.get(commit_id=sha(3))
    page = living(commit.get_absolute_url())
    expect(page.locator(LINES)).to_have_count(0)
    read(commit, ("src/total.js", b"one\ntwo\n", b"one\n2\n"), done=False)
    expect(page.locator(LINES)).to_have_count(5)
    expect(page.locator("ol.diff .diff-added")).to_contain_text("2")
    read(commit, ("src/<b>.js", b"", b"<script>alert(1)</script>\n"))
    expect(page.locator(LINES)).to_have_count(8)
    expect(page.locator("ol.diff .diff-added").last).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("ol.diff")).to_have_attribute("data-done", "true")
    assert not_reloaded(page)


def test_a_chosen_branch_shows_its_commits_and_a_push_comes_in(
    shop: Repository, living: Callable[[str], Page]
) -> None:
    page = living(shop.get_absolute_url())
    rows = page.locator("section[aria-labelledby=h-commits] tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Branch").select_option("feature/basket")
    expect(rows.first).to_contain_text("Change 12")
    expect(page).to_have_url(f"{page.url.partition('?')[0]}?branch=feature%2Fbasket")
    pushed = make_commit(shop, 13, parents=[sha(12)])
    shop.branches.filter(name="feature/basket").update(commit_id=sha(13))
    change(pushed, "codecommit.commit", verb="appeared")
    BUS.publish(CHANGES)
    expect(rows.first).to_contain_text("Change 13")
    assert not_reloaded(page)


def test_a_merged_pull_request_is_told_at_once(
    shop: Repository, living: Callable[[str], Page]
) -> None:
    pull = shop.pull_requests.get()
    page = living(pull.get_absolute_url())
    expect(page.get_by_role("heading", name="What keeps it from being merged")).to_be_visible()
    PullRequest.objects.update(
        state="done", status="CLOSED", merged=True, merge_option="SQUASH_MERGE"
    )
    pull.refresh_from_db()
    change(pull, "codecommit.pullrequest")
    BUS.publish(CHANGES)
    expect(page.locator("h1")).to_contain_text("Merged")
    assert not_reloaded(page)


def test_all_can_use_the_pages(shop: Repository, opened: Callable[..., Page]) -> None:
    commit, pull = shop.commits.get(commit_id=sha(3)), shop.pull_requests.get()
    for row in (commit, pull):
        read(row, ("src/total.js", b"one\ntwo\n" * 20, b"one\n2\n" + b"one\ntwo\n" * 19))
    for path in (
        "/source/",
        "/source/commits/",
        "/source/pull-requests/",
        shop.get_absolute_url(),
        commit.get_absolute_url(),
        pull.get_absolute_url(),
    ):
        assert troubles_of(opened(path, viewport=DESK)) == [], path


def test_the_pages_can_be_read_without_scripts(
    shop: Repository, opened: Callable[..., Page]
) -> None:
    commit = shop.commits.get(commit_id=sha(3))
    read(commit, ("src/total.js", b"one\ntwo\n", b"one\n2\n"))
    page = opened(commit.get_absolute_url(), java_script_enabled=False)
    expect(page.locator("ol.diff .diff-added")).to_contain_text("2")
    page = opened(shop.get_absolute_url(), java_script_enabled=False)
    page.get_by_label("Branch").select_option("feature/basket")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("section[aria-labelledby=h-commits] tbody tr").first).to_contain_text(
        "Change 12"
    )
