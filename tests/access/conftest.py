"""The world that all tests of who may open what ask in: made once, and rolled back at the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from tests.access.world import World, make_world


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Everything, in a transaction around those of the tests."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        try:
            with transaction.atomic():
                yield make_world(patch)
                transaction.set_rollback(True)
        finally:
            connection.close()


@pytest.fixture
def world(made: World, db: None) -> World:
    """It, for one test: what the test does to it is undone."""
    cache.set_many(made.trial)
    return made
