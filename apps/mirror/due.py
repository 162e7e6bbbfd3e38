"""Says what is due, who does it, and when it is due again."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.timezone import now

from . import known
from .health import SLOWER, may_rest
from .lease import Lease, free
from .models import Scope, Sweep
from .resource import REGISTER, Resource
from .state import State

# A holder that is alive renews its lease at half of it; one that was killed keeps it no longer.
# Longer than any call with its retries, because between two answers nobody renews.
LEASE = timedelta(minutes=5)
# While the whole is being read for so long, what moves is looked at beside it.
BESIDE_AFTER = timedelta(seconds=10)
SLOWEST_HOT = timedelta(seconds=20)
AFTER_TROUBLE = timedelta(seconds=30)
LONGEST_AWAY = timedelta(minutes=10)
# Who asks whether a scope answers again has so long before another may.
ASKING = timedelta(minutes=2)
SOON = timedelta(seconds=1)
# After so many failures alike reaches ask no more.
FAIL_ALIKE = 3


def due_sweeps(at: datetime | None = None) -> list[Sweep]:
    """Return the sweeps that somebody should begin, parents before children."""
    at = at or now()
    ready = _sweeps_of_scopes_that_answer(at).filter(
        free("leased_until", at), Q(due_at__lte=at) | Q(hot_due_at__lte=at)
    )
    return _in_order(ready)


def due_beside(at: datetime | None = None) -> list[Sweep]:
    """Return the sweeps of which somebody reads the whole, while what moves has to be looked at."""
    at = at or now()
    ready = _sweeps_of_scopes_that_answer(at).filter(
        free("hot_leased_until", at),
        leased_until__gte=at,
        started_at__lte=at - BESIDE_AFTER,
        # Else it is what moves that is being looked at.
        due_at__lte=F("started_at"),
        hot_due_at__lte=at,
        last_success__isnull=False,
    )
    return _in_order(ready)


def _sweeps_of_scopes_that_answer(at: datetime) -> Any:
    return (
        Sweep.objects.filter(scope__enabled=True, kind__in=REGISTER.by_kind.keys())
        .filter(scope_answers(at))
        .select_related("scope")
    )


def scope_answers(at: datetime) -> Q:
    """Return the condition on what belongs to a scope: it does not rest for want of answers."""
    return Q(scope__away_until=None) | Q(scope__away_until__lte=at)


def _in_order(sweeps: Any) -> list[Sweep]:
    order = list(REGISTER.by_kind)
    return sorted(sweeps, key=lambda sweep: (order.index(sweep.kind), sweep.due_at))


# --- Leases ---------------------------------------------------------------------------------------


def lease_of(sweep: Sweep) -> Lease:
    """The right to do a sweep; held, where `take` gave it to this `sweep`."""
    rows = Sweep.objects.filter(pk=sweep.pk)
    return Lease(rows, "leased_until", LEASE, held=sweep.leased_until)


def lease_beside(sweep: Sweep) -> Lease:
    """The right to look at what moves while another reads the whole."""
    return Lease(Sweep.objects.filter(pk=sweep.pk), "hot_leased_until", LEASE)


def take(sweep: Sweep) -> bool:
    """Claim a sweep; True for exactly one of those who try. `sweep` then bears the token."""
    lease = lease_of(sweep)
    if not lease.take(started_at=now()):
        return False
    sweep.leased_until = lease.until
    return True


def free_all() -> None:
    """Free whatever an earlier process of an installation with one process held."""
    Sweep.objects.exclude(leased_until=None).update(leased_until=None)
    Sweep.objects.exclude(hot_leased_until=None).update(hot_leased_until=None)
    Scope.objects.exclude(reread_until=None).update(reread_until=None)


# --- A scope that does not answer -----------------------------------------------------------------


def may_ask(scope: Scope) -> bool:
    """Whether this caller may ask a scope that did not answer lately: one may, for all kinds."""
    if scope.away_until is None:
        return True
    at = now()
    until = at + ASKING
    if not _as_seen(scope).filter(away_until__lte=at).update(away_until=until):
        return False
    scope.away_until = until
    return True


def asked_nothing(scope: Scope) -> None:
    """Who was to ask whether it answers had nothing to ask for: the next one may."""
    if scope.away_until is not None:
        _as_seen(scope).update(away_until=now())


def went_away(scope: Scope) -> None:
    """Nothing in a scope answered: its kinds rest together, each time twice as long.

    Of several that found it so at once the first one counts.
    """
    rest: timedelta = min(AFTER_TROUBLE * 2 ** min(scope.away_times, 10), LONGEST_AWAY)
    _as_seen(scope).update(away_until=now() + rest, away_times=F("away_times") + 1)


def _as_seen(scope: Scope) -> Any:
    return Scope.objects.filter(pk=scope.pk, away_until=scope.away_until)


def came_back(scope: Scope) -> None:
    """It answers (again)."""
    if scope.away_times:
        Scope.objects.filter(pk=scope.pk).update(away_until=None, away_times=0)


def sweep_now(scopes: Any) -> None:
    """Make every kind of these scopes due at once, also where they did not answer lately.

    For a start, and for a person who has changed something or asks for it.
    """
    Scope.objects.filter(pk__in=scopes.values("pk")).update(away_until=None, away_times=0)
    Sweep.objects.filter(scope__in=scopes.values("pk")).update(due_at=now(), hot_due_at=None)


# --- When next ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Went:
    """How a reading went, as far as it says when the next one is due.

    cold    it was of the whole list.     deep    details were read again, too.
    whole   it was read to its end; else it is tried again after a pause.
    missed  keys of parents that were not read, in the order they were asked.
    """

    cold: bool = False
    deep: bool = False
    whole: bool
    missed: tuple[str, ...] = ()


def after_reading(sweep: Sweep, at: datetime, went: Went) -> dict[str, Any]:
    """Return what a sweep's columns are after a reading that began `at`."""
    resource, scope = sweep.resource, sweep.scope
    cadence = resource.cadence
    sweep.refresh_from_db(fields=["events_at"])
    slow = SLOWER if may_rest(resource, sweep.events_at, at) else 1
    hot = hot_due(resource, scope, sweep.events_at)
    if hot is not None and not went.whole:
        # What was refused or throttled a moment ago is not asked every three seconds.
        hot = max(hot, now() + AFTER_TROUBLE)
    values: dict[str, Any] = {"finished_at": now(), "hot_due_at": hot}
    if not went.cold:
        return values
    values["resume_from"] = _next_begin(sweep.resume_from, went)
    if not went.whole:
        # From its end: what hangs for longer than its cadence must not be due when it ends.
        values["due_at"] = now() + after_trouble(cadence.cold)
        return values
    values["due_at"] = max(at + cadence.cold * slow, now() + cadence.cold / 4)
    # Not after a hot reading: what moves being readable says nothing of the list.
    values["last_success"] = at
    values["rows"] = known.rows_of(resource, scope).filter(gone_at=None).count()
    if went.deep or sweep.last_success is None:
        values["deep_due_at"] = at + cadence.deep
    return values


def _next_begin(began_with: str, went: Went) -> str:
    """Return with which parent the next reading begins: the first for which there was no time.

    Some that fail alike make an operation rest, and those behind are not asked: to begin the same
    way again would give them no turn for as long as these fail. Then it is any that was not read.
    """
    first = next(iter(went.missed), "")
    if first and not went.whole and first != began_with:
        return first
    left = went.missed if went.whole else went.missed[1:]
    return random.choice(left) if len(left) >= FAIL_ALIKE else ""  # noqa: S311 - guards nothing


def after_trouble(cold: timedelta) -> timedelta:
    """Return how long a kind that could not be read rests."""
    return max(AFTER_TROUBLE, min(cold, timedelta(minutes=5)))


def hot_due(resource: Resource, scope: Scope, events_at: datetime | None) -> datetime | None:
    """Return when to look again at what moves (soon) or waits for a person (less soon)."""
    cadence = resource.cadence
    if cadence.hot is None:
        return None
    states = set(
        known.unfinished_rows(resource, scope).order_by().values_list("state", flat=True).distinct()
    )
    resting = may_rest(resource, events_at, now())
    if State.MOVING in states:
        return now() + (max(cadence.hot, SLOWEST_HOT) if resting else cadence.hot)
    if cadence.waiting is not None and (
        State.WAITING in states or _has_hot_parents(resource, scope)
    ):
        return now() + cadence.waiting * (SLOWER if resting else 1)
    return None


def _has_hot_parents(resource: Resource, scope: Scope) -> bool:
    if resource.hot_parents is None or resource.asked_by is None:
        return False
    rows = REGISTER.get(resource.asked_by).model._default_manager.filter(scope=scope, gone_at=None)
    return bool(resource.hot_parents(rows).exists())


def heat(resource: Resource, scope: Scope) -> None:
    """After a re-read: what began to move is looked at hot from now on."""
    if resource.cadence.hot is None:
        return
    row = Sweep.objects.filter(scope=scope, kind=resource.kind).values_list("events_at", flat=True)
    hot = hot_due(resource, scope, row.first())
    if hot is not None:
        Sweep.objects.filter(scope=scope, kind=resource.kind).filter(
            Q(hot_due_at=None) | Q(hot_due_at__gt=hot)
        ).update(hot_due_at=hot)
