"""A scope of the sample account, and AWS played by a flight."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery.app.task import Task
from django.core.cache import cache

from apps.mirror.provider import PROVIDERS
from tests.flight import Flight, FlownProvider
from tests.flown import scope

__all__ = ["scope"]

FLIGHTS = Path(__file__).parent / "flights"


@pytest.fixture
def full() -> Flight:
    """Three pipelines with everything CodePipeline can say of them."""
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def empty() -> Flight:
    """An account without pipelines."""
    return Flight().load(FLIGHTS / "empty")


@pytest.fixture
def fly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Flight], Flight]]:
    """`fly(flight)`: whoever opens an AWS scope from now on gets this flight. No queue runs."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    # Retries wait for nobody.
    monkeypatch.setattr("apps.aws.calls.time.sleep", lambda _seconds: None)

    def begin(flight: Flight) -> Flight:
        monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
        return flight

    yield begin
    cache.clear()
