"""Fetches the past of series for somebody who looks at a range that was never read; in workers."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils.timezone import now

from apps.aws.calls import batches
from apps.mirror.models import Operation, Scope
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.resource import REGISTER
from apps.mirror.tail import tell_aside

from . import collect, keep, plan
from .models import Kept, Metric
from .records import Points

# How far back each resolution is fetched; more is in no range that is drawn from it. AWS keeps
# minutes for 15 days, five minutes for 63, hours for 455.
PAST = ((60, timedelta(hours=4)), (300, timedelta(days=1)), (3600, timedelta(days=30)))
# What says of itself that another call would fare alike: the next sweep finds out.
REFUSED = (Health.DENIED, Health.CREDENTIALS, Health.NOT_OPTED_IN, Health.UNSUPPORTED)
# A past that could not be fetched, or not whole, is not asked for again for so long.
AGAIN = timedelta(minutes=15)
# A worker that died is not waited for longer (seconds).
UNDER_WAY = 600


def lacking(metrics: Sequence[Metric], since: datetime) -> list[int]:
    """Return the ids of the series whose past from `since` on was neither read nor fetched."""
    kept = {row.metric_id: row for row in Kept.objects.filter(metric__in=metrics)}
    lacking = []
    for metric in metrics:
        row = kept.get(metric.pk)
        # Until it was read once, its sweep is on its way.
        if row is not None and unread_to(row, since) is not None:
            lacking.append(metric.pk)
    return lacking


def unread_to(row: Kept, since: datetime) -> datetime | None:
    """Return up to when nothing was asked of a range that begins at `since`, None: all was."""
    filled = row.filled_at is not None and row.filled_at >= row.whole_from
    return None if filled or row.whole_from <= since else row.whole_from


def refused(metrics: Sequence[Metric]) -> bool:
    """Whether CloudWatch tells the points of these to nobody as things are."""
    told = Operation.objects.filter(
        scope__in={metric.scope_id for metric in metrics},
        operation=collect.OPERATION,
        health__in=REFUSED,
    )
    return told.exists()


def claim(ids: Sequence[int]) -> list[int]:
    """Return those of these that nobody fetches or has failed to fetch lately."""
    seconds = int(AGAIN.total_seconds())
    claimed = [pk for pk in ids if cache.add(f"cloudwatch:fill:{pk}", 1, timeout=seconds)]
    cache.set_many({_under_way(pk): 1 for pk in claimed}, timeout=UNDER_WAY)
    return claimed


def under_way(ids: Sequence[int]) -> set[int]:
    """Return those of these whose past is being fetched, whoever asked for it."""
    found = cache.get_many([_under_way(pk) for pk in ids])
    return {pk for pk in ids if _under_way(pk) in found}


def over(ids: Sequence[int]) -> None:
    """Say that nobody fetches these any more, however that ended."""
    cache.delete_many([_under_way(pk) for pk in ids])
    # Whoever waits looks again, whether there are points now or a reason why not.
    scopes = (
        Metric.objects.filter(pk__in=ids).order_by("scope_id").values_list("scope_id", flat=True)
    )
    for scope_id in scopes.distinct():
        tell_aside(keep.KIND, scope_id)


def _under_way(pk: int) -> str:
    return f"cloudwatch:filling:{pk}"


def fill(ids: Sequence[int]) -> None:
    """Fetch the past of these series, all of one scope.

    For each resolution a call for as many series as fit into one page: at least 336 of four hours'
    minutes or of a day's five minutes, 139 of thirty days' hours. More to a call would be cut into
    more pages. What has no finer points than every five minutes is not asked for minutes.
    """
    metrics = list(Metric.objects.filter(pk__in=ids, gone_at=None).order_by("pk"))
    if not metrics:
        return
    scope = Scope.objects.get(pk=metrics[0].scope_id)
    resource = REGISTER.get("cloudwatch.metric")
    reach: Any = None
    try:
        reach = PROVIDERS.get(scope.provider).open(scope, urgent=True)
        read = _past(reach, metrics)
    except Exception as error:  # noqa: BLE001 - classified, and told at the foot of the page
        record_outcomes(scope, resource, reach.outcomes if reach else {}, error)
        return
    finally:
        if reach is not None:
            reach.close()
    record_outcomes(scope, resource, reach.outcomes)
    keep.fill_past(read)


def _past(reach: Any, metrics: Sequence[Metric]) -> dict[int, list[Points]]:
    by_key = {metric.key: metric.pk for metric in metrics}
    until = now().astimezone(UTC).replace(second=0, microsecond=0)
    read: dict[int, list[Points]] = {}
    for period, past in PAST:
        since = (until - past).replace(minute=0)
        series = [plan.as_parent(metric) for metric in metrics if metric.period <= period]
        each = math.ceil((until - since).total_seconds() / period)
        for batch in batches(series, min(collect.QUERIES, collect.DATAPOINTS // each)):
            for record in collect.points(reach, batch, since, until, period=period):
                if record.aside is not None:
                    read.setdefault(by_key[record.key], []).append(record.aside)
    return read
