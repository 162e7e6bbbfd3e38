"""Who holds a sweep, for how long, and what rests where nothing answers or time runs out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils.timezone import now

from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.mirror import due, known, tasks
from apps.mirror.due import due_beside, due_sweeps, free_all, lease_beside, lease_of, take
from apps.mirror.health import kind_health
from apps.mirror.models import Change, Scope, Sweep
from apps.mirror.provider import Failure, Health
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run, run_beside
from tests.mirror.toy import BrokenError

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


@pytest.fixture
def sweeps(scope):
    ensure_sweeps(scope)
    return {sweep.kind: sweep for sweep in scope.sweeps.all()}


def whole(kind):
    row = Sweep.objects.get(kind=kind)
    assert take(row)
    result = run(row, whole=True)
    row.refresh_from_db()
    return row, result


def all_kinds():
    for kind in ("toy.box", "toy.part", "toy.run", "toy.step"):
        whole(kind)


def long_ago(**more):
    return now() - timedelta(**more)


def soon(moment, seconds):
    return timedelta(0) < moment - now() <= timedelta(seconds=seconds)


# --- Leases ---------------------------------------------------------------------------------------


def test_who_lost_a_lease_frees_and_changes_nothing_of_the_next_holders(sweeps):
    slow = lease_of(sweeps["toy.box"])
    assert slow.take()
    Sweep.objects.update(leased_until=long_ago(seconds=1))
    quick = lease_of(sweeps["toy.box"])
    assert quick.take()
    assert not slow.update(done=7)
    assert not slow.free(done=7)
    row = Sweep.objects.get(kind="toy.box")
    assert row.done == 0
    assert row.leased_until > now()
    assert quick.free(done=3)
    row.refresh_from_db()
    assert (row.done, row.leased_until) == (3, None)


def test_a_lease_is_held_for_as_long_as_answers_come(scope, world, sweeps, monkeypatch):
    monkeypatch.setattr(due, "LEASE", timedelta(seconds=0))
    world.box("a")
    world.box("b")
    held = []

    def look(_kind, _key):
        held.append(Sweep.objects.get(kind="toy.box").leased_until)

    world.faults = look
    whole("toy.box")
    # With half of it over at each answer, it is renewed at each.
    assert len(set(held)) == 2


def test_a_reading_that_is_stopped_leaves_the_kind_free_and_due_again(scope, world, sweeps):
    world.box("a")

    def stop(_kind, _key):
        raise KeyboardInterrupt

    world.faults = stop
    with pytest.raises(KeyboardInterrupt):
        whole("toy.box")
    row = Sweep.objects.get(kind="toy.box")
    assert row.leased_until is None
    assert soon(row.due_at, 60)


def test_an_installation_of_one_process_frees_what_the_last_one_held(scope, sweeps):
    until = now() + timedelta(minutes=2)
    Sweep.objects.update(leased_until=until, hot_leased_until=until)
    Scope.objects.update(reread_until=until)
    free_all()
    assert not Sweep.objects.exclude(leased_until=None, hot_leased_until=None).exists()
    assert Scope.objects.get().reread_until is None


# --- What moves, while the whole is being read ----------------------------------------------------


@pytest.fixture
def under_way(scope, world, sweeps):
    """The whole of the parts is being read for a while; one of them moves."""
    world.box("a")
    world.box("b")
    world.part("a", "1", status="InProgress", state="moving")
    world.part("b", "1", status="Succeeded", state="done")
    all_kinds()
    row = Sweep.objects.get(kind="toy.part")
    assert take(row)
    Sweep.objects.filter(pk=row.pk).update(
        due_at=long_ago(seconds=31),
        started_at=long_ago(seconds=30),
        hot_due_at=long_ago(seconds=1),
    )
    world.asks.clear()
    return row


def test_what_moves_is_looked_at_beside_a_long_reading(world, under_way):
    assert [row.kind for row in due_beside()] == ["toy.part"]
    world.part("a", "1", status="Failed", state="failed")
    run_beside(under_way)
    assert [[parent.key for parent in ask.parents] for ask in world.asked("toy.part")] == [["a"]]
    assert Stage.objects.get(key="a/1").state == "failed"
    row = Sweep.objects.get(kind="toy.part")
    # The long reading goes on.
    assert row.leased_until is not None
    assert row.hot_leased_until is None
    assert due_beside() == []


def test_one_looks_beside_a_long_reading(world, under_way):
    assert lease_beside(under_way).take()
    assert due_beside() == []
    run_beside(under_way)
    assert not world.asked("toy.part")


def test_nobody_looks_beside_a_reading_that_has_just_begun(under_way):
    Sweep.objects.update(started_at=now())
    assert due_beside() == []


def test_nobody_looks_beside_somebody_who_looks_at_what_moves(under_way):
    Sweep.objects.update(due_at=now() + timedelta(seconds=30))
    assert due_beside() == []


def test_the_tick_hands_out_what_is_due_beside(under_way, monkeypatch):
    handed = []
    monkeypatch.setattr(tasks.look_at_what_moves, "delay", handed.append)
    monkeypatch.setattr(tasks.sweep_kind, "delay", lambda _pk: None)
    tasks.tick()
    tasks.tick()
    assert handed == [under_way.pk]
    tasks.look_at_what_moves(under_way.pk)
    assert soon(Sweep.objects.get(kind="toy.part").hot_due_at, 3)


# --- A scope in which nothing answers -------------------------------------------------------------


@pytest.fixture
def silent(scope, world, sweeps):
    """Everything was read once; now nothing answers."""
    world.box("a")
    all_kinds()
    world.refuse = BrokenError(Health.UNREACHABLE)
    Sweep.objects.update(due_at=long_ago(seconds=1))
    return scope


def test_all_kinds_of_a_scope_rest_when_nothing_answers_there(silent):
    whole("toy.box")
    assert due_sweeps() == []
    assert soon(Scope.objects.get().away_until, 30)


def test_each_time_it_rests_twice_as_long_until_it_answers(silent, world):
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        whole("toy.box")
        rest = Scope.objects.get().away_until - now()
        assert timedelta(seconds=seconds - 5) < rest <= timedelta(seconds=seconds)
    world.refuse = None
    world.failures = {}
    whole("toy.box")
    world.refuse = BrokenError(Health.UNREACHABLE)
    whole("toy.box")
    assert not soon(Scope.objects.get().away_until, 300)


def test_the_next_look_is_when_the_scope_has_rested(silent):
    whole("toy.box")
    until = now() + timedelta(minutes=5)
    Scope.objects.update(away_until=until)
    (box, *_) = [item for item in kind_health([Scope.objects.get()]) if item.kind == "toy.box"]
    assert box.next_look == until
    Scope.objects.update(away_until=None)
    (box, *_) = [item for item in kind_health([Scope.objects.get()]) if item.kind == "toy.box"]
    assert box.next_look == box.sweep.due_at


def test_what_several_kinds_find_at_once_is_one_outage(silent, world):
    scopes = [Scope.objects.get() for _ in range(6)]
    for scope in scopes:
        due.went_away(scope)
    row = Scope.objects.get()
    assert row.away_times == 1
    assert soon(row.away_until, 30)


def test_a_kind_that_has_nothing_to_ask_for_leaves_the_asking_to_the_next(scope, world, sweeps):
    all_kinds()
    Scope.objects.update(away_until=long_ago(seconds=1), away_times=2)
    row = Sweep.objects.get(kind="toy.part")
    Sweep.objects.update(due_at=long_ago(seconds=1))
    assert take(row)
    run(row)
    assert Scope.objects.get().away_until <= now()


def test_one_asks_for_all_whether_it_answers_again(silent, world):
    whole("toy.box")
    Scope.objects.update(away_until=long_ago(seconds=1))
    Sweep.objects.update(due_at=long_ago(seconds=1))
    assert len(due_sweeps()) == 4
    first, second = Sweep.objects.get(kind="toy.box"), Sweep.objects.get(kind="toy.part")
    opened = world.opened
    # Both were handed out; whoever comes second leaves.
    assert take(first)
    assert take(second)
    run(first)
    assert run(second) is None
    assert world.opened == opened + 1


def test_a_scope_that_refuses_is_there(silent, world):
    world.refuse = None
    world.box("b")

    def deny(*_args):
        raise BrokenError(Health.DENIED)

    world.faults = deny
    Scope.objects.update(away_until=long_ago(seconds=1), away_times=3)
    row = Sweep.objects.get(kind="toy.box")
    assert take(row)
    run(row)
    assert Scope.objects.get().away_until is None


def test_what_hangs_for_longer_than_its_cadence_is_not_due_when_it_ends(silent, monkeypatch):
    began = now()
    row = Sweep.objects.get(kind="toy.box")
    values = due.after_reading(row, began - timedelta(seconds=90), due.Went(cold=True, whole=False))
    assert values["due_at"] > began + timedelta(seconds=29)
    values = due.after_reading(row, began - timedelta(seconds=90), due.Went(cold=True, whole=True))
    assert values["due_at"] > began + timedelta(seconds=14)


# --- A reading that runs out of time --------------------------------------------------------------


def test_a_reading_without_time_is_no_success_and_the_next_begins_where_it_stopped(
    scope, world, sweeps
):
    for name in "abcd":
        world.box(name)
        world.part(name, "1", status="Succeeded", state="done")
    whole("toy.box")
    world.unreadable, world.spent = {"b", "c", "d"}, True
    world.failures = {
        "toy:GetParts": Failure(health=Health.THROTTLED, code="OutOfTimeError", message="spent")
    }
    row, _ = whole("toy.part")
    assert row.last_success is None
    assert row.resume_from == "b"
    assert [item.state for item in kind_health([scope]) if item.kind == "toy.part"] == ["throttled"]

    world.unreadable, world.failures, world.spent = set(), {}, False
    row, _ = whole("toy.part")
    assert [parent.key for parent in world.asked("toy.part")[-1].parents] == ["b", "c", "d", "a"]
    assert row.last_success is not None
    assert row.resume_from == ""


def test_a_parent_that_cannot_be_read_does_not_keep_the_others_from_being_a_success(
    scope, world, sweeps
):
    for name in "ab":
        world.box(name)
    whole("toy.box")
    world.unreadable = {"a"}
    row, _ = whole("toy.part")
    assert row.last_success is not None
    assert row.resume_from == ""


def test_parents_that_fail_do_not_keep_those_behind_them_from_their_turn_for_ever(
    scope, world, sweeps
):
    """After three that fail alike an operation rests until the next reading."""
    names = "abcdefgh"
    for name in names:
        world.box(name)
        world.part(name, "1", status="Succeeded", state="done")
    whole("toy.box")
    read = set()
    for _ in range(60):
        # What is behind "b", "c" and "d" in the order in which they are asked is not reached.
        row = Sweep.objects.get(kind="toy.part")
        first = names.index(row.resume_from or "a")
        ring = names[first:] + names[:first]
        reached = ring[: ring.index("d")] if "bcd" in ring else ring
        world.unreadable = {"b", "c", "d"} | (set(names) - set(reached))
        whole("toy.part")
        read |= set(names) - world.unreadable
    assert read == set(names) - {"b", "c", "d"}


# --- What nobody tells of any more ----------------------------------------------------------------


def test_what_moved_in_something_that_is_gone_moves_no_more(scope, world, sweeps):
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    world.run("a", "r1", "InProgress", "moving")
    world.run("a", "r2")
    world.step("r1", "Build", status="InProgress", state="moving")
    all_kinds()
    del world.boxes["a"]
    whole("toy.box")
    assert Pipeline.objects.get().gone_at is not None
    assert Stage.objects.get().state == "unknown"
    assert Execution.objects.get(key="r1").state == "unknown"
    assert Action.objects.get().state == "unknown"
    # What was over stays as it was, and nothing went with the box.
    assert Execution.objects.get(key="r2").state == "done"
    assert Execution.objects.get(key="r1").gone_at is None
    told = Change.objects.get(kind="toy.step", verb="changed")
    assert told.after == {"state": "unknown"}
    run_of_it = Execution.objects.get(key="r1")
    assert f"toy.run:{run_of_it.pk}" in told.subjects


def test_what_is_listed_for_the_whole_scope_moves_on_without_its_parent(
    scope, world, sweeps, monkeypatch
):
    """As a build whose project is deleted while it runs."""
    monkeypatch.setitem(
        REGISTER.by_kind,
        "toy.run",
        replace(REGISTER.get("toy.run"), asked_by=None, keyed=True, hot_parents=None),
    )
    world.box("a")
    all_kinds()
    Execution.objects.create(
        scope=scope, key="r1", pipeline=Pipeline.objects.get(), status="InProgress", state="moving"
    )
    del world.boxes["a"]
    whole("toy.box")
    assert Execution.objects.get().state == "moving"
    assert known.unfinished_keys(REGISTER.get("toy.run"), scope) == ["r1"]


def test_what_comes_back_moves_again(scope, world, sweeps):
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    all_kinds()
    box = world.boxes.pop("a")
    whole("toy.box")
    world.boxes["a"] = box
    whole("toy.box")
    whole("toy.part")
    assert Stage.objects.get().state == "moving"
