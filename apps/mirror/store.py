"""Writes many rows with little: one prepared statement for all of them, once more if need be."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import cache
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, connection, models, transaction

BATCH = 500
# Columns whose values SQLite takes as they are.
PLAIN = frozenset(
    {
        "BigAutoField",
        "BigIntegerField",
        "BinaryField",
        "BooleanField",
        "CharField",
        "ForeignKey",
        "IntegerField",
        "PositiveIntegerField",
        "PositiveSmallIntegerField",
        "SmallIntegerField",
        "TextField",
    }
)

Prepare = Callable[[Any], Any]
T = TypeVar("T")
# Others may create the same rows, or lock the same ones in another order, while we write.
TRIES = 4


def again(write: Callable[[], T]) -> T:
    """Write in a transaction; again where another was in the way.

    IntegrityError: it created the same rows. OperationalError: the two waited for each other.
    """
    for left in range(TRIES, 0, -1):
        try:
            with transaction.atomic():
                return write()
        except (IntegrityError, OperationalError):
            if left == 1:
                raise
    raise AssertionError("unreachable")


def insert_rows(model: type[models.Model], rows: Sequence[Any]) -> None:
    """Insert new rows and give each its id; in the caller's transaction.

    Raises IntegrityError where somebody else created one of them.
    """
    if connection.vendor != "sqlite":
        model._default_manager.bulk_create(rows, batch_size=BATCH)
        return
    if not rows:
        return
    # What bulk_create does, without a placeholder built for each value: a third of its time.
    columns = _prepared_columns(model)
    quoted = connection.ops.quote_name
    table = model._meta.db_table
    names = ", ".join(quoted(column) for column, _, _ in columns)
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})",  # noqa: S608
            [[prepare(getattr(row, name)) for _, name, prepare in columns] for row in rows],
        )
        # Nobody else writes meanwhile, and AUTOINCREMENT counts up by one.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()[0]
    for pk, row in enumerate(rows, last - len(rows) + 1):
        row.pk = pk
        row._state.adding, row._state.db = False, connection.alias


@cache
def _prepared_columns(model: type[models.Model]) -> list[tuple[str, str, Prepare]]:
    return [
        (field.column, field.attname, _preparation(field))
        for field in model._meta.concrete_fields
        if not field.primary_key
    ]


@cache
def _preparations(model: type[models.Model], vendor: str) -> dict[str, Prepare]:
    """Return by attribute what makes its values fit for a database of this vendor."""
    return {
        field.attname: _preparation(field)
        if vendor == "sqlite"
        else lambda value, field=field: field.get_db_prep_save(value, connection)  # type: ignore[misc]
        for field in model._meta.concrete_fields
    }


def _preparation(field: Any) -> Prepare:
    kind = field.get_internal_type()
    if kind in PLAIN and type(field).__module__.startswith("django."):
        return lambda value: value
    if kind == "DateTimeField":
        return _moment
    if type(field) is models.JSONField and field.encoder is None:
        return lambda value: None if value is None else json.dumps(value)
    return lambda value: field.get_db_prep_save(value, connection)


def update_rows(model: type[models.Model], wanted: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of rows by their id: `{id: {attribute: value}}`; in the caller's transaction.

    `bulk_update` would build one CASE of all of them, which takes longer than writing does.
    """
    by_columns: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    fields = {field.attname: field for field in model._meta.concrete_fields}
    prepare = _preparations(model, connection.vendor)
    for pk, values in wanted.items():
        names = tuple(sorted(values))
        prepared = (prepare[name](values[name]) for name in names)
        by_columns.setdefault(names, []).append((*prepared, pk))
    quoted = connection.ops.quote_name
    for names, parameters in by_columns.items():
        columns = ", ".join(f"{quoted(fields[name].column)} = %s" for name in names)
        key = quoted(model._meta.pk.column)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {quoted(model._meta.db_table)} SET {columns} WHERE {key} = %s",  # noqa: S608
                parameters,
            )


def _moment(value: Any) -> Any:
    """Return a time as Django's SQLite stores it."""
    if value is not None and value.tzinfo is UTC:
        return str(value.replace(tzinfo=None))
    return connection.ops.adapt_datetimefield_value(value)
