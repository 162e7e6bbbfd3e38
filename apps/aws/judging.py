"""Says what a failure means for an account, where the answer alone does not tell."""

from collections.abc import Callable
from dataclasses import replace

from django.core.cache import cache

from apps.mirror.provider import Failure, Health

from .curing import followable
from .identity import ask_who
from .models import Account
from .reaching import reach_of
from .session import forget, sts_regions

# Seconds for which what STS said of the credentials is believed.
BELIEVED = 60
NEITHER_HERE_NOR_AT_STS = (
    "AWS does not accept the credentials of this account, neither here nor at STS. "
    "Give new ones on its page."
)
SANDBOX_ENDED = (
    "What the start command started at this endpoint does not answer any more. Stop the dashboard "
    "and start it again."
)


def judge_of(account: Account, region: str) -> Callable[[Failure], Failure]:
    """Return who has the last word on failures of an account in a region."""

    def judge(failure: Failure) -> Failure:
        if failure.health is Health.NOT_OPTED_IN and is_refused(account, region):
            refused = replace(failure, health=Health.CREDENTIALS, cure=NEITHER_HERE_NOR_AT_STS)
            return followable(refused, account)
        if failure.health is Health.UNREACHABLE and _is_sandbox(account):
            return replace(failure, cure=SANDBOX_ENDED)
        # One that was not identified has its cure already.
        return failure if failure.operation else followable(failure, account)

    return judge


def is_refused(account: Account, region: str) -> bool:
    """Whether STS, too, refuses the credentials of an account; asked at most once a minute.

    A service answers deleted keys as it answers a region that was never opted in to.
    """
    key = f"aws:refused:{account.pk}:{account.stamp}"
    known = cache.get(key)
    if known is None:
        _, failure = ask_who(lambda asked: reach_of(account, asked), sts_regions(account, [region]))
        known = failure is not None and failure.health is Health.CREDENTIALS
        cache.set(key, known, BELIEVED)
        if known and account.pk:
            forget(account.pk)
    return bool(known)


def _is_sandbox(account: Account) -> bool:
    """Whether `make up` started what answers for this account."""
    return account.managed and bool(account.endpoint_url) and account.method == account.Method.KEYS
