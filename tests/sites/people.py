"""Connected sites for tests, as the page connects them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.mirror.provider import PROVIDERS
from apps.sites.connect import Given, connect
from apps.sites.models import Site
from tests.sites.flight import FlownSite, SiteFlight

SELECTION = {
    "projects": ["SHOP", "LEGACY"],
    "queries": [
        {"name": "Overdue", "jql": "duedate < now() AND resolution = EMPTY ORDER BY created"},
        {"name": "Nobody's", "jql": "project = NOBODY"},
    ],
}
CLOUD_URL = "https://example.atlassian.net"


def jira_site(**fields: Any) -> Site:
    """Connect a Jira Cloud."""
    name = fields.pop("name", "Shop's Jira")
    given = Given(
        **{
            "method": "cloud",
            "base_url": CLOUD_URL,
            "user": "reader@example.com",
            "secret": "ATATT-secret-token",
            "selection": SELECTION,
            **fields,
        }
    )
    return connect(provider="jira", name=name, given=given)


@pytest.fixture
def fly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`fly(flight)`: whoever opens a scope of its provider from now on gets this flight."""
    cache.clear()

    def begin(flight: SiteFlight) -> SiteFlight:
        monkeypatch.setitem(PROVIDERS.by_name, flight.provider, FlownSite(flight))
        return flight

    yield begin
    cache.clear()
