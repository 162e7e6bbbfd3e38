"""Brings rows into step with records: the one place where mirrored rows are written.

records ──▶ differences ──▶ rows + links + changes, at most 500 rows to a transaction
        ──▶ what was covered and not seen is gone (histories never are)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.timezone import now

from apps.live.bus import BUS, CHANGES

from .absence import bury
from .append import append
from .ask import UNREAD, LinkTo, Vanished
from .binding import bind, bind_to_new, wait_for
from .fitting import NOT_COLUMNS, clip, columns_of, difference, parent_ids, placeable
from .known import path_to_asked
from .links import write_links
from .models import Change, Mirrored, Scope
from .note import Notes, locked, note
from .resource import Resource
from .store import again, insert_rows

BATCH = 500
# What the log keeps of a row that appeared: the row itself holds the rest.
TELLING = frozenset({"status", "state"})


@dataclass(slots=True)
class Everything:
    """The whole list was read: any row of the kind that was not seen is gone."""


@dataclass(slots=True)
class ChildrenOf:
    """The children of these parents (by key) were listed to the end."""

    parents: frozenset[str]


@dataclass(slots=True)
class Nothing:
    """Absence proves nothing here (keyed re-reads, cut-off lists)."""


Extent = Everything | ChildrenOf | Nothing


@dataclass(slots=True)
class Result:
    """What reconciling did."""

    changes: list[Change] = field(default_factory=list)
    seen: int = 0
    # Parents whose children were listed to the end.
    covered: int = 0
    # Keys of the parents that were asked for and could not be read, in the order they were asked.
    missed: tuple[str, ...] = ()
    # Keys of the parents to which append-only rows were added.
    grown: frozenset[str] = frozenset()

    def add(self, other: "Result") -> "Result":
        """Return both together."""
        return Result(
            changes=[*self.changes, *other.changes],
            seen=self.seen + other.seen,
            covered=self.covered + other.covered,
            missed=(*self.missed, *other.missed),
            grown=self.grown | other.grown,
        )

    @property
    def was_read(self) -> bool:
        """Whether any of the parents that were asked for answered to the end."""
        return bool(self.covered) or not self.missed

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.changes or self.grown)


def reconcile(
    resource: Resource,
    scope: Scope,
    records: Iterable[Any],
    *,
    extent: Extent,
    read_at: datetime | None = None,
) -> Result:
    """Write what differs and a `Change` for each row written; return them.

    `records` must be complete before this is called for its extent: a collector that raised has no
    extent. `read_at` is when reading began: rows that a later read has written since are left.
    The same records in any order, and twice, end in the same rows.
    """
    read_at = read_at or now()
    wanted: dict[str, Any] = {}
    vanished: set[str] = set()
    for record in records:
        if isinstance(record, Vanished):
            vanished.add(clip(resource, record.key))
        else:
            wanted[clip(resource, record.key)] = record
    result = Result(seen=len(wanted))
    if isinstance(extent, ChildrenOf):
        result.covered = len(extent.parents)
    if resource.appended is not None:
        result.grown = append(resource, scope, wanted)
        bind(resource, scope)
        return result
    keys = sorted(wanted)
    for start in range(0, len(keys), BATCH):
        batch = {key: wanted[key] for key in keys[start : start + BATCH]}
        result.changes += _write(resource, scope, batch, read_at)
    missing = (_missing(resource, scope, extent) | vanished) - wanted.keys()
    result.changes += bury(resource, scope, missing, read_at)
    if resource.aside is not None:
        resource.aside(scope, {key: record.aside for key, record in wanted.items()})
    if result.changes:
        BUS.publish(CHANGES, str(result.changes[-1].pk))
        if resource.after:
            resource.after(scope.pk, result.changes)
    if any(change.verb == Change.Verb.APPEARED for change in result.changes):
        bind_to_new(resource, scope)
    result.changes += bind(resource, scope)
    return result


# --- Writing --------------------------------------------------------------------------------------


def _write(
    resource: Resource, scope: Scope, batch: Mapping[str, Any], read_at: datetime
) -> list[Change]:
    """Write one batch where it differs."""
    parents = parent_ids(resource, scope, batch.values())
    if not _differs(resource, scope, batch, parents, read_at):
        return []
    return again(lambda: _write_once(resource, scope, batch, parents, read_at))


def _differs(
    resource: Resource,
    scope: Scope,
    batch: Mapping[str, Any],
    parents: Mapping[str, int],
    read_at: datetime,
) -> bool:
    """Look without a transaction: a resync without changes takes no write lock."""
    # Plain values: making models of rows that are the same takes as long as comparing them.
    columns = ("pk", "key", "gone_at", "changed_at", *_compared(resource, batch.values()))
    rows = {row["key"]: row for row in _rows(resource, scope, batch.keys()).values(*columns)}
    if any(key not in rows for key in placeable(resource, batch, parents)):
        return True
    # What a later read has written is not ours to compare.
    ours = {key: row for key, row in rows.items() if row["changed_at"] <= read_at}
    if any(
        row["gone_at"] or difference(resource, row, batch[key], parents)
        for key, row in ours.items()
    ):
        return True
    ids = {key: row["pk"] for key, row in ours.items()}
    return bool(write_links(resource.kind, _wanted_links(ids, batch), dry=True))


def _compared(resource: Resource, records: Iterable[Any]) -> list[str]:
    """Return the columns that these records may tell of."""
    names = {name for record in records for name in columns_of(record.__class__)}
    if resource.parent is not None:
        names.add(f"{resource.parent[1]}_id")
    return sorted(names)


def _wanted_links(ids: Mapping[str, int], batch: Mapping[str, Any]) -> dict[int, Any]:
    return {
        pk: batch[key].links
        for key, pk in ids.items()
        if getattr(batch[key], "links", UNREAD) is not UNREAD
    }


def _rows(resource: Resource, scope: Scope, keys: Iterable[str]) -> Any:
    return resource.model._default_manager.filter(scope=scope, key__in=list(keys))


def _write_once(
    resource: Resource,
    scope: Scope,
    batch: Mapping[str, Any],
    parents: Mapping[str, int],
    read_at: datetime,
) -> list[Change]:
    written_at = now()
    model = resource.model
    rows = {row.key: row for row in locked(_rows(resource, scope, batch))}
    placed = placeable(resource, batch, parents)
    fresh: list[Any] = []
    stale: list[Any] = []
    columns: set[str] = set()
    notes: Notes = {}
    for key, record in batch.items():
        row = rows.get(key)
        if row is None:
            if key not in placed:
                continue
            row = model(scope_id=scope.pk, key=key, first_seen_at=written_at, changed_at=read_at)
            after = difference(resource, row.__dict__, record, parents)
            _set(row, after)
            fresh.append(row)
            notes[key] = (Change.Verb.APPEARED, {}, {n: after[n] for n in TELLING & after.keys()})
        elif row.changed_at <= read_at:
            after = difference(resource, row.__dict__, record, parents)
            if not after and row.gone_at is None:
                continue
            before = {name: getattr(row, name) for name in after}
            verb = Change.Verb.RETURNED if row.gone_at else Change.Verb.CHANGED
            _set(row, after)
            row.gone_at, row.changed_at = None, read_at
            stale.append(row)
            columns.update(after)
            notes[key] = (verb, before, after)
    insert_rows(model, fresh)
    wait_for(resource, scope, [*fresh, *stale], batch)
    if stale:
        model._default_manager.bulk_create(
            stale,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=_field_names(model, columns | {"gone_at", "changed_at"}),
        )
    ours = {key: row for key, row in rows.items() if row.changed_at <= read_at}
    ours |= {row.key: row for row in fresh}
    relinked = write_links(
        resource.kind, _wanted_links({key: row.pk for key, row in ours.items()}, batch)
    )
    only_links = [row for key, row in rows.items() if row.pk in relinked and key not in notes]
    for row in only_links:
        notes[row.key] = (Change.Verb.CHANGED, {}, {})
    model._default_manager.filter(pk__in=[row.pk for row in only_links]).update(changed_at=read_at)
    return note(resource, scope, ours, notes, written_at)


def _set(row: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _field_names(model: type[Mirrored], attributes: Iterable[str]) -> list[str]:
    by_attname = {f.attname: f.name for f in model._meta.concrete_fields}
    return sorted(by_attname.get(name, name) for name in attributes)


# --- Absence --------------------------------------------------------------------------------------


def _missing(resource: Resource, scope: Scope, extent: Extent) -> set[str]:
    """Return the keys of present rows that this extent covers, those just listed among them."""
    if resource.history:
        # A history outlives what AWS keeps: only a row asked for by its key can be gone.
        return set()
    rows = resource.model._default_manager.filter(scope=scope, gone_at=None)
    if resource.open_among is not None:
        rows = resource.open_among(rows)
    match extent:
        case Everything():
            return set(rows.values_list("key", flat=True))
        case ChildrenOf(parents=parents) if parents and resource.asked_by:
            found = rows.filter(**{f"{path_to_asked(resource)}__key__in": list(parents)})
            return set(found.values_list("key", flat=True))
    return set()


__all__ = ["NOT_COLUMNS", "ChildrenOf", "Everything", "LinkTo", "Nothing", "Result", "reconcile"]
