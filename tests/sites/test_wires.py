"""Connections go where they may, to the very address that was looked at; answers are bounded."""

import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from apps.github.wire import wire as github_wire
from apps.jira.wire import open_wire
from apps.mirror.provider import Health
from apps.sites import wires
from apps.sites.addresses import check_address
from apps.sites.answers import Access
from apps.sites.failures import AddressRefusedError, TooLargeError, UnsendableError, classify
from apps.sites.reach import Reach
from apps.sites.wires import SessionWire


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; keeps what it was asked."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/stolen")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = b"x" * 300_000 if self.path == "/long" else b'{"a": 1}'
        self.send_response(200 if self.path != "/refused" else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "JSESSIONID=abc; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


def address(server: Any, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}"


def asked(wire: Any, url: str) -> Any:
    return wire.send("GET", url, params={}, headers={}, body=None)


def test_an_address_inside_is_not_connected_to(server, settings):
    settings.ALLOWED_ENDPOINTS = []
    with pytest.raises(AddressRefusedError) as refused:
        asked(SessionWire(requests.Session()), address(server))
    failure = classify(refused.value)
    assert (failure.health, failure.code) == (Health.UNREACHABLE, "AddressRefused")
    assert f"ALLOWED_ENDPOINTS=127.0.0.1:{server.server_port}" in failure.message
    assert not server.asked


def test_a_refused_address_is_not_tried_again(server, settings):
    settings.ALLOWED_ENDPOINTS = []
    tries: list[str] = []

    class Counted(SessionWire):
        def send(self, verb, url, **more):
            tries.append(url)
            return super().send(verb, url, **more)

    reach = Reach(provider="x", base_url=address(server), wire=Counted(requests.Session()))
    with pytest.raises(AddressRefusedError):
        reach.get("x:List", "/")
    assert len(tries) == 1


def test_a_name_that_resolves_inside_a_moment_later_gains_nothing(server, settings, monkeypatch):
    settings.ALLOWED_ENDPOINTS = []
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    monkeypatch.setattr("apps.sites.addresses.resolve", lambda _h, _p: answers[0])
    url = f"http://rebound.example.com:{server.server_port}"
    assert check_address(url) == url
    monkeypatch.setattr(wires, "resolve", lambda _h, _p: answers[1])
    with pytest.raises(AddressRefusedError) as refused:
        asked(SessionWire(requests.Session()), url)
    assert classify(refused.value).code == "AddressRefused"
    assert not server.asked


def test_what_the_operator_allows_or_started_itself_is_connected_to(server, settings):
    settings.ALLOWED_ENDPOINTS = [f"127.0.0.1:{server.server_port}"]
    assert asked(SessionWire(requests.Session()), address(server)).body == {"a": 1}
    settings.ALLOWED_ENDPOINTS = []
    ours = SessionWire(requests.Session(), guarded=False)
    assert asked(ours, address(server)).status == 200


def test_what_hands_out_this_machines_credentials_nobody_allows(settings):
    settings.ALLOWED_ENDPOINTS = ["169.254.169.254"]
    with pytest.raises(AddressRefusedError, match="gets its own credentials"):
        check_address("http://169.254.169.254/latest")


def test_an_answer_that_is_too_long_is_given_up(server, monkeypatch):
    monkeypatch.setattr(wires, "MOST_BYTES", 100_000)
    with pytest.raises(TooLargeError):
        asked(SessionWire(requests.Session(), guarded=False), f"{address(server)}/long")


def test_an_answer_that_trickles_is_given_up(server, monkeypatch):
    monkeypatch.setattr(wires, "WHOLE", -1)
    with pytest.raises(requests.ReadTimeout):
        asked(SessionWire(requests.Session(), guarded=False), address(server))


@pytest.mark.parametrize("secret", ["p\u00e4ss-5f2a", "pass-5f2a\r\nX: 1", "pass-5f2a\u20ac"])
def test_credentials_that_no_header_carries_are_told_without_quoting_them(server, secret):
    access = Access(method="token", base_url=address(server), secret=secret, guarded=False)
    reach = Reach(provider="github", base_url=address(server), wire=github_wire(access))
    with pytest.raises(UnsendableError) as raised:
        reach.get("github:UsersGetAuthenticated", "/user")
    failure = classify(raised.value)
    assert (failure.health, failure.code) == (Health.CREDENTIALS, "Unsendable")
    told = "".join(traceback.format_exception(raised.value)) + repr(failure)
    assert "5f2a" not in told
    assert "ss-" not in told
    assert not server.asked


def test_what_breaks_in_the_dashboard_is_told_without_its_words():
    failure = classify(ValueError("Invalid header value b'token hunter2'"))
    assert "hunter2" not in repr(failure)
    assert "ValueError" in failure.message
    assert failure.ours


@pytest.mark.parametrize("method", ["cloud", "pat"])
def test_jiras_own_session_signs_and_does_nothing_else_of_its_own(server, method):
    access = Access(
        base_url=address(server), method=method, user="reader", secret="t0ken", guarded=False
    )
    wire = open_wire(access)
    assert not server.asked
    assert asked(wire, f"{address(server)}/rest").body == {"a": 1}
    # Neither a refusal is raised or repeated, nor a redirect followed, nor a cookie kept.
    assert asked(wire, f"{address(server)}/refused").status == 403
    assert asked(wire, f"{address(server)}/away").status == 302
    sent = wire.send("POST", f"{address(server)}/rest", params={}, headers={}, body={"b": "ü"})
    assert sent.status == 200
    assert [path for path, _ in server.asked] == ["/rest", "/refused", "/away", "/rest"]
    for _, headers in server.asked:
        signed = {name.lower(): value for name, value in headers.items()}
        expected = "Basic cmVhZGVyOnQwa2Vu" if method == "cloud" else "Bearer t0ken"
        assert signed["authorization"] == expected
        assert "cookie" not in signed


def test_a_secret_is_not_in_what_an_access_prints():
    assert "t0ken" not in repr(Access(base_url="x", method="pat", secret="t0ken"))
