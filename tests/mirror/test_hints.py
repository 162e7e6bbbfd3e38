"""Hints: a burst costs one call, nothing asked is lost, a re-read that came too early echoes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils.timezone import now

from apps.codepipeline.models import Execution, Stage
from apps.mirror.ask import LinkTo
from apps.mirror.due import take
from apps.mirror.hints import ECHO, follow_hints, hint, scopes_with_hints
from apps.mirror.models import Change, Hint, Operation, Scope, Sweep
from apps.mirror.provider import Health
from apps.mirror.resource import REGISTER, Names
from apps.mirror.sweep import ensure_sweeps, run
from tests.mirror.toy import BrokenError

pytestmark = [pytest.mark.sql, pytest.mark.django_db]

OF_A = Names(kind="toy.part", parent="a")
OF_B = Names(kind="toy.part", parent="b")
BOX_A = Names(kind="toy.box", key="a")


@pytest.fixture
def shelf(scope, world):
    """Two boxes with a part each, read once."""
    for name in ("a", "b"):
        world.box(name)
        world.part(name, "1", status="Succeeded", state="done")
    ensure_sweeps(scope)
    for kind in ("toy.box", "toy.part", "toy.run", "toy.step"):
        row = Sweep.objects.get(kind=kind)
        take(row)
        run(row, whole=True)
    Hint.objects.all().delete()
    world.asks.clear()
    return scope


def pending():
    return {(row.kind, row.parent_key, row.row_key) for row in Hint.objects.all()}


def due():
    return Hint.objects.filter(not_before__lte=now()).count()


def test_asking_many_times_is_asking_once(shelf, world):
    for _ in range(5):
        hint(shelf, [OF_A, OF_A, OF_B])
    assert Hint.objects.count() == 2
    assert follow_hints(shelf.pk) == 2
    (ask,) = world.asked("toy.part")
    assert {parent.key for parent in ask.parents} == {"a", "b"}


def test_what_is_named_is_read_and_nothing_else(shelf, world):
    world.part("a", "1", status="Failed", state="failed")
    world.part("b", "1", status="Failed", state="failed")
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    assert Stage.objects.get(key="a/1").state == "failed"
    assert Stage.objects.get(key="b/1").state == "done"


def test_rows_are_re_read_by_key_and_may_have_vanished(shelf, world):
    del world.boxes["a"]
    hint(shelf, [BOX_A])
    follow_hints(shelf.pk)
    assert world.asked("toy.box")[0].keys == ("a",)
    assert Change.objects.latest("pk").verb == "gone"


def test_a_hint_for_a_kind_nobody_has_is_dropped(shelf):
    hint(shelf, [Names(kind="toy.removed", key="x")])
    assert not Hint.objects.exists()


def test_a_hint_for_a_parent_nobody_knows_is_followed_to_no_effect(shelf, world):
    hint(shelf, [Names(kind="toy.part", parent="unheard of")])
    follow_hints(shelf.pk)
    assert not world.asked("toy.part")
    assert [ask.keys for ask in world.asked("toy.box")] == [("unheard of",)]


def test_a_hint_for_a_parent_that_was_made_just_now_brings_it_and_its_children(shelf, world):
    world.box("new")
    world.part("new", "1", status="InProgress", state="moving")
    world.run("new", "n1", "InProgress", "moving")
    hint(shelf, [Names(kind="toy.part", parent="new")])
    follow_hints(shelf.pk)
    assert Stage.objects.get(key="new/1").state == "moving"
    assert Execution.objects.get(key="n1").pipeline.key == "new"


def test_a_scope_in_which_nothing_answers_is_left_alone(shelf):
    hint(shelf, [OF_A])
    Scope.objects.update(away_until=now() + timedelta(minutes=1))
    assert scopes_with_hints() == []
    Scope.objects.update(away_until=now() - timedelta(seconds=1))
    assert scopes_with_hints() == [shelf.pk]


def test_who_lost_the_lease_of_the_hints_leaves_them_to_the_other(shelf, world):
    hint(shelf, [OF_A])
    theirs = now() + timedelta(minutes=5)

    def overtake(_kind, _key):
        Scope.objects.update(reread_until=theirs)

    world.faults = overtake
    follow_hints(shelf.pk)
    assert Scope.objects.get().reread_until == theirs


def test_scopes_with_due_hints_are_named(shelf):
    assert scopes_with_hints() == []
    hint(shelf, [OF_A], later=timedelta(minutes=1))
    assert scopes_with_hints() == []
    hint(shelf, [OF_B])
    assert scopes_with_hints() == [shelf.pk]
    Scope.objects.update(reread_until=now() + timedelta(minutes=1))
    assert scopes_with_hints() == []
    Scope.objects.update(reread_until=now() - timedelta(seconds=1))
    assert scopes_with_hints() == [shelf.pk]
    Scope.objects.update(enabled=False)
    assert scopes_with_hints() == []


def test_one_worker_follows_a_scopes_hints(shelf):
    hint(shelf, [OF_A])
    Scope.objects.update(reread_until=now() + timedelta(minutes=1))
    assert follow_hints(shelf.pk) == 0
    assert Hint.objects.count() == 1
    Scope.objects.update(reread_until=now() - timedelta(seconds=1))
    assert follow_hints(shelf.pk) == 1
    assert Scope.objects.get().reread_until is None


def test_a_hint_that_arrives_while_its_row_is_read_is_read_once_more(shelf, world):
    world.part("a", "1", status="InProgress", state="moving")

    def arrives(kind, _key):
        if kind == "toy.part" and len(world.asked("toy.part")) == 1:
            # Meanwhile outside, after this row was answered.
            hint(shelf, [OF_A])

    world.faults = arrives
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    assert len(world.asked("toy.part")) == 2


def test_a_re_read_that_finds_nothing_new_is_repeated_once_a_little_later(shelf, world):
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    echo = Hint.objects.get()
    assert echo.echo
    assert timedelta(0) < echo.not_before - now() <= ECHO
    # AWS's reads trail its events: now it answers.
    world.part("a", "1", status="InProgress", state="moving")
    Hint.objects.update(not_before=now())
    follow_hints(shelf.pk)
    assert Stage.objects.get(key="a/1").state == "moving"


def test_an_echo_that_finds_nothing_new_does_not_echo(shelf):
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    Hint.objects.update(not_before=now())
    assert follow_hints(shelf.pk) == 1
    assert not Hint.objects.exists()


def test_a_re_read_that_found_something_does_not_echo(shelf, world):
    world.part("a", "1", status="Failed", state="failed")
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    assert ("toy.part", "a", "") not in pending()


def test_of_two_that_are_read_together_the_unchanged_one_echoes(shelf, world):
    world.part("a", "1", status="Failed", state="failed")
    hint(shelf, [OF_A, OF_B])
    follow_hints(shelf.pk)
    assert {name for name in pending() if name[0] == "toy.part"} == {("toy.part", "b", "")}


def test_a_new_hint_is_worth_more_than_an_echo(shelf):
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    hint(shelf, [OF_A])
    row = Hint.objects.get()
    assert not row.echo
    assert due() == 1
    hint(shelf, [OF_A], later=ECHO)
    assert due() == 1


def test_a_change_wakes_its_neighbours(shelf, world):
    world.part("a", "1", status="InProgress", state="moving")
    world.run("a", "r", "InProgress", "moving")
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    (ask,) = world.asked("toy.run")
    assert [parent.key for parent in ask.parents] == ["a"]


def test_children_heed_what_is_done_to_what_they_belong_to(shelf, world, runs, monkeypatch):
    monkeypatch.setitem(REGISTER.by_kind, "toy.run", replace(runs, heeds=("deploys to",)))
    to_a, like_a = (LinkTo(name, "toy.box", "arn:toy:a") for name in ("deploys to", "is like"))
    # What is over when it is first seen, and what is only like it, does nothing to it.
    world.part("b", "3", status="Succeeded", state="done", links=(to_a,))
    world.part("b", "2", status="InProgress", state="moving", links=(like_a,))
    hint(shelf, [OF_B])
    follow_hints(shelf.pk)
    asked = [parent.key for ask in world.asked("toy.run") for parent in ask.parents]
    assert "a" not in asked
    world.part("b", "3", status="InProgress", state="moving", links=(to_a,))
    hint(shelf, [OF_B])
    follow_hints(shelf.pk)
    asked = [parent.key for ask in world.asked("toy.run") for parent in ask.parents]
    assert "a" in asked


def test_what_began_to_move_is_looked_at_hot_from_now_on(shelf, world):
    assert Sweep.objects.get(kind="toy.part").hot_due_at is None
    world.part("a", "1", status="InProgress", state="moving")
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    assert Sweep.objects.get(kind="toy.part").hot_due_at is not None


def test_a_re_read_that_fails_is_told_and_tried_again_after_a_pause(shelf, world):
    world.faults = lambda *_: (_ for _ in ()).throw(BrokenError(Health.DENIED))
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    pause = Hint.objects.get().not_before - now()
    assert timedelta(seconds=20) < pause <= timedelta(seconds=30)
    assert Operation.objects.get(kind="toy.part").health == "denied"
    assert Scope.objects.get().reread_until is None


def test_a_scope_that_does_not_open_is_told_and_its_hints_left_to_the_sweep(shelf, world):
    world.refuse = BrokenError(Health.CREDENTIALS)
    hint(shelf, [OF_A])
    follow_hints(shelf.pk)
    assert not Hint.objects.filter(not_before__lte=now()).exists()
    assert Operation.objects.get(kind="toy.part").health == "credentials"


def test_a_scope_that_was_removed_or_switched_off_is_not_followed(shelf):
    hint(shelf, [OF_A])
    Scope.objects.update(enabled=False)
    assert follow_hints(shelf.pk) == 0
    assert follow_hints(987654321) == 0
