"""How each operation fares in each scope: written after sweeps, read by health page and API."""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.utils.timezone import now

from apps.live.bus import BUS

from .known import needed_kinds
from .models import Operation, Scope, Sweep
from .provider import HARMLESS, PROVIDERS, WORDS, Failure, Health, Outcome
from .resource import REGISTER, Resource
from .text import storable, storable_json

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
# For so many seconds the log is not told of one cause again.
TOLD_FOR = 600


def events_flow(events_at: datetime | None, at: datetime) -> bool:
    """Whether events arrived lately."""
    return events_at is not None and at - events_at < EVENTS_FLOW


def may_rest(resource: Resource, events_at: datetime | None, at: datetime) -> bool:
    """Whether events tell of whatever happens to a kind's rows, so that polling may be slow."""
    return resource.heard_wholly and events_flow(events_at, at)


def record_outcomes(
    scope: Scope,
    resource: Resource,
    outcomes: Mapping[str, Outcome],
    error: BaseException | None = None,
) -> None:
    """Store how the calls of one reading went, and what ended it where none of them tells.

    Several readings may tell of the same operation at once: what was seen last stands. Pages hear
    of it when a health changed.
    """
    told = dict(outcomes)
    if error is not None:
        ended_by = _ended_by(error, scope, resource)
        if ended_by.operation not in told or not told[ended_by.operation].failures:
            told[ended_by.operation] = ended_by
    have = {row.operation: row for row in Operation.objects.filter(scope=scope, kind=resource.kind)}
    changed = [_record(scope, resource, have.get(name), outcome) for name, outcome in told.items()]
    if any(changed):
        BUS.publish("scope", str(scope.pk))


def _record(scope: Scope, resource: Resource, known: Operation | None, outcome: Outcome) -> bool:
    """Store how one operation went; return whether its health is another than before."""
    row = (
        known
        or Operation.objects.get_or_create(
            scope=scope, kind=resource.kind, operation=outcome.operation
        )[0]
    )
    before = (row.health, row.code, row.error)
    seen_at = max(filter(None, (outcome.succeeded_at, outcome.failed_at)), default=now())
    values: dict[str, Any] = {}
    if outcome.succeeded_at:
        values["last_success"] = outcome.succeeded_at
    failure = Failure(health=Health.OK)
    # A throttle that a retry got over is no trouble; a mixed result is told by the failure.
    if outcome.failure is not None and outcome.failures:
        values["last_error"] = outcome.failed_at
        failure = outcome.failure
    values |= _described(failure)
    # A long sweep may end after a short reading that saw more of today.
    untold = [
        Q(**{column: None}) | Q(**{f"{column}__lte": seen_at})
        for column in ("last_success", "last_error")
    ]
    if not Operation.objects.filter(*untold, pk=row.pk).update(**values):
        return False
    after = (values["health"], values["code"], values["error"])
    news = before[0] != after[0] and not (known is None and failure.health is Health.OK)
    # What is over is told of the cause that there was.
    was = before[:2] if failure.health is Health.OK else after[:2]
    if news and _untold(scope, outcome.operation, after[0], *was):
        log.log(
            logging.INFO if failure.health in HARMLESS else logging.WARNING,
            "scope.health",
            extra={
                "scope": scope.place,
                "api": outcome.operation,
                "health": str(failure.health),
                "error": values["code"],
                "cure": values["cure"],
            },
        )
    return before != after


def _untold(scope: Scope, operation: str, health: str, *cause: str) -> bool:
    """Whether the log was not told lately: what one cause does to many kinds is one line.

    A policy lacks each action for itself; so is each failure of an operation's own.
    """
    alone = cause[0] in (Health.DENIED, Health.FAILING)
    told = [scope.pk, health, *cause, operation if alone else ""]
    digest = hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()[:32]
    return bool(cache.add(f"health:told:{digest}", 1, timeout=TOLD_FOR))


def record_trouble(scope: Scope, resource: Resource, error: BaseException) -> None:
    """Store why a kind could not be read at all: not one call was made."""
    record_outcomes(scope, resource, {}, error)


def _ended_by(error: BaseException, scope: Scope, resource: Resource) -> Outcome:
    """Return the outcome of the operation that an exception stands for."""
    failure = PROVIDERS.get(scope.provider).classify(error, resource.calls[0])
    if failure.ours:
        # The page says so and the log keeps the trace.
        log.error(
            "sweep.failed", extra={"scope": scope.place, "kind": resource.kind}, exc_info=error
        )
    operation = failure.operation or resource.calls[0]
    return Outcome(operation=operation, failed_at=now(), failure=failure, failures=1)


def _described(failure: Failure) -> dict[str, Any]:
    return {
        "health": failure.health.value,
        "code": storable(failure.code)[:128],
        "error": storable(failure.message),
        "cure": storable(failure.cure),
        "statement": storable_json(failure.statement) if failure.statement else None,
    }


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
    worst = min(every, key=lambda row: GRAVITY.index(Health(row.health)))
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


def cause_of(kind: KindHealth) -> tuple[str, ...]:
    """Return what two kinds share where one thing keeps both from being read."""
    return kind.operation, kind.state, kind.code, kind.error, kind.cure


def root_of(kind: KindHealth) -> tuple[str, ...]:
    """Return what kinds share where one cure helps them all, whatever each of them called.

    Every action that the policy lacks is one cause; so is whatever else is cured alike. What failed
    in words of its own is a cause of its own.
    """
    if kind.state == Health.DENIED:
        if kind.statement:
            return (kind.state,)
        # The cure names the action, and is the same for the next one.
        return kind.state, _without_action(kind)
    if kind.state == Health.FAILING:
        return kind.state, kind.code, kind.error, kind.cure
    if kind.state == Health.UNREACHABLE:
        # The cure names the service, and the network is the same for all of them.
        return kind.state, kind.code
    if kind.state == Health.THROTTLED:
        # Each protocol has a code of its own for it.
        return kind.state, kind.cure
    return kind.state, kind.code, kind.cure


def _without_action(kind: KindHealth) -> str:
    name = kind.operation.partition(":")[2]
    return " ".join(word for word in kind.cure.split() if not name or name not in word)


@dataclass(slots=True)
class Concerned:
    """What of one service a cause concerns: labels of kinds, and the calls that failed."""

    service: str
    labels: list[str]
    calls: list[str]


@dataclass(slots=True)
class Cause:
    """One thing that keeps kinds of a scope from being read; `first` tells it for all.

    everything  whether it keeps every kind of the scope from being read.
    """

    first: KindHealth
    kinds: list[KindHealth]
    everything: bool = False

    @property
    def failed(self) -> list[Operation]:
        """The operations that failed so, each once."""
        found: dict[str, Operation] = {}
        for kind in self.kinds:
            for row in kind.operations:
                alike = bool(row.statement) == bool(self.first.statement)
                if row.health == self.first.state and alike:
                    found.setdefault(row.operation, row)
        return [found[name] for name in sorted(found)]

    @property
    def lacking(self) -> list[str]:
        """The actions that the policy lacks, [] where that is not the cause."""
        if self.first.state != Health.DENIED or not self.first.statement:
            return []
        found: set[str] = set()
        for row in self.failed:
            actions = (row.statement or {}).get("Action", ())
            found.update([actions] if isinstance(actions, str) else actions)
        return sorted(found)

    @property
    def statement(self) -> Mapping[str, Any] | None:
        """What allows all that is lacking, in one."""
        if self.first.statement is None or not self.lacking:
            return self.first.statement
        return {**self.first.statement, "Action": self.lacking}

    @property
    def cures(self) -> list[str]:
        """What helps; a few cures, where they differ by service."""
        if len(self.lacking) > 1:
            return ["Allow these actions to the credentials of this account."]
        return list(dict.fromkeys(kind.cure for kind in self.kinds if kind.cure))[:3]

    @property
    def concerned(self) -> list[Concerned]:
        """The kinds, and the calls or actions that failed, by service."""
        found: dict[str, Concerned] = {}
        for kind in self.kinds:
            service = REGISTER.get(kind.kind).calls[0].partition(":")[0]
            of = found.setdefault(service, Concerned(service, [], []))
            if kind.label not in of.labels:
                of.labels.append(kind.label)
        for call in self.lacking or [row.operation for row in self.failed]:
            service, _, name = call.partition(":")
            if name:
                found.setdefault(service, Concerned(service, [], [])).calls.append(name)
        return sorted(found.values(), key=lambda one: one.service)


def causes_of(kinds: Iterable[KindHealth], every: int = 0) -> list[Cause]:
    """Return what keeps these kinds of a scope, which has `every`, from being read, each once.

    The gravest comes first.
    """
    found: dict[tuple[str, ...], Cause] = {}
    for kind in kinds:
        found.setdefault(root_of(kind), Cause(kind, [])).kinds.append(kind)
    for cause in found.values():
        cause.everything = len(cause.kinds) == every
    return sorted(found.values(), key=lambda one: GRAVITY.index(Health(one.first.state)))


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
