"""Who comes to the pages that connect accounts."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client


def _client(**flags: Any) -> Client:
    name = next(iter(flags), "viewer")
    user = get_user_model().objects.create_user(name.removeprefix("is_"), password="x", **flags)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff(db: None) -> Client:
    """A browser of somebody who may connect accounts."""
    return _client(is_staff=True)


@pytest.fixture
def administrator(db: None) -> Client:
    """A browser of somebody who may do everything."""
    return _client(is_superuser=True)


@pytest.fixture
def viewer(db: None) -> Client:
    """A browser of somebody who may only look."""
    return _client()


@pytest.fixture
def stranger(db: None) -> Client:
    """A browser nobody signed in with."""
    return Client()
