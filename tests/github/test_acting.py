"""Deeds on issues at GitHub: what is sent, what is looked for, and what follows from a refusal."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from apps.github.acting import GithubKeeper, marked
from apps.issues.acting import Draft, LaterError, RefusedError, UnsureError
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope
from apps.sites.connect import Given, connect
from tests.sites.flight import Said, SiteFlight

from .conftest import Sweeper, played

pytestmark = pytest.mark.django_db
MARK = "codestar-dash-deed-6f5c1f0e"
SINCE = datetime(2026, 1, 5, tzinfo=UTC)
MADE = {"number": 8, "id": 7008, "html_url": "https://github.com/example/shop/issues/8"}


@pytest.fixture
def flight(github: Any) -> SiteFlight:
    found = played()
    issue = "/repos/{owner}/{repo}/issues/{issue_number}"
    found.route("github:IssuesCreate", "POST", "/repos/{owner}/{repo}/issues")
    found.route("github:IssuesCreateComment", "POST", f"{issue}/comments")
    found.route("github:IssuesUpdate", "PATCH", issue)
    found.route("github:IssuesListAssignees", "GET", "/repos/{owner}/{repo}/assignees")
    github(found)
    return found


@pytest.fixture
def issue(flight: SiteFlight, sweep: Sweeper) -> Issue:
    sweep()
    flight.asked.clear()
    return Issue.objects.select_related("scope").get(key="example/shop#7")


@pytest.fixture
def tracker(issue: Issue) -> Tracker:
    return Tracker.objects.select_related("scope").get(key="example/shop")


def test_an_issue_is_made_with_a_mark_that_nobody_reads(flight: SiteFlight, tracker: Tracker):
    flight.on("github:IssuesCreate", Said(MADE, 201))
    draft = Draft(title="Build failed", text="See the log", labels=("bug",))
    made = GithubKeeper().create(tracker, draft, MARK)
    assert (made.key, made.id, made.url) == ("example/shop#8", "7008", MADE["html_url"])
    (sent,) = flight.calls("github:IssuesCreate")
    assert sent["body"] == f"See the log\n\n<!-- {MARK} -->"
    assert (sent["title"], sent["labels"]) == ("Build failed", ["bug"])


def test_what_was_made_is_found_by_its_mark_in_lists(
    flight: SiteFlight, tracker: Tracker, issue: Issue
):
    keeper = GithubKeeper()
    assert keeper.made(tracker, MARK, SINCE) is None
    assert keeper.said(issue, MARK, SINCE) is None
    flight.on("github:IssuesListForRepo", [{**MADE, "body": marked("x", MARK)}])
    found = keeper.made(tracker, MARK, SINCE)
    assert found is not None
    assert found.key == "example/shop#8"
    assert flight.calls("github:IssuesListForRepo")[-1]["since"] == "2026-01-05T00:00:00Z"
    flight.on("github:IssuesListComments", [{"id": 5, "body": marked("", MARK)}])
    said = keeper.said(issue, MARK, SINCE)
    assert said is not None
    assert (said.key, said.id) == ("example/shop#7", "5")


def test_issues_are_closed_for_a_reason_opened_again_and_given_to_people(
    flight: SiteFlight, issue: Issue
):
    keeper = GithubKeeper()
    flight.on("github:IssuesUpdate", {})
    keeper.transition(issue, "closed:not_planned")
    keeper.transition(issue, "open")
    keeper.assign(issue, "")
    keeper.assign(issue, "Checkout-Developer")
    sent = flight.calls("github:IssuesUpdate")
    assert (sent[0]["state"], sent[0]["state_reason"]) == ("closed", "not_planned")
    assert (sent[1]["state"], sent[1]["state_reason"]) == ("open", "reopened")
    assert [one["assignees"] for one in sent[2:]] == [[], ["Checkout-Developer"]]
    with pytest.raises(RefusedError, match="does not let nobody-here"):
        keeper.assign(issue, "nobody-here")
    standing = keeper.standing(issue)
    assert (standing.status, standing.assignee_id) == ("Open", "checkout-developer")
    flight.on("github:IssuesListAssignees", [{"login": "release-manager"}])
    assert [one.id for one in keeper.people(issue.tracker)] == ["release-manager"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said({"message": "Validation Failed"}, 422), RefusedError),
        (Said({"message": "Issues are disabled"}, 410), RefusedError),
        (Said({"message": "Resource not accessible"}, 403), RefusedError),
        (Said({"message": "secondary rate limit"}, 403, {"Retry-After": "60"}), LaterError),
        (Said({"message": "Server Error"}, 502), UnsureError),
        (requests.ReadTimeout("no answer"), UnsureError),
        (requests.ConnectTimeout("no way"), LaterError),
    ],
)  # fmt: skip
def test_what_goes_wrong_says_whether_it_may_have_been_done(
    flight: SiteFlight, issue: Issue, said: Any, expected: type[Exception]
):
    flight.on("github:IssuesCreateComment", said)
    with pytest.raises(expected):
        GithubKeeper().comment(issue, "Hello", MARK)
    # Asked once: asking twice may say it twice.
    assert len(flight.calls("github:IssuesCreateComment")) == 1


def test_nothing_is_written_unless_somebody_switched_it_on(github: Any, scope: Scope):
    given = Given(method="token", base_url="https://api.github.com", secret="t0ken")
    site = connect(provider="github", name="GitHub", given=given)
    keeper = GithubKeeper()
    assert keeper.allowed(site.scope).startswith("Writing is off for this site")
    site.may_write = True
    site.save()
    assert keeper.allowed(site.scope) == ""
    site.paused = True
    site.save()
    assert "paused" in keeper.allowed(site.scope)
    assert "deleted" in keeper.allowed(scope)
