"""A scope of the sample account, and AWS played by a flight."""

from pathlib import Path

import pytest

from tests.flight import Flight
from tests.flown import aws, heard, queued, scope

__all__ = ["aws", "heard", "queued", "scope"]

FLIGHTS = Path(__file__).parent / "flights"


@pytest.fixture
def full() -> Flight:
    """Alarms of each type and state, what became of them, their metrics, and two log groups."""
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def empty() -> Flight:
    return Flight().load(FLIGHTS / "empty")
