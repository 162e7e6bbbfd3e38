"""What an address asks of a list: words, and a page by the last row's place in its order.

Page 1,000 costs what page 1 does. Addresses may be crafted: nothing of them reaches the database
that it could refuse, and a cursor that nobody gave out is the first page.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest

from .templatetags.live_tags import plain

PAGE = 50
LONGEST_WORDS = 200
LONGEST_CURSOR = 4_000


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, the cursor of the next ("" for none), and whether it is the first."""

    rows: list[Any]
    following: str
    first: bool


def asked(request: HttpRequest, name: str) -> str:
    """What a reader typed: short, and without characters that databases refuse."""
    return plain(request.GET.get(name, "")).strip()[:LONGEST_WORDS]


def page_of(rows: Any, order: Sequence[str], cursor: str, size: int = PAGE) -> Page:
    """Return the page that begins behind `cursor`; a cursor nobody gave out is the first page.

    order  columns, "-" for falling ones; the last must be unique.
    """
    place = _read(cursor, rows.model, order)
    if place is not None:
        rows = rows.filter(_behind(order, place))
    found = list(rows.order_by(*order)[: size + 1])
    if len(found) <= size:
        return Page(found, "", place is None)
    found = found[:size]
    return Page(found, cursor_behind(found[-1], order), place is None)


def cursor_behind(row: Any, order: Sequence[str]) -> str:
    """Return the cursor of the page behind `row`, "" behind rows without a place: they are last."""
    place = [getattr(row, name.lstrip("-")) for name in order]
    if None in place:
        return ""
    return written(place)


def written(place: Iterable[Any]) -> str:
    """Return a place in an order, of text, numbers and times, as it stands in an address."""
    plain_place = [part.isoformat() if isinstance(part, datetime) else part for part in place]
    return base64.urlsafe_b64encode(json.dumps(plain_place).encode()).decode().rstrip("=")


def told(cursor: str, longest: int = LONGEST_CURSOR) -> Any:
    """Return what was written, as JSON has it; None for no cursor. Anybody may have made it up."""
    if not cursor or len(cursor) > longest:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (ValueError, RecursionError):
        return None


def time_in(text: Any) -> datetime:
    """Return a written time, in UTC.

    Raises TypeError, ValueError or OverflowError for what is none that can be told in it.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)


def _behind(order: Sequence[str], place: Sequence[Any]) -> Q:
    """(a, b) > (x, y) as databases use an index for: a >= x and (a > x or b > y)."""
    condition = Q()
    for at in reversed(range(len(order))):
        name = order[at].lstrip("-")
        beyond = "lt" if order[at].startswith("-") else "gt"
        this = Q(**{f"{name}__{beyond}": place[at]})
        if at == len(order) - 1:
            condition = this
        else:
            condition = Q(**{f"{name}__{beyond}e": place[at]}) & (this | condition)
    return condition


def _read(cursor: str, model: Any, order: Sequence[str]) -> list[Any] | None:
    """Return the place a cursor tells of, each part as its column holds it."""
    plain = told(cursor)
    try:
        columns = [_column(model, name.lstrip("-")) for name in order]
        return [_part(column, part) for column, part in zip(columns, plain, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError):
        return None


def _column(model: Any, name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _part(column: Any, part: Any) -> Any:
    """Return a part as its column holds it; raises for what the database would refuse."""
    if isinstance(part, bool) or not isinstance(part, str | int) or "\x00" in str(part):
        raise TypeError("no value of a column")
    # Half a character cannot be sent to a database.
    str(part).encode()
    value = column.to_python(part)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        value = value.astimezone(UTC)
    # Numbers beyond what the database holds are refused here and not there.
    column.run_validators(value)
    return value
