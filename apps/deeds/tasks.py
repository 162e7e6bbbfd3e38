"""Celery's side of deeds."""

from celery import shared_task
from django.core.cache import cache

from . import performing


@shared_task(name="deeds.perform")
def perform_deed(deed_id: int) -> None:
    """Do one deed, if it is due and nobody else is at it."""
    cache.delete(f"queued:act:{deed_id}")
    performing.perform(deed_id)


@shared_task(name="deeds.resume")
def resume_deeds() -> None:
    """Every few seconds: hand out deeds that are due, those of a process that died among them."""
    for deed_id in performing.due():
        if cache.add(f"queued:act:{deed_id}", 1, timeout=20):
            perform_deed.delay(deed_id)
