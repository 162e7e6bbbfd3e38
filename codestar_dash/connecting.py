"""Connects what `make up` stands for: the sandbox's accounts, or the ambient credentials."""

import logging
import os
from collections.abc import Iterable

from boto3 import Session
from django.conf import settings
from django.core.exceptions import ValidationError

from apps.aws import ambient, identity
from apps.aws.connect import connect
from apps.aws.endpoints import well_formed
from apps.aws.models import REGION, Account, Place
from apps.aws.purge import purge
from apps.aws.tasks import identify
from apps.deeds.acts import ACTS
from apps.deeds.models import Permit
from apps.deeds.permits import allow
from apps.mirror.due import free_all, sweep_now
from apps.mirror.models import Scope

log = logging.getLogger(__name__)

SANDBOX_ACCOUNTS = {"111122223333": "Sandbox: tools", "444455556666": "Sandbox: production"}
SANDBOX_REGIONS = ["eu-west-1", "us-east-1"]


def finish_removals() -> None:
    """Delete what a person had deleted of accounts that a start makes anew, if it was cut off."""
    removed = Account.objects.filter(managed=True).exclude(removed_at=None)
    for pk in list(removed.values_list("pk", flat=True)):
        purge(pk)


def connect_sandbox(url: str) -> None:
    """Make the sandbox's accounts, or give those of an earlier start the new address."""
    for number, name in SANDBOX_ACCOUNTS.items():
        account = connect(
            name=name,
            method=Account.Method.KEYS,
            regions=SANDBOX_REGIONS,
            account_id=number,
            # A 12-digit access key is that account, as far as the sandbox is concerned.
            access_key_id=number,
            secret_access_key="sandbox",  # noqa: S106 - opens nothing but the sandbox
            endpoint_url=url,
            managed=True,
        )
        _begin(account)
        _let_act(account)
        # Its queues are new ones, too.
        account.places.update(queue_url="", queue_checked_at=None, rest_until=None, unheard=0)


def _let_act(account: Account) -> None:
    """Let everything be done in an account that is played, unless somebody said otherwise."""
    own = Permit.objects.filter(account=account).first()
    if own is None or (own.by_itself and set(own.acts) != set(ACTS.by_name)):
        allow(account, ACTS.by_name, everyone=True, projects=(), by="make up", by_itself=True)


def disconnect_sandbox() -> None:
    """Put the sandbox's accounts aside; their rows stay, and nobody takes them for real ones."""
    ambient.park(Account.objects.filter(managed=True, name__in=list(SANDBOX_ACCOUNTS.values())))


def disconnect_ambient() -> None:
    """Stop calling AWS with this machine's credentials, which an earlier start connected."""
    ambient.park(ambient.machine_accounts())


def ambient_regions() -> list[str]:
    """Return this machine's region and those of AWS_REGIONS.

    Raises UnknownRegionError where one can be none.
    """
    # AWS_REGION is what the CLI, other SDKs and containers on AWS go by; boto3 does not read it.
    named = os.environ.get("AWS_REGION", "").strip() or Session().region_name
    regions = list(dict.fromkeys(filter(None, [named, *settings.AWS_REGIONS]))) or ["us-east-1"]
    check_regions(regions)
    return regions


def ambient_endpoint() -> str:
    """Return AWS_ENDPOINT_URL, or nothing; EndpointRefusedError where it is no endpoint."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "").strip()
    return well_formed(endpoint) if endpoint else ""


def connect_ambient() -> None:
    """Connect what boto3 finds by itself; raises as `ambient_regions` and `ambient_endpoint` do."""
    regions, endpoint = ambient_regions(), ambient_endpoint()
    warn_of_unknown(regions)
    latest = ambient.machine_accounts().first()
    account = connect(
        # Credentials of another account than last time go on under a row of their own.
        name=latest.name if latest else ambient.NAME,
        method=Account.Method.AMBIENT,
        regions=regions,
        endpoint_url=endpoint,
        managed=True,
    )
    ambient.park(ambient.machine_accounts().exclude(pk=account.pk))
    # The credentials may be another account's than last time: ask before the first sweep.
    Account.objects.filter(pk=account.pk).update(identified_at=None)
    _begin(account)
    identify.delay()


class UnknownRegionError(ValueError):
    """A region that was named cannot be one; the text says which are."""


def known_regions() -> set[str]:
    """Every region that this boto3 knows, of all partitions."""
    session = Session()
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("sts", partition)
    }


def check_regions(regions: Iterable[str]) -> None:
    """Raise UnknownRegionError where one does not look like a region of AWS."""
    known = known_regions()
    for region in regions:
        if region in known:
            continue
        try:
            REGION(region)
        except ValidationError:
            raise UnknownRegionError(
                f"{region!r} is no region of AWS: correct AWS_REGIONS (or AWS_REGION, or the "
                f"profile's region). One looks like eu-west-1; known: {', '.join(sorted(known))}."
            ) from None


def warn_of_unknown(regions: Iterable[str]) -> None:
    """Say in the log which regions boto3 does not know; they may be newer than it."""
    for region in sorted(set(regions) - known_regions()):
        log.warning(
            "region.unknown",
            extra={
                "region": region,
                "cure": "If it is misspelt, correct AWS_REGIONS; if it is new, nothing.",
            },
        )


def ask_anew() -> None:
    """Ask for every account that failed, whatever AWS= says: a start may have cured it."""
    identity.ask_anew()
    identify.delay()


def release_leases() -> None:
    """Take back what an earlier process held; only where no other process can be at it."""
    free_all()
    Place.objects.exclude(listened_until=None).update(listened_until=None)


def _begin(account: Account) -> None:
    """Sweep at once, and what was put aside again; what a person switched off stays off."""
    ambient.unpark(account)
    sweep_now(Scope.objects.filter(aws_place__account=account))
