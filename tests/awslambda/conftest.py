"""AWS played by flights: two functions with everything Lambda can say of them, or none."""

from pathlib import Path

import pytest

from tests.flight import Flight

FLIGHTS = Path(__file__).parent / "flights"


@pytest.fixture
def full() -> Flight:
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def empty() -> Flight:
    return Flight().load(FLIGHTS / "empty")
