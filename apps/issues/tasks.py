"""Celery's side of issues: deeds, and who may be assigned."""

import logging

from celery import shared_task
from django.core.cache import cache

from . import deeds
from .acting import KEEPERS
from .assignable import keep_people
from .models import Tracker

log = logging.getLogger(__name__)


@shared_task(name="issues.perform")
def perform_deed(deed_id: int) -> None:
    """Do one deed, if it is due and nobody else is at it."""
    cache.delete(f"queued:deed:{deed_id}")
    deeds.perform(deed_id)


@shared_task(name="issues.resume")
def resume_deeds() -> None:
    """Every few seconds: hand out deeds that are due, those of a process that died among them."""
    for deed_id in deeds.due():
        if cache.add(f"queued:deed:{deed_id}", 1, timeout=20):
            perform_deed.delay(deed_id)


@shared_task(name="issues.read_people")
def read_people(tracker_id: int) -> None:
    """Read whom issues of a tracker may be assigned to, for the forms of the next minutes."""
    tracker = Tracker.objects.select_related("scope").filter(pk=tracker_id).first()
    keeper = KEEPERS.by_provider.get(tracker.scope.provider) if tracker is not None else None
    if tracker is None or keeper is None:
        return
    try:
        keep_people(tracker, keeper.people(tracker))
    except Exception as error:  # noqa: BLE001 - the form offers whom the mirror knows
        log.warning("issues.no_people", extra={"tracker": tracker_id, "error": str(error)[:300]})
