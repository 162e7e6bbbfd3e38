"""Runs one piece of work for many items, some at a time, in threads that all of a process share."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import SimpleQueue
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MOST_THREADS = 256


@cache
def threads() -> ThreadPoolExecutor:
    """Return the threads of this process, as many as were ever busy at once.

    Starting some for each sweep would cost a tenth of a call each.
    """
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="reach")


# Threads do not outlive a fork.
os.register_at_fork(after_in_child=threads.cache_clear)


class Together(Generic[T]):
    """`work(item)` for items as they are added, `at_once` at a time, in their order."""

    def __init__(self, work: Callable[[T], Any], at_once: int) -> None:
        self._work = work
        self._at_once = at_once
        self._waiting: deque[T] = deque()
        # A queue, because waiting for the first of many futures costs a tenth of a call each time.
        self._finished: SimpleQueue[tuple[T, Any, BaseException | None]] = SimpleQueue()
        self._lock = Lock()
        self._busy = 0

    def add(self, item: T) -> None:
        """Have it done, by one more thread where there may be one more."""
        with self._lock:
            self._waiting.append(item)
            if self._busy >= self._at_once:
                return
            self._busy += 1
        threads().submit(self._run)

    def take(self) -> tuple[T, Any, BaseException | None]:
        """Wait for one that is finished: the item, its result or what it raised."""
        return self._finished.get()

    def stop(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._waiting.clear()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                item = self._waiting.popleft()
            try:
                self._finished.put((item, self._work(item), None))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever takes it
                self._finished.put((item, None, error))
