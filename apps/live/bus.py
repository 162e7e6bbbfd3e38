"""Wakes whoever waits for news: in this process by itself, between processes through Redis.

A message is a topic and a small text. It is never the news itself (that is the `Change` log, or a
look's cache). A lost message costs patience and nothing else: changes are asked for each second,
looks again at each heartbeat of a page's stream.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

log = logging.getLogger(__name__)

CHANNEL = "codestar-dash:bus"
CHANGES = "changes"
# Who may know of what is another thing than before.
AUDIENCE = "audience"
# A connection on which nothing was heard for so long is asked whether it still is one, and given up
# when it says nothing for as long again.
SILENCE_SECONDS = 15.0
REDIS_SECONDS = 2.0
PAUSE_SECONDS = 1.0

Listener = Callable[[str, str], None]


class Bus:
    """Hands each message to the listeners of this process and, with Redis, to every other one."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._redis: Any = None
        self._thread: threading.Thread | None = None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(topic, text)` for each message, on the publisher's or the bus's thread.

        Returns how to stop. Listeners must be quick and must not raise.
        """
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    def publish(self, topic: str, text: str = "") -> None:
        """Tell everybody; never raises, since the news is safe in the database."""
        if settings.REDIS_URL:
            try:
                self._connection().publish(CHANNEL, f"{topic}\n{text}")
            except Exception:
                log.warning("bus.unreachable", exc_info=True)
                self.deliver(topic, text)
        else:
            self.deliver(topic, text)

    def deliver(self, topic: str, text: str) -> None:
        """Hand a message to this process's listeners; one that raises keeps it from no other."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(topic, text)
            except Exception:
                log.exception("bus.listener")

    def start(self) -> None:
        """With Redis: begin to hear what other processes publish. Safe to call again."""
        if not settings.REDIS_URL or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._hear, name="bus", daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        """Listen for as long as there is Redis; whatever happens, try again a moment later."""
        import redis

        while settings.REDIS_URL:
            try:
                self._listen()
            except redis.RedisError as error:
                log.warning("bus.lost", extra={"error": str(error)})
            except Exception:
                log.exception("bus.lost")
            time.sleep(PAUSE_SECONDS)

    def _listen(self) -> None:
        """Hand on what comes over one connection; raises redis.RedisError when it is lost."""
        import redis

        # One subscription a process, whatever the number of pages.
        connection: Any = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        )
        with connection, connection.pubsub() as heard:
            heard.subscribe(CHANNEL)
            asked = False
            while True:
                message = heard.get_message(timeout=SILENCE_SECONDS)
                if message is not None:
                    asked = False
                    if message["type"] == "message":
                        topic, _, text = message["data"].decode("utf-8", "replace").partition("\n")
                        self.deliver(topic, text)
                elif asked:
                    # A firewall that forgot the connection tells nobody.
                    raise redis.TimeoutError("Redis has not answered")
                else:
                    heard.ping()
                    asked = True

    def _connection(self) -> Any:
        if self._redis is None:
            import redis

            self._redis = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_connect_timeout=REDIS_SECONDS,
                socket_timeout=REDIS_SECONDS,
                health_check_interval=int(SILENCE_SECONDS),
            )
        return self._redis


BUS = Bus()
