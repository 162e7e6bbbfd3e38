"""What runs where in all that a reader may see: the rows of every kind as one list, in pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Q, Value, When

from apps.live import cursor
from apps.mirror.resource import REGISTER
from apps.mirror.state import URGENCY, State
from apps.mirror.visibility import VISIBILITY

from .offers import OFFERS, Facts, Running, Runs
from .running import facts_of, shaped

# Urgency, since when, kind, id.
Place = tuple[int, datetime, str, int]

SIZE = 50
LONGEST_CURSOR = 1_000
PLACE = ("fact_urgency", "-fact_at", "fact_kind", "pk")


@dataclass(frozen=True, slots=True)
class Page:
    """What runs, the cursor of the next page ("" for none), and whether this is the first."""

    lines: Sequence[tuple[Facts, Running]]
    following: str
    first: bool


def kinds() -> list[str]:
    """The kinds in whose rows something runs."""
    return [one.kind for one in OFFERS.runs if one.places]


def heard() -> list[str]:
    """The kinds whose changes move the list."""
    return sorted({kind for one in OFFERS.runs if one.places for kind in (one.kind, *one.heard)})


def page(user: Any, filters: Mapping[str, str], after: str = "") -> Page:
    """Return what runs and this user may see: the broken first, of equals the newest; one query.

    filters  {q, state, account, region, within}; `within` is a project that they may know of.
    after    a cursor; one that nobody gave out is the first page.
    """
    offers = {one.kind: one for one in OFFERS.runs if one.places}
    place = _read(after)
    asked = [_wanted(one, user, filters, place) for one in offers.values()]
    first, *others = asked
    rows = first.union(*others, all=True) if others else first
    found = list(rows.order_by(*PLACE)[: SIZE + 1])
    lines = []
    for row in found[:SIZE]:
        facts = facts_of(row[:-1])
        told = offers[facts.kind].running(facts)
        if told is not None:
            lines.append((facts, told))
    following = _cursor(found[SIZE - 1]) if len(found) > SIZE else ""
    return Page(lines, following, place is None)


def _wanted(offer: Runs, user: Any, filters: Mapping[str, str], place: Place | None) -> Any:
    rows: Any = REGISTER.get(offer.kind).model._default_manager
    rows = rows.visible_to(user).present()
    rows = rows.narrowed(**{name: filters.get(name, "") for name in ("state", "account", "region")})
    for word in filters.get("q", "").split():
        rows = rows.filter(Q(key__icontains=word) | Q(arn__icontains=word))
    if filters.get("within"):
        rows = rows.filter(VISIBILITY.rule.within(filters["within"], rows.model))
    urgency = Case(
        *(When(state=state, then=Value(number)) for state, number in URGENCY.items()),
        default=Value(URGENCY[State.UNKNOWN]),
        output_field=IntegerField(),
    )
    rows = shaped(offer, rows)
    rows = rows.annotate(fact_urgency=urgency)
    return rows.filter(_behind(offer.kind, place)) if place else rows


def _behind(kind: str, place: Place) -> Q:
    urgency, at, at_kind, pk = place
    here = Q(fact_urgency=urgency)
    behind = Q(fact_urgency__gt=urgency) | here & Q(fact_at__lt=at)
    if kind > at_kind:
        behind |= here & Q(fact_at=at)
    elif kind == at_kind:
        behind |= here & Q(fact_at=at, pk__gt=pk)
    return behind


def _cursor(row: Sequence[Any]) -> str:
    facts, urgency = facts_of(row[:-1]), row[-1]
    return cursor.written([urgency, facts.at, facts.kind, facts.pk])


def _read(after: str) -> Place | None:
    try:
        urgency, told, kind, pk = cursor.told(after, LONGEST_CURSOR)
        at = cursor.time_in(told)
    except (ValueError, TypeError, OverflowError):
        return None
    sound = (
        type(urgency) is int
        and type(pk) is int
        and isinstance(kind, str)
        and abs(urgency) < 100
        and 0 <= pk < 2**63
    )
    return (urgency, at, kind, pk) if sound else None
