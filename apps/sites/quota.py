"""How many calls a site still takes, as its answers say; shared by all workers through the cache.

GitHub counts by resource and says so with every answer (X-RateLimit-Limit, -Remaining, -Reset,
-Resource); who is too quick is told to wait (Retry-After) for all calls. Jira answers 429 with
Retry-After, and says when its count begins anew.
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
"""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.core.cache import cache
from django.utils.timezone import now

from .answers import Answer
from .failures import QuotaSpentError, clock, said

# Of the quota, for what a person waits for.
SHARE_FOR_PEOPLE = 0.1
# Nobody waits for longer than this, in seconds; who would have to is told when to come back.
PATIENCE = 20.0
# Where a site asks to slow down and does not say for how long.
UNSAID = 60.0
LONGEST = 3600.0
ONE = "core"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a quota stands: `remaining` of `limit` calls until `resets_at`."""

    pool: str
    limit: int
    remaining: int
    resets_at: datetime


class SharedQuota:
    """The quota of one site. `urgent` where a person waits: the whole of it is theirs.

    site_id  its number, with what tells it apart where an API of its vendor counts by itself.
    """

    def __init__(self, site_id: int | str, *, urgent: bool = False) -> None:
        self.site_id = site_id
        self.urgent = urgent
        self._pools: dict[str, str] = {}

    def before(self, operation: str) -> float:
        """Return how many seconds to wait; raise QuotaSpentError where that is too long."""
        pause = cache.get(f"sites:pause:{self.site_id}")
        wait = pause[0] - now().timestamp() if pause else 0.0
        if wait > PATIENCE:
            until = datetime.fromtimestamp(pause[0], UTC)
            raise QuotaSpentError(
                f"The site asked to be left alone until {clock(until)}. {pause[1]}".strip(),
                until,
                code="Paused",
            )
        standing = cache.get(self._key(self._pool_of(operation)))
        if standing is not None and standing.resets_at > now():
            kept = 0 if self.urgent else int(standing.limit * SHARE_FOR_PEOPLE)
            if standing.remaining <= kept:
                share = f" but {kept} that are kept for people" if kept else ""
                raise QuotaSpentError(
                    f"The {standing.limit:,} calls that the site takes are spent{share}; the count "
                    f"begins anew at {clock(standing.resets_at)}.",
                    standing.resets_at,
                )
        return max(0.0, wait)

    def told(self, operation: str, answer: Answer, *, limited: bool) -> None:
        """Read the count that came with an answer, and for how long it asks to be left alone."""
        standing = standing_of(answer)
        if standing is not None:
            self._pools[operation] = standing.pool
            if standing.pool != ONE:
                cache.set(f"sites:pool:{self.site_id}:{operation}", standing.pool, 7 * 86400)
            left = (standing.resets_at - now()).total_seconds()
            if left > 0:
                cache.set(self._key(standing.pool), standing, min(left, LONGEST) + 1)
        if not limited:
            return
        asked = _seconds(answer.headers.get("retry-after", ""))
        if asked is None and standing is not None and standing.remaining <= 0:
            # The count says when: `before` reads it.
            return
        until = now().timestamp() + min(UNSAID if asked is None else max(1.0, asked), LONGEST)
        cache.set(
            f"sites:pause:{self.site_id}",
            (until, said(answer)),
            min(UNSAID if asked is None else asked, LONGEST) + 1,
        )

    def _pool_of(self, operation: str) -> str:
        pool = self._pools.get(operation)
        if pool is None:
            found = cache.get(f"sites:pool:{self.site_id}:{operation}")
            pool = self._pools[operation] = str(found or ONE)
        return pool

    def _key(self, pool: str) -> str:
        return f"sites:quota:{self.site_id}:{pool}"


def quota_of(site_id: int, pool: str = ONE) -> Standing | None:
    """Return how a site's quota stood when it last said so; None where it did not lately."""
    found = cache.get(f"sites:quota:{site_id}:{pool}")
    return found if isinstance(found, Standing) and found.resets_at > now() else None


def forget_quota(site_id: int) -> None:
    """Other credentials have another count."""
    cache.delete_many([f"sites:quota:{site_id}:{ONE}", f"sites:pause:{site_id}"])


def standing_of(answer: Answer) -> Standing | None:
    """Return the count that came with an answer; None where none did, or without an end."""
    headers = answer.headers
    with contextlib.suppress(KeyError, ValueError, OverflowError):
        return Standing(
            pool=headers.get("x-ratelimit-resource", ONE)[:64],
            limit=int(headers["x-ratelimit-limit"]),
            remaining=int(headers["x-ratelimit-remaining"]),
            resets_at=_moment(headers["x-ratelimit-reset"]),
        )
    return None


def _moment(text: str) -> datetime:
    """Read epoch seconds (GitHub) or ISO 8601 (Jira); ValueError of anything else."""
    if text.strip().isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(text: str) -> float | None:
    """Read a Retry-After: seconds, or the date of HTTP; None of nothing or nonsense."""
    if not text:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(text))
    try:
        at: Any = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return float(max(timedelta(0), at - now()).total_seconds())
