"""Stores how the calls of a reading went: each operation's health, told to pages and the log."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.utils.timezone import now

from apps.live.bus import BUS

from .models import Operation, Scope
from .provider import HARMLESS, PROVIDERS, Failure, Health, Outcome
from .resource import Resource
from .text import storable, storable_json

log = logging.getLogger(__name__)

# For so many seconds the log is not told of one cause again.
TOLD_FOR = 600


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
