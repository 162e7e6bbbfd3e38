"""Deletes a site and all that is mirrored of it: the one exception to "rows are kept"."""

import logging
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils.timezone import now

from apps.mirror.models import Change, Hint, Link, Operation, ReadToEnd, Scope, Sweep, Unbound
from apps.mirror.resource import REGISTER

from .connect import settle
from .models import Delivery, Remembered, Site
from .opening import forget
from .told import REMOVED, tell

log = logging.getLogger(__name__)

# SQLite has one writer, and people sign in meanwhile.
BATCH = 500
# Seconds without a batch after which whoever deleted is taken for dead.
LOCKED = 120
# A webhook may be sent again for so long (GitHub: three days); older ones need no memory.
REPLAYED = timedelta(days=7)


def what_is_lost(site: Site) -> list[tuple[str, int]]:
    """Return (label, number) of every kind that has rows of this site."""
    counted = [
        (resource.label, resource.model._default_manager.filter(scope=site.scope_id).count())
        for resource in REGISTER.of(site.provider)
    ]
    return [(label, number) for label, number in counted if number]


@transaction.atomic
def announce(site: Site, *, by: Any) -> None:
    """Stop sweeping and hide the site at once; the rows go in a task, by the beat if need be."""
    if Site.objects.filter(pk=site.pk, removed_at=None).update(removed_at=now()):
        tell(site, REMOVED, by)
    settle(site)


def sites_to_purge() -> list[int]:
    """Return the removed sites that nobody is deleting at the moment."""
    removed = Site.objects.exclude(removed_at=None).order_by("removed_at")
    return [pk for pk in removed.values_list("pk", flat=True) if not cache.get(_lock_of(pk))]


def purge(site_id: int) -> int:
    """Delete a site's rows, children first, then its scope and itself; return how many rows.

    May be repeated after it was cut off; where somebody is at it already, it does nothing.
    """
    site = Site.objects.exclude(removed_at=None).filter(pk=site_id).first()
    if site is None or not cache.add(_lock_of(site_id), 1, timeout=LOCKED):
        return 0
    deleted = 0
    try:
        for resource in reversed(REGISTER.of(site.provider)):
            rows = resource.model._default_manager.filter(scope=site.scope_id)
            while ids := _some(rows):
                with transaction.atomic():
                    Link.objects.filter(from_kind=resource.kind, from_id__in=ids).delete()
                    resource.model._default_manager.filter(pk__in=ids).delete()
                deleted += len(ids)
                cache.set(_lock_of(site_id), 1, timeout=LOCKED)
        for model in (Change, Hint, Operation, ReadToEnd, Sweep, Unbound):
            while ids := _some(model._default_manager.filter(scope=site.scope_id)):
                model._default_manager.filter(pk__in=ids).delete()
                cache.set(_lock_of(site_id), 1, timeout=LOCKED)
        for kept in (Remembered, Delivery):
            while ids := _some(kept._default_manager.filter(site=site_id)):
                kept._default_manager.filter(pk__in=ids).delete()
                cache.set(_lock_of(site_id), 1, timeout=LOCKED)
        Scope.objects.filter(pk=site.scope_id).delete()
    finally:
        cache.delete(_lock_of(site_id))
    forget(site_id)
    log.info("site.purged", extra={"connection": site.name, "rows": deleted})
    return deleted


def forget_deliveries() -> int:
    """Forget webhooks that nobody sends again; return how many."""
    deleted = 0
    while ids := _some(Delivery.objects.filter(at__lt=now() - REPLAYED)):
        Delivery.objects.filter(pk__in=ids).delete()
        deleted += len(ids)
    return deleted


def _lock_of(site_id: int) -> str:
    return f"sites:purging:{site_id}"


def _some(rows: Any) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
