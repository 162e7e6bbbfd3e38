"""What runs on mirrored things, as rows of other services tell that brought it there."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber

from .models import Link
from .resource import REGISTER, Resource, Running
from .visibility import VISIBILITY, Pair


def running_on(kind: str, rows: Iterable[Any], user: Any = None) -> dict[int, Running]:
    """Return what runs on these rows of `kind`, by id; who names none of them costs one query.

    Only what lies in a row's own scope tells, and of that what all readers of the row may know of:
    pictures are shared between them (docs/decisions/0011-links-in-shared-pictures.md). With a
    `user`, what they may know of.
    """
    things = {(row.scope_id, row.arn): row.pk for row in rows if row.arn}
    told: list[tuple[Pair, Running]] = []
    for resource in REGISTER:
        if resource.serves is None or not things:
            continue
        for row in _newest(resource, kind, things, user):
            pk = things.get((row.scope_id, row.served))
            if pk is not None:
                told.append((((kind, pk), (resource.kind, row.pk)), resource.serves.told(row)))
    tells = VISIBILITY.rule.tells(pair for pair, _ in told) if user is None else {}
    found: dict[int, Running] = {}
    for pair, one in told:
        pk = pair[0][1]
        if tells.get(pair, True) and (pk not in found or _later(one, found[pk])):
            found[pk] = one
    return found


def _newest(resource: Resource, kind: str, things: Iterable[tuple[int, str]], user: Any) -> Any:
    """Return the newest row that tells of each thing, whose ARN is its `served`."""
    serves = resource.serves
    if serves is None:
        return ()
    links = Link.objects.filter(
        from_kind=resource.kind,
        to_kind=kind,
        relation=serves.relation,
        to_arn__in={arn for _, arn in things},
    )
    rows = resource.model._default_manager.filter(
        pk__in=links.values("from_id"), scope__in={scope for scope, _ in things}
    )
    rows = serves.among(rows if user is None else rows.visible_to(user)).present()
    named = links.filter(from_id=OuterRef("pk")).order_by("pk").values("to_arn")[:1]
    place = Window(
        RowNumber(), partition_by=[F("scope"), F("served")], order_by=list(serves.newest)
    )
    placed: Any = rows.annotate(served=Subquery(named)).annotate(place=place).order_by()
    return list(placed.filter(place=1))


def _later(one: Running, other: Running) -> bool:
    return one.at is not None and (other.at is None or one.at > other.at)
