"""The scopes of accounts: making them, naming them, and deciding whether each is swept or shown.

Whether a scope is swept follows from what is wanted of its region and from its account alone, so
that no two deciders undo each other: `settle` is the only one that writes it.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from apps.live.bus import BUS
from apps.mirror.due import sweep_now
from apps.mirror.models import Operation, Scope
from apps.mirror.outcomes import record_trouble
from apps.mirror.provider import Failure, Health
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps

from .failures import NotIdentifiedError
from .models import Account, Place

log = logging.getLogger(__name__)

# Calls that come before those of any kind.
STS = "sts:"
# Whether an account is still connected twice is not urgent.
LOOK_AGAIN = timedelta(minutes=5)
# Stands for what no call was at fault for.
NO_CALL = "*"


class AlreadyConnectedError(ValueError):
    """The name, or the account in one of the regions, is taken; the text says by what."""


def taken_regions(account_id: str, regions: Iterable[str], *, but: int | None = None) -> list[str]:
    """Return which of these regions another connection sweeps for this account number."""
    if not account_id:
        return []
    places = Place.objects.filter(account__account_id=account_id, region__in=list(regions))
    if but is not None:
        places = places.exclude(account_id=but)
    return sorted(places.values_list("region", flat=True))


def make_place(account: Account, region: str) -> Place:
    """Give an account a region; `settle` says whether it is swept.

    Raises AlreadyConnectedError where another connection has the region.
    """
    if taken_regions(account.account_id, [region], but=account.pk):
        raise AlreadyConnectedError(
            f"Account {account.account_id} is connected in {region} already, under another name."
        )
    # Until its number is known a scope has a name of its own and is not swept (see identity.py).
    name = f"{account.account_id}/{region}" if account.account_id else f"#{account.pk}/{region}"
    scope, _ = Scope.objects.get_or_create(
        provider="aws",
        place=name,
        defaults={
            "account": account.account_id,
            "region": region,
            "label": account.name,
            "enabled": False,
        },
    )
    ensure_sweeps(scope)
    return Place.objects.create(account=account, region=region, scope=scope)


def wanted_regions(account: Account) -> list[str]:
    """Return the regions that are swept, or will be once the account is identified and goes on."""
    return [place.region for place in account.places.all() if place.wanted]


def settle(account: Account) -> None:
    """Make each scope of an account follow from what is wanted: swept, paused, shown, its name."""
    row = Account.objects.get(pk=account.pk)
    parked = row.parked_at is not None or row.removed_at is not None
    for place in row.places.select_related("scope"):
        paused = row.paused or not place.wanted
        # A scope without an account's number waits for GetCallerIdentity.
        named = place.scope.place == f"{row.account_id}/{place.region}"
        values = {
            "paused": paused,
            "parked": parked,
            "enabled": named and not paused and not parked,
            "label": row.name,
        }
        changed = {key: new for key, new in values.items() if getattr(place.scope, key) != new}
        if not changed:
            continue
        Scope.objects.filter(pk=place.scope_id).update(**changed, edited_at=now())
        if changed.get("enabled"):
            sweep_now(Scope.objects.filter(pk=place.scope_id))
        # Not before others can see it: a page would fetch what was before.
        transaction.on_commit(partial(BUS.publish, "scope", str(place.scope_id)))


def name_scopes(account: Account) -> None:
    """Give scopes that were made before the number was known their name; they are swept now.

    One that another connection has is not swept, and says so.
    """
    twice = []
    for place in account.places.select_related("scope"):
        name = f"{account.account_id}/{place.region}"
        if place.scope.place == name:
            continue
        with transaction.atomic():
            if Scope.objects.filter(provider="aws", place=name).exclude(pk=place.scope_id).exists():
                log.warning("scope.twice", extra={"scope": name, "account": account.name})
                twice.append(place.region)
                continue
            Scope.objects.filter(pk=place.scope_id).update(place=name, account=account.account_id)
    settle(account)
    if twice:
        failure = connected_twice(account.account_id, twice)
        Account.objects.filter(pk=account.pk).update(
            identity_error=failure.message,
            identity_cure=failure.cure,
            identity_due_at=now() + LOOK_AGAIN,
        )
        tell_trouble(account, failure)


def connected_twice(number: str, regions: Iterable[str]) -> Failure:
    """Return what is wrong with a connection to what another one reads already."""
    return Failure(
        health=Health.FAILING,
        code="ConnectedTwice",
        message=f"Account {number} is connected twice in {', '.join(sorted(regions))}.",
        cure="Remove one of the two connections, or take these regions off one of them.",
        operation=NO_CALL,
    )


def tell_trouble(account: Account, failure: Failure) -> None:
    """Say on scopes that wait for the account's number why they still do."""
    waiting = account.places.filter(
        scope__enabled=False, scope__paused=False, scope__parked=False
    ).select_related("scope")
    # What kept them waiting before is another call's trouble.
    before = Operation.objects.filter(scope__aws_place__in=waiting)
    before.filter(_of_opening()).exclude(operation=failure.operation).delete()
    for place in waiting:
        for resource in REGISTER.of("aws"):
            record_trouble(place.scope, resource, NotIdentifiedError(failure))


def forget_trouble(account: Account) -> None:
    """Forget that credentials were refused: they are accepted now, and the next sweep tells."""
    ours = Operation.objects.filter(scope__aws_place__account=account)
    ours.filter(Q(health=Health.CREDENTIALS.value) | _of_opening()).delete()


def _of_opening() -> Q:
    """Match troubles that came before any call of a kind."""
    return Q(operation__startswith=STS) | Q(operation=NO_CALL)
