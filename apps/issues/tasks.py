"""Celery's side of issues: who may be assigned."""

import logging

from celery import shared_task

from .acting import KEEPERS
from .assignable import keep_people
from .models import Tracker

log = logging.getLogger(__name__)


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
