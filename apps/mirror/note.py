"""Stores what changed, and carries it up to whatever pictures it: parents, and owners by a link."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from .links import owners
from .models import Change, Link, Mirrored, Scope
from .resource import REGISTER, Resource
from .store import insert_rows, update_rows

LONGEST_KEPT = 2_000

# Key -> why a change is written, the values before and after.
Notes = dict[str, tuple[Change.Verb, dict[str, Any], dict[str, Any]]]


def locked(rows: Any) -> Any:
    """Return these rows, locked where the database locks rows at all."""
    # In one order for all, so that two writers do not wait for each other. Not against those that
    # merely insert children (Postgres locks a referenced row FOR KEY SHARE).
    return rows.select_for_update(no_key=True).order_by("pk")


def note(
    resource: Resource,
    scope: Scope,
    rows: Mapping[str, Any],
    notes: Notes,
    at: datetime,
) -> list[Change]:
    """Store a change for each row and carry it up to what it belongs to; in the transaction."""
    if not notes:
        return []
    lineage = _lineage(resource, scope, {rows[key].pk: rows[key] for key in notes})
    parents: set[int] = set()
    if resource.parent is not None:
        kind, attribute = resource.parent
        for key, (_, before, _) in notes.items():
            # What a row has left looks different, too.
            left = before.get(f"{attribute}_id")
            if left is not None:
                lineage[rows[key].pk].append((kind, left))
            parents.update({getattr(rows[key], f"{attribute}_id"), left} - {None})
    by_kind: dict[str, set[int]] = {}
    for subjects in lineage.values():
        for kind, pk in subjects:
            by_kind.setdefault(kind, set()).add(pk)
    # Children before parents, whoever begins.
    models_by_kind = {
        kind: REGISTER.get(kind).model for kind in reversed(REGISTER.by_kind) if kind in by_kind
    }
    for kind, model in models_by_kind.items():
        if kind != resource.kind:
            _lock(model, by_kind[kind])
    digest_parents(resource, parents)
    changes = [
        Change(
            at=at,
            scope_id=scope.pk,
            kind=resource.kind,
            row_id=rows[key].pk,
            key=key,
            verb=verb,
            before=_kept(before),
            after=_kept(after),
            subjects=[f"{kind}:{pk}" for kind, pk in dict.fromkeys(lineage[rows[key].pk])],
        )
        for key, (verb, before, after) in notes.items()
    ]
    insert_rows(Change, changes)
    newest = changes[-1].pk
    for kind, model in models_by_kind.items():
        model._default_manager.filter(pk__in=by_kind[kind]).update(version=newest)
    return changes


def _lock(model: type[Mirrored], ids: Iterable[int]) -> None:
    if connection.features.has_select_for_update:
        list(locked(model._default_manager.filter(pk__in=ids)).values_list("pk", flat=True))


def _lineage(
    resource: Resource, scope: Scope, rows: Mapping[int, Any]
) -> dict[int, list[tuple[str, int]]]:
    """Return for each row: itself, its parents upward, what owns it by a link and that one's.

    And what it says what runs on, with what owns that.
    """
    lineage = {pk: [(resource.kind, pk)] for pk in rows}
    if resource.parent is not None:
        attribute = f"{resource.parent[1]}_id"
        _add_parents(resource, {pk: getattr(row, attribute) for pk, row in rows.items()}, lineage)
    arns = {row.arn: pk for pk, row in rows.items() if row.arn}
    owned: dict[str, dict[int, list[int]]] = {}
    for arn, kind, pk in owners(resource.kind, list(arns)):
        if kind in REGISTER.by_kind:
            owned.setdefault(kind, {}).setdefault(pk, []).append(arns[arn])
    for kind, found in owned.items():
        owner = REGISTER.get(kind)
        above: dict[int, list[tuple[str, int]]] = {pk: [(kind, pk)] for pk in found}
        _add_parents(owner, _parents_of(owner, found), above)
        for pk, rows_owned in found.items():
            for row_id in rows_owned:
                lineage[row_id] += above[pk]
    _add_served(resource, scope, lineage)
    return lineage


def _add_served(
    resource: Resource, scope: Scope, lineage: dict[int, list[tuple[str, int]]]
) -> None:
    """Add what these rows say what runs on, and what owns that by a link."""
    if resource.serves is None:
        return
    links = Link.objects.filter(
        from_kind=resource.kind, from_id__in=list(lineage), relation=resource.serves.relation
    )
    by_kind: dict[str, dict[str, list[int]]] = {}
    for link in links:
        if link.to_kind in REGISTER.by_kind:
            by_kind.setdefault(link.to_kind, {}).setdefault(link.to_arn, []).append(link.from_id)
    for kind, named in by_kind.items():
        things = REGISTER.get(kind).model._default_manager.filter(scope=scope, arn__in=list(named))
        for pk, arn in things.values_list("pk", "arn"):
            for row_id in named[arn]:
                lineage[row_id].append((kind, pk))
        for arn, owner, pk in owners(kind, list(named)):
            for row_id in named[arn] if owner in REGISTER.by_kind else ():
                lineage[row_id].append((owner, pk))


def _add_parents(
    resource: Resource,
    up: Mapping[int, int | None],
    lineage: dict[int, list[tuple[str, int]]],
) -> None:
    """Add the parents upward; `up` is row id -> its parent's id."""
    while resource.parent is not None:
        kind = resource.parent[0]
        for pk, parent in up.items():
            if parent is not None:
                lineage[pk].append((kind, parent))
        resource = REGISTER.get(kind)
        above = _parents_of(resource, {parent for parent in up.values() if parent is not None})
        up = {pk: above[parent] for pk, parent in up.items() if parent in above}


def _parents_of(resource: Resource, ids: Iterable[int]) -> dict[int, int | None]:
    if resource.parent is None:
        return {}
    rows = resource.model._default_manager.filter(pk__in=list(ids))
    return dict(rows.values_list("pk", f"{resource.parent[1]}_id"))


def digest_parents(resource: Resource, parents: Iterable[int]) -> None:
    """Write the denormalised columns of parents; only where they differ."""
    if resource.parent is None or resource.digest is None:
        return
    above = REGISTER.get(resource.parent[0])
    wanted = resource.digest(sorted(set(parents)))
    columns = sorted({name for values in wanted.values() for name in values})
    rows = above.model._default_manager.filter(pk__in=list(wanted)).values("pk", *columns)
    have = {row["pk"]: row for row in rows} if columns else {}
    differ = {
        pk: values
        for pk, values in wanted.items()
        if pk in have and any(have[pk][name] != value for name, value in values.items())
    }
    update_rows(above.model, differ)
    if differ and above.parent is not None and above.digest is not None:
        # An approval that waits in an action makes its execution wait, and so the pipeline.
        digest_parents(above, {pk for pk in _parents_of(above, differ).values() if pk is not None})


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the log of the house keeps them: small, and JSON."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            kept[name] = value.isoformat()
        elif isinstance(value, str | int | float | bool) or value is None:
            kept[name] = value[:LONGEST_KEPT] if isinstance(value, str) else value
        else:
            # Definitions and action lists would make the log larger than the mirror.
            kept[name] = "…"
    return kept
