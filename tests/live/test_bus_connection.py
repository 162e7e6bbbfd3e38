"""What the bus does about a connection to Redis that breaks, falls silent or cannot be made."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from apps.live import bus as module
from apps.live.bus import CHANNEL, Bus


class Talk(socketserver.StreamRequestHandler):
    """One connection of a client: answers what the bus asks, as Redis does."""

    server: "Redis"

    def handle(self) -> None:
        self.server.opened.append(self)
        # A client that hangs up, or is hung up on, ends the talk.
        with contextlib.suppress(OSError, ValueError):
            while words := self.read():
                self.server.asked.append(words[0])
                if not self.server.silent:
                    self.answer(words)

    def read(self) -> list[str]:
        """Return the next command's words, none where the client is gone."""
        head = self.rfile.readline()
        words = []
        for _ in range(int(head[1:] or 0)):
            length = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(length + 2)[:-2].decode())
        return words

    def answer(self, words: list[str]) -> None:
        match words[0].upper():
            case "HELLO":
                self.wfile.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
            case "SUBSCRIBE":
                self.push("subscribe", words[1], 1)
                self.server.listening.append(self)
            case "PING":
                self.wfile.write(b"+PONG\r\n")
            case "PUBLISH":
                self.server.tell(words[2])
                self.wfile.write(b":1\r\n")
            case _:
                self.wfile.write(b"+OK\r\n")

    def push(self, *parts: str | int) -> None:
        """Send what nobody asked for: texts and numbers."""
        told = [
            f":{part}\r\n" if isinstance(part, int) else f"${len(part.encode())}\r\n{part}\r\n"
            for part in parts
        ]
        self.wfile.write((f">{len(parts)}\r\n" + "".join(told)).encode())

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class Redis(socketserver.ThreadingTCPServer):
    """As much of Redis as the bus talks to, which can be told to misbehave."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.url = f"redis://127.0.0.1:{self.server_address[1]}/0"
        self.silent = False
        self.asked: list[str] = []
        self.opened: list[Talk] = []
        self.listening: list[Talk] = []

    def tell(self, text: str) -> None:
        """Send a message to whoever has subscribed."""
        for talk in self.listening:
            with contextlib.suppress(OSError, ValueError):
                talk.push("message", CHANNEL, text)

    def hang_up(self) -> None:
        """Break every connection there is."""
        for talk in self.opened:
            talk.hang_up()


def until(look: Callable[[], Any], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"still no {what}"
        time.sleep(0.01)


def until_heard(heard: list[tuple[str, str]], say: Callable[[], Any], seconds: float = 10) -> None:
    """Say it until it is heard: what is said between two connections is lost, as is agreed."""
    before, deadline = len(heard), time.monotonic() + seconds
    while len(heard) == before:
        assert time.monotonic() < deadline, "nothing was heard"
        say()
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def begun(settings: Any) -> Iterator[list[Bus]]:
    """The buses of a test, which end with their connections: none is left to join the next test."""
    buses: list[Bus] = []
    yield buses
    for bus in buses:
        assert bus._thread is not None
        bus._thread.join(10)
        assert not bus._thread.is_alive()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    with Redis() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
        server.hang_up()


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def begin(
    settings: Any, begun: list[Bus], heard: list[tuple[str, str]]
) -> Iterator[Callable[[str], Bus]]:
    """`begin(url)`: a bus that listens there, until the test is over."""

    def listen(url: str) -> Bus:
        settings.REDIS_URL = url
        bus = Bus()
        begun.append(bus)
        bus.subscribe(lambda topic, text: heard.append((topic, text)))
        bus.start()
        return bus

    yield listen
    settings.REDIS_URL = ""


def test_a_broken_connection_is_opened_again_and_the_next_message_arrives(server, begin, heard):
    begin(server.url)
    until(lambda: len(server.listening) == 1, "subscription")
    server.hang_up()
    until(lambda: len(server.listening) >= 2, "second subscription")
    until_heard(heard, lambda: server.tell("changes\n12"))
    assert set(heard) == {("changes", "12")}


def test_a_connection_that_answers_when_asked_is_kept_however_quiet(
    server, begin, heard, monkeypatch
):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.05)
    begin(server.url)
    until(lambda: server.asked.count("PING") >= 3, "third ping")
    assert len(server.listening) == 1
    until_heard(heard, lambda: server.tell("changes\n12"))


def test_a_connection_that_stays_silent_when_asked_is_given_up_for_another(
    server, begin, heard, monkeypatch
):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.05)
    begin(server.url)
    until(lambda: len(server.listening) == 1, "subscription")
    server.silent = True
    until(lambda: len(server.opened) >= 2, "second connection")
    assert "PING" in server.asked
    # What the firewall forgot comes to life again under another connection.
    server.silent = False
    server.hang_up()
    until(lambda: len(server.listening) >= 2, "second subscription")
    until_heard(heard, lambda: server.tell("changes\n12"))


def test_a_bus_that_begins_before_redis_hears_it_when_it_comes(begin, heard, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    late = Redis()
    late.socket.close()
    # Nobody listens at the address yet: each try is refused.
    begin(late.url)
    late.socket = socket.socket()
    late.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    time.sleep(0.1)
    assert late.opened == []
    late.server_bind()
    late.server_activate()
    with late:
        threading.Thread(target=late.serve_forever, args=(0.02,), daemon=True).start()
        until(lambda: late.listening, "subscription")
        until_heard(heard, lambda: late.tell("wake\n"))
        late.shutdown()
        late.hang_up()
    assert set(heard) == {("wake", "")}


def test_what_is_published_while_redis_is_away_is_heard_here_and_later_everywhere(
    server, begin, heard, settings
):
    settings.REDIS_URL = server.url
    speaker = Bus()
    own: list[tuple[str, str]] = []
    speaker.subscribe(lambda topic, text: own.append((topic, text)))
    server.shutdown()
    server.socket.close()
    speaker.publish("changes", "1")
    assert own == [("changes", "1")]
    with Redis() as back:
        threading.Thread(target=back.serve_forever, args=(0.02,), daemon=True).start()
        begin(back.url)
        until(lambda: back.listening, "subscription")
        speaker._redis = None
        until_heard(heard, lambda: speaker.publish("changes", "2"))
        back.shutdown()
        back.hang_up()
    # Through Redis, and not again by the shorter way.
    assert set(heard) == {("changes", "2")}
    assert own == [("changes", "1")]


def test_a_publisher_opens_its_own_broken_connection_again(server, begin, heard):
    bus = begin(server.url)
    until(lambda: server.listening, "subscription")
    until_heard(heard, lambda: bus.publish("changes", "1"))
    server.hang_up()
    published = server.asked.count("PUBLISH")

    def through_redis() -> bool:
        bus.publish("changes", "2")
        return server.asked.count("PUBLISH") > published

    until(through_redis, "publication through Redis")
    until_heard(heard, through_redis)
    assert heard[-1] == ("changes", "2")


def test_a_real_redis_that_drops_the_listener_is_listened_to_again(
    redis_url, begin, heard, settings, monkeypatch
):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    bus = begin(redis_url)
    with redis.Redis.from_url(redis_url) as admin:
        number = str(admin.connection_pool.connection_kwargs["db"])

        def listeners() -> set[str]:
            # Other tests have databases of their own on the same server.
            every = admin.client_list()
            return {one["id"] for one in every if one["sub"] == "1" and one["db"] == number}

        def drop() -> set[str]:
            dropped = listeners()
            for client in dropped:
                admin.client_kill_filter(_id=client)
            return dropped

        until(listeners, "subscription")
        first = drop()
        until(lambda: listeners() - first, "second subscription")
        until_heard(heard, lambda: bus.publish("changes", "line one\nline two"))
        settings.REDIS_URL = ""
        drop()
    assert set(heard) == {("changes", "line one\nline two")}
