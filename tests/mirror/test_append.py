"""Append-only kinds: written once, without a change each, forgotten when their time is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.codepipeline.models import Execution, Pipeline
from apps.mirror.append import forget
from apps.mirror.models import Change, Scope
from apps.mirror.reconcile import Everything, Nothing, reconcile
from apps.mirror.resource import REGISTER, Appended, Kept, Register, Resource
from apps.mirror.tasks import housekeeping
from tests.mirror.toy import Run, World

pytestmark = [pytest.mark.django_db, pytest.mark.sql]
DAY = timedelta(days=1)


@pytest.fixture
def notes(runs: Resource, monkeypatch: pytest.MonkeyPatch) -> Resource:
    """Runs, as if they were events of their box that nobody ever changes."""
    kind = replace(runs, appended=Appended(at="started_at", keep=10 * DAY), digest=None)
    monkeypatch.setitem(REGISTER.by_kind, kind.kind, kind)
    return kind


def told(key: str, days: float = 1, parent: str = "a", **more: Any) -> Run:
    return Run(key=key, parent=parent, started_at=now() - days * DAY, **more)


def boxed(world: World, boxes: Resource, scope: Scope, *keys: str) -> None:
    reconcile(boxes, scope, [world.box(key) for key in keys], extent=Everything())
    Change.objects.all().delete()


def test_new_rows_are_written_and_what_they_belong_to_has_changed(world, boxes, notes, scope):
    boxed(world, boxes, scope, "a", "b")
    result = reconcile(notes, scope, [told("1"), told("2")], extent=Nothing())
    assert (result.changed, result.changes, result.grown) == (True, [], {"a"})
    change = Change.objects.get()
    pipeline = Pipeline.objects.get(key="a")
    assert (change.kind, change.row_id, change.verb) == ("toy.box", pipeline.pk, "changed")
    assert pipeline.version == change.pk
    assert set(pipeline.executions.values_list("key", flat=True)) == {"1", "2"}


def test_the_same_rows_again_write_nothing(world, boxes, notes, scope):
    boxed(world, boxes, scope, "a")
    reconcile(notes, scope, [told("1")], extent=Nothing())
    before = Execution.objects.values().get()
    again = reconcile(notes, scope, [told("1", summary="other")], extent=Everything())
    assert not again.changed
    assert Execution.objects.values().get() == before
    assert Change.objects.count() == 1


def test_a_batch_tells_once_of_each_parent(world, boxes, notes, scope):
    boxed(world, boxes, scope, "a", "b")
    many = [told(f"{box}{number}", parent=box) for number in range(60) for box in "ab"]
    result = reconcile(notes, scope, many, extent=Nothing())
    assert Execution.objects.count() == 120
    assert result.grown == {"a", "b"}
    assert Change.objects.count() == 2


def test_rows_whose_parent_is_not_mirrored_yet_wait_for_it(world, boxes, notes, scope):
    result = reconcile(notes, scope, [told("1")], extent=Nothing())
    assert not result.changed
    boxed(world, boxes, scope, "a")
    assert reconcile(notes, scope, [told("1")], extent=Nothing()).grown == {"a"}


def test_what_is_older_than_what_is_kept_is_neither_written_nor_kept(world, boxes, notes, scope):
    boxed(world, boxes, scope, "a")
    reconcile(notes, scope, [told("old", 11), told("near", 9), told("new")], extent=Nothing())
    assert set(Execution.objects.values_list("key", flat=True)) == {"near", "new"}
    Execution.objects.filter(key="near").update(started_at=now() - 11 * DAY)
    assert forget(notes, at_once=1) == 1
    assert Execution.objects.get().key == "new"


def test_housekeeping_forgets_them(world, boxes, notes, scope):
    boxed(world, boxes, scope, "a")
    reconcile(notes, scope, [told("1"), told("2")], extent=Nothing())
    Execution.objects.filter(key="1").update(started_at=now() - 11 * DAY)
    housekeeping()
    assert Execution.objects.get().key == "2"


def test_they_are_never_gone(world, boxes, notes, scope):
    boxed(world, boxes, scope, "a")
    reconcile(notes, scope, [told("1")], extent=Nothing())
    reconcile(notes, scope, [], extent=Everything())
    assert Execution.objects.get().gone_at is None


def test_an_append_only_kind_wakes_nobody(runs):
    register = Register()
    for name in ("history", "wakes"):
        wrong = {"history": {"history": False}, "wakes": {"wakes": ("toy.box",)}}[name]
        with pytest.raises(ValueError, match="append-only"):
            register.add(replace(runs, appended=Appended(at="started_at", keep=DAY), **wrong))


def test_only_a_history_is_forgotten_in_time(runs):
    register = Register()
    with pytest.raises(ValueError, match="a history"):
        register.add(replace(runs, history=False, kept=Kept(at="started_at", keep=DAY)))
