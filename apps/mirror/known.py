"""What the mirror knows already and tells a collector: parents, stamps, what is finished or not."""

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from .ask import Parent
from .fitting import parent_is_optional
from .models import Scope
from .resource import REGISTER, Resource
from .state import UNFINISHED
from .text import storable

# A kind that is due again so soon waits for its parents; one that failed rests for longer.
ABOUT_TO = timedelta(seconds=5)


def rows_of(resource: Resource, scope: Scope) -> Any:
    """Return the mirrored rows of a kind in a scope."""
    return resource.model._default_manager.filter(scope=scope)


def needed_kinds(resource: Resource) -> set[str]:
    """Kinds whose list must have been read once before this one's rows have anywhere to go."""
    needed = {resource.asked_by, resource.parent[0] if resource.parent else None}
    if resource.parent and parent_is_optional(resource):
        needed.discard(resource.parent[0])
    return {kind for kind in needed if kind}


def parents_are_in(resource: Resource, scope: Scope) -> bool:
    """Children wait until their parents' list was read once."""
    needed = needed_kinds(resource)
    return scope.sweeps.filter(kind__in=needed).exclude(last_success=None).count() == len(needed)


def lists_may_come(resource: Resource, scope: Scope, at: datetime) -> bool:
    """Whether what this kind's first reading had better follow is being read, or about to be.

    That is the list of the parents that its rows may be without, and what it `awaits`. One that was
    tried once, well or not, is waited for no longer: rows that come without their parent are bound
    when it comes (`binding`).
    """
    kinds = set(resource.awaits)
    if resource.parent is not None and parent_is_optional(resource):
        kinds.add(resource.parent[0])
    if not kinds:
        return False
    untried = scope.sweeps.filter(kind__in=kinds, finished_at=None)
    # One that broke without an end rests for longer, and keeps nobody waiting.
    soon = Q(due_at__lte=at + ABOUT_TO) | Q(leased_until__gte=at)
    return bool(untried.filter(soon).exists())


def parents_of(
    resource: Resource, scope: Scope, keys: Iterable[str] | None = None, *, moved: bool = False
) -> list[Parent]:
    """Return the rows whose children are asked for: those named, or all that are present.

    Of all, those that the kind wants children of. With `moved` only those that moved since their
    children were read, where that can be told.
    """
    if resource.asked_by is None:
        return []
    rows = REGISTER.get(resource.asked_by).model._default_manager.filter(scope=scope, gone_at=None)
    if keys is not None:
        wanted = list(keys)
        if not wanted:
            return []
        rows = rows.filter(key__in=wanted)
    elif resource.asked_among is not None:
        rows = resource.asked_among(rows)
    if moved and resource.parent_stamp is not None:
        stamp, read = resource.parent_stamp
        rows = rows.exclude(**{read: F(stamp)})
    return _as_parents(resource, rows)


def any_parent_of(resource: Resource, scope: Scope) -> list[Parent]:
    """Return one of the rows whose children are asked for, another one each time; [] of none."""
    found = parents_of(resource, scope)
    return [random.choice(found)] if found else []  # noqa: S311 - guards nothing


def note_children_read(resource: Resource, scope: Scope, parents: Iterable[Parent]) -> None:
    """Note of which version of these rows the children were read. No `Change`: it is no picture."""
    if resource.parent_stamp is None or resource.asked_by is None:
        return
    stamp, read = resource.parent_stamp
    by_stamp: dict[str, list[str]] = {}
    for parent in parents:
        by_stamp.setdefault(parent.fields[stamp], []).append(parent.key)
    rows = REGISTER.get(resource.asked_by).model._default_manager.filter(scope=scope)
    for told, keys in by_stamp.items():
        rows.filter(key__in=keys).exclude(**{read: told}).update(**{read: told})


def hot_parents_of(resource: Resource, scope: Scope) -> list[Parent]:
    """Return the rows with children that move or wait, and those declared `hot_parents`."""
    assert resource.asked_by is not None
    rows = REGISTER.get(resource.asked_by).model._default_manager.filter(scope=scope, gone_at=None)
    path = path_to_asked(resource)
    moving = unfinished_rows(resource, scope).values(path)
    hot = Q(pk__in=moving)
    if resource.hot_parents is not None:
        hot |= Q(pk__in=resource.hot_parents(rows).values("pk"))
    return _as_parents(resource, rows.filter(hot))


def _as_parents(resource: Resource, rows: Any) -> list[Parent]:
    names = {*resource.parent_fields, *(resource.parent_stamp or ())[:1]}
    return [
        Parent(key=row["key"], arn=row["arn"], fields={name: row[name] for name in names})
        for row in rows.order_by("pk").values("key", "arn", *names)
    ]


def path_to_asked(resource: Resource) -> str:
    """Return the column path from a row to the row it is asked by (its parent, or above)."""
    path: list[str] = []
    current = resource
    while current.kind != resource.asked_by:
        if current.parent is None:
            raise ValueError(f"{resource.kind} does not belong to {resource.asked_by}")
        path.append(current.parent[1])
        current = REGISTER.get(current.parent[0])
    return "__".join(path)


def stamps(resource: Resource, scope: Scope, keys: Sequence[str] | None = None) -> dict[str, str]:
    """Return key -> stamp of the rows whose details were read."""
    if resource.stamp is None:
        return {}
    rows = rows_of(resource, scope).filter(gone_at=None)
    if keys is not None:
        rows = rows.filter(key__in=keys)
    return dict(rows.values_list("key", resource.stamp))


def finished_among(resource: Resource, scope: Scope) -> Callable[[Iterable[str]], frozenset[str]]:
    """Return `Ask.finished` of a kind in a scope."""

    def finished(keys: Iterable[str]) -> frozenset[str]:
        named = [storable(key) for key in keys]
        rows = rows_of(resource, scope).filter(key__in=named).exclude(state__in=UNFINISHED)
        return frozenset(rows.order_by().values_list("key", flat=True))

    return finished


def unfinished_rows(resource: Resource, scope: Scope) -> Any:
    """Return rows that move or wait; what was asked for by something gone does neither."""
    rows = rows_of(resource, scope).filter(state__in=UNFINISHED, gone_at=None)
    if resource.parent is not None and resource.asked_by is not None:
        rows = rows.filter(**{f"{resource.parent[1]}__gone_at": None})
    return rows


def unfinished_keys(resource: Resource, scope: Scope) -> list[str]:
    """Return the keys of rows that move or wait, oldest first."""
    return list(unfinished_rows(resource, scope).order_by("pk").values_list("key", flat=True))


def unfinished_by_parent(
    resource: Resource, scope: Scope, keys: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Return `Ask.unfinished` of a history asked by these parents."""
    if not resource.history:
        return {}
    path = f"{path_to_asked(resource)}__key"
    rows = unfinished_rows(resource, scope)
    if len(keys) <= 500:
        rows = rows.filter(**{f"{path}__in": list(keys)})
    by_parent: dict[str, set[str]] = {}
    for parent, key in rows.values_list(path, "key"):
        by_parent.setdefault(parent, set()).add(key)
    return {parent: frozenset(found) for parent, found in by_parent.items()}
