"""Adds rows of append-only kinds: written once, never compared, forgotten when their time is over.

Stack events and the history of alarms are many, and none of them ever changes: a `Change` for each
would make the log larger than what it tells of. Whatever they belong to has changed instead.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils.timezone import now

from apps.live.bus import BUS, CHANGES

from .binding import wait_for
from .fitting import difference, parent_ids, parent_key, placeable
from .models import Change, Scope, Unbound
from .note import digest_parents, locked, note
from .resource import REGISTER, Resource
from .store import BATCH, again


def append(resource: Resource, scope: Scope, records: Mapping[str, Any]) -> frozenset[str]:
    """Insert those of these records (by key) that are new; return the keys of their parents.

    Records older than what is kept are left out: the outside may remember longer than we do. The
    same records in any order, and twice, end in the same rows.
    """
    assert resource.appended is not None
    horizon = now() - resource.appended.keep
    told_at = {key: getattr(record, resource.appended.at) for key, record in records.items()}
    # Those of one parent together: it changes once.
    keys = sorted(
        (key for key, at in told_at.items() if at is not None and at > horizon),
        key=lambda key: (parent_key(resource, records[key]), key),
    )
    grown: set[str] = set()
    newest = 0
    for start in range(0, len(keys), BATCH):
        batch = {key: records[key] for key in keys[start : start + BATCH]}
        parents = parent_ids(resource, scope, batch.values())
        fresh = _fresh(resource, scope, placeable(resource, batch, parents))
        if fresh:
            changes = again(partial(_append_once, resource, scope, fresh, parents))
            grown |= {parent_key(resource, record) for record in fresh.values()}
            newest = max([newest, *(change.pk for change in changes)])
    if newest:
        BUS.publish(CHANGES, str(newest))
    return frozenset(grown)


def _fresh(resource: Resource, scope: Scope, batch: Mapping[str, Any]) -> dict[str, Any]:
    rows = resource.model._default_manager.filter(scope=scope, key__in=list(batch))
    known = set(rows.values_list("key", flat=True))
    return {key: record for key, record in batch.items() if key not in known}


def _append_once(
    resource: Resource, scope: Scope, fresh: Mapping[str, Any], parents: Mapping[str, int]
) -> list[Change]:
    at = now()
    model = resource.model
    rows = []
    for key, record in fresh.items():
        row = model(scope_id=scope.pk, key=key, first_seen_at=at, changed_at=at)
        for name, value in difference(resource, row.__dict__, record, parents).items():
            setattr(row, name, value)
        rows.append(row)
    model._default_manager.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    if resource.parent is None:
        return []
    if any(parent_key(resource, record) not in parents for record in fresh.values()):
        # Where conflicts are passed over, the database does not tell the ids.
        wait_for(resource, scope, model._default_manager.filter(scope=scope, key__in=fresh), fresh)
    kind, attribute = resource.parent
    above = REGISTER.get(kind)
    ids = {getattr(row, f"{attribute}_id") for row in rows} - {None}
    found = {row.key: row for row in locked(above.model._default_manager.filter(pk__in=ids))}
    digest_parents(resource, ids)
    return note(above, scope, found, {key: (Change.Verb.CHANGED, {}, {}) for key in found}, at)


def forget(resource: Resource, *, at_once: int = BATCH) -> int:
    """Delete rows of a kind that is forgotten in time, when theirs is over; return how many."""
    assert resource.retention is not None
    column, horizon = resource.retention.at, now() - resource.retention.keep
    rows = resource.model._default_manager.filter(**{f"{column}__lt": horizon})
    forgotten = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:at_once]):
        Unbound.objects.filter(kind=resource.kind, row_id__in=ids).delete()
        resource.model._default_manager.filter(pk__in=ids).delete()
        forgotten += len(ids)
    return forgotten
