"""The tasks: what is due is queued once, what breaks is freed, what is old is forgotten."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from apps.codepipeline.models import Pipeline
from apps.mirror import tasks
from apps.mirror.hints import hint
from apps.mirror.models import Change, Hint, Scope, Sweep
from apps.mirror.resource import Names
from apps.mirror.sweep import ensure_sweeps

pytestmark = [pytest.mark.sql, pytest.mark.redis, pytest.mark.django_db]


@pytest.fixture
def queued(monkeypatch):
    """What was handed to workers."""
    handed: list[tuple[str, int]] = []
    monkeypatch.setattr(tasks.sweep_kind, "delay", lambda pk: handed.append(("sweep", pk)))
    monkeypatch.setattr(tasks.hints, "delay", lambda pk: handed.append(("hints", pk)))
    return handed


def test_what_is_due_is_queued_once_and_parents_first(scope, queued):
    tasks.tick()
    kinds = [Sweep.objects.get(pk=pk).kind for _, pk in queued]
    assert kinds == ["toy.box", "toy.part", "toy.run", "toy.step"]
    tasks.tick()
    assert len(queued) == 4


def test_a_sweep_that_was_begun_may_be_queued_again(scope, world, queued):
    tasks.tick()
    row = Sweep.objects.get(kind="toy.box")
    tasks.sweep_kind(row.pk)
    Sweep.objects.filter(pk=row.pk).update(due_at=now())
    tasks.tick()
    assert queued.count(("sweep", row.pk)) == 2


def test_hints_are_followed_by_one_task_a_scope(scope, world, queued):
    hint(scope, [Names(kind="toy.box", key="a"), Names(kind="toy.box", key="b")])
    tasks.tick()
    tasks.tick()
    assert queued.count(("hints", scope.pk)) == 1
    tasks.hints(scope.pk)
    assert {ask.keys for ask in world.asked("toy.box")} == {("a", "b")}


def test_a_sweep_somebody_is_at_is_left_to_them(scope, world):
    ensure_sweeps(scope)
    row = Sweep.objects.get(kind="toy.box")
    Sweep.objects.update(leased_until=now() + timedelta(minutes=1))
    tasks.sweep_kind(row.pk)
    assert world.asks == []


def test_a_sweep_of_a_scope_that_went_or_was_switched_off_is_nothing(scope, world):
    ensure_sweeps(scope)
    row = Sweep.objects.get(kind="toy.box")
    Scope.objects.update(enabled=False)
    tasks.sweep_kind(row.pk)
    tasks.sweep_kind(987654321)
    assert world.asks == []


def test_not_even_our_own_mistake_keeps_a_kind_from_being_swept_again(scope, world, monkeypatch):
    ensure_sweeps(scope)
    row = Sweep.objects.get(kind="toy.box")

    def broken(*_args):
        raise RuntimeError("ours")

    monkeypatch.setattr("apps.mirror.sweep.record_outcomes", broken)
    with pytest.raises(RuntimeError):
        tasks.sweep_kind(row.pk)
    row.refresh_from_db()
    assert row.leased_until is None
    assert timedelta(0) < row.due_at - now() <= timedelta(minutes=1)


def test_housekeeping_forgets_old_changes_and_hints_and_no_row(scope, world, settings):
    settings.CHANGE_RETENTION_DAYS = 30
    world.box("a")
    ensure_sweeps(scope)
    tasks.sweep_kind(Sweep.objects.get(kind="toy.box").pk)
    old, young = now() - timedelta(days=31), now() - timedelta(days=29)
    for at in (old, young):
        Change.objects.create(scope=scope, kind="toy.box", row_id=1, key="a", verb="changed", at=at)
    hint(scope, [Names(kind="toy.box", key="a"), Names(kind="toy.box", key="b")])
    Hint.objects.filter(row_key="a").update(asked_at=now() - timedelta(hours=2))
    tasks.housekeeping()
    assert set(Change.objects.values_list("verb", flat=True)) == {"appeared", "changed"}
    assert not Change.objects.filter(at__lt=old + timedelta(hours=1)).exists()
    assert list(Hint.objects.values_list("row_key", flat=True)) == ["b"]
    assert Pipeline.objects.count() == 1


def test_housekeeping_works_through_many_changes(scope, monkeypatch):
    monkeypatch.setattr(tasks, "PRUNE_AT_ONCE", 2)
    at = now() - timedelta(days=400)
    for number in range(5):
        Change.objects.create(
            scope=scope, kind="toy.box", row_id=number, key="a", verb="changed", at=at
        )
    tasks.housekeeping()
    assert not Change.objects.exists()
