"""Celery's side of projects."""

from celery import shared_task
from django.core.cache import cache

from apps.mirror.resource import REGISTER
from apps.mirror.tail import newest_change
from apps.mirror.tied import tied_between

from .follow import OvertakenError, follow
from .models import Holding

LOOKED_TO = "projects:followed-to"
BUSY = "projects:following"


@shared_task(name="projects.follow")
def keep_following() -> None:
    """Every few seconds: where rows came, went or were tied otherwise, see what follows now."""
    if not Holding.objects.exists() or not cache.add(BUSY, 1, timeout=120):
        return
    try:
        newest = newest_change()
        since = cache.get(LOOKED_TO)
        if since is not None and not tied_between(since, newest, _kinds()):
            return
        # Before it looks: whoever changes what is held meanwhile takes the mark away, and it is
        # looked at once more with the next beat.
        cache.set(LOOKED_TO, newest, timeout=600)
        done = False
        try:
            follow()
            done = True
        except OvertakenError:
            pass
        finally:
            if not done:
                cache.delete(LOOKED_TO)
    finally:
        cache.delete(BUSY)


def follow_soon() -> None:
    """Work it out anew with the next look, because what is held was changed."""
    cache.delete(LOOKED_TO)
    keep_following.delay()


def _kinds() -> list[str]:
    """What projects hold, what follows it, and what its links are told by."""
    return [one.kind for one in REGISTER if one.in_projects]
