"""How each operation fares in each scope: written after sweeps, read by health page and API."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import now

from .known import needed_kinds
from .models import Operation, Scope, Sweep
from .provider import HARMLESS, WORDS, Health
from .resource import REGISTER, Resource

log = logging.getLogger(__name__)

# What a person should hear of first.
GRAVITY = [
    Health.CREDENTIALS,
    Health.DENIED,
    Health.UNREACHABLE,
    Health.FAILING,
    Health.GONE,
    Health.THROTTLED,
    Health.NOT_OPTED_IN,
    Health.UNSUPPORTED,
    Health.NOT_TRIED,
    Health.OK,
]


# Where events that tell everything flow, polling is only the backstop.
EVENTS_FLOW = timedelta(hours=1)
SLOWER = 10


def events_flow(events_at: datetime | None, at: datetime) -> bool:
    """Whether events arrived lately."""
    return events_at is not None and at - events_at < EVENTS_FLOW


def may_rest(resource: Resource, events_at: datetime | None, at: datetime) -> bool:
    """Whether events tell of whatever happens to a kind's rows, so that polling may be slow."""
    return resource.heard_wholly and events_flow(events_at, at)


@dataclass(slots=True)
class KindHealth:
    """How a kind fares in a scope, told by its gravest operation.

    `state` is a `Health`; `operation`, `error`, `cure` and `statement` belong to the gravest one.
    """

    scope: Scope
    kind: str
    label: str
    state: str
    operation: str
    error: str
    code: str
    cure: str
    statement: Mapping[str, Any] | None
    worked_before: bool
    last_success: datetime | None
    sweep: Sweep | None
    operations: list[Operation]

    @property
    def word(self) -> str:
        """What is wrong where the code tells it more exactly than the state, else ""."""
        return WORDS.get(self.code, "")

    @property
    def troubled(self) -> bool:
        """Whether somebody should do something about it.

        That a region lacks a service is a fact, unless it was read there before; a scope that
        somebody paused is left in peace.
        """
        if self.scope.paused:
            return False
        lacking = self.state in (Health.NOT_OPTED_IN, Health.UNSUPPORTED)
        return self.state not in HARMLESS or (lacking and self.worked_before)

    @property
    def next_look(self) -> datetime | None:
        """When it is read again: not before a scope in which nothing answered has rested."""
        if self.sweep is None or not self.scope.enabled:
            return None
        return max(self.sweep.due_at, self.scope.away_until or self.sweep.due_at)


def kind_health(scopes: Iterable[Scope]) -> list[KindHealth]:
    """Return one item per scope and kind, in two queries whatever their number."""
    by_id = {scope.pk: scope for scope in scopes}
    sweeps = {(s.scope_id, s.kind): s for s in Sweep.objects.filter(scope_id__in=by_id)}
    operations: dict[tuple[int, str], list[Operation]] = {}
    for row in Operation.objects.filter(scope_id__in=by_id).order_by("operation"):
        operations.setdefault((row.scope_id, row.kind), []).append(row)
    return [
        _kind_health(scope, resource, sweeps.get(name), operations.get(name, []))
        for scope in by_id.values()
        for resource in REGISTER.of(scope.provider)
        for name in [(scope.pk, resource.kind)]
    ]


def kind_troubles(scopes: Iterable[Scope]) -> list[KindHealth]:
    """Return those of `kind_health` that are troubled, in its order; in two queries.

    Every page tells how many there are: of very many operations it reads those that fail, and
    these are all that `operations` names, besides what was never called.
    """
    by_id = {scope.pk: scope for scope in scopes if not scope.paused}
    rows = Operation.objects.filter(scope_id__in=by_id).exclude(
        health__in=(Health.OK, Health.NOT_TRIED)
    )
    failing: dict[tuple[int, str], list[Operation]] = {}
    for row in rows.order_by("operation"):
        failing.setdefault((row.scope_id, row.kind), []).append(row)
    concerned = Sweep.objects.filter(
        scope_id__in={scope for scope, _ in failing}, kind__in={kind for _, kind in failing}
    )
    sweeps = {(s.scope_id, s.kind): s for s in concerned}
    told = [
        _kind_health(scope, resource, sweeps.get(name), failing[name])
        for scope in by_id.values()
        for resource in REGISTER.of(scope.provider)
        for name in [(scope.pk, resource.kind)]
        if name in failing
    ]
    return [item for item in told if item.troubled]


def _kind_health(
    scope: Scope, resource: Resource, sweep: Sweep | None, rows: list[Operation]
) -> KindHealth:
    rows = [row for row in rows if not _is_over(row, resource, sweep)]
    tried = {row.operation for row in rows}
    every = rows + [
        Operation(scope=scope, kind=resource.kind, operation=name)
        for name in resource.calls
        if name not in tried
    ]
    # Of equals what the rows themselves come from: a detail that is lacking takes none away.
    worst = min(
        every,
        key=lambda row: (GRAVITY.index(Health(row.health)), row.operation in resource.optional),
    )
    if worst.health == Health.NOT_TRIED:
        # An operation that needed no call yet (no pipeline, so nothing to describe) is no news.
        lists = next((row for row in rows if row.operation == resource.calls[0]), None)
        worst = lists or worst
    return KindHealth(
        scope=scope,
        kind=resource.kind,
        label=resource.label,
        state=worst.health,
        operation=worst.operation,
        error=worst.error,
        code=worst.code,
        cure=worst.cure,
        statement=worst.statement,
        worked_before=worst.last_success is not None,
        last_success=sweep.last_success if sweep else None,
        sweep=sweep,
        operations=every,
    )


def _is_over(row: Operation, resource: Resource, sweep: Sweep | None) -> bool:
    """Whether what kept a kind from being begun is past: the kind was read since."""
    if row.operation in resource.calls or row.last_success or not sweep or not row.last_error:
        return False
    return sweep.last_success is not None and sweep.last_success > row.last_error


def why_unread(kinds: Sequence[KindHealth], wanted: Sequence[str]) -> list[KindHealth]:
    """Return how it fares where rows of `wanted` kinds may be missing, one for each scope and kind.

    [] where each of them was read: then there are none. A kind that waits for its parents' list is
    told by the trouble of those.
    """
    found = {(item.scope.pk, item.kind): item for item in kinds}
    return [
        _told_by_parents(item, found)
        for item in kinds
        if item.kind in wanted and not _was_read(item)
    ]


def _was_read(item: KindHealth) -> bool:
    if item.last_success is None or item.scope.paused:
        return False
    detail = item.operation in REGISTER.get(item.kind).optional
    return detail or item.state in (Health.OK, Health.NOT_TRIED)


def _told_by_parents(item: KindHealth, found: Mapping[tuple[int, str], KindHealth]) -> KindHealth:
    if item.state not in (Health.OK, Health.NOT_TRIED):
        return item
    for kind in sorted(needed_kinds(REGISTER.get(item.kind))):
        above = found.get((item.scope.pk, kind))
        if above is not None and not _was_read(above):
            return _told_by_parents(above, found)
    return item


def visible_scopes(user: Any) -> list[Scope]:
    """Return the scopes a user may know of, paused ones and those that wait among them."""
    from .visibility import VISIBILITY

    return list(Scope.objects.filter(VISIBILITY.of_scopes(user)))


def scope_ages(scopes: Iterable[Scope]) -> dict[int, datetime | None]:
    """Return how old what pages show of a scope is: the oldest of what is read often.

    Where events flow, a source of events that answered says that nothing moved since, for as long
    as the slowed-down lists are read in time. It says so of kinds that are heard wholly alone.
    """
    often = {r.kind: r for r in REGISTER if r.cadence.cold <= timedelta(minutes=5)}
    by_id = {scope.pk: scope for scope in scopes}
    ages: dict[int, datetime | None] = dict.fromkeys(by_id)
    rows = Sweep.objects.filter(scope_id__in=by_id, kind__in=often).exclude(last_success=None)
    told = rows.values_list("scope_id", "kind", "last_success", "events_at")
    for scope_id, kind, success, events_at in told:
        if success is None:
            continue
        resource = often[kind]
        heard_at = by_id[scope_id].heard_at if may_rest(resource, events_at, now()) else None
        at = max(success, _confirmed_at(heard_at, success, resource.cadence.cold))
        known = ages[scope_id]
        ages[scope_id] = at if known is None else min(at, known)
    return ages


def _confirmed_at(heard_at: datetime | None, success: datetime, cold: timedelta) -> datetime:
    """Return until when silence of the events confirms what was read at `success`."""
    if heard_at is None:
        return success
    return heard_at if now() - success < cold * SLOWER * 1.5 else success
