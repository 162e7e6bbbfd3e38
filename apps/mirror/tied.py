"""Tells whether anything happened that may tie rows otherwise: not each state of what runs."""

from collections.abc import Iterable, Mapping
from typing import Any

from .models import Change
from .resource import REGISTER

# Of more changes than these some will tie.
MANY = 2000
# Columns of every kind that may.
COLUMNS = frozenset({"tags", "name", "arn", "gone_at"})


def tied_between(since: int, newest: int, kinds: Iterable[str]) -> bool:
    """Whether rows of these kinds came, went or were tied otherwise after one change, to another.

    Asks two queries. More than `MANY` changes are taken for a yes.
    """
    if newest <= since:
        return False
    changes = Change.objects.filter(pk__gt=since, pk__lte=newest, kind__in=list(kinds))
    if changes.exclude(verb=Change.Verb.CHANGED).exists():
        return True
    told = changes.values_list("kind", "before").order_by("pk")[:MANY]
    found = [_may_tie(kind, before) for kind, before in told]
    return any(found) or len(found) == MANY


def _may_tie(kind: str, before: Mapping[str, Any] | None) -> bool:
    """Whether a change is of links (then no column is told), or of columns that tie."""
    columns = set(before) if isinstance(before, dict) else set()
    of_ties = REGISTER.get(kind).ties if kind in REGISTER.by_kind else None
    return not columns or bool(columns & (COLUMNS | set(of_ties[0] if of_ties else ())))
