"""Asks for re-reads: an event, a change that wakes its neighbours and a person all leave a hint."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils.timezone import now

from .models import Hint, Scope
from .resource import REGISTER, Names
from .text import storable


def hint(
    scope: Scope,
    names: Iterable[Names],
    *,
    later: timedelta = timedelta(0),
    echo: bool = False,
) -> None:
    """Ask for a re-read; asking twice before it happened is asking once.

    An `echo` is not repeated where it finds nothing new: what follows from our own reading has seen
    AWS's newest answer already.
    """
    at = now()
    unique = {(name.kind, name.parent, name.key) for name in names}
    rows = [
        Hint(
            scope=scope,
            kind=kind,
            parent_key=storable(parent)[:512],
            row_key=storable(key)[:512],
            asked_at=at,
            not_before=at + later,
            echo=echo,
        )
        for kind, parent, key in sorted(unique)
        if kind in REGISTER.by_kind
    ]
    if not rows:
        return
    if later:
        # Whoever asked meanwhile asked for something better than an echo.
        Hint.objects.bulk_create(rows, ignore_conflicts=True)
    else:
        Hint.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["scope", "kind", "parent_key", "row_key"],
            update_fields=["asked_at", "not_before", "echo"],
        )
