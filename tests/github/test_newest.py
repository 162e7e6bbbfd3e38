"""Lists that are sorted by what was done last: nothing is lost behind a row that is known."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.issues.models import Issue
from apps.mirror.asking import hint
from apps.mirror.hints import follow_hints
from apps.mirror.models import Hint, ReadToEnd, Scope
from apps.mirror.resource import Names
from apps.source.models import PullRequest
from tests.sites.flight import Said, SiteFlight

from .conftest import Sweeper
from .test_collect import SHOP, answers, told_as

LINK = '<https://api.github.com/repos/example/shop/{}&page={}>; rel="next"'


def reread(scope: Scope, kind: str, key: str) -> None:
    """A webhook names a row, and it is read alone."""
    Hint.objects.all().delete()
    hint(scope, [Names(kind=kind, key=key)])
    follow_hints(scope.pk)


def at(minute: int) -> str:
    return f"2026-01-05T11:{minute:02}:00Z"


def pull(flight: SiteFlight, number: int, minute: int, **more: Any) -> dict[str, Any]:
    """A pull request as lists and PullsGet tell it."""
    whole = answers(flight, "github:PullsGet", pull_number="12")
    return {**whole, "number": number, "id": 9000 + number, "updated_at": at(minute), **more}


def tell(flight: SiteFlight, *pulls: Mapping[str, Any]) -> None:
    told_as(flight, "github:PullsList", list(pulls), state="all", repo="shop")
    for one in pulls:
        told_as(flight, "github:PullsGet", one, pull_number=str(one["number"]))


def issue(flight: SiteFlight, number: int, minute: int, **more: Any) -> dict[str, Any]:
    told = answers(flight, "github:IssuesGet", issue_number="7")
    return {**told, "number": number, "id": 7000 + number, "updated_at": at(minute), **more}


def tell_issues(flight: SiteFlight, *issues: Mapping[str, Any]) -> None:
    told_as(flight, "github:IssuesListForRepo", list(issues), state="all", repo="shop")
    still_open = [one for one in issues if one["state"] == "open"]
    told_as(flight, "github:IssuesListForRepo", still_open, state="open", repo="shop")
    for one in issues:
        told_as(flight, "github:IssuesGet", one, issue_number=str(one["number"]))


def test_a_pull_request_whose_webhook_was_lost_is_found_behind_one_whose_came(
    full: SiteFlight, github: Any, sweep: Sweeper, scope: Scope
):
    github(full)
    sweep()
    listed = answers(full, "github:PullsList", state="all")
    fresh, heard = pull(full, 14, 1, title="Opened unheard"), pull(full, 12, 2, title="Heard")
    tell(full, heard, fresh, *listed[1:])
    reread(scope, "github.pullrequest", f"{SHOP}#12")
    assert PullRequest.objects.get(number="12").title == "Heard"
    sweep("github.pullrequest")
    assert PullRequest.objects.get(number="14").title == "Opened unheard"
    # And then the list has nothing that is news.
    full.asked.clear()
    sweep("github.pullrequest")
    assert len(full.calls("github:PullsList")) == 2
    assert "14" not in {params["pull_number"] for params in full.calls("github:PullsGet")}


def test_an_issue_whose_webhook_was_lost_is_found_behind_one_whose_came(
    full: SiteFlight, github: Any, sweep: Sweeper, scope: Scope
):
    github(full)
    sweep()
    listed = answers(full, "github:IssuesListForRepo", state="all")
    closed = {**listed[-1], "updated_at": at(1), "title": "Said more, unheard"}
    heard = issue(full, 7, 2, title="Heard")
    tell_issues(full, heard, closed)
    reread(scope, "github.issue", f"{SHOP}#7")
    assert Issue.objects.get(key=f"{SHOP}#7").title == "Heard"
    sweep("github.issue")
    assert Issue.objects.get(key=f"{SHOP}#6").title == "Said more, unheard"


def test_a_first_reading_that_the_quota_ended_is_read_on_to_its_end(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep("github.repository")
    tell(full, *(pull(full, number, number) for number in range(20, 0, -1)))
    told: Any = full._plays["github:PullsGet"]
    spent = Said({"message": "API rate limit exceeded"}, 403, {"X-RateLimit-Remaining": "0"})
    left = list(range(7))
    full.on("github:PullsGet", lambda params: told(params) if left and left.pop() >= 0 else spent)
    sweep("github.pullrequest")
    assert 0 < PullRequest.objects.count() < 20
    # What was read of it is no proof of the rest.
    assert not ReadToEnd.objects.filter(kind="github.pullrequest", parent_key=SHOP).exists()
    full.on("github:PullsGet", told)
    sweep("github.pullrequest")
    assert PullRequest.objects.filter(repository__key=SHOP).count() == 20


def test_a_list_is_read_as_far_back_as_it_was_read_before(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    """However much was done meanwhile."""
    github(full)
    sweep()
    listed = answers(full, "github:IssuesListForRepo", state="all")
    many = [issue(full, number, 30, comments=0) for number in range(1000, 300, -1)]
    listing = "issues?state=all"
    pages = [*(many[start : start + 100] for start in range(0, 700, 100)), listed]
    for number, page in enumerate(pages, 1):
        link = {} if page is listed else {"Link": LINK.format(listing, number + 1)}
        asked = {"repo": "shop", "state": "all"} | ({"page": str(number)} if number > 1 else {})
        told_as(full, "github:IssuesListForRepo", Said(page, headers=link), **asked)
    sweep("github.issue")
    assert Issue.objects.count() == 702


def test_comments_that_were_not_read_are_read_by_the_next_sweeps(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep("github.repository", "github.tracker")
    tell_issues(full, *(issue(full, number, 1, comments=1) for number in range(60, 0, -1)))
    said = [{"id": 1, "user": {"login": "ada"}, "body": "So it is", "created_at": at(0)}]
    refused = Said({"message": "Server Error"}, 502)
    told_as(full, "github:IssuesListComments", said)
    told_as(full, "github:IssuesListComments", refused, issue_number="60")
    sweep("github.issue")
    mine = Issue.objects.filter(tracker__key=SHOP)
    assert mine.count() == 60
    assert 40 < mine.exclude(comments=[]).count() < 60
    told_as(full, "github:IssuesListComments", said, issue_number="60")
    # Nobody does anything to them meanwhile.
    sweep("github.issue")
    assert mine.exclude(comments=[]).count() == 60
    full.asked.clear()
    sweep("github.issue")
    assert not full.calls("github:IssuesListComments")


@pytest.mark.parametrize("minutes", [1, 20])
def test_what_a_list_told_late_is_still_seen(
    minutes: int, full: SiteFlight, github: Any, sweep: Sweeper
):
    """One of GitHub's machines trails: an earlier update comes into the list after a later one."""
    github(full)
    sweep()
    listed = answers(full, "github:IssuesListForRepo", state="all")
    tell_issues(full, issue(full, 30, 40), *listed)
    sweep("github.issue")
    late = issue(full, 29, 40 - minutes, title="Late")
    tell_issues(full, issue(full, 30, 40), late, *listed)
    sweep("github.issue")
    assert Issue.objects.get(key=f"{SHOP}#29").title == "Late"
