"""Reconcile writes what differs, and nothing else; what is missing is gone, never deleted."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.mirror.ask import Vanished
from apps.mirror.models import Change, Scope
from apps.mirror.reconcile import ChildrenOf, Everything, Nothing, reconcile
from tests.mirror.toy import BEGIN, Box, Part, Run, Step

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


def verbs(result):
    return [(change.key, str(change.verb)) for change in result.changes]


def children_of(*parents: str) -> ChildrenOf:
    return ChildrenOf(frozenset(parents))


# --- A row's life ---------------------------------------------------------------------------------


def test_a_record_without_a_row_appears(scope, boxes):
    given = Box(key="a", role_arn="r")
    result = reconcile(boxes, scope, [given], extent=Everything())
    row = Pipeline.objects.get()
    assert (row.key, row.role_arn, row.gone_at, row.scope) == ("a", "r", None, scope)
    assert verbs(result) == [("a", "appeared")]
    change = Change.objects.get()
    # The row holds what it is; the log says only how it was when it came.
    assert change.after == {}
    assert change.subjects == [f"toy.box:{row.pk}"]
    assert row.version == change.pk


def test_a_difference_is_written_with_what_was_before_and_after(scope, boxes):
    reconcile(boxes, scope, [Box(key="a", role_arn="old")], extent=Everything())
    result = reconcile(boxes, scope, [Box(key="a", role_arn="new")], extent=Everything())
    assert verbs(result) == [("a", "changed")]
    assert result.changes[0].before == {"role_arn": "old"}
    assert result.changes[0].after == {"role_arn": "new"}
    assert Pipeline.objects.get().role_arn == "new"


def test_a_row_missing_from_the_whole_list_is_gone_and_stays(scope, boxes):
    reconcile(boxes, scope, [Box(key="a", role_arn="r"), Box(key="b")], extent=Everything())
    result = reconcile(boxes, scope, [Box(key="b")], extent=Everything())
    assert verbs(result) == [("a", "gone")]
    row = Pipeline.objects.get(key="a")
    assert row.gone_at is not None
    assert row.role_arn == "r"
    assert not Pipeline.objects.present().filter(key="a").exists()


def test_a_row_that_is_gone_is_not_gone_again(scope, boxes):
    reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    reconcile(boxes, scope, [], extent=Everything())
    assert not reconcile(boxes, scope, [], extent=Everything()).changed


def test_a_gone_row_that_reappears_returns_as_the_same_row(scope, boxes):
    reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    before = Pipeline.objects.get()
    reconcile(boxes, scope, [], extent=Everything())
    result = reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    assert verbs(result) == [("a", "returned")]
    after = Pipeline.objects.get()
    assert (after.pk, after.gone_at, after.first_seen_at) == (before.pk, None, before.first_seen_at)


def test_a_row_may_return_different(scope, boxes):
    reconcile(boxes, scope, [Box(key="a", role_arn="old")], extent=Everything())
    reconcile(boxes, scope, [], extent=Everything())
    result = reconcile(boxes, scope, [Box(key="a", role_arn="new")], extent=Everything())
    assert result.changes[0].after == {"role_arn": "new"}
    assert Pipeline.objects.get().role_arn == "new"


def test_absence_from_a_keyed_re_read_proves_nothing(scope, boxes):
    reconcile(boxes, scope, [Box(key="a"), Box(key="b")], extent=Everything())
    assert not reconcile(boxes, scope, [Box(key="a")], extent=Nothing()).changed
    assert Pipeline.objects.present().count() == 2


def test_what_the_outside_says_does_not_exist_is_gone(scope, boxes):
    reconcile(boxes, scope, [Box(key="a"), Box(key="b")], extent=Everything())
    result = reconcile(boxes, scope, [Vanished("a"), Vanished("x")], extent=Nothing())
    assert verbs(result) == [("a", "gone")]


def test_another_scope_with_the_same_names_is_left_alone(scope, boxes):
    other = Scope.objects.create(provider="toy", place="cellar")
    reconcile(boxes, scope, [Box(key="a", role_arn="here")], extent=Everything())
    reconcile(boxes, other, [Box(key="a", role_arn="there")], extent=Everything())
    reconcile(boxes, other, [], extent=Everything())
    assert Pipeline.objects.present().get().role_arn == "here"
    assert Pipeline.objects.count() == 2


def test_a_field_that_was_not_read_leaves_its_column_alone(scope, boxes):
    full = Box(key="a", role_arn="r", tags={"team": "shop"}, described="1")
    reconcile(boxes, scope, [full], extent=Everything())
    assert not reconcile(boxes, scope, [Box(key="a")], extent=Everything()).changed
    row = Pipeline.objects.get()
    assert (row.role_arn, row.tags, row.described) == ("r", {"team": "shop"}, "1")


# --- Children -------------------------------------------------------------------------------------


@pytest.fixture
def two_boxes(scope, boxes):
    reconcile(boxes, scope, [Box(key="a"), Box(key="b")], extent=Everything())
    return {row.key: row for row in Pipeline.objects.all()}


def part(key: str, **more) -> Part:
    return Part(key=key, parent=key.split("/")[0], name=key.split("/")[1], **more)


def test_children_of_a_parent_that_was_not_covered_stay(scope, parts, two_boxes):
    extent = children_of("a", "b")
    reconcile(parts, scope, [part("a/1"), part("a/2"), part("b/1")], extent=extent)
    result = reconcile(parts, scope, [part("a/1")], extent=children_of("a"))
    assert verbs(result) == [("a/2", "gone")]
    assert set(Stage.objects.present().values_list("key", flat=True)) == {"a/1", "b/1"}


def test_a_child_whose_parent_is_not_mirrored_waits_for_it(scope, boxes, parts):
    assert not reconcile(parts, scope, [part("a/1")], extent=Nothing()).changed
    assert not Stage.objects.exists()
    reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    reconcile(parts, scope, [part("a/1")], extent=children_of("a"))
    assert Stage.objects.get().pipeline.key == "a"


def test_a_known_child_of_an_unknown_parent_does_not_hide_a_new_one(scope, parts, two_boxes):
    reconcile(parts, scope, [part("a/1")], extent=Nothing())
    moved = Part(key="a/1", parent="nowhere", name="1")
    reconcile(parts, scope, [moved, part("a/2")], extent=Nothing())
    assert Stage.objects.count() == 2
    assert Stage.objects.get(key="a/1").pipeline.key == "a"


def test_a_child_may_move_to_another_parent_and_both_look_different(scope, parts, two_boxes):
    reconcile(parts, scope, [part("a/1")], extent=Nothing())
    result = reconcile(parts, scope, [Part(key="a/1", parent="b", name="1")], extent=Nothing())
    row = Stage.objects.get()
    assert row.pipeline == two_boxes["b"]
    assert set(result.changes[0].subjects) == {
        f"toy.part:{row.pk}",
        f"toy.box:{two_boxes['a'].pk}",
        f"toy.box:{two_boxes['b'].pk}",
    }


def test_a_change_bumps_the_version_of_all_it_belongs_to(scope, runs, steps, two_boxes):
    reconcile(runs, scope, [Run(key="r", parent="a", started_at=BEGIN)], extent=Nothing())
    result = reconcile(steps, scope, [Step(key="s", parent="r")], extent=Nothing())
    newest = result.changes[-1]
    step, run = Action.objects.get(), Execution.objects.get()
    assert newest.subjects == [
        f"toy.step:{step.pk}",
        f"toy.run:{run.pk}",
        f"toy.box:{two_boxes['a'].pk}",
    ]
    versions = {row.key: row.version for row in Pipeline.objects.all()}
    assert (step.version, run.version, versions["a"]) == (newest.pk, newest.pk, newest.pk)
    assert versions["b"] < newest.pk


# --- Histories ------------------------------------------------------------------------------------


def test_a_history_is_never_judged_gone(scope, runs, two_boxes):
    reconcile(runs, scope, [Run(key="r", parent="a", started_at=BEGIN)], extent=children_of("a"))
    for extent in (Everything(), children_of("a"), Nothing()):
        assert not reconcile(runs, scope, [], extent=extent).changed
    assert Execution.objects.get().gone_at is None


def test_only_a_key_that_was_asked_for_makes_a_history_row_gone(scope, runs, two_boxes):
    reconcile(runs, scope, [Run(key="r", parent="a", started_at=BEGIN)], extent=children_of("a"))
    assert verbs(reconcile(runs, scope, [Vanished("r")], extent=Nothing())) == [("r", "gone")]


# --- Nothing to do --------------------------------------------------------------------------------


def test_the_same_records_again_write_nothing_and_open_no_transaction(scope, parts, two_boxes):
    records = [part(f"a/{number}", actions=[{"n": number}]) for number in range(50)]
    reconcile(parts, scope, records, extent=children_of("a"))
    changes = Change.objects.count()
    with CaptureQueriesContext(connection) as asked:
        result = reconcile(parts, scope, list(reversed(records)), extent=children_of("a"))
    assert not result.changed
    assert result.seen == 50
    assert Change.objects.count() == changes
    # Not even a savepoint: every statement only reads.
    assert {query["sql"].split()[0] for query in asked} == {"SELECT"}
    assert len(asked) <= 3


def test_queries_do_not_grow_with_the_rows_of_a_batch(scope, parts, two_boxes):
    def cost(count: int) -> int:
        records = [part(f"a/{number}", status=str(count)) for number in range(count)]
        with CaptureQueriesContext(connection) as asked:
            reconcile(parts, scope, records, extent=children_of("a"))
        return len(asked)

    assert cost(120) <= cost(3) + 1


def test_more_rows_than_a_batch_are_written_in_batches(scope, boxes, monkeypatch):
    monkeypatch.setattr("apps.mirror.reconcile.BATCH", 20)
    many = [Box(key=f"box-{number:02}") for number in range(45)]
    with CaptureQueriesContext(connection) as asked:
        result = reconcile(boxes, scope, many, extent=Everything())
    assert len(result.changes) == Pipeline.objects.count() == Change.objects.count() == 45
    assert len([query for query in asked if query["sql"].startswith("SAVEPOINT")]) == 3
    assert len(reconcile(boxes, scope, [], extent=Everything()).changes) == 45


def test_a_list_longer_than_a_database_takes_parameters_is_written(scope, boxes):
    many = [Box(key=f"box-{number:04}") for number in range(1203)]
    reconcile(boxes, scope, many, extent=Everything())
    assert Pipeline.objects.present().count() == 1203
    assert len(reconcile(boxes, scope, many[:1], extent=Everything()).changes) == 1202


def test_two_records_of_one_key_are_one_row_and_the_later_counts(scope, boxes):
    twice = [Box(key="a", role_arn="first"), Box(key="a", role_arn="second")]
    assert reconcile(boxes, scope, twice, extent=Everything()).seen == 1
    assert Pipeline.objects.get().role_arn == "second"


# --- Readings that overtake each other ------------------------------------------------------------


def test_an_older_reading_does_not_overwrite_what_a_later_one_wrote(scope, boxes):
    early, late = now() - timedelta(seconds=9), now()
    reconcile(boxes, scope, [Box(key="a", role_arn="new")], extent=Nothing(), read_at=late)
    stale = Box(key="a", role_arn="old")
    assert not reconcile(boxes, scope, [stale], extent=Everything(), read_at=early).changed
    assert Pipeline.objects.get().role_arn == "new"


def test_an_older_list_does_not_bury_what_a_later_one_found(scope, boxes):
    early, late = now() - timedelta(seconds=9), now()
    reconcile(boxes, scope, [Box(key="a")], extent=Nothing(), read_at=late)
    assert not reconcile(boxes, scope, [], extent=Everything(), read_at=early).changed
    assert not reconcile(boxes, scope, [Vanished("a")], extent=Nothing(), read_at=early).changed
    assert Pipeline.objects.present().exists()


def test_an_older_list_does_not_raise_what_a_later_one_buried(scope, boxes):
    early, late = now() - timedelta(seconds=9), now()
    before = early - timedelta(seconds=9)
    reconcile(boxes, scope, [Box(key="a")], extent=Everything(), read_at=before)
    reconcile(boxes, scope, [], extent=Everything(), read_at=late)
    assert not reconcile(boxes, scope, [Box(key="a")], extent=Nothing(), read_at=early).changed
    assert not Pipeline.objects.present().exists()


# --- Digests --------------------------------------------------------------------------------------


def test_a_run_gives_its_box_its_state(scope, runs, two_boxes):
    run = Run(key="r", parent="a", status="Failed", state="failed", started_at=BEGIN)
    reconcile(runs, scope, [run], extent=children_of("a"))
    box = Pipeline.objects.get(key="a")
    assert (box.status, box.state, box.latest_started_at) == ("Failed", "failed", BEGIN)
    assert box.latest_execution.key == "r"
    assert box.failing_since == BEGIN


def test_a_step_that_waits_makes_its_run_wait_and_so_the_box(scope, runs, steps, two_boxes):
    run = Run(key="r", parent="a", status="InProgress", state="moving", started_at=BEGIN)
    reconcile(runs, scope, [run], extent=Nothing())
    waits = Step(key="s", parent="r", status="InProgress", state="waiting", category="Approval")
    reconcile(steps, scope, [waits], extent=Nothing())
    assert Execution.objects.get().state == "waiting"
    assert Pipeline.objects.get(key="a").state == "waiting"
    done = replace(waits, status="Succeeded", state="done")
    reconcile(steps, scope, [done], extent=Nothing())
    assert Execution.objects.get().state == "moving"
    assert Pipeline.objects.get(key="a").state == "moving"


def test_the_digest_forgets_a_run_that_vanished(scope, runs, two_boxes):
    first = Run(key="r1", parent="a", status="Succeeded", state="done", started_at=BEGIN)
    later = BEGIN + timedelta(minutes=1)
    second = Run(key="r2", parent="a", status="Failed", state="failed", started_at=later)
    reconcile(runs, scope, [first, second], extent=Nothing())
    assert Pipeline.objects.get(key="a").state == "failed"
    reconcile(runs, scope, [Vanished("r2")], extent=Nothing())
    assert Pipeline.objects.get(key="a").state == "done"


# --- News -----------------------------------------------------------------------------------------


def test_news_is_told_once_after_it_is_written(scope, boxes, heard):
    reconcile(boxes, scope, [Box(key="a"), Box(key="b")], extent=Everything())
    newest = Change.objects.latest("pk").pk
    assert [message for message in heard if message[0] == "changes"] == [("changes", str(newest))]
    heard.clear()
    reconcile(boxes, scope, [Box(key="a"), Box(key="b")], extent=Everything())
    assert heard == []


def test_what_follows_from_a_change_is_started_with_the_changes(scope, boxes):
    told = []
    listening = replace(boxes, after=lambda scope_id, changes: told.append((scope_id, changes)))
    reconcile(listening, scope, [Box(key="a")], extent=Everything())
    reconcile(listening, scope, [Box(key="a")], extent=Everything())
    assert [(scope_id, [c.key for c in changes]) for scope_id, changes in told] == [
        (scope.pk, ["a"])
    ]


def test_what_records_hold_besides_columns_is_kept_aside_once_their_rows_are_there(scope, boxes):
    kept = []

    def aside(where, held):
        assert Pipeline.objects.filter(scope=where, key__in=held).count() == len(held)
        kept.append(held)

    keeping = replace(boxes, aside=aside)
    for _ in range(2):
        reconcile(keeping, scope, [Box(key="a", aside=(1, 2)), Box(key="b")], extent=Everything())
    assert kept == [{"a": (1, 2), "b": None}] * 2
    assert Change.objects.count() == 2


def test_the_log_keeps_long_and_structured_values_small(scope, boxes):
    reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    big = Box(key="a", role_arn="r" * 2048, tags={"k": "v" * 5000})
    reconcile(boxes, scope, [big], extent=Everything())
    change = Change.objects.latest("pk")
    assert len(change.after["role_arn"]) == 2000
    assert change.after["tags"] == "…"
