"""Keyed re-reads: what to look at again soon, coalesced, and looking at it.

An event names rows, a change wakes its neighbours, a person asks: each becomes a `Hint`. A burst of
the same hint costs one call, and a hint that arrives while its row is being read is read once more.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.utils.timezone import now

from .asking import hint
from .due import scope_answers
from .lease import Lease, free
from .models import Hint, Scope
from .outcomes import record_trouble
from .provider import PROVIDERS, Reach
from .resource import REGISTER, Names, Resource
from .sweep import changed_parents_of, reread, wake_others

log = logging.getLogger(__name__)

# A follower that is alive renews its lease at half of it.
LEASE = timedelta(minutes=5)
AFTER_TROUBLE = timedelta(seconds=30)
# AWS's reads trail its events: a re-read that found nothing new is repeated once, this much later.
ECHO = timedelta(seconds=2)
MOST_AT_ONCE = 200
ROUNDS = 60


def scopes_with_hints(at: datetime | None = None) -> list[int]:
    """Return the scopes in which a hint is due and nobody is at it."""
    at = at or now()
    due = Hint.objects.filter(
        free("scope__reread_until", at),
        scope_answers(at),
        kind__in=REGISTER.by_kind.keys(),
        not_before__lte=at,
        scope__enabled=True,
    )
    return list(due.order_by().values_list("scope_id", flat=True).distinct())


def follow_hints(scope_id: int, *, alive: Callable[[], None] = lambda: None) -> int:
    """Re-read what was hinted in a scope until nothing is due; return how many hints were followed.

    One worker a scope. Whoever does not get the lease may leave, because the holder looks once more
    before it ends. `alive` is called again and again meanwhile.
    """
    lease = Lease(Scope.objects.filter(pk=scope_id, enabled=True), "reread_until", LEASE)
    if not lease.take():
        return 0

    def renew() -> None:
        lease.renew()
        alive()

    try:
        scope = Scope.objects.filter(pk=scope_id).first()
        return _follow_all(scope, lease, renew) if scope is not None else 0
    finally:
        lease.free()


def _follow_all(scope: Scope, lease: Lease, alive: Callable[[], None]) -> int:
    """Follow due hints kind by kind, parents first, because a re-read may wake the next kind."""
    order = list(REGISTER.by_kind)
    reach: Reach | None = None
    followed = 0
    try:
        for _ in range(ROUNDS):
            due = Hint.objects.filter(
                scope=scope, kind__in=REGISTER.by_kind.keys(), not_before__lte=now()
            )
            kinds = set(due.order_by().values_list("kind", flat=True).distinct())
            if not kinds:
                break
            kind = min(kinds, key=order.index)
            hints = list(due.filter(kind=kind).order_by("pk")[:MOST_AT_ONCE])
            if reach is None:
                try:
                    reach = PROVIDERS.get(scope.provider).open(scope)
                except Exception as error:  # noqa: BLE001 - told on the scope; sweeps go on
                    record_trouble(scope, REGISTER.get(kind), error)
                    due.update(not_before=now() + AFTER_TROUBLE)
                    break
            _follow_kind(scope, reach, kind, hints, alive)
            followed += len(hints)
            if not lease.update():
                break
    finally:
        if reach is not None:
            reach.close()
    return followed


def _follow_kind(
    scope: Scope, reach: Reach, kind: str, hints: Sequence[Hint], alive: Callable[[], None]
) -> None:
    resource = REGISTER.get(kind)
    _ask_for_unknown_parents(scope, resource, hints)
    names = [Names(kind=kind, key=row.row_key, parent=row.parent_key) for row in hints]
    result = reread(scope, reach, kind, names, alive=alive)
    # Only what was not asked for again while we were reading is done with; what failed is tried
    # again after a pause (housekeeping forgets it after an hour).
    for row in hints:
        mine = Hint.objects.filter(pk=row.pk, asked_at=row.asked_at)
        if result is None or row.parent_key in result.missed:
            mine.update(not_before=now() + AFTER_TROUBLE)
        else:
            mine.delete()
    if result is None:
        return
    wake_others(resource, scope, result.changes)
    changed = {change.key for change in result.changes}
    changed_parents = changed_parents_of(resource, result.changes) | result.grown
    unchanged = [
        name
        for name, row in zip(names, hints, strict=True)
        if not row.echo and name.key not in changed and name.parent not in changed_parents
    ]
    hint(scope, unchanged, later=ECHO, echo=True)


def _ask_for_unknown_parents(scope: Scope, resource: Resource, hints: Sequence[Hint]) -> None:
    """Ask for the rows that the named ones belong to: a new row wakes its children."""
    above = REGISTER.get(resource.asked_by) if resource.asked_by else None
    named = {row.parent_key for row in hints if row.parent_key}
    if above is None or not above.keyed or not named:
        return
    rows = above.model._default_manager.filter(scope=scope, key__in=named, gone_at=None)
    unknown = named - set(rows.values_list("key", flat=True))
    hint(scope, [Names(kind=above.kind, key=key) for key in unknown])
