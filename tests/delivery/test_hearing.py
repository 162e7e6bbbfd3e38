"""The log of changes is heard for results: each move once, and none is lost."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.codepipeline.models import Execution
from apps.delivery import hearing, telling
from apps.delivery.models import Heard, Results, Telling
from apps.mirror.models import Change, Scope
from tests import factories
from tests.delivery.making import run
from tests.delivery.test_results import (  # noqa: F401 - fixtures
    Wire,
    github,
    pipeline_that_tells,
    wire,
)
from tests.source.making import sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def moved(execution: Execution) -> Change:
    kind = "codepipeline.execution"
    return factories.change(execution, kind, subjects=[f"{kind}:{execution.pk}"])


def test_what_changed_since_is_heard(github: Scope, wire: Wire):  # noqa: F811
    assert not hearing.hear()
    pipeline = pipeline_that_tells(github=True)
    execution = run(pipeline, 1, to="Build", status="InProgress")
    assert hearing.hear()
    moved(execution)
    telling.follow()
    assert wire.told() == ["github:CreateCommitStatus"]
    telling.follow()
    assert wire.told() == ["github:CreateCommitStatus"]


@pytest.fixture
def heard(github: Scope) -> Any:  # noqa: F811
    """A pipeline whose results are heard of from now on."""
    pipeline = pipeline_that_tells(github=True)
    assert hearing.hear()
    return pipeline


def test_what_could_not_be_noted_is_heard_again(heard: Any, monkeypatch: pytest.MonkeyPatch):
    moved(run(heard, 1, to="Build"))
    Change.objects.update(at=now() - timedelta(hours=1))

    def away(_ids: Any) -> int:
        raise OperationalError("The database went away")

    with monkeypatch.context() as broken:
        broken.setattr(hearing, "note", away)
        with pytest.raises(OperationalError):
            hearing.hear()
    assert not Telling.objects.exists()
    assert hearing.hear()
    assert Telling.objects.count() == 1


def test_one_that_cannot_be_worked_out_holds_up_no_other(
    heard: Any, monkeypatch: pytest.MonkeyPatch
):
    odd, plain = run(heard, 1, to="Build"), run(heard, 1, to="Build")
    moved(odd)
    moved(plain)
    note = hearing.note

    def note_but(ids: Any) -> int:
        if odd.pk in ids:
            raise ValueError("No such thing was thought of")
        return note(ids)

    monkeypatch.setattr(hearing, "note", note_but)
    assert hearing.hear()
    assert Telling.objects.get().execution == plain
    assert Heard.objects.get().change == Change.objects.latest("pk").pk


def test_a_long_backlog_is_worked_off_in_parts_and_goes_on_where_it_ended(
    heard: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hearing, "PART", 2)
    changes = [moved(run(heard, 1, to="Build")) for _ in range(5)]
    Change.objects.update(at=now() - timedelta(hours=1))
    noted: list[set[int]] = []

    def note_until_it_is_late(ids: Any) -> int:
        noted.append(set(ids))
        if len(noted) == 2:
            # The lease ran out, and another worker took it.
            Heard.objects.update(leased_until=now() + timedelta(minutes=7))
        return 0

    monkeypatch.setattr(hearing, "note", note_until_it_is_late)
    assert hearing.hear()
    assert [len(some) for some in noted] == [2, 2]
    assert Heard.objects.get().change == changes[1].pk
    Heard.objects.update(leased_until=None)
    assert hearing.hear()
    assert [len(some) for some in noted] == [2, 2, 2, 1]


def test_one_that_was_committed_after_a_later_one_is_heard(heard: Any):
    late, early = run(heard, 1, to="Build"), run(heard, 1, to="Build")
    held_back = moved(late)
    pk = held_back.pk
    held_back.delete()
    moved(early)
    hearing.hear()
    assert Telling.objects.get().execution == early
    Change.objects.create(pk=pk, scope=late.scope, kind="codepipeline.execution", row_id=late.pk,
                          key=late.key, verb="changed",
                          subjects=[f"codepipeline.execution:{late.pk}"])  # fmt: skip
    type(late).objects.filter(pk=late.pk).update(started_at=now())
    hearing.hear()
    assert Telling.objects.get().execution == late


def test_where_nothing_moves_nothing_is_worked_out(heard: Any):
    for _ in range(3):
        moved(run(heard, 1, to="Build"))
    hearing.hear()
    Change.objects.update(at=now() - timedelta(hours=1))
    with CaptureQueriesContext(connection) as told:
        hearing.hear()
    assert not [one for one in told if "codepipeline_execution" in one["sql"]]


@pytest.mark.parametrize("heard_after", [0, 3600])
def test_what_moved_is_worked_out_when_it_is_heard_and_once_more_when_all_was_read(
    heard: Any, monkeypatch: pytest.MonkeyPatch, heard_after: int
):
    noted: list[set[int]] = []
    monkeypatch.setattr(hearing, "note", lambda ids: noted.append(set(ids)) or 0)
    first = run(heard, 1, to="Build")
    moved(first)
    Change.objects.update(at=now() - timedelta(seconds=heard_after))
    for _ in range(3):
        hearing.hear()
    assert noted == [{first.pk}]
    second = run(heard, 1, to="Build")
    moved(second)
    with time_machine.travel(now() + hearing.SETTLED, tick=False):
        for _ in range(3):
            hearing.hear()
    assert noted == [{first.pk}, {first.pk, second.pk}]
    with time_machine.travel(now() + 3 * hearing.SETTLED, tick=False):
        for _ in range(3):
            hearing.hear()
    assert noted[2:] == [{second.pk}]


def test_what_happened_while_nobody_told_is_not_told_afterwards(heard: Any):
    Results.objects.update(github=False)
    moved(run(heard, 1, to="Build"))
    assert not hearing.hear()
    Results.objects.update(github=True)
    Change.objects.update(at=now() - timedelta(hours=1))
    assert hearing.hear()
    assert not Telling.objects.exists()
    moved(run(heard, 1, to="Build", summary=sha(1)))
    assert hearing.hear()
    assert Telling.objects.exists()
