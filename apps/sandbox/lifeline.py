"""Ends the process when its parent does, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.5


def tie_to_parent(over: threading.Event) -> None:
    """Set ``over`` when standard input reaches its end or the parent process is gone.

    On Linux the kernel also sends SIGTERM at the parent's death (bound to the thread that started
    us, hence the polling as well).
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch_stdin, args=(over,), daemon=True).start()
    threading.Thread(target=_watch_parent, args=(over, parent), daemon=True).start()


def _watch_stdin(over: threading.Event) -> None:
    try:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4096):
            pass
    except (OSError, ValueError, AttributeError):
        return  # no standard input at all: nothing to watch
    over.set()


def _watch_parent(over: threading.Event, parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    over.set()
