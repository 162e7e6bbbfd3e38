"""Sweeps: what is due, who does it, and how the scope fares."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from apps.codepipeline.models import Execution, Pipeline, Stage
from apps.mirror import reading
from apps.mirror.ask import Parent
from apps.mirror.due import due_sweeps, take
from apps.mirror.health import kind_health
from apps.mirror.models import Change, Hint, Operation, Scope, Sweep
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import Failure, Health, Outcome
from apps.mirror.resource import REGISTER, Register
from apps.mirror.sweep import ensure_sweeps, run, sweep_scope
from tests.mirror.toy import BrokenError

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


@pytest.fixture
def sweeps(scope):
    """A sweep a kind, by kind; none was ever begun."""
    ensure_sweeps(scope)
    return {sweep.kind: sweep for sweep in scope.sweeps.all()}


def sweep(scope, kind, *, whole=True):
    row = Sweep.objects.get(scope=scope, kind=kind)
    assert take(row)
    result = run(row, whole=whole)
    row.refresh_from_db()
    return row, result


def seconds_until(moment):
    return (moment - now()).total_seconds()


def hot(scope, kind):
    """Sweep what moves, now, as if it were due."""
    Sweep.objects.filter(scope=scope, kind=kind).update(
        hot_due_at=now() - timedelta(seconds=1), due_at=now() + timedelta(hours=1)
    )
    return sweep(scope, kind, whole=False)


# --- What is due and who does it ------------------------------------------------------------------


def test_a_new_scope_is_due_at_once_with_parents_first(scope, sweeps):
    assert [row.kind for row in due_sweeps()] == ["toy.box", "toy.part", "toy.run", "toy.step"]
    ensure_sweeps(scope)
    assert Sweep.objects.count() == 4


def test_nothing_is_due_in_a_scope_that_was_switched_off(scope, sweeps):
    Scope.objects.update(enabled=False)
    assert due_sweeps() == []


def test_a_kind_that_is_not_installed_any_more_is_never_due(scope, sweeps):
    Sweep.objects.create(scope=scope, kind="toy.removed")
    assert "toy.removed" not in [row.kind for row in due_sweeps()]


def test_of_two_that_claim_a_sweep_one_gets_it(scope, sweeps):
    mine = Sweep.objects.get(kind="toy.box")
    theirs = Sweep.objects.get(kind="toy.box")
    assert take(mine)
    assert not take(theirs)
    assert "toy.box" not in [row.kind for row in due_sweeps()]


def test_a_lease_that_ran_out_is_taken_over(scope, sweeps):
    row = sweeps["toy.box"]
    assert take(row)
    Sweep.objects.update(leased_until=now() - timedelta(seconds=1))
    assert row in due_sweeps()
    assert take(row)


def test_a_sweep_is_free_again_when_it_ends_well_or_not(scope, world, sweeps):
    row, _ = sweep(scope, "toy.box")
    assert row.leased_until is None
    world.faults = lambda *_: (_ for _ in ()).throw(BrokenError())
    world.box("a")
    row, result = sweep(scope, "toy.box")
    assert (row.leased_until, result) == (None, None)


def test_a_sweep_that_somebody_has_just_done_is_not_done_again(scope, world, sweeps):
    sweep(scope, "toy.box")
    asked = len(world.asks)
    row, result = sweep(scope, "toy.box", whole=False)
    assert (result.seen, len(world.asks), row.leased_until) == (0, asked, None)
    assert world.opened == 1


# --- Cold, hot, deep, after trouble ---------------------------------------------------------------


def test_after_a_cold_sweep_the_next_is_due_by_the_cadence(scope, world, sweeps):
    world.box("a")
    row, result = sweep(scope, "toy.box")
    assert 55 < seconds_until(row.due_at) <= 60
    assert (row.rows, row.done, row.total, result.seen) == (1, 1, 1, 1)
    assert row.last_success is not None
    assert row.hot_due_at is None


def test_what_moves_is_looked_at_soon_and_what_waits_less_soon(scope, world, sweeps):
    world.box("a")
    sweep(scope, "toy.box")
    world.part("a", "1", status="InProgress", state="moving")
    row, _ = sweep(scope, "toy.part")
    assert 1 < seconds_until(row.hot_due_at) <= 3
    world.part("a", "1", status="InProgress", state="waiting")
    row, _ = sweep(scope, "toy.part")
    assert 10 < seconds_until(row.hot_due_at) <= 15
    world.part("a", "1", status="Succeeded", state="done")
    row, _ = sweep(scope, "toy.part")
    assert row.hot_due_at is None


def test_a_hot_sweep_reads_only_parents_with_something_that_moves(scope, world, sweeps):
    for name in ("a", "b"):
        world.box(name)
        world.part(name, "1", status="Succeeded", state="done")
    world.part("b", "1", status="InProgress", state="moving")
    sweep(scope, "toy.box")
    sweep(scope, "toy.part")
    world.part("a", "1", status="Failed", state="failed")
    world.part("b", "1", status="Failed", state="failed")
    row, result = hot(scope, "toy.part")
    assert [parent.key for parent in world.asked("toy.part")[-1].parents] == ["b"]
    assert [change.key for change in result.changes] == ["b/1"]
    # The next cold one is as due as it was.
    assert seconds_until(row.due_at) > 3000


def test_what_belongs_to_something_gone_neither_moves_nor_waits(scope, world, sweeps):
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    sweep(scope, "toy.box")
    sweep(scope, "toy.part")
    del world.boxes["a"]
    sweep(scope, "toy.box")
    row, _ = hot(scope, "toy.part")
    assert row.hot_due_at is None
    assert world.asked("toy.part")[-1].parents != ()
    assert len(world.asked("toy.part")) == 1


def test_declared_hot_parents_are_polled_though_nothing_moves(scope, world, sweeps):
    world.box("a", execution_mode="PARALLEL")
    world.box("b")
    sweep(scope, "toy.box")
    row, _ = sweep(scope, "toy.run")
    assert 20 < seconds_until(row.hot_due_at) <= 30
    hot(scope, "toy.run")
    assert [parent.key for parent in world.asked("toy.run")[-1].parents] == ["a"]


def test_a_failed_list_leaves_its_kind_alone_and_is_tried_again_soon(scope, world, sweeps):
    world.box("a", role_arn="kept")
    world.box("b")
    sweep(scope, "toy.box")
    changes = Change.objects.count()

    def broken(_kind, key):
        if key == "b":
            raise BrokenError()

    world.box("a", role_arn="changed")
    world.faults = broken
    row, result = sweep(scope, "toy.box")
    assert result is None
    assert Change.objects.count() == changes
    assert Pipeline.objects.get(key="a").role_arn == "kept"
    assert Pipeline.objects.present().count() == 2
    assert 25 < seconds_until(row.due_at) <= 61


def test_a_hot_sweep_that_fails_is_not_repeated_every_few_seconds(scope, world, sweeps):
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    sweep(scope, "toy.box")
    sweep(scope, "toy.part")
    world.unreadable = {"a"}
    row, result = hot(scope, "toy.part")
    assert result is None
    assert 25 < seconds_until(row.hot_due_at) <= 31


def test_polling_rests_while_events_flow(scope, world, sweeps):
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    sweep(scope, "toy.box")
    Sweep.objects.filter(kind="toy.part").update(events_at=now())
    row, _ = sweep(scope, "toy.part")
    assert 500 < seconds_until(row.due_at) <= 600
    assert 15 < seconds_until(row.hot_due_at) <= 20
    Sweep.objects.filter(kind="toy.part").update(events_at=now() - timedelta(hours=2))
    row, _ = sweep(scope, "toy.part")
    assert seconds_until(row.due_at) <= 60


def test_what_events_tell_only_a_part_of_is_polled_as_ever_while_they_flow(
    scope, world, sweeps, parts, monkeypatch
):
    monkeypatch.setitem(REGISTER.by_kind, "toy.part", replace(parts, heard_wholly=False))
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    sweep(scope, "toy.box")
    Sweep.objects.filter(kind="toy.part").update(events_at=now())
    row, _ = sweep(scope, "toy.part")
    assert 50 < seconds_until(row.due_at) <= 60
    assert seconds_until(row.hot_due_at) <= 3
    world.part("a", "1", status="Waits", state="waiting")
    row, _ = sweep(scope, "toy.part")
    assert seconds_until(row.hot_due_at) <= 15


def test_what_hears_nothing_is_not_heard_wholly(boxes):
    with pytest.raises(ValueError, match="hears nothing"):
        Register().add(replace(boxes, heard_wholly=True))


def test_the_second_sweep_after_a_while_is_deep(scope, world, sweeps):
    sweep(scope, "toy.box")
    assert not world.asked("toy.box")[-1].deep
    Sweep.objects.update(deep_due_at=now() - timedelta(seconds=1))
    row, _ = sweep(scope, "toy.box")
    assert world.asked("toy.box")[-1].deep
    assert seconds_until(row.deep_due_at) > 5 * 3600
    sweep(scope, "toy.box")
    assert not world.asked("toy.box")[-1].deep


# --- Parents and children -------------------------------------------------------------------------


def test_children_wait_for_their_parents_list(scope, world, sweeps):
    world.box("a")
    row, result = sweep(scope, "toy.part")
    assert (result, row.finished_at, row.leased_until) == (None, None, None)
    assert seconds_until(row.due_at) <= 1
    assert not world.asked("toy.part")
    sweep(scope, "toy.box")
    assert sweep(scope, "toy.part")[1] is not None


def test_steps_wait_for_runs_though_they_are_asked_by_box(scope, world, sweeps):
    world.box("a")
    sweep(scope, "toy.box")
    assert sweep(scope, "toy.step")[1] is None
    sweep(scope, "toy.run")
    assert sweep(scope, "toy.step")[1] is not None


def test_the_first_sweep_is_over_when_each_kind_was_tried(scope, world, sweeps):
    world.box("a")
    for kind in ("toy.box", "toy.part", "toy.run"):
        sweep(scope, kind)
        scope.refresh_from_db()
        assert scope.first_swept_at is None
    sweep(scope, "toy.step")
    scope.refresh_from_db()
    assert scope.first_swept_at is not None


def test_the_first_sweep_is_over_even_where_nothing_may_be_read(scope, world, sweeps):
    world.refuse = BrokenError(Health.CREDENTIALS)
    for kind in sweeps:
        sweep(scope, kind)
    scope.refresh_from_db()
    assert scope.first_swept_at is not None


def test_a_long_list_of_parents_is_written_in_gulps_and_told_as_it_goes(
    scope, world, sweeps, monkeypatch
):
    monkeypatch.setattr(reading, "GULP", 2)
    for number in range(5):
        world.box(f"box-{number}")
        world.part(f"box-{number}", "1")
    sweep(scope, "toy.box")
    told = []
    row = Sweep.objects.get(kind="toy.part")
    take(row)
    result = run(row, whole=True, progress=lambda s: told.append((s.done, s.total)))
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert (result.seen, result.covered) == (5, 5)


def test_what_was_read_before_a_failure_in_a_long_list_is_kept(scope, world, sweeps, monkeypatch):
    monkeypatch.setattr(reading, "GULP", 1)
    for number in range(4):
        world.box(f"box-{number}")
        world.part(f"box-{number}", "1")
        world.part(f"box-{number}", "2")
    sweep(scope, "toy.box")

    def broken(_kind, key):
        if key == "box-2/2":
            raise BrokenError()

    world.faults = broken
    assert sweep(scope, "toy.part")[1] is None
    assert set(Stage.objects.values_list("key", flat=True)) == {
        "box-0/1",
        "box-0/2",
        "box-1/1",
        "box-1/2",
    }


def test_where_no_parent_answers_the_kind_was_not_read(scope, world, sweeps):
    world.box("a")
    world.part("a", "1")
    sweep(scope, "toy.box")
    sweep(scope, "toy.part")
    world.unreadable = {"a"}
    before = Sweep.objects.get(kind="toy.part").last_success
    row, result = sweep(scope, "toy.part")
    assert result is None
    assert row.last_success == before
    assert Stage.objects.present().count() == 1


# --- What is told to collectors -------------------------------------------------------------------


def test_a_collector_is_told_what_is_known_finished_and_unfinished(scope, world, sweeps):
    world.box("a", described="stamp")
    world.run("a", "r1", "Succeeded", "done")
    world.run("a", "r2", "InProgress", "moving")
    sweep(scope, "toy.box")
    sweep(scope, "toy.run")
    sweep(scope, "toy.box")
    assert world.asked("toy.box")[-1].known == {"a": "stamp"}
    sweep(scope, "toy.run")
    ask = world.asked("toy.run")[-1]
    assert ask.unfinished == {"a": frozenset({"r2"})}
    assert ask.finished(["r1", "r2", "new", "nul\x00", "\ud800"]) == {"r1"}


# --- Health ---------------------------------------------------------------------------------------


def health_of(kind, operation=None):
    rows = Operation.objects.filter(kind=kind)
    return (rows.get(operation=operation) if operation else rows.get()).health


def test_a_scope_that_does_not_open_says_why_and_the_others_go_on(scope, world, sweeps):
    other = Scope.objects.create(provider="toy", place="cellar")
    world.refuse = BrokenError(Health.CREDENTIALS)
    row, result = sweep(scope, "toy.box")
    assert result is None
    assert health_of("toy.box") == "credentials"
    assert 25 < seconds_until(row.due_at) <= 30
    world.refuse = None
    ensure_sweeps(other)
    assert sweep(other, "toy.box")[1] is not None


def test_a_mistake_in_a_collector_is_told_and_other_kinds_go_on(scope, world, sweeps, caplog):
    world.box("a")
    sweep(scope, "toy.box")
    world.faults = lambda kind, _key: {}["nothing"] if kind == "toy.part" else None
    world.part("a", "1")
    world.run("a", "r")
    assert sweep(scope, "toy.part")[1] is None
    row = Operation.objects.get(kind="toy.part")
    assert (row.health, row.code, row.operation) == ("failing", "KeyError", "toy:GetParts")
    assert "KeyError" in caplog.text
    assert sweep(scope, "toy.run")[1] is not None
    assert Execution.objects.exists()


def test_a_mistake_is_told_though_the_calls_before_it_went_well(scope, world, sweeps):
    """What ended a reading must not be covered up by the calls that succeeded."""
    world.box("a")
    world.faults = lambda *_: {}["nothing"]
    went_well = Outcome(operation="toy:ListBoxes", succeeded_at=now(), successes=1)
    record_outcomes(scope, REGISTER.get("toy.box"), {"toy:ListBoxes": went_well}, KeyError("no"))
    row = Operation.objects.get()
    assert (row.health, row.code) == ("failing", "KeyError")


def test_a_failure_that_a_call_tells_itself_is_told_once_in_its_words(scope, boxes):
    failure = Failure(health=Health.DENIED, code="AccessDenied", cure="Allow it.")
    told = Outcome(operation="toy:Other", failure=failure, failures=1, failed_at=now())
    error = BrokenError(Health.FAILING, "toy:Other")
    record_outcomes(scope, boxes, {"toy:Other": told}, error)
    assert dict(Operation.objects.values_list("operation", "health")) == {"toy:Other": "denied"}


def test_health_recovers_with_the_next_success(scope, world, sweeps, heard):
    world.failures = {"toy:ListBoxes": Failure(health=Health.THROTTLED, code="Slow")}
    sweep(scope, "toy.box")
    assert health_of("toy.box") == "throttled"
    assert ("scope", str(scope.pk)) in heard
    world.failures = {}
    heard.clear()
    record_outcomes(
        scope,
        REGISTER.get("toy.box"),
        {"toy:ListBoxes": Outcome(operation="toy:ListBoxes", succeeded_at=now(), successes=1)},
    )
    row = Operation.objects.get()
    assert (row.health, row.code, row.error, row.cure) == ("ok", "", "", "")
    assert heard == [("scope", str(scope.pk))]


def test_each_health_has_its_place_among_the_troubles(scope, boxes):
    for health in Health:
        failure = Failure(health=health)
        outcome = Outcome(operation="toy:ListBoxes", failure=failure, failures=1)
        record_outcomes(scope, boxes, {"toy:ListBoxes": outcome})
        item = kind_health([scope])[0]
        assert item.state == health
        harmless = {"ok", "not_tried", "unsupported", "not_opted_in"}
        assert item.troubled == (health not in harmless)


def test_the_gravest_operation_speaks_for_its_kind(scope, boxes):
    outcomes = {
        name: Outcome(operation=name, failure=Failure(health=health), failures=1)
        for name, health in [
            ("toy:ListBoxes", Health.OK),
            ("toy:B", Health.THROTTLED),
            ("toy:C", Health.DENIED),
        ]
    }
    record_outcomes(scope, boxes, outcomes)
    assert kind_health([scope])[0].operation == "toy:C"


# --- manage.py sweep ------------------------------------------------------------------------------


def test_the_command_says_what_was_read(scope, world, capsys):
    world.box("a")
    world.part("a", "1")
    call_command("sweep")
    said = capsys.readouterr().out
    assert said.startswith("shelf\n")
    assert "toy.box" in said
    assert "1 rows, 1 changed" in said
    assert "!" not in said


def test_the_command_ends_with_1_and_the_cure_where_something_is_wrong(scope, world, capsys):
    world.refuse = BrokenError(Health.DENIED)
    with pytest.raises(SystemExit) as ended:
        call_command("sweep", "shelf")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "not read" in said
    assert "! toy:ListBoxes: denied: it is denied" in said
    assert "Wait." in said


def test_the_command_knows_scopes_by_name(scope, world):
    with pytest.raises(CommandError, match=r"No such scope: attic\. Known: shelf"):
        call_command("sweep", "attic")


def test_the_command_says_when_nothing_is_connected(world, db):
    with pytest.raises(CommandError, match="No account is connected"):
        call_command("sweep")


def test_a_whole_scope_is_swept_parents_first_and_its_hints_followed(scope, world):
    world.box("a")
    world.part("a", "1", status="InProgress", state="moving")
    world.run("a", "r", "InProgress", "moving")
    kinds = [row.kind for row, result in sweep_scope(scope) if result is not None]
    assert kinds == ["toy.box", "toy.part", "toy.run", "toy.step"]
    call_command("sweep", "shelf")
    assert not Hint.objects.filter(not_before__lte=now()).exists()


# --- What a list is given of other rows -----------------------------------------------------------


def test_a_list_is_told_of_the_rows_it_is_given(scope, sweeps, world, monkeypatch):
    boxes = REGISTER.get("toy.box")
    given = (Parent(key="elsewhere", fields={"size": 3}),)
    monkeypatch.setitem(
        REGISTER.by_kind, "toy.box", replace(boxes, given=lambda where: given if where else ())
    )
    world.box("a")
    sweep(scope, "toy.box")
    assert world.asked("toy.box")[-1].parents == given
    assert Pipeline.objects.get().key == "a"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", ["a", "b"])
def test_a_scope_that_is_removed_while_it_is_read_leaves_nothing_behind(
    scope, world, sweeps, after
):
    for name in ("a", "b"):
        world.box(name)

    def remove(kind, key):
        if key == after:
            Scope.objects.filter(pk=scope.pk).delete()

    world.faults = remove
    row = sweeps["toy.box"]
    assert take(row)
    assert run(row, whole=True) is None
    assert not Pipeline.objects.exists()
    assert not Operation.objects.exists()


# --- What the log is told -------------------------------------------------------------------------


def failed_as(operation, health, code):
    failure = Failure(health=health, code=code, message="No.", cure=f"Do what helps {operation}.")
    return {operation: Outcome(operation=operation, failed_at=now(), failure=failure, failures=1)}


def told_of(caplog):
    return [
        (record.api, record.health) for record in caplog.records if record.message == "scope.health"
    ]


def test_one_cause_is_one_line_of_the_log_however_many_kinds_it_keeps_from_being_read(
    scope, sweeps, caplog
):
    caplog.set_level("INFO", logger="apps.mirror.health")
    kinds = ["toy.box", "toy.part", "toy.run"]
    for kind in kinds:
        resource = REGISTER.get(kind)
        expired = failed_as(resource.calls[0], Health.CREDENTIALS, "ExpiredToken")
        record_outcomes(scope, resource, expired)
    assert [health for _, health in told_of(caplog)] == ["credentials"]
    caplog.clear()
    for kind in kinds:
        resource = REGISTER.get(kind)
        well = Outcome(operation=resource.calls[0], succeeded_at=now(), successes=1)
        record_outcomes(scope, resource, {resource.calls[0]: well})
    assert [health for _, health in told_of(caplog)] == ["ok"]


def test_each_action_that_a_policy_lacks_is_a_line_of_its_own(scope, sweeps, caplog):
    caplog.set_level("INFO", logger="apps.mirror.health")
    for kind in ("toy.box", "toy.part"):
        resource = REGISTER.get(kind)
        record_outcomes(scope, resource, failed_as(resource.calls[0], Health.DENIED, "Denied"))
    assert len(told_of(caplog)) == 2
