"""Makes what a record says fit the row that is to hold it: keys, columns, and the parent's id."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from django.db import models

from .ask import UNREAD
from .models import Mirrored, Scope
from .resource import REGISTER, Resource
from .text import storable, storable_json

# What every record may carry that is no column of its own.
NOT_COLUMNS = frozenset({"key", "parent", "links", "aside"})


def clip(resource: Resource, key: str) -> str:
    """Return a key as the column holds it."""
    return storable(key)[: resource.model._meta.get_field("key").max_length or None]


def parent_ids(resource: Resource, scope: Scope, records: Iterable[Any]) -> dict[str, int]:
    """Return the ids of the parents that these records name, by key; those that are mirrored."""
    if resource.parent is None:
        return {}
    kind, _ = resource.parent
    keys = {key for record in records if (key := parent_key(resource, record))}
    manager = REGISTER.get(kind).model._default_manager
    return dict(manager.filter(scope=scope, key__in=list(keys)).values_list("key", "pk"))


def placeable(
    resource: Resource, batch: Mapping[str, Any], parents: Mapping[str, int]
) -> dict[str, Any]:
    """Leave out new records whose parent is not mirrored yet, where the column needs one."""
    if resource.parent is None or parent_is_optional(resource):
        return dict(batch)
    return {key: record for key, record in batch.items() if parent_key(resource, record) in parents}


def parent_is_optional(resource: Resource) -> bool:
    """Whether rows of a kind have a parent and may be without it."""
    return resource.parent is not None and bool(column_of(resource.model, resource.parent[1]).null)


def parent_key(resource: Resource, record: Any) -> str:
    """Return the parent's key as rows hold it, "" where the record names none."""
    if resource.parent is None or record.parent is UNREAD:
        return ""
    return clip(REGISTER.get(resource.parent[0]), record.parent)


def difference(
    resource: Resource, row: Mapping[str, Any], record: Any, parents: Mapping[str, int]
) -> dict[str, Any]:
    """Return {attribute: wanted value} where the row's values differ from the record's."""
    after: dict[str, Any] = {}
    for name in columns_of(record.__class__):
        value, have = getattr(record, name), row[name]
        # What is stored fits already: mostly this is all that a resync does.
        if value is UNREAD or have == value:
            continue
        value = fit(column_of(resource.model, name), value)
        if have != value:
            after[name] = value
    if resource.parent is not None and record.parent is not UNREAD:
        attribute = f"{resource.parent[1]}_id"
        parent = parents.get(parent_key(resource, record))
        if parent is not None and row[attribute] != parent:
            after[attribute] = parent
    return after


@cache
def columns_of(record_type: Any) -> tuple[str, ...]:
    """Return the names of the columns that records of this type may tell of."""
    return tuple(f.name for f in fields(record_type) if f.name not in NOT_COLUMNS)


@cache
def column_of(model: type[Mirrored], name: str) -> Any:
    """Return a model's field; remembered, because every value of every record asks for it."""
    return model._meta.get_field(name)


def fit(column: Any, value: Any) -> Any:
    """Make an outside value storable: no NUL, no lone surrogate, no text longer than its column."""
    if isinstance(value, str):
        value = storable(value)
        if isinstance(column, models.CharField) and column.max_length:
            value = value[: column.max_length]
    elif isinstance(column, models.JSONField):
        value = storable_json(value)
    return value
