"""What a start connects of the sandbox: its GitHub and its Jira."""

from typing import Any

import pytest

from apps.issues.models import Issue
from apps.sites.models import Site
from apps.source.models import PullRequest, Repository
from codestar_dash import own_sites

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is said to the sandbox."""
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        own_sites, "_tell", lambda _url, what, body, _site: heard.append((what, body))
    )
    return heard


def test_a_first_start_asks_for_webhooks_alone(told: list[tuple[str, Any]]) -> None:
    own_sites.connect_sites("http://127.0.0.1:4599", "http://127.0.0.1:8000")
    assert [(what, body["provider"]) for what, body in told] == [
        ("hooks", "github"),
        ("hooks", "jira"),
    ]


def test_a_later_start_tells_which_numbers_were_given_away(told: list[tuple[str, Any]]) -> None:
    own_sites.connect_sites("http://127.0.0.1:4599", "http://127.0.0.1:8000")
    told.clear()
    jira, github = (Site.objects.get(provider=name).scope for name in ("jira", "github"))
    for key, issue_id in (("SHOP-9", "10109"), ("SHOP-140", "10110"), ("DATA-3", "10200")):
        Issue.objects.create(scope=jira, key=key, arn=key, issue_id=issue_id)
    name = "example-shop/checkout-web"
    Issue.objects.create(scope=github, key=f"{name}#7", arn=f"{name}#7", issue_id="90500")
    repository = Repository.objects.create(scope=github, key=name, arn=name)
    PullRequest.objects.create(
        scope=github, key=f"{name}!12", arn=f"{name}!12", repository=repository, number="12"
    )
    own_sites.connect_sites("http://127.0.0.1:4600", "http://127.0.0.1:8000")
    taken = {body["provider"]: body for what, body in told if what == "taken"}
    assert taken["jira"] == {"provider": "jira", "id": 10200, "numbers": {"SHOP": 140, "DATA": 3}}
    assert taken["github"] == {"provider": "github", "id": 90500, "numbers": {name: 12}}
