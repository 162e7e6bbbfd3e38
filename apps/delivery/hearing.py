"""Hears from the log of changes which executions moved, and has noted what sites are to show."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils.timezone import now

from apps.mirror.lease import Lease
from apps.mirror.models import Change

from .models import Heard, Results
from .wanted import note

log = logging.getLogger(__name__)

EXECUTION = "codepipeline.execution"
KINDS = (EXECUTION, "codepipeline.action")
LEASE = timedelta(minutes=2)
# So many changes are read in one look, and worked off so many at a time: after each part it is
# written down how far they are.
MOST, PART = 2_000, 100
# Ids of changes may be committed out of their order: behind where one is, what is as young as this
# is looked for. By age, not by number: where nothing moves, nothing is worked out anew.
LATE = timedelta(minutes=1)
# What moved is worked out when it is heard, and once more so long after that: what it names (a
# commit, the issue of that) may be read just after it.
SETTLED = timedelta(seconds=20)
# In the cache: {id of a change: when it was worked out, or True for both times}. Where that is lost
# it is worked out anew.
LOOKED = "delivery:heard"


def hear() -> bool:
    """Note what the executions that moved want; False where no project tells its results."""
    if not Results.objects.filter(Q(github=True) | Q(jira=True)).exists():
        # What happens while nobody tells is not told when somebody does again.
        Heard.objects.all().delete()
        return False
    row, _ = Heard.objects.get_or_create(pk=1, defaults={"change": _newest()})
    lease = Lease(Heard.objects.filter(pk=1), "leased_until", LEASE)
    if not lease.take():
        return True
    end = row.change
    try:
        row.refresh_from_db()
        end = row.change
        newest, at = _newest(), now()
        looked: dict[int, datetime | bool] = cache.get(LOOKED, {})
        once = [pk for pk, when in looked.items() if when is not True]
        wanted = Q(pk__gt=end) | Q(at__gte=at - LATE) | Q(pk__in=once)
        changes = Change.objects.filter(wanted, kind__in=KINDS).order_by("pk")
        told = list(changes.values_list("pk", "subjects")[:MOST])
        ripe = [one for one in told if _is_ripe(looked.get(one[0]), at)]
        for start in range(0, len(ripe), PART):
            part = ripe[start : start + PART]
            _note(set(_executions(subjects for _, subjects in part)))
            end = max(end, part[-1][0])
            looked |= {pk: at if pk not in looked else True for pk, _ in part}
            if not lease.update(change=end):
                # It took so long that another began: they go on from where this one came to.
                return True
        if ripe:
            there = {pk for pk, _ in told}
            kept = {pk: when for pk, when in looked.items() if pk in there}
            cache.set(LOOKED, kept, timeout=2 * LATE.total_seconds())
        if len(told) < MOST:
            end = max(end, newest)
    finally:
        # What was not noted is heard again.
        lease.free(change=end)
    return True


def _is_ripe(looked: datetime | bool | None, at: datetime) -> bool:
    """Whether a change is to be worked out: nobody did, or once and long enough ago."""
    if isinstance(looked, datetime):
        return looked <= at - SETTLED
    return looked is None


def _executions(subjects: Iterable[Iterable[str]]) -> Iterator[int]:
    for some in subjects:
        for one in some:
            kind, _, number = str(one).partition(":")
            if kind == EXECUTION and number.isdecimal():
                yield int(number)


def _note(ids: set[int]) -> None:
    """Note what executions want; one of which that cannot be worked out holds up no other."""
    try:
        note(ids)
    except (InterfaceError, OperationalError):
        # The database is away: all of it is heard again.
        raise
    except Exception:
        if len(ids) == 1:
            log.exception("results.unnoted", extra={"execution": next(iter(ids))})
            return
        for pk in sorted(ids):
            _note({pk})


def _newest() -> int:
    return Change.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
