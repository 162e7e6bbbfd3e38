"""Since when sweeps are begun without a break: what could not be read yet is not called stale.

The workers' clock notes each of its ticks in the cache. In one process the cache is that process's
own; apart, it is Redis, which outlives a restart: there a gap between two ticks tells of one.
"""

import time
from datetime import timedelta

from django.core.cache import cache

KEY = "mirror:working"
# Seconds without a tick after which work began anew; one is due every second.
GAP = 60
_began = time.monotonic()


def note_tick() -> None:
    """Note that what is due is being handed out now."""
    at = time.time()
    since, newest = cache.get(KEY) or (at, at)
    cache.set(KEY, (since if at - newest < GAP else at, at), timeout=None)


def just_begun(within: timedelta) -> bool:
    """Whether work began so lately that what is due may not have had its turn.

    Where nobody works, nothing has begun, except that a process which is young cannot know.
    """
    at = time.time()
    since, newest = cache.get(KEY) or (0.0, 0.0)
    if at - newest < GAP:
        return at - since < within.total_seconds()
    return time.monotonic() - _began < GAP
