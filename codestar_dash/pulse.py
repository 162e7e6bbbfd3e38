"""Whether the workers' clock ticks: every tick that ran is noted where web processes can see it.

In one process the cache is this process's own; apart, it is Redis, so that a web process knows of
beat and workers on other machines.
"""

import time
from typing import Any

from celery.signals import task_postrun
from django.core.cache import cache

TICK = "mirror.tick"
KEY = "codestar-dash:ticked"
# Seconds without a tick after which nothing is swept any more; it is due every second.
LATE = 60
_began = time.monotonic()


def ticks() -> bool:
    """Whether a tick ran lately, or this process is too young to know."""
    return cache.get(KEY) is not None or time.monotonic() - _began < LATE


@task_postrun.connect
def _note(task: Any = None, state: str = "", **_signal: Any) -> None:
    if state == "SUCCESS" and task is not None and task.name == TICK:
        cache.set(KEY, 1, timeout=LATE)
