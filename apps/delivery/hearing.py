"""Hears from the log of changes which executions moved, and has noted what sites are to show."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

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
# Ids of changes may be committed out of their order: what is as young as this is looked at once
# more. By age, not by number: where nothing moves, nothing is worked out anew.
LATE = timedelta(minutes=1)


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
        newest = _newest()
        young = Q(pk__gt=end) | Q(at__gte=now() - LATE)
        changes = Change.objects.filter(young, kind__in=KINDS).order_by("pk")
        told = list(changes.values_list("pk", "subjects")[:MOST])
        for start in range(0, len(told), PART):
            part = told[start : start + PART]
            _note(set(_executions(subjects for _, subjects in part)))
            end = max(end, part[-1][0])
            if not lease.update(change=end):
                # It took so long that another began: they go on from where this one came to.
                return True
        if len(told) < MOST:
            end = max(end, newest)
    finally:
        # What was not noted is heard again.
        lease.free(change=end)
    return True


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
