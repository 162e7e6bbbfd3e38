"""Learns from GetCallerIdentity which account credentials open, and keeps scopes named after it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.timezone import now

from apps.mirror.provider import Failure, Health

from .ambient import take_over
from .calls import Reach
from .curing import followable
from .failures import classify, made_call
from .models import Account
from .places import forget_trouble, name_scopes, tell_trouble, wanted_regions
from .reaching import reach_of
from .session import sts_regions

AGAIN_AFTER = timedelta(minutes=15)
# After a failure: 10 s, then twice as long each time.
SOON_AGAIN = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=5)
# While somebody asks for an account nobody else does, unless he died of it.
ASKING = timedelta(minutes=2)
WHO = "sts:GetCallerIdentity"
# Seconds after which no further region is asked: somebody waits for the reason.
ENOUGH = 15.0


def accounts_to_identify() -> list[Account]:
    """Return accounts that were never identified, failed a while ago, or were long ago.

    What is parked, paused or removed is left alone: its credentials are not to be used.
    """
    stale = Q(identified_at=None) | Q(identified_at__lt=now() - AGAIN_AFTER) | ~Q(identity_error="")
    rows = Account.objects.filter(stale, _due(), parked_at=None, removed_at=None, paused=False)
    return list(rows.select_related("base").prefetch_related("places"))


def _due() -> Q:
    return Q(identity_due_at=None) | Q(identity_due_at__lte=now())


def claim(account: Account) -> bool:
    """Take it upon oneself to ask for an account; False where another does already."""
    row = Account.objects.filter(_due(), pk=account.pk)
    return row.update(identity_due_at=now() + ASKING) == 1


def ask_anew() -> None:
    """Let every account that failed be asked at once: a start may have cured it."""
    Account.objects.exclude(identity_due_at=None).update(identity_due_at=None, identity_failures=0)


def _rested(account: Account) -> dict[str, Any]:
    """Return what to write of an account that failed: when it is asked again."""
    times = Account.objects.values_list("identity_failures", flat=True).filter(pk=account.pk)
    failures = times.first() or 0
    rest: timedelta = min(SOON_AGAIN * 2 ** min(failures, 10), LONGEST_REST)
    return {
        "identity_asked_at": now(),
        "identity_failures": failures + 1,
        "identity_due_at": now() + rest,
    }


def identify(account: Account) -> bool:
    """Find out who we are; True where that is the account these credentials stand for."""
    return find_out(account) is None


def ask_who(
    reach_in: Callable[[str], Reach], regions: Iterable[str]
) -> tuple[Mapping[str, Any] | None, Failure | None]:
    """Ask STS in these regions until one says who we are; return what it said, or the failure.

    Credentials are called wrong only where every region refuses them: one that was never opted in
    to refuses good ones. Each region is asked once: whoever asks comes again soon.
    """
    failures: list[Failure] = []
    began = time.monotonic()
    for region in regions:
        if failures and time.monotonic() - began > ENOUGH:
            break
        try:
            reach = reach_in(region)
            reach.attempts = 1
            return reach.call(WHO), None
        except Exception as error:  # noqa: BLE001 - any failure is told on the page
            called = made_call(error, WHO)
            failures.append(replace(classify(error, called), operation=called))
    others = [failure for failure in failures if failure.health is not Health.CREDENTIALS]
    return None, (others or failures)[0]


def find_out(account: Account) -> Failure | None:
    """Ask who we are; write account number and caller, or why that failed and its cure.

    A number other than the one given is a failure and is not followed: rows of two accounts must
    never mix. Nothing is written where other credentials were given meanwhile.
    """
    # What was asked with credentials that are replaced by now tells nothing.
    row = Account.objects.filter(pk=account.pk, edition=account.edition)
    regions = sts_regions(account, wanted_regions(account))
    said, failure = ask_who(lambda region: reach_of(account, region), regions)
    if said is None:
        assert failure is not None
        failure = followable(failure, account)
        told = {"identity_error": failure.message or failure.code, "identity_cure": failure.cure}
        if row.update(**told, **_rested(account)):
            tell_trouble(account, failure)
        return failure
    number, arn = str(said["Account"]), str(said.get("Arn", ""))
    if account.account_id and account.account_id != number:
        return _another(account, number, arn)
    recovered = bool(account.identity_error)
    found = row.update(
        account_id=number,
        caller_arn=arn,
        identity_error="",
        identity_cure="",
        identified_at=now(),
        identity_asked_at=now(),
        identity_failures=0,
        identity_due_at=None,
    )
    if not found:
        return OVERTAKEN
    if recovered or not account.account_id:
        forget_trouble(account)
    account.account_id = number
    account.identity_error = ""
    name_scopes(account)
    return None


OVERTAKEN = Failure(
    health=Health.CREDENTIALS,
    code="Overtaken",
    operation=WHO,
    message="Other credentials were given while these were asked whose they are.",
    cure="Nothing needs to be done: the new ones are asked next.",
)


def _another(account: Account, number: str, arn: str) -> Failure:
    """Say that credentials open another account; this machine's own go on with that one."""
    failure = Failure(
        health=Health.CREDENTIALS,
        code="AnotherAccount",
        operation=WHO,
        message=f"These credentials open account {number}, not {account.account_id}.",
        cure="Give the credentials of the right account, or connect the other one under a "
        "name of its own.",
    )
    ours = account.managed and account.method == Account.Method.AMBIENT
    if ours and take_over(account, number, arn) is not None:
        return failure
    row = Account.objects.filter(pk=account.pk, edition=account.edition)
    row.update(
        identity_error=failure.message,
        identity_cure=failure.cure,
        identified_at=None,
        **_rested(account),
    )
    tell_trouble(account, failure)
    return failure
