"""A Jira Cloud as its flights have it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.jira.searching import forget_fields
from apps.sites.models import Site
from tests.flown import queued  # noqa: F401 - nothing runs by itself
from tests.sites.flight import SiteFlight
from tests.sites.people import CLOUD_URL, SELECTION, fly, jira_site  # noqa: F401

FLIGHTS = Path(__file__).parent / "flights"


@pytest.fixture(autouse=True)
def _fields_are_asked_for_anew() -> Iterator[None]:
    forget_fields()
    yield
    forget_fields()


@pytest.fixture
def cloud() -> SiteFlight:
    """The full flights of a Jira Cloud."""
    flight = SiteFlight("jira", CLOUD_URL, "cloud", SELECTION)
    return flight.load(FLIGHTS / "full")


@pytest.fixture
def site(db: None) -> Site:
    """That Jira, connected."""
    return jira_site()


@pytest.fixture
def flown(site: Site, cloud: SiteFlight, fly: Any) -> SiteFlight:  # noqa: F811
    """That Jira as the mirror sees it."""
    return fly(cloud)
