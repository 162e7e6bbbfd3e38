"""GitHub's rows on the pages of source: reviews, checks, earlier names, forced branches."""

from typing import Any

from django.test import Client

from apps.source.models import Branch, PullRequest, Repository
from tests import factories
from tests.sites.flight import SiteFlight

from .conftest import Sweeper

HOSTILE = "<script>alert(1)</script>"


def looking(full: SiteFlight, github: Any, sweep: Sweeper) -> Client:
    github(full)
    sweep()
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


def test_a_pull_request_shows_reviews_checks_and_what_keeps_it(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    client = looking(full, github, sweep)
    page = client.get(PullRequest.objects.get(number="12").get_absolute_url()).text
    assert "Changes are wanted by security-reviewer" in page
    assert "Failed: lint" in page
    assert "1 check failed" in page
    assert "Wants changes" in page
    assert "Waits for security-reviewer, team platform" in page
    assert "Open at GitHub" in page
    assert "No approval rule applies" not in page
    listed = client.get("/source/pull-requests/").text
    assert "1 check failed" in listed
    assert "Draft" in listed


def test_a_repository_shows_what_became_of_it(full: SiteFlight, github: Any, sweep: Sweeper):
    client = looking(full, github, sweep)
    Repository.objects.filter(key="example/shop").update(was=["example/till"], version=99)
    Branch.objects.filter(name="main").update(replaced="f" * 40)
    page = client.get(Repository.objects.get(key="example/shop").get_absolute_url()).text
    assert "example/till" in page
    assert "is no longer in it" in page
    # What AWS alone has is not asked about.
    assert "Triggers" not in page
    assert "archived" in client.get("/source/").text


def test_hostile_checks_are_shown_as_text(full: SiteFlight, github: Any, sweep: Sweeper):
    client = looking(full, github, sweep)
    check = {"name": HOSTILE, "state": "failed", "status": HOSTILE, "by": HOSTILE, "at": None}
    PullRequest.objects.update(
        checks=[{**check, "url": "javascript:alert(1)"}],
        checks_state="failed",
        reviewers=[HOSTILE],
        approvals=[{"user": HOSTILE, "state": "CHANGES_REQUESTED"}],
        version=99,
    )
    for path in (PullRequest.objects.get(number="12").get_absolute_url(), "/source/pull-requests/"):
        page = client.get(path).text
        assert HOSTILE not in page
        assert "javascript:" not in page
