"""Marks rows as gone, and what moved in them as unknown; nothing is deleted."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.timezone import now

from .models import Change, Scope
from .note import Notes, locked, note
from .resource import REGISTER, Resource
from .state import UNFINISHED, State
from .store import BATCH, again


def bury(
    resource: Resource, scope: Scope, keys: Collection[str], read_at: datetime
) -> list[Change]:
    """Mark rows as gone, except those that a later read has written."""
    changes: list[Change] = []
    gone = sorted(keys)
    for start in range(0, len(gone), BATCH):
        batch = gone[start : start + BATCH]
        rows = resource.model._default_manager.filter(
            scope=scope, key__in=batch, gone_at=None, changed_at__lte=read_at
        )
        if ids := list(rows.values_list("pk", flat=True)):
            # Children first, as everywhere, so that two writers do not wait for each other.
            _orphan(resource, scope, ids)
            changes += again(partial(_bury_once, resource, scope, rows, read_at))
    return changes


def _bury_once(resource: Resource, scope: Scope, rows: Any, read_at: datetime) -> list[Change]:
    found = {row.key: row for row in locked(rows)}
    at = now()
    ids = [row.pk for row in found.values()]
    resource.model._default_manager.filter(pk__in=ids).update(gone_at=at, changed_at=read_at)
    notes: Notes = {key: (Change.Verb.GONE, {}, {}) for key in found}
    notes |= _lose_sight(resource, found, Change.Verb.GONE)
    return note(resource, scope, found, notes, at)


def _orphan(resource: Resource, scope: Scope, ids: Sequence[int]) -> None:
    """Nobody tells any more how the unfinished rows below these ended: they must not run on.

    Where a kind says which of its rows are over, the others are gone with what they belonged to.
    """
    for child in REGISTER:
        # What is listed for the whole scope (builds) is told of although its project is gone.
        if child.parent is None or child.parent[0] != resource.kind or child.asked_by is None:
            continue
        below = child.model._default_manager.filter(**{f"{child.parent[1]}__in": list(ids)})
        if child.open_among is not None:
            ended = child.open_among(below.filter(gone_at=None))
            # A reading of them that is under way must not bring them back: none follows it.
            end = partial(_bury_once, child, scope, ended, now())
        else:
            ended = below.filter(state__in=UNFINISHED)
            end = partial(_orphan_once, child, scope, ended)
        if some := list(ended.values_list("pk", flat=True)):
            _orphan(child, scope, some)
            again(end)


def _orphan_once(resource: Resource, scope: Scope, rows: Any) -> list[Change]:
    found = {row.key: row for row in locked(rows)}
    notes = _lose_sight(resource, found, Change.Verb.CHANGED)
    return note(resource, scope, found, notes, now())


def _lose_sight(resource: Resource, rows: Mapping[str, Any], verb: Change.Verb) -> Notes:
    """Make the state of those that moved or waited unknown; return why a change is written."""
    lost = {key: row for key, row in rows.items() if row.state in UNFINISHED}
    resource.model._default_manager.filter(pk__in=[row.pk for row in lost.values()]).update(
        state=State.UNKNOWN
    )
    return {
        key: (verb, {"state": row.state}, {"state": State.UNKNOWN.value})
        for key, row in lost.items()
    }
