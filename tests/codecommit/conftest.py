"""A scope of the sample account, and CodeCommit played by a flight."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.sweep import ensure_sweeps, run
from tests.flight import Flight, FlownProvider
from tests.flown import queued, scope

__all__ = ["queued", "scope"]

FLIGHTS = Path(__file__).parent / "flights"
KINDS = tuple(f"codecommit.{name}" for name in ("repository", "branch", "commit", "pullrequest"))
Sweeper = Callable[..., None]


@pytest.fixture
def full() -> Flight:
    """A repository with everything AWS can say of it, and one whose key is disabled."""
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`aws(flight)`: whoever opens an AWS scope from now on gets this flight."""
    cache.clear()
    monkeypatch.setattr("apps.aws.calls.time.sleep", lambda _seconds: None)

    def fly(flight: Flight) -> Flight:
        monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
        return flight

    yield fly
    cache.clear()


@pytest.fixture
def sweep(scope: Scope) -> Sweeper:
    """`sweep()` reads every kind whole, `sweep("codecommit.branch", deep=True)` that one deep."""

    def sweeping(*kinds: str, deep: bool = False) -> None:
        ensure_sweeps(scope)
        if deep:
            Sweep.objects.update(deep_due_at=scope.created_at)
        for kind in kinds or KINDS:
            row = Sweep.objects.get(scope=scope, kind=kind)
            assert take(row)
            run(row, whole=True)

    return sweeping
