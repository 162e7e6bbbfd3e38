"""A scope of the sample account, and AWS played by a flight."""

from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache

from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.flight import Flight, FlownProvider
from tests.flown import scope

__all__ = ["scope"]

FLIGHTS = Path(__file__).parent / "flights"
KINDS = tuple(
    f"beanstalk.{name}"
    for name in ("application", "version", "environment", "event", "instance", "managedaction")
)


@pytest.fixture
def full() -> Flight:
    """An application whose environment is Severe since a deployment failed; with all AWS says."""
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def empty() -> Flight:
    return Flight().load(FLIGHTS / "empty")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    """No queue runs, nobody waits, nothing is remembered."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setattr("apps.aws.calls.time.sleep", lambda _seconds: None)
    yield
    cache.clear()


@pytest.fixture
def sweep(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`sweep(flight)`: every kind is swept whole, as the mirror does it."""

    def swept(flight: Flight, *kinds: str) -> dict[str, Any]:
        assert set(KINDS) <= REGISTER.by_kind.keys()
        monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
        ensure_sweeps(scope)
        return {
            kind: run(Sweep.objects.get(scope=scope, kind=kind), whole=True)
            for kind in kinds or KINDS
        }

    return swept
