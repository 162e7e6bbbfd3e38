"""A scope of a connection, and GitHub played by a flight."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.sweep import ensure_sweeps, run
from tests.flown import queued
from tests.sites.flight import FlownSite, SiteFlight

__all__ = ["queued"]

FLIGHTS = Path(__file__).parent / "flights"
NAMES = ("repository", "branch", "commit", "pullrequest", "tracker", "issue")
KINDS = tuple(f"github.{name}" for name in NAMES)
API = "https://api.github.com"
Sweeper = Callable[..., None]


def played(folder: str = "full", **options: Any) -> SiteFlight:
    """GitHub as a folder of flights has it, read by a token for the owner "example"."""
    options = {"method": "token", "selection": {"owners": ["example"]}, **options}
    return SiteFlight("github", base_url=API, **options).load(FLIGHTS / folder)


@pytest.fixture
def full() -> SiteFlight:
    """A repository with everything GitHub can say of it, an archived and a disabled one."""
    return played()


@pytest.fixture
def scope(db: None) -> Scope:
    return Scope.objects.create(
        provider="github", place="api.github.com/sample", account="github.com", region=""
    )


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`github(flight)`: whoever opens a scope of GitHub from now on gets this flight."""
    cache.clear()
    monkeypatch.setattr("apps.sites.reach.time.sleep", lambda _seconds: None)

    def fly(flight: SiteFlight) -> SiteFlight:
        monkeypatch.setitem(PROVIDERS.by_name, "github", FlownSite(flight))
        return flight

    yield fly
    cache.clear()


@pytest.fixture
def sweep(scope: Scope) -> Sweeper:
    """`sweep()` reads every kind whole, `sweep("github.branch", deep=True)` that one deep."""

    def sweeping(*kinds: str, deep: bool = False) -> None:
        ensure_sweeps(scope)
        if deep:
            Sweep.objects.update(deep_due_at=scope.created_at)
        for kind in kinds or KINDS:
            row = Sweep.objects.get(scope=scope, kind=kind)
            assert take(row)
            run(row, whole=True)

    return sweeping
