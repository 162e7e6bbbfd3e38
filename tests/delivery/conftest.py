"""Who reads journeys in these tests."""

from typing import Any

import pytest

from tests.factories import make_user
from tests.flown import _no_memory

__all__ = ["_no_memory"]


@pytest.fixture
def reader() -> Any:
    return make_user("reader")
