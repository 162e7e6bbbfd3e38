"""A scope of the sample account, AWS played by a flight, and sweeps of every kind in turn."""

from pathlib import Path
from typing import Any

import pytest

from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.sweep import ensure_sweeps, run
from tests.flight import Flight
from tests.flown import aws, queued, scope

__all__ = ["aws", "queued", "scope"]

FLIGHTS = Path(__file__).parent / "flights"
KINDS = tuple(f"cloudformation.{name}" for name in ("stack", "event", "resource", "changeset"))


@pytest.fixture
def full() -> Flight:
    """A stack whose update was rolled back, its nested one, and one that is being deleted."""
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def empty() -> Flight:
    return Flight().load(FLIGHTS / "empty")


def sweep(scope: Scope, *kinds: str) -> dict[str, Any]:
    """Sweep these kinds whole, all of CloudFormation's where none is named."""
    ensure_sweeps(scope)
    results = {}
    for kind in kinds or KINDS:
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        results[kind] = run(row, whole=True)
    return results
