"""Pages of a list by keyset: constant cost at any depth, and rows that appear shift nothing.

A cursor is signed and names the last row given: [its value in the ordering column, its id].
Rows whose value is null come last, on every database.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from django.core import signing
from django.db.models import Q, QuerySet
from ninja import Schema
from pydantic import Field

Row = TypeVar("Row")
MOST = 200
LONGEST_CURSOR = 4096


class BadCursorError(Exception):
    """The cursor is none of ours, or belongs to another list."""


class Paging(Schema):
    """Which part of a list is wanted."""

    cursor: Annotated[str, Field(max_length=LONGEST_CURSOR)] = Field(
        "", description="`next_cursor` of the page before; nothing for the first page."
    )
    limit: Annotated[int, Field(ge=1, le=MOST)] = Field(50, description="Items a page.")


def page_of(
    rows: "QuerySet[Any]", paging: Paging, *, name: str, by: str
) -> tuple[list[Any], str | None]:
    """Return one page of rows and the cursor of the next.

    `by` is the ordering column, "-" before it for newest first; ties are broken by id. `name` tells
    lists apart: one refuses the cursor of another. Raises BadCursorError. At most two queries.
    """
    column, descending = by.lstrip("-"), by.startswith("-")
    after = _read(paging.cursor, name) if paging.cursor else None
    wanted = paging.limit + 1
    found: list[Any] = []
    nullable = rows.model._meta.get_field(column).null
    step, sign = ("lt", "-") if descending else ("gt", "")
    if after is None or after[0] is not None:
        part = rows.filter(**{f"{column}__isnull": False}) if nullable else rows
        if after is not None:
            value, pk = after
            # The redundant bound lets an index on the column begin in the right place.
            part = part.filter(
                Q(**{f"{column}__{step}e": value}),
                Q(**{f"{column}__{step}": value}) | Q(**{f"pk__{step}": pk}),
            )
        found = list(part.order_by(f"{sign}{column}", f"{sign}pk")[:wanted])
    if nullable and len(found) < wanted:
        part = rows.filter(**{f"{column}__isnull": True})
        if after is not None and after[0] is None:
            part = part.filter(**{f"pk__{step}": after[1]})
        found += list(part.order_by(f"{sign}pk")[: wanted - len(found)])
    if len(found) < wanted:
        return found, None
    last = found[paging.limit - 1]
    return found[: paging.limit], _write(name, getattr(last, column), last.pk)


def slice_of(
    items: Sequence[Row], paging: Paging, *, name: str, key: Callable[[Row], tuple[int, str]]
) -> tuple[list[Row], str | None]:
    """Return one page of items that are in memory anyway, in the order of their keys."""
    ordered = sorted(items, key=key)
    if paging.cursor:
        after = _read(paging.cursor, name)
        ordered = [item for item in ordered if key(item) > (after[1], str(after[0]))]
    page = ordered[: paging.limit]
    if len(ordered) <= paging.limit:
        return page, None
    number, text = key(page[-1])
    return page, _write(name, text, number)


def _write(name: str, value: Any, pk: int) -> str:
    kept = ["t", value.isoformat()] if isinstance(value, datetime) else ["v", value]
    return signing.dumps([*kept, pk], salt=f"api.cursor.{name}")


def _read(cursor: str, name: str) -> tuple[Any, int]:
    try:
        kind, value, pk = signing.loads(cursor, salt=f"api.cursor.{name}")
        return (datetime.fromisoformat(value) if kind == "t" else value), int(pk)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursorError(name) from error
