"""Celery's side of adoption: proposals follow what is mirrored, at their own pace."""

from celery import shared_task
from django.core.cache import cache

from apps.mirror.models import Scope
from apps.mirror.resource import REGISTER
from apps.mirror.tail import newest_change
from apps.mirror.tied import tied_between

from .by_itself import accept_all, let_in_newcomers
from .keep import timed
from .soon import LOOKED_TO, RESTS

BUSY = "adoption:at-it"
# It takes a twentieth of one thread at most, and is asked for every few seconds.
REST_PER_SECOND = 20
SHORTEST_REST, LONGEST_REST = 5, 600
LONGEST = 300


@shared_task(name="adoption.propose")
def keep_proposing() -> None:
    """Every few seconds: where rows came, went or were tied otherwise, see what is proposed now."""
    let_in_newcomers()
    if cache.get(RESTS) or not Scope.objects.exists() or not cache.add(BUSY, 1, timeout=LONGEST):
        return
    try:
        newest = newest_change()
        since = cache.get(LOOKED_TO)
        if since is not None and not tied_between(since, newest, _kinds()):
            return
        cache.set(LOOKED_TO, newest, timeout=LONGEST_REST)
        done, seconds = timed()
        if not done or accept_all():
            # Somebody decided something meanwhile: what follows from that is next.
            cache.delete(LOOKED_TO)
        else:
            rest = min(LONGEST_REST, max(SHORTEST_REST, seconds * REST_PER_SECOND))
            cache.set(RESTS, 1, timeout=rest)
    finally:
        cache.delete(BUSY)


def _kinds() -> list[str]:
    return [one.kind for one in REGISTER if one.held or (not one.history and one.parent)]
