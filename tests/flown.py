"""AWS played by a flight behind the mirror: what the tests of every service begin with.

A service's conftest imports the fixtures it wants.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache, caches

from apps.live.bus import BUS
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from tests.flight import ACCOUNT, REGION, Flight, FlownProvider


@pytest.fixture
def scope(db: None) -> Scope:
    """A scope of the sample account."""
    return Scope.objects.create(
        provider="aws", place=f"{ACCOUNT}/{REGION}", account=ACCOUNT, region=REGION
    )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`aws(flight)`: whoever opens an AWS scope from now on gets this flight."""
    cache.clear()

    def fly(flight: Flight) -> Flight:
        monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
        return flight

    yield fly
    cache.clear()


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What was enqueued: (task, arguments); nothing runs by itself."""
    tasks: list[tuple[str, tuple[Any, ...]]] = []

    def enqueue(task: Any, args: Any = (), kwargs: Any = None, **_options: Any) -> None:
        tasks.append((task.name, tuple(args)))

    monkeypatch.setattr(Task, "apply_async", enqueue)
    return tasks


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    """What goes over the bus."""
    messages: list[tuple[str, str]] = []
    stop = BUS.subscribe(lambda topic, text: messages.append((topic, text)))
    yield messages
    stop()


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    """No test knows what another one left in a cache."""
    for one in caches.all():
        one.clear()
    yield
    for one in caches.all():
        one.clear()
