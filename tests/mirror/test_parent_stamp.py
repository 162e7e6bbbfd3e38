"""Children that move only with what they belong to: read again only where that has moved."""

from dataclasses import replace
from typing import Any

import pytest

from apps.codepipeline.models import Pipeline
from apps.mirror.due import take
from apps.mirror.models import Hint, Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.mirror.toy import World

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def stamped(world: World, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> World:
    """Parts that move with their box: `described` tells which one, `role_arn` which was read."""
    parts = replace(REGISTER.get("toy.part"), parent_stamp=("described", "role_arn"))
    monkeypatch.setitem(REGISTER.by_kind, parts.kind, parts)
    for key in ("a", "b"):
        world.box(key, described="1")
        world.part(key, "one")
    ensure_sweeps(scope)
    for kind in ("toy.box", "toy.part"):
        sweep(scope, kind)
    world.asks.clear()
    return world


def sweep(scope: Scope, kind: str, **more: Any) -> None:
    row = Sweep.objects.get(scope=scope, kind=kind)
    if more:
        Sweep.objects.filter(pk=row.pk).update(**more)
    assert take(row)
    run(row, whole=True)


def asked_for(world: World) -> list[list[str]]:
    return [[parent.key for parent in ask.parents] for ask in world.asked("toy.part")]


def test_a_second_sweep_asks_for_nothing(stamped, scope):
    sweep(scope, "toy.part")
    assert asked_for(stamped) == []
    assert Sweep.objects.get(kind="toy.part").last_success is not None


def test_only_what_moved_is_read_again_and_at_once(stamped, scope):
    stamped.box("b", described="2")
    sweep(scope, "toy.box")
    assert [(hint.kind, hint.parent_key) for hint in Hint.objects.all()] == [("toy.part", "b")]
    sweep(scope, "toy.part")
    assert asked_for(stamped) == [["b"]]
    assert Pipeline.objects.get(key="b").role_arn == "2"


def test_what_could_not_be_read_is_asked_for_again(stamped, scope):
    stamped.box("b", described="2")
    sweep(scope, "toy.box")
    stamped.unreadable = {"b"}
    sweep(scope, "toy.part")
    stamped.unreadable = set()
    sweep(scope, "toy.part")
    sweep(scope, "toy.part")
    assert asked_for(stamped) == [["b"], ["b"]]


def test_a_deep_sweep_reads_everything(stamped, scope):
    sweep(scope, "toy.part", deep_due_at=scope.created_at)
    assert asked_for(stamped) == [["a", "b"]]
