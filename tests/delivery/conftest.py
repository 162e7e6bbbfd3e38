"""Who reads journeys in these tests."""

from typing import Any

import pytest

from tests.factories import make_user


@pytest.fixture
def reader() -> Any:
    return make_user("reader")
