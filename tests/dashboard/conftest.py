"""People who look at pages, and the number of queries a page costs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_user


def _empty_caches() -> None:
    for alias in settings.CACHES:
        caches[alias].clear()


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    _empty_caches()
    yield
    _empty_caches()


@pytest.fixture
def member(db: None) -> Any:
    return make_user("checkout-developer")


@pytest.fixture
def signed_in(client: Client, member: Any) -> Client:
    client.force_login(member)
    return client


@pytest.fixture
def queries(signed_in: Client) -> Callable[[str], int]:
    """How many queries a page costs with nothing in the cache."""

    def count(path: str) -> int:
        signed_in.get(path)  # what only the first request of a process asks
        _empty_caches()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = signed_in.get(path)
        assert answer.status_code == 200
        return len(captured)

    return count
