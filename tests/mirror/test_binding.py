"""Rows that may be without a parent: they wait for its first list, and are bound when it comes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from apps.cloudwatch.models import Alarm, AlarmHistory
from apps.codebuild.models import Build, Project
from apps.mirror.append import forget
from apps.mirror.due import take
from apps.mirror.models import Change, Sweep, Unbound
from apps.mirror.provider import Health
from apps.mirror.reconcile import Everything, Nothing, reconcile
from apps.mirror.resource import REGISTER, Appended, Cadence, Resource
from apps.mirror.sweep import ensure_sweeps, run
from tests.mirror.toy import BrokenError

pytestmark = [pytest.mark.sql, pytest.mark.django_db]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Thing:
    key: str
    arn: str = ""


@dataclass(frozen=True, kw_only=True)
class Child(Thing):
    parent: str = ""


@dataclass(frozen=True, kw_only=True)
class Ring(Child):
    at: datetime


def register(monkeypatch, kind, model, collect, **more):
    resource = Resource(
        kind=kind,
        label=kind,
        provider="toy",
        model=model,
        collect=collect,
        cadence=Cadence(cold=MINUTE),
        calls=(f"toy:List{kind[4:]}",),
        **more,
    )
    monkeypatch.setitem(REGISTER.by_kind, kind, resource)
    return resource


@pytest.fixture
def plans(world, monkeypatch):
    """A kind whose rows the others may belong to."""

    def collect(_reach, ask):
        if world.faults:
            world.faults("toy.plan", "")
        yield Thing(key="shop")

    return register(monkeypatch, "toy.plan", Project, collect)


@pytest.fixture
def works(world, plans, monkeypatch):
    """A history that is listed for the whole scope."""

    def collect(_reach, _ask):
        yield Child(key="w1", parent="shop")

    return register(
        monkeypatch, "toy.work", Build, collect, parent=("toy.plan", "project"), history=True
    )


@pytest.fixture
def bells(world, monkeypatch):
    return register(monkeypatch, "toy.bell", Alarm, lambda *_: iter(()))


@pytest.fixture
def rings(bells, monkeypatch):
    """An append-only kind."""
    return register(
        monkeypatch,
        "toy.ring",
        AlarmHistory,
        lambda *_: iter(()),
        parent=("toy.bell", "alarm"),
        history=True,
        appended=Appended(at="at", keep=timedelta(days=9)),
    )


def sweep(scope, kind):
    """Sweep a kind that is due, as workers do."""
    Sweep.objects.filter(scope=scope, kind=kind).update(due_at=now())
    row = Sweep.objects.get(scope=scope, kind=kind)
    assert take(row)
    result = run(row)
    row.refresh_from_db()
    return row, result


# --- The first list -------------------------------------------------------------------------------


def test_the_first_list_waits_for_that_of_the_parents(scope, works):
    ensure_sweeps(scope)
    row, result = sweep(scope, "toy.work")
    assert (result, row.finished_at, row.leased_until) == (None, None, None)
    assert (row.due_at - now()).total_seconds() <= 1
    sweep(scope, "toy.plan")
    sweep(scope, "toy.work")
    assert Build.objects.get().project == Project.objects.get()


@pytest.mark.parametrize("health", [Health.DENIED, Health.UNSUPPORTED, Health.FAILING])
def test_it_waits_no_longer_where_the_parents_cannot_be_read(scope, works, world, health):
    ensure_sweeps(scope)

    def refuse(*_):
        raise BrokenError(health)

    world.faults = refuse
    sweep(scope, "toy.plan")
    row, result = sweep(scope, "toy.work")
    assert result is not None
    assert row.last_success is not None
    assert Build.objects.get().project is None
    # What was refused is allowed: the row is bound although nobody reads it again.
    world.faults = None
    sweep(scope, "toy.plan")
    assert Build.objects.get().project == Project.objects.get()


# --- What came before its parent ------------------------------------------------------------------


def test_a_row_is_bound_when_its_parent_comes_and_both_look_different(scope, plans, works):
    reconcile(works, scope, [Child(key="w1", parent="shop")], extent=Nothing())
    assert Build.objects.get().project is None
    reconcile(plans, scope, [Thing(key="other"), Thing(key="shop")], extent=Everything())
    build, plan = Build.objects.get(), Project.objects.get(key="shop")
    assert build.project == plan
    change = Change.objects.get(kind="toy.work", verb="changed")
    assert change.after == {"project_id": plan.pk}
    assert set(change.subjects) == {f"toy.work:{build.pk}", f"toy.plan:{plan.pk}"}
    assert (build.version, plan.version) == (change.pk, change.pk)
    assert not Unbound.objects.exists()


def test_a_parent_of_another_scope_binds_nothing(scope, plans, works):
    other = type(scope).objects.create(provider="toy", place="other", account="other")
    reconcile(works, scope, [Child(key="w1", parent="shop")], extent=Nothing())
    reconcile(plans, other, [Thing(key="shop")], extent=Everything())
    assert Build.objects.get().project is None
    assert Unbound.objects.get().parent_key == "shop"


def test_a_row_that_names_no_parent_waits_for_none(scope, works):
    reconcile(works, scope, [Child(key="w1")], extent=Nothing())
    assert Build.objects.count() == 1
    assert not Unbound.objects.exists()


def test_a_parent_that_came_while_its_rows_were_written_binds_them(scope, plans, works):
    """Both looked before the other had written: whoever reads next binds."""
    reconcile(works, scope, [Child(key="w1", parent="shop")], extent=Nothing())
    Project.objects.create(scope=scope, key="shop")
    reconcile(works, scope, [], extent=Nothing())
    assert Build.objects.get().project == Project.objects.get()


def test_what_follows_from_a_change_is_told_of_rows_that_were_bound(
    scope, plans, works, monkeypatch
):
    told = []
    kind = replace(works, after=lambda _scope, changes: told.extend(c.key for c in changes))
    monkeypatch.setitem(REGISTER.by_kind, kind.kind, kind)
    reconcile(kind, scope, [Child(key="w1", parent="shop")], extent=Nothing())
    told.clear()
    reconcile(plans, scope, [Thing(key="shop")], extent=Everything())
    assert told == ["w1"]


def test_appended_rows_are_bound_and_what_they_belong_to_has_changed(scope, bells, rings):
    rows = [Ring(key=f"r{number}", parent="cpu", at=now()) for number in range(3)]
    reconcile(rings, scope, rows, extent=Nothing())
    assert AlarmHistory.objects.filter(alarm=None).count() == 3
    reconcile(bells, scope, [Thing(key="cpu")], extent=Everything())
    alarm = Alarm.objects.get()
    assert AlarmHistory.objects.filter(alarm=alarm).count() == 3
    newest = Change.objects.latest("pk")
    assert (newest.kind, newest.row_id, newest.verb) == ("toy.bell", alarm.pk, "changed")
    assert alarm.version == newest.pk
    assert not Change.objects.filter(kind="toy.ring").exists()


def test_a_row_that_is_forgotten_waits_no_longer(scope, rings):
    reconcile(rings, scope, [Ring(key="r", parent="cpu", at=now())], extent=Nothing())
    AlarmHistory.objects.update(at=now() - timedelta(days=10))
    assert forget(rings) == 1
    assert not Unbound.objects.exists()
