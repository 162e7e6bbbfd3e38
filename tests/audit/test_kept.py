"""What was asked for and what was done stays as written, whoever asks, the database included."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.utils.timezone import now

from apps.audit.kept import Kept, KeptError, keep, unguard
from apps.audit.models import Outcome, Record
from apps.deeds.models import Deed
from tests.factories import make_project, make_scope, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]
LATER = now() + timedelta(days=1)
# A value of each kind of column that no row of these tests has.
OTHER = {
    "BigAutoField": 99_999,
    "BigIntegerField": 99_999,
    "PositiveIntegerField": 99,
    "UUIDField": "0" * 31 + "1",
    "CharField": "waiting",
    "TextField": "other",
    "JSONField": '["other"]',
    "DateTimeField": LATER,
    "BooleanField": True,
}


def rows() -> list[Kept]:
    who = make_user("ada")
    scope = make_scope()
    project = make_project("Shop")
    deed = Deed.objects.create(
        act="test.press",
        kind="test.thing",
        row_id=1,
        name="checkout",
        who=who,
        scope=scope,
        project=project,
        project_name=project.name,
        alone=False,
    )
    return [Record.objects.create(verb="test.pressed", who=who), deed]


def column_types(model: type[Model]) -> Iterator[tuple[str, str]]:
    for one in model._meta.concrete_fields:
        yield one.column, one.get_internal_type()


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(IntegrityError, match=r"never deleted|written once"), transaction.atomic():
        yield


def straight(row: Kept, column: str, value: Any) -> int:
    """Past everything that Django is asked by."""
    quoted = connection.ops.quote_name
    table = quoted(row._meta.db_table)
    if isinstance(value, str) and column in ("mark",) and connection.vendor == "postgresql":
        value = f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {quoted(column)} = %s WHERE id = %s",
            [value, row.pk],
        )
        found: int = cursor.rowcount
    return found


def test_a_queryset_deletes_nothing_and_changes_nothing_that_was_written():
    for row in rows():
        model: Any = type(row)
        for way in (
            row.delete,
            row.save,
            model.objects.all().delete,
            lambda model=model: model.objects.update(who_name="eve"),
            lambda model=model, row=row: model.objects.bulk_update([row], ["who_name"]),
            lambda model=model, row=row: model.objects.update_or_create(
                pk=row.pk, defaults={"who_name": "eve"}
            ),
            lambda model=model, row=row: model.objects.bulk_create(
                [row],
                update_conflicts=True,
                update_fields=["who_name"],
                unique_fields=["id"],
            ),
        ):
            with pytest.raises(KeptError):
                way()
        assert model.objects.get(pk=row.pk).who_name == ""


def test_the_database_deletes_none_past_the_queryset():
    for row in rows():
        with refused():
            type(row)._base_manager.filter(pk=row.pk).delete()


def test_the_database_keeps_every_column_but_those_that_go_on():
    """Of every column that the model has: one that is added later is guarded, or told here."""
    for row in rows():
        goes_on = {type(row)._meta.get_field(one).column for one in type(row).GOES_ON}
        for column, kind in column_types(type(row)):
            if kind == "ForeignKey":
                with refused():
                    straight(row, column, 99_999)
            elif column in goes_on:
                with transaction.atomic():
                    assert straight(row, column, OTHER[kind]) == 1
            else:
                value = False if column == "outcome" else OTHER[kind]
                was = getattr(row, column)
                with refused():
                    straight(row, column, not was if isinstance(was, bool) else value)


@pytest.mark.parametrize("outcome", ["done", "refused", "failed"])
def test_how_a_deed_ended_is_not_changed_any_more(outcome: str):
    deed: Any = rows()[1]
    Deed.objects.filter(pk=deed.pk).update(outcome=outcome, request_id="r-1", ended_at=now())
    for column, value in (
        ("outcome", "waiting"),
        ("outcome", "unknown"),
        ("request_id", "r-2"),
        ("told", "It went well."),
        ("ended_at", LATER),
    ):
        with refused():
            Deed.objects.filter(pk=deed.pk).update(**{column: value})
    assert Deed.objects.get(pk=deed.pk).request_id == "r-1"


def test_what_nobody_knows_may_still_end():
    deed: Any = rows()[1]
    for outcome in ("unknown", "waiting", "unknown", "done"):
        assert Deed.objects.filter(pk=deed.pk).update(outcome=outcome) == 1


def test_removal_of_what_they_name_goes_on_and_takes_the_reference_alone():
    record, deed = rows()
    Deed.objects.filter(pk=deed.pk).update(outcome="done")
    held: Any = Deed.objects.get(pk=deed.pk)
    held.project.delete()
    held.scope.delete()
    held.who.delete()
    after = Deed.objects.get(pk=deed.pk)
    assert (after.who_id, after.scope_id, after.project_id) == (None, None, None)
    assert (after.name, after.outcome) == ("checkout", "done")
    assert Record.objects.get(pk=record.pk).who_id is None


def test_a_project_that_a_deed_made_is_told_once():
    first, second = make_project("First"), make_project("Second")
    deed = Deed.objects.create(act="test.make", kind="test.thing", row_id=1, name="it", alone=False)
    rows = Deed.objects.filter(pk=deed.pk)
    rows.update(outcome="done")
    assert rows.update(project=first, project_name="First") == 1
    first.delete()
    with refused():
        rows.update(project=second)
    with refused():
        rows.update(project_name="Second")
    assert rows.get().project_name == "First"


@pytest.mark.parametrize("plan", [(), [("0003", False)]], ids=["nothing migrated", "migrated"])
def test_what_a_migration_took_away_is_put_back(plan: Any):
    record, _deed = rows()
    unguard(connection, Record)
    assert straight(record, "what", "other") == 1
    for _ in range(2):
        keep(apps.get_app_config("audit"), using="default", plan=plan)
        with refused():
            straight(record, "what", "another")


@pytest.mark.parametrize("_round", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_tests_that_commit_begin_empty_and_guarded(_round: int):
    assert not Deed.objects.exists()
    assert not Record.objects.exists()
    record, _deed = rows()
    with refused():
        straight(record, "outcome", Outcome.FAILED)
