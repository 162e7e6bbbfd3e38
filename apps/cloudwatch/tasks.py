"""Celery's side of CloudWatch: thin tasks."""

from collections.abc import Sequence
from functools import partial

from celery import shared_task

from .fill import fill, over
from .follow import bite
from .keep import forget_points
from .searches import reading_of


@shared_task(name="cloudwatch.housekeeping")
def housekeeping() -> None:
    """Hourly: forget points past their time."""
    forget_points()


@shared_task(name="cloudwatch.fill")
def fill_past(metric_ids: Sequence[int]) -> None:
    """Fetch the past of series somebody looks at."""
    try:
        fill(metric_ids)
    finally:
        over(metric_ids)


@shared_task(name="cloudwatch.follow_group")
def follow_group(look: str, number: int, ticket: str) -> None:
    """Take one bite of a reading; come back for the next while it is watched and ours."""
    reading = reading_of(look, number)
    if reading is None or not reading.follower.take(ticket):
        return
    try:
        pause = bite(reading, ours=partial(reading.follower.take, ticket))
    except Exception:
        # Another may try at once, rather than when the lease is over.
        reading.follower.leave(ticket)
        raise
    if pause is None or not reading.follower.watched or not reading.follower.take(ticket):
        reading.follower.leave(ticket)
        return
    follow_group.apply_async((look, number, ticket), countdown=pause)
