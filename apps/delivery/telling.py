"""Tells sites what they are to show: by one worker at a time, and again where it did not work."""

import logging
import time
from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import BigIntegerField, F, Value
from django.db.models.functions import Greatest
from django.utils.timezone import now

from apps.mirror.lease import Lease
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS, Health
from apps.sites.failures import QuotaSpentError

from .channels import CHANNELS, open_for
from .hearing import hear
from .models import Channel, Telling

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
# A site that cannot be opened is in trouble as a whole, which its health tells: nothing is counted.
SHUT_PAUSE = timedelta(minutes=5)
# So often is something tried that keeps failing in a way that may pass.
ATTEMPTS = 10
AT_ONCE = 50
# What no further try cures.
FINAL = frozenset({Health.GONE, Health.UNSUPPORTED})


def follow() -> None:
    """Read what changed, note what is wanted now, and tell what is due."""
    if hear():
        tell()


def tell() -> int:
    """Tell what is due, door by door; return how much was told."""
    Telling.objects.overtaken().delete()
    due = Telling.objects.due().filter(
        scope__enabled=True,
        scope__site__may_write=True,
        scope__site__paused=False,
        scope__site__removed_at=None,
    )
    doors: dict[tuple[int, str], list[int]] = defaultdict(list)
    listed = due.order_by("due_at", "pk").values_list("pk", "scope", "channel")
    for pk, scope, channel in listed[:AT_ONCE]:
        # GitHub's channels and the link share what their site is opened as.
        doors[scope, Channel.PANEL if channel == Channel.PANEL else ""].append(pk)
    return sum(_tell_door(scope, door, rows) for (scope, door), rows in doors.items())


def _tell_door(scope_id: int, channel: str, rows: list[int]) -> int:
    scope = Scope.objects.get(pk=scope_id)
    provider = PROVIDERS.get(scope.provider)
    told = 0
    try:
        reach = open_for(channel, scope)
    except Exception as error:  # noqa: BLE001 - whatever it is, the results say so
        _postpone(rows, now() + SHUT_PAUSE, provider.classify(error).message)
        return 0
    try:
        for turn, pk in enumerate(rows, 1):
            told += _tell_one(pk, reach, provider)
            if reach.spent:
                # What is due at other doors is not to wait behind the rest of these.
                due_at = Telling.objects.filter(pk=pk).values_list("due_at", flat=True).first()
                _postpone(rows[turn:], max(due_at or now(), now() + FIRST_PAUSE))
                break
    finally:
        reach.close()
    return told


def _postpone(rows: list[int], until: datetime, why: str = "") -> None:
    """Put off what was not tried; whoever is at one of them goes on."""
    waiting = Telling.objects.due().filter(pk__in=rows)
    waiting.update(due_at=until, **({"trouble": why} if why else {}))


def _tell_one(pk: int, reach: object, provider: object) -> int:
    lease = Lease(Telling.objects.due().filter(pk=pk), "leased_until", LEASE)
    # Milliseconds are no four bytes, which Postgres would take a plain number for.
    clock = Value(int(time.time() * 1000), output_field=BigIntegerField())
    later = Greatest(F("sequence") + 1, clock, output_field=BigIntegerField())
    if not lease.take(attempts=F("attempts") + 1, sequence=later):
        return 0
    mine = Lease(Telling.objects.filter(pk=pk), "leased_until", LEASE, held=lease.until)
    row = Telling.objects.select_related("scope").get(pk=pk)
    mark = row.wanted_mark
    try:
        told = CHANNELS[row.channel](reach, row)
    except Exception as error:  # noqa: BLE001 - kept in words, and tried again
        _failed(row, mine, provider, error)
        return 0
    kept = mine.free(
        told_mark=mark,
        told_at=now(),
        remote_id=told.id[:64],
        trouble=told.but,
        attempts=0,
        due_at=now(),
    )
    if not kept:
        # It took so long that somebody else told it meanwhile, and this may stand over that now.
        Telling.objects.filter(pk=pk).update(told_mark="", due_at=now())
    return 1


def _failed(row: Telling, lease: Lease, provider: object, error: Exception) -> None:
    failure = provider.classify(error)  # type: ignore[attr-defined]
    if isinstance(error, QuotaSpentError):
        lease.free(trouble=failure.message, due_at=error.resets_at, attempts=F("attempts") - 1)
        return
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (row.attempts - 1))
    over = failure.health in FINAL or row.attempts >= ATTEMPTS
    said = " ".join(filter(None, (failure.message, failure.cure)))
    same = Telling.objects.filter(pk=row.pk, wanted_mark=row.wanted_mark)
    of_same = Lease(same, "leased_until", LEASE, held=lease.until)
    if not of_same.free(trouble=said, due_at=now() + pause, given_up=over):
        # Something else is wanted by now, of which it says nothing.
        lease.free()
    log.log(
        logging.WARNING if over else logging.INFO,
        "results.untold",
        extra={
            "scope": row.scope.place,
            "channel": row.channel,
            "about": row.about,
            "error": failure.code,
            "given_up": over,
        },
    )
