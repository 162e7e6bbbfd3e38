"""Deletes an account and all that is mirrored of it: the one exception to "rows are kept"."""

import logging
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils.timezone import now

from apps.mirror.models import Change, Hint, Link, Operation, ReadToEnd, Scope, Sweep, Unbound
from apps.mirror.resource import REGISTER

from .models import Account
from .places import settle
from .session import forget
from .told import REMOVED, tell

log = logging.getLogger(__name__)

# SQLite has one writer, and people sign in meanwhile.
BATCH = 500
# Seconds without a batch after which whoever deleted is taken for dead.
LOCKED = 120


def what_is_lost(account: Account) -> list[tuple[str, int]]:
    """Return (label, number) of every kind that has rows of this account."""
    scopes = _scopes(account)
    counted = [
        (resource.label, resource.model._default_manager.filter(scope__in=scopes).count())
        for resource in REGISTER.of("aws")
    ]
    return [(label, number) for label, number in counted if number]


@transaction.atomic
def announce(account: Account, *, by: Any) -> None:
    """Stop sweeping and hide the account at once; the rows go in a task, by the beat if need be."""
    if Account.objects.filter(pk=account.pk, removed_at=None).update(removed_at=now()):
        tell(account, REMOVED, by)
    settle(account)


def is_being_purged(account: Account) -> bool:
    """Whether its rows are being deleted."""
    return account.removed_at is not None


def accounts_to_purge() -> list[int]:
    """Return the removed accounts that nobody is deleting at the moment."""
    removed = Account.objects.exclude(removed_at=None).order_by("removed_at")
    return [pk for pk in removed.values_list("pk", flat=True) if not cache.get(_lock_of(pk))]


def purge(account_id: int) -> int:
    """Delete an account's rows, children first, then its scopes and itself; return how many rows.

    May be repeated after it was cut off; where somebody is at it already, it does nothing.
    """
    account = Account.objects.filter(pk=account_id).first()
    if account is None or not cache.add(_lock_of(account_id), 1, timeout=LOCKED):
        return 0
    scopes = _scopes(account)
    deleted = 0
    try:
        for resource in reversed(REGISTER.of("aws")):
            while ids := _some(resource.model._default_manager.filter(scope__in=scopes)):
                with transaction.atomic():
                    Link.objects.filter(from_kind=resource.kind, from_id__in=ids).delete()
                    resource.model._default_manager.filter(pk__in=ids).delete()
                deleted += len(ids)
                cache.set(_lock_of(account_id), 1, timeout=LOCKED)
        for model in (Change, Hint, Operation, ReadToEnd, Sweep, Unbound):
            while ids := _some(model._default_manager.filter(scope__in=scopes)):
                model._default_manager.filter(pk__in=ids).delete()
                cache.set(_lock_of(account_id), 1, timeout=LOCKED)
        with transaction.atomic():
            account.delete()
            Scope.objects.filter(pk__in=scopes).delete()
    finally:
        cache.delete(_lock_of(account_id))
    forget(account_id)
    log.info("account.purged", extra={"connection": account.name, "rows": deleted})
    return deleted


def _lock_of(account_id: int) -> str:
    return f"aws:purging:{account_id}"


def _scopes(account: Account) -> list[int]:
    return list(account.places.values_list("scope_id", flat=True))


def _some(rows: Any) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
