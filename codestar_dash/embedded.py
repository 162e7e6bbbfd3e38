"""Worker and beat as threads of the web process, for running everything with one command."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery.beat import EmbeddedService
from celery.worker import WorkController

from .celery import app

log = logging.getLogger(__name__)

STOP_WITHIN = 4.0


class EmbeddedCelery:
    """A Celery worker and its beat that live and die with this process.

    Where one of them ends by itself nothing is read any more; `on_death` gets a line that says so.
    """

    def __init__(self, on_death: Callable[[str], None]) -> None:
        self._on_death = on_death
        self._worker: Any = None
        self._beat: Any = None
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def start(self) -> None:
        """Start both; returns at once."""
        # Not the program's Worker, which installs signal handlers: only a main thread may.
        self._worker = WorkController(
            app=app,
            pool_cls="threads",
            concurrency=app.conf.worker_concurrency,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
            loglevel="WARNING",
            hostname="embedded@localhost",
        )
        self._beat = EmbeddedService(app, max_interval=1, thread=True)
        for name, work in (("worker", self._worker.start), ("beat", self._beat.run)):
            thread = threading.Thread(
                target=self._live, args=(name, work), name=f"celery-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _live(self, name: str, work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException:
            log.exception("celery.died", extra={"part": name})
        if not self._stopping:
            self._on_death(
                f"The {name} ended by itself, so nothing is read any more. Everything is put away; "
                "the log says why. Start again."
            )

    def stop(self) -> None:
        """Stop both and wait a few seconds for tasks; what is cut off is due at the next start."""
        from celery.worker import state

        from apps.aws.listen import LISTENERS
        from apps.aws.listen import stop as stop_listening

        self._stopping = True
        deadline = time.monotonic() + STOP_WITHIN
        stop_listening()
        if self._beat is not None:
            self._beat.service.stop(wait=False)
        state.should_stop = 0  # type: ignore[assignment]
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        LISTENERS.join(max(0.0, deadline - time.monotonic()))
