"""A scope of the sample account, and AWS played by a flight."""

from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task

from tests.flight import Flight
from tests.flown import aws, heard, scope

__all__ = ["aws", "heard", "scope"]

FLIGHTS = Path(__file__).parent / "flights"


@pytest.fixture
def full() -> Flight:
    """One project and one failed build, with everything AWS can say of them."""
    return Flight().load(FLIGHTS / "full")


@pytest.fixture
def empty() -> Flight:
    return Flight().load(FLIGHTS / "empty")


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...], float]]:
    """What was enqueued: (task, arguments, seconds until it is due); nothing runs by itself."""
    tasks: list[tuple[str, tuple[Any, ...], float]] = []

    def enqueue(task: Any, args: Any = (), kwargs: Any = None, **options: Any) -> None:
        tasks.append((task.name, tuple(args), options.get("countdown") or 0))

    monkeypatch.setattr(Task, "apply_async", enqueue)
    return tasks
