"""Binds rows to a parent that came after them, where a kind's rows may be without one.

Both the rows and the parents are written by whoever reads them, at the same time. Who writes rows
notes for which parent they wait (`wait_for`, in the same transaction); who has written rows or
parents then looks, in a transaction of its own, which rows need not wait any more. So whichever of
the two is committed last sees the other.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.utils.timezone import now

from apps.live.bus import BUS, CHANGES

from .fitting import parent_is_optional, parent_key
from .models import Change, Scope, Unbound
from .note import Notes, digest_parents, locked, note
from .resource import REGISTER, Resource
from .store import BATCH, again


def wait_for(
    resource: Resource, scope: Scope, rows: Iterable[Any], records: Mapping[str, Any]
) -> None:
    """Note for which parent these rows wait; in the caller's transaction."""
    if not parent_is_optional(resource):
        return
    assert resource.parent is not None
    attribute = f"{resource.parent[1]}_id"
    waiting = [
        Unbound(scope_id=scope.pk, kind=resource.kind, row_id=row.pk, parent_key=key)
        for row in rows
        if getattr(row, attribute) is None
        and row.pk is not None
        and (key := parent_key(resource, records[row.key]))
    ]
    Unbound.objects.bulk_create(
        waiting,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["kind", "row_id"],
        update_fields=["parent_key"],
    )


def bind(resource: Resource, scope: Scope) -> list[Change]:
    """Bind rows of a kind whose parent is there by now; return the changes of those rows.

    Append-only rows have none: what they belong to has changed. Costs one query where none waits.
    """
    if not parent_is_optional(resource):
        return []
    assert resource.parent is not None
    parents = REGISTER.get(resource.parent[0]).model._default_manager.filter(scope=scope)
    waiting = Unbound.objects.filter(scope=scope, kind=resource.kind)
    ready = waiting.filter(parent_key__in=parents.values("key")).order_by("parent_key", "pk")
    changes: list[Change] = []
    newest = 0
    while batch := list(ready[:BATCH]):
        written = again(partial(_bind_once, resource, scope, batch))
        newest = max([newest, *(change.pk for change in written)])
        changes += [change for change in written if change.kind == resource.kind]
    if newest:
        BUS.publish(CHANGES, str(newest))
    if changes and resource.after:
        resource.after(scope.pk, changes)
    return changes


def bind_to_new(resource: Resource, scope: Scope) -> None:
    """Bind whatever waits for rows of this kind, of which new ones were written."""
    for child in REGISTER.of(resource.provider):
        if child.parent is not None and child.parent[0] == resource.kind:
            bind(child, scope)


def _bind_once(resource: Resource, scope: Scope, batch: list[Unbound]) -> list[Change]:
    assert resource.parent is not None
    kind, field = resource.parent
    above = REGISTER.get(kind)
    wanted = {one.row_id: one.parent_key for one in batch}
    parents = above.model._default_manager.filter(scope=scope, key__in=set(wanted.values()))
    ids = dict(parents.values_list("key", "pk"))
    # A row that was told a parent since then is right already.
    present = [pk for pk, key in wanted.items() if key in ids]
    alone = resource.model._default_manager.filter(pk__in=present, **{field: None})
    rows = {row.key: row for row in locked(alone)}
    of_parent: dict[int, list[int]] = {}
    for row in rows.values():
        parent = ids[wanted[row.pk]]
        setattr(row, f"{field}_id", parent)
        of_parent.setdefault(parent, []).append(row.pk)
    for parent, children in of_parent.items():
        resource.model._default_manager.filter(pk__in=children).update(**{field: parent})
    Unbound.objects.filter(pk__in=[one.pk for one in batch]).delete()
    at = now()
    if resource.appended is not None:
        found = {
            row.key: row for row in locked(above.model._default_manager.filter(pk__in=of_parent))
        }
        digest_parents(resource, of_parent)
        return note(above, scope, found, {key: (Change.Verb.CHANGED, {}, {}) for key in found}, at)
    notes: Notes = {
        key: (
            Change.Verb.CHANGED,
            {f"{field}_id": None},
            {f"{field}_id": row.__dict__[f"{field}_id"]},
        )
        for key, row in rows.items()
    }
    return note(resource, scope, rows, notes, at)
