"""What this machine's own credentials open: one account row for each number they ever opened."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.timezone import now

from .models import Account
from .places import make_place, settle, taken_regions
from .session import forget

NAME = "Credentials of this machine"


def machine_accounts() -> "QuerySet[Account]":
    """Return the rows that `make up` made for this machine's credentials, the latest used first."""
    rows = Account.objects.filter(managed=True, method=Account.Method.AMBIENT)
    return rows.order_by(F("parked_at").desc(nulls_first=True), "pk")


def park(accounts: Iterable[Account]) -> None:
    """Put accounts aside: not swept, not asked, not shown. Their rows stay."""
    for account in accounts:
        Account.objects.filter(pk=account.pk, parked_at=None).update(parked_at=now())
        settle(account)


def unpark(account: Account) -> None:
    """Take an account up again; what a person switched off stays off."""
    Account.objects.filter(pk=account.pk).update(parked_at=None)
    settle(account)


def take_over(account: Account, number: str, caller_arn: str) -> Account | None:
    """Let the row of another account stand for this machine, whose credentials open that one now.

    Returns it; None where a person connected that account in all of these regions already.
    """
    regions = list(account.places.values_list("region", flat=True))
    with transaction.atomic():
        other = machine_accounts().filter(account_id=number).exclude(pk=account.pk).first()
        if other is None:
            if set(taken_regions(number, regions)) >= set(regions):
                return None
            other = Account(name=f"{NAME} ({number})", account_id=number, managed=True)
            other.method = account.method
        other.endpoint_url = account.endpoint_url
        other.caller_arn, other.identified_at = caller_arn, now()
        other.identity_error = other.identity_cure = ""
        other.edition += 1
        other.save()
        have = set(other.places.values_list("region", flat=True))
        for region in sorted(set(regions) - have - set(taken_regions(number, regions))):
            make_place(other, region)
        Account.objects.filter(pk=account.pk).update(identity_error="", identity_cure="")
        park([account])
        unpark(other)
    forget(account.pk)
    return other
