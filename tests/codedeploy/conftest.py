"""A scope of the sample account, and CodeDeploy played by a flight behind the mirror."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache

from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.flight import Flight, FlownProvider
from tests.flown import scope

__all__ = ["scope"]

FLIGHTS = Path(__file__).parent / "flights"
KINDS = [kind for kind in REGISTER.by_kind if kind.startswith("codedeploy.")]


@pytest.fixture
def full() -> Flight:
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def sweep(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Flight]:
    """Sweep CodeDeploy's kinds whole, as a flight has them; nothing is queued."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)

    def sweep_all(flight: Flight, *kinds: str, deep: bool = False) -> Flight:
        monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
        ensure_sweeps(scope)
        if deep:
            Sweep.objects.update(deep_due_at=scope.created_at)
        for kind in kinds or KINDS:
            row = Sweep.objects.get(scope=scope, kind=kind)
            assert take(row)
            run(row, whole=True)
        return flight

    return sweep_all


@pytest.fixture
def swept(sweep: Callable[..., Flight], full: Flight) -> Any:
    """The full flight, mirrored."""
    return sweep(full)
