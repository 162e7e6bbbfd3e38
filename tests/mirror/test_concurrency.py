"""Many workers at once: each row is made once, nothing is lost, nobody waits for ever."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils.timezone import now

from apps.codepipeline.models import Execution, Pipeline, Stage
from apps.mirror.due import take
from apps.mirror.hints import hint
from apps.mirror.models import Change, Hint, Link, Operation, Scope, Sweep
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import Outcome
from apps.mirror.reconcile import ChildrenOf, Everything, Nothing, reconcile
from apps.mirror.resource import Names
from apps.mirror.sweep import ensure_sweeps
from tests.mirror.toy import BEGIN, Box, Part, Run

pytestmark = [pytest.mark.sql, pytest.mark.django_db(transaction=True)]

WORKERS = 4


@pytest.fixture
def scope(transactional_db: Any, world: Any) -> Scope:
    return Scope.objects.create(provider="toy", place="shelf")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run all of them in threads that begin together; raise what one of them raised."""
    start = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def begin(number: int, work: Callable[[], Any]) -> None:
        try:
            start.wait(10)
            results[number] = work()
        except BaseException as error:  # noqa: BLE001 - told to the test
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=begin, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "somebody waits for ever"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def test_workers_that_find_the_same_rows_make_each_once(scope, boxes):
    records = [Box(key=f"box-{number}", arn=f"arn:toy:{number}") for number in range(40)]

    def read() -> int:
        return len(reconcile(boxes, scope, records, extent=Everything()).changes)

    written = at_once(*[read] * WORKERS)
    assert Pipeline.objects.count() == 40
    assert Change.objects.count() == sum(written)
    # Whoever came second found them the same.
    assert Change.objects.filter(verb="appeared").count() == 40


def test_the_one_that_is_overtaken_between_looking_and_writing_tries_again(
    scope, boxes, monkeypatch
):
    """The IntegrityError's way, without luck: another makes the row after we saw none."""
    from apps.mirror import reconcile as module

    looked, differs = module.locked, module._differs

    def differs_and_is_overtaken(*args: Any) -> Any:
        found = differs(*args)
        Pipeline.objects.create(scope=scope, key="a", role_arn="theirs", changed_at=BEGIN)
        monkeypatch.setattr(module, "locked", sees_nothing)
        return found

    def sees_nothing(rows: Any) -> Any:
        monkeypatch.setattr(module, "locked", looked)
        return rows.none()

    monkeypatch.setattr(module, "_differs", differs_and_is_overtaken)
    result = reconcile(boxes, scope, [Box(key="a", role_arn="ours")], extent=Everything())
    assert [str(change.verb) for change in result.changes] == ["changed"]
    assert Pipeline.objects.get().role_arn == "ours"


def test_children_of_the_same_parents_are_written_at_once_without_a_deadlock(
    scope, boxes, parts, runs
):
    names = [f"box-{number:02}" for number in range(25)]
    reconcile(boxes, scope, [Box(key=name) for name in names], extent=Everything())

    def stages() -> None:
        for turn in range(4):
            records = [Part(key=f"{n}/1", parent=n, name="1", status=str(turn)) for n in names]
            reconcile(parts, scope, records, extent=ChildrenOf(frozenset(names)))

    def executions() -> None:
        for turn in range(4):
            records = [
                Run(
                    key=f"{name}-{turn}",
                    parent=name,
                    status="Failed" if turn % 2 else "Succeeded",
                    state="failed" if turn % 2 else "done",
                    started_at=BEGIN + timedelta(minutes=turn),
                )
                for name in reversed(names)
            ]
            reconcile(runs, scope, records, extent=Nothing())

    def definitions() -> None:
        for turn in range(4):
            records = [Box(key=name, role_arn=str(turn)) for name in names]
            reconcile(boxes, scope, records, extent=Everything())

    at_once(stages, executions, definitions)
    assert set(Stage.objects.values_list("status", flat=True)) == {"3"}
    assert Execution.objects.count() == 100
    assert set(Pipeline.objects.values_list("role_arn", "state")) == {("3", "failed")}
    latest = Pipeline.objects.values_list("latest_execution__key", flat=True)
    assert set(latest) == {f"{name}-3" for name in names}


def test_of_many_that_claim_a_sweep_one_gets_it(scope):
    ensure_sweeps(scope)
    row = Sweep.objects.get(kind="toy.box")
    assert sum(at_once(*[lambda: take(row)] * WORKERS)) == 1


def test_many_may_hint_ensure_and_tell_the_same_at_once(scope, boxes):
    names = [Names(kind="toy.part", parent=f"box-{number}") for number in range(20)]
    told = {"toy:ListBoxes": Outcome(operation="toy:ListBoxes", succeeded_at=now(), successes=1)}

    def work() -> None:
        hint(scope, names)
        ensure_sweeps(scope)
        record_outcomes(scope, boxes, told)

    at_once(*[work] * WORKERS)
    assert Hint.objects.count() == 20
    assert Sweep.objects.count() == 4
    assert Operation.objects.count() == 1
    assert not Link.objects.exists()
