"""What keepers that are sites have in common: when they may be written, and what failures mean."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from apps.mirror.models import Scope
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.resource import REGISTER
from apps.sites.failures import QuotaSpentError, SiteError, classify, was_not_sent
from apps.sites.models import Site
from apps.sites.reach import Reach

from .acting import LaterError, RefusedError, UnsureError

OFF = "Writing is off for this site: an administrator can switch it on at Sites."
# From this status on an answer does not say whether anything was done.
CANNOT_SAY = 500


def why_not(scope: Scope) -> str:
    """Say why nothing may be written at a site, "" where it may; see `Keeper.allowed`."""
    site = Site.objects.filter(scope=scope, removed_at=None).first()
    if site is None:
        return "The connection is being deleted."
    if site.paused or site.parked_at:
        return "The connection is paused."
    return "" if site.may_write else OFF


@contextmanager
def opened(scope: Scope, kind: str, *, refuses: Collection[Health] = ()) -> Iterator[Reach]:
    """Open a site for a deed on a kind; what goes wrong is one of the three errors of keepers.

    refuses  how a site that could not be opened fares where trying again is no use.
    """
    reach: Any = None
    try:
        reach = PROVIDERS.get(scope.provider).open(scope, urgent=True)
        yield reach
    except (RefusedError, LaterError, UnsureError):
        raise
    except Exception as error:  # noqa: BLE001 - sorted below
        raise _follows(error, reach is None, refuses) from None
    finally:
        if reach is not None:
            reach.close()
            record_outcomes(scope, REGISTER.get(kind), reach.outcomes)


def _follows(error: Exception, unopened: bool, refuses: Collection[Health]) -> Exception:
    """Say of a failure what follows from it: no, later, or nobody knows."""
    failure = classify(error)
    text = " ".join(filter(None, (failure.message or failure.code, failure.cure)))
    if isinstance(error, QuotaSpentError):
        return LaterError(text, max(error.resets_at - now(), timedelta(0)))
    if unopened:
        return RefusedError(text) if failure.health in refuses else LaterError(text)
    if was_not_sent(error):
        return LaterError(text)
    if isinstance(error, SiteError) and error.status < CANNOT_SAY:
        return RefusedError(text)
    return UnsureError(text)
