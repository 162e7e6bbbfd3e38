"""The toy world, registered for the length of a test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from apps.live.bus import BUS
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER, Resource
from tests.mirror.toy import ToyProvider, World, toy_resources


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty world whose provider and kinds are the only ones registered."""
    world = World()
    monkeypatch.setattr(PROVIDERS, "by_name", {"toy": ToyProvider(world)})
    kinds = {resource.kind: resource for resource in toy_resources(world)}
    monkeypatch.setattr(REGISTER, "by_kind", kinds)
    cache.clear()
    yield world
    cache.clear()


@pytest.fixture
def boxes(world: World) -> Resource:
    return REGISTER.get("toy.box")


@pytest.fixture
def parts(world: World) -> Resource:
    return REGISTER.get("toy.part")


@pytest.fixture
def runs(world: World) -> Resource:
    return REGISTER.get("toy.run")


@pytest.fixture
def steps(world: World) -> Resource:
    return REGISTER.get("toy.step")


@pytest.fixture
def scope(db: Any, world: World) -> Scope:
    """A place of the toy provider."""
    return Scope.objects.create(provider="toy", place="shelf", account="shelf")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What goes over the bus."""
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(BUS, "publish", lambda topic, text="": messages.append((topic, text)))
    return messages
