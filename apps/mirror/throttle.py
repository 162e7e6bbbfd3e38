"""The shared pace of calls per scope and API: unlimited until AWS throttles, then learned.

The first throttle halves the observed rate, each further one (at most one a second) halves it
again, and every quiet five seconds let it creep up by a tenth, to more than we ever call. What is
learned lives in the cache, so with Redis every worker shares it; a fifth of the pace is kept for
what a person waits for. Works on `cache.add` and `cache.incr` alone, which are atomic in Redis and
in process.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

from django.core.cache import cache

SLOWEST = 0.2
WINDOW = 5.0
# A rate is not judged by less than this: eight calls at once are not forty a second.
SHORTEST = 0.5
GROWTH = 1.1
FORGET_AFTER = 900
SHARE_FOR_PEOPLE = 0.2
CALLS_IN_WINDOW = 5
# Nobody is told to wait for longer: whoever waits holds a lease meanwhile.
LONGEST_WAIT = 100.0
FASTEST = 200.0


class _Made:
    """When this process made its latest calls, by scope and API; whichever reach made them."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def add(self, name: str, at: float) -> None:
        with self._lock:
            self._times.setdefault(name, deque(maxlen=200)).append(at)

    def rate(self, name: str, at: float) -> float:
        """Return calls a second lately."""
        with self._lock:
            recent = sorted(one for one in self._times.get(name, ()) if at - WINDOW < one <= at)
        return len(recent) / max(SHORTEST, at - recent[0]) if recent else 0.0


_MADE = _Made()


class SharedThrottle:
    """The pace of one scope. Cheap while nothing was ever throttled: one cached look a second.

    published  rates that are known beforehand, by API, in calls a second.
    urgent     a person waits: the whole pace is theirs.
    """

    def __init__(
        self,
        scope: str,
        published: Mapping[str, float] = MappingProxyType({}),
        *,
        urgent: bool = False,
    ) -> None:
        self.scope = scope
        self.published = published
        self.urgent = urgent
        self._rates: dict[str, tuple[float, float]] = {}

    def before(self, api: str) -> float:
        """Return how many seconds to wait before this call; its place is kept."""
        now = time.time()
        wait = self._wait(api, now)
        _MADE.add(f"{self.scope}:{api}", now + wait)
        return wait

    def _wait(self, api: str, now: float) -> float:
        rate = self._rate(api, now)
        if rate <= 0:
            return 0.0
        # Slots: the n-th call in a window of `span` seconds may go at n/rate. A window holds at
        # least five calls, four of them for sweeps, so slow rates get long windows; they are the
        # same for sweeps and people, who take from one account.
        span = max(1.0, CALLS_IN_WINDOW / rate)
        slot = int(now / span)
        share = 1.0 if self.urgent else 1 - SHARE_FOR_PEOPLE
        most = max(1, int(rate * span * share + 1e-6))
        for ahead in range(int(LONGEST_WAIT / span)):
            key = f"pace:{self.scope}:{api}:{slot + ahead}"
            cache.add(key, 0, timeout=int(span * 3 + LONGEST_WAIT))
            try:
                taken = cache.incr(key)
            except ValueError:  # evicted between add and incr
                return 0.0
            if taken <= most:
                # A short window's calls may go together; a long one's are spread over it.
                if not ahead and (span <= 1.0 or self.urgent):
                    return 0.0
                return max(0.0, (slot + ahead) * span + (taken - 1) / rate - now)
            # Whoever does not get a slot leaves no mark: the rest is for people.
            with contextlib.suppress(ValueError):
                cache.decr(key)
        return LONGEST_WAIT

    def throttled(self, api: str) -> None:
        """Halve the observed rate; throttles that arrive together count once."""
        now = time.time()
        if not cache.add(f"throttled:{self.scope}:{api}", 1, timeout=1):
            return
        known = self._rate(api, now, fresh=True)
        recent = _MADE.rate(f"{self.scope}:{api}", now)
        base = min(known, recent) if known > 0 and recent > 0 else (known or recent)
        self._store(api, max(SLOWEST, base / 2), now)

    def succeeded(self, api: str) -> None:
        """Creep up: one tenth for every quiet five seconds."""
        rate, _ = self._rates.get(api, (0.0, 0.0))
        if rate <= 0:
            return
        now = time.time()
        if cache.add(f"creep:{self.scope}:{api}", 1, timeout=int(WINDOW)):
            grown = self._rate(api, now, fresh=True) * GROWTH
            self._store(api, min(grown, self.published.get(api, FASTEST)), now)

    def _rate(self, api: str, now: float, *, fresh: bool = False) -> float:
        rate, looked = self._rates.get(api, (0.0, 0.0))
        if fresh or now - looked > 1.0:
            rate = float(cache.get(f"rate:{self.scope}:{api}") or self.published.get(api, 0.0))
            self._rates[api] = (rate, now)
        return rate

    def _store(self, api: str, rate: float, now: float) -> None:
        cache.set(f"rate:{self.scope}:{api}", rate, timeout=FORGET_AFTER)
        self._rates[api] = (rate, now)
