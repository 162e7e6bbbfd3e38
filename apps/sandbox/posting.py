"""Sends webhooks, from a thread of its own: nobody in the simulation waits for who listens."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import itertools
import logging
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("sandbox.hooks")

#: Seconds until a delivery is tried again; after the last it is dropped.
PAUSES = (1.0, 5.0)
TIMEOUT = 5.0
#: So many deliveries wait at most, the oldest make room; so many that ended are remembered.
WAITING, REMEMBERED = 1000, 200


@dataclass(slots=True)
class Delivery:
    """One webhook on its way; ``status`` is the last answer's (0: none so far)."""

    url: str
    headers: dict[str, str]
    body: bytes
    tries: int = 0
    status: int = 0
    made: float = field(default_factory=time.time)

    def shown(self) -> dict[str, Any]:
        """The delivery as the control path shows it."""
        event = self.headers.get("X-GitHub-Event") or self.headers.get("X-Atlassian-Event", "")
        return {
            "url": self.url,
            "event": event,
            "tries": self.tries,
            "status": self.status,
            "at": self.made,
        }


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A webhook that is answered by a redirect has failed, as at GitHub."""


class Poster:
    """Posts what it is given, in order, and forgets it after a few tries."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _NoRedirects()
        ).open
        self.ended: deque[Delivery] = deque(maxlen=REMEMBERED)

    def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Send a body to an address soon."""
        with self._wake:
            if self._stopped:
                return
            self._put(0.0, Delivery(url, headers, body))
            while len(self._waiting) > WAITING:
                heapq.heappop(self._waiting)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
                self._thread.start()
            self._wake.notify()

    def stop(self) -> None:
        """Drop what waits."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def _put(self, pause: float, delivery: Delivery) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + pause, next(self._order), delivery))

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (
                    not self._waiting or self._waiting[0][0] > time.monotonic()
                ):
                    due = self._waiting[0][0] - time.monotonic() if self._waiting else 60.0
                    self._wake.wait(timeout=max(due, 0.01))
                if self._stopped:
                    return
                delivery = heapq.heappop(self._waiting)[2]
            self._try(delivery)

    def _try(self, delivery: Delivery) -> None:
        delivery.tries += 1
        delivery.status = self._send(delivery)
        if 200 <= delivery.status < 300 or delivery.tries > len(PAUSES):
            self.ended.append(delivery)
            return
        with self._wake:
            self._put(PAUSES[delivery.tries - 1], delivery)

    def _send(self, delivery: Delivery) -> int:
        request = urllib.request.Request(  # noqa: S310 - whoever runs the sandbox named it
            delivery.url, data=delivery.body, headers=delivery.headers, method="POST"
        )
        try:
            with self._open(request, timeout=TIMEOUT) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except (OSError, ValueError) as error:
            log.debug("no delivery to %s: %s", delivery.url, error)
            return 0


def signature(secret: str, body: bytes, *, how: str = "sha256") -> str:
    """``sha256=<HMAC of the body>``."""
    made = hmac.new(secret.encode(), body, getattr(hashlib, how)).hexdigest()
    return f"{how}={made}"
