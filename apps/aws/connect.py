"""Connects accounts: rows of account, places and scopes, so that sweeps begin by themselves.

Knows no request: `manage.py up` connects the sandbox and ambient credentials through the same door
as the page.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from apps.mirror.due import sweep_now
from apps.mirror.ingest import events_moved
from apps.mirror.models import Scope

from .models import Account, Place, new_external_id
from .places import AlreadyConnectedError, make_place, name_scopes, settle, taken_regions
from .session import forget
from .told import CHANGED, CONNECTED, LISTENS, PAUSED, RENAMED, RESUMED, tell

log = logging.getLogger(__name__)

SYSTEM = "make up"


@dataclass(kw_only=True)
class Credentials:
    """The one way in, as entered. Secrets are plain text here and sealed when they are stored."""

    method: str
    account_id: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: Any = ""
    session_token: Any = ""
    role_arn: str = ""
    external_id: str = ""
    base: Account | None = None
    endpoint_url: str = ""

    def put_into(self, account: Account) -> None:
        """Write every field into an account, without saving it."""
        for field in fields(self):
            setattr(account, field.name, getattr(self, field.name))
        account.edition += 1


def connect(  # noqa: PLR0913 - all by name
    *,
    name: str,
    method: str,
    regions: Iterable[str],
    managed: bool = False,
    caller_arn: str = "",
    by: Any = SYSTEM,
    **credentials: Any,
) -> Account:
    """Store an account and begin to sweep its regions; return it.

    `credentials` are the fields of `Credentials`; `caller_arn` is what GetCallerIdentity said where
    it was asked already. A managed account that exists under this name gets the new credentials and
    the regions it does not know yet; regions that a person took off stay off. Raises
    AlreadyConnectedError.
    """
    given = Credentials(method=method, **credentials)
    if method == Account.Method.ROLE and not given.external_id:
        given.external_id = new_external_id()
    with transaction.atomic():
        known = Account.objects.filter(name=name).first()
        if known is not None and known.removed_at is not None:
            raise AlreadyConnectedError(
                f"The account that was connected as {name} is still being deleted. Try again soon."
            )
        if known is not None and not (managed and known.managed):
            raise AlreadyConnectedError(f"An account is connected as {name} already.")
        if known is not None:
            return _renewed(known, given, regions)
        account = Account(name=name, managed=managed, caller_arn=caller_arn)
        if caller_arn:
            account.identified_at = now()
        given.put_into(account)
        account.save()
        wanted = _untaken(account, regions) if managed else sorted(set(regions))
        for region in wanted:
            make_place(account, region)
        settle(account)
        what = f"{Account.Method(method).label}, {_listed(wanted)}"
        tell(account, CONNECTED, by, what)
    return account


def _listed(regions: Iterable[str]) -> str:
    return ", ".join(sorted(regions)) or "no region"


@transaction.atomic
def change_credentials(account: Account, given: Credentials, *, by: Any) -> None:
    """Give an account another way in. Whom it opens is asked anew; rows are kept."""
    nameless, before = not account.account_id, account.stamp
    given.account_id = given.account_id or account.account_id
    given.put_into(account)
    _never_asked(account)
    account.save()
    forget(account.pk)
    if nameless and account.account_id:
        name_scopes(account)
    if account.stamp != before:
        tell(account, CHANGED, by, f"credentials ({account.get_method_display()})")


def set_regions(account: Account, regions: Iterable[str], *, by: Any = SYSTEM) -> None:
    """Sweep these regions of an account and no others. Rows of a region taken off are kept.

    A region of an account that was never identified was never read, and is simply forgotten.

    Raises AlreadyConnectedError where another connection sweeps the region.
    """
    wanted = set(regions)
    with transaction.atomic():
        have = {place.region: place for place in account.places.select_related("scope")}
        swept = {region for region, place in have.items() if place.wanted}
        for region in sorted(wanted - have.keys()):
            make_place(account, region)
        on = [place.pk for region, place in have.items() if region in wanted]
        off = [place.pk for region, place in have.items() if region not in wanted]
        if account.account_id:
            Place.objects.filter(pk__in=on).update(wanted=True)
            Place.objects.filter(pk__in=off).update(wanted=False)
        else:
            Scope.objects.filter(aws_place__in=off).delete()
        settle(account)
        if wanted != swept:
            tell(account, CHANGED, by, f"regions ({_listed(wanted)})")


@transaction.atomic
def set_queue(place: Place, name: str, *, by: Any) -> None:
    """Listen to another queue of a place from now on, "" for the one EVENT_QUEUE_NAME names."""
    Place.objects.filter(pk=place.pk).update(
        queue_name=name,
        queue_url="",
        queue_checked_at=None,
        rest_until=None,
        unheard=0,
        waiting=None,
        waited=None,
        counted_at=None,
    )
    # What came by the other queue, or was wrong with it, says nothing of this one.
    events_moved(place.scope_id)
    queue = f"the queue {name}" if name else "the usual queue"
    tell(place.account, LISTENS, by, f"{queue} in {place.region}")


@transaction.atomic
def rename(account: Account, name: str, *, by: Any) -> None:
    """Give an account another name, which every page shows from now on. The name must be free."""
    if account.name == name:
        return
    tell(account, RENAMED, by, name)
    Account.objects.filter(pk=account.pk).update(name=name)
    account.name = name
    settle(account)


@transaction.atomic
def pause(account: Account, *, by: Any) -> None:
    """Stop sweeping an account; what was read stays readable."""
    if Account.objects.filter(pk=account.pk, paused=False).update(paused=True):
        tell(account, PAUSED, by)
    settle(account)


@transaction.atomic
def resume(account: Account, *, by: Any) -> None:
    """Sweep an account again, in the regions that are wanted of it."""
    if Account.objects.filter(pk=account.pk, paused=True).update(paused=False):
        tell(account, RESUMED, by)
    # What failed before is tried at once.
    Account.objects.filter(pk=account.pk).update(identity_due_at=None)
    settle(account)
    sweep_now(Scope.objects.filter(aws_place__account=account))


def _never_asked(account: Account) -> None:
    """Forget what was said of the credentials that an account had before."""
    account.identity_error = account.identity_cure = ""
    account.identified_at = account.identity_asked_at = account.identity_due_at = None
    account.identity_failures = 0


def _renewed(account: Account, given: Credentials, regions: Iterable[str]) -> Account:
    """Bring a managed account up to what was found at this start."""
    before = account.stamp
    given.account_id = given.account_id or account.account_id
    given.external_id = given.external_id or account.external_id
    given.put_into(account)
    if account.stamp != before:
        _never_asked(account)
        forget(account.pk)
    account.save()
    have = set(account.places.values_list("region", flat=True))
    for region in _untaken(account, set(regions) - have):
        make_place(account, region)
    settle(account)
    return account


def _untaken(account: Account, regions: Iterable[str]) -> list[str]:
    """Leave out regions that another connection sweeps: a start must not fail for them."""
    wanted = set(regions)
    taken = taken_regions(account.account_id, wanted, but=account.pk)
    if taken:
        log.warning(
            "account.regions_taken",
            extra={"connection": account.name, "account": account.account_id, "regions": taken},
        )
    return sorted(wanted - set(taken))
