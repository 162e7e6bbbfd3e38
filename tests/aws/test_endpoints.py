"""Endpoints may not lead into the dashboard's own network, whatever they are called."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, HTTPClientError

from apps.aws import endpoints, session
from apps.aws.endpoints import check_endpoint, is_public
from apps.aws.failures import EndpointRefusedError, classify
from apps.aws.models import Account

PUBLIC = "52.95.110.1"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server of our own; addresses stand for themselves."""
    book: dict[str, list[str]] = {"aws.example.com": [PUBLIC]}

    def resolve(host: str, _port: int) -> list[str]:
        if host in book:
            return book[host]
        found = socket.getaddrinfo(host, 80, flags=socket.AI_NUMERICHOST)
        return [str(entry[4][0]) for entry in found]

    monkeypatch.setattr(endpoints, "resolve", resolve)
    return book


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:7f00:1::",
        "2001:db8::1",
        "not an address",
    ],
)
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "8.8.8.8", "2600:1f18::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://aws.example.com", "begins with https://"),
        ("aws.example.com", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("https://user:secret@aws.example.com", "Leave user and password out"),
        ("https://@aws.example.com", "Leave user and password out"),
        ("https://aws.example.com/?a=1", "leave ? and #"),
        ("https://aws.example.com/#x", "leave ? and #"),
        ("https://", "names no host"),
        ("https://aws.example.com:99999", "no address"),
        ("https://aws example.com", "names no host"),
        ("http://[::1", "no address"),
        ("http://127.0.0.1:8080", "ALLOWED_ENDPOINTS=127.0.0.1:8080"),
        ("http://2130706433", "inside a network"),
        ("http://0x7f.1", "inside a network"),
        ("http://127.1", "inside a network"),
        ("http://169.254.169.254/latest/meta-data/", "gets its own credentials"),
        ("http://[::ffff:10.0.0.1]/", "inside a network"),
        ("http://[fd00:ec2::254]/", "gets its own credentials"),
        ("http://[::ffff:169.254.169.254]/", "gets its own credentials"),
        ("http://[::1]/", r"ALLOWED_ENDPOINTS=\[::1\]:80$"),
        ("https://rebound.example.com", "rebound.example.com leads to 10.1.2.3,"),
    ],
)
def test_an_endpoint_that_leads_elsewhere_is_refused_and_says_why(
    names: dict[str, list[str]], url: str, says: str
) -> None:
    names["rebound.example.com"] = [PUBLIC, "10.1.2.3"]
    with pytest.raises(EndpointRefusedError, match=says.replace("?", r"\?")):
        check_endpoint(url)


def test_a_public_endpoint_is_kept_without_its_last_slash(names: dict[str, list[str]]) -> None:
    assert check_endpoint(" https://aws.example.com/api/ ") == "https://aws.example.com/api"


def test_a_name_without_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_kwargs: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(EndpointRefusedError, match=r"No address was found for aws\.example\.com"):
        check_endpoint("https://aws.example.com")


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("localhost", "http://localhost:4566"),
        ("LOCALHOST.", "http://localhost:4566"),
        ("localhost:4566", "http://localhost:4566"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("[::1]:4566", "http://[::1]:4566"),
        ("::1", "http://[::1]:4566"),
    ],
)
def test_the_operator_may_allow_a_host(settings: Any, allowed: str, url: str) -> None:
    settings.ALLOWED_ENDPOINTS = [allowed]
    assert check_endpoint(url) == url


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "169.254.170.2", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"]
)
def test_no_setting_allows_what_hands_out_credentials_and_none_is_suggested(
    settings: Any, names: dict[str, list[str]], host: str
) -> None:
    for allowed in ([], [host], [host.strip("[]")], [f"{host}:80"]):
        settings.ALLOWED_ENDPOINTS = allowed
        with pytest.raises(EndpointRefusedError) as refused:
            check_endpoint(f"http://{host}")
        assert "ALLOWED_ENDPOINTS" not in str(refused.value)


def test_an_allowed_name_that_leads_to_credentials_is_not_connected_to(
    settings: Any, names: dict[str, list[str]]
) -> None:
    settings.ALLOWED_ENDPOINTS = ["aws.example.com"]
    names["aws.example.com"] = ["169.254.169.254"]
    with pytest.raises(HTTPClientError, match="gets its own credentials") as refused:
        _identity(_account("http://aws.example.com"))
    assert "ALLOWED_ENDPOINTS" not in classify(refused.value).cure


def test_allowing_one_port_allows_no_other(settings: Any, names: dict[str, list[str]]) -> None:
    settings.ALLOWED_ENDPOINTS = ["127.0.0.1:4566"]
    with pytest.raises(EndpointRefusedError):
        check_endpoint("http://127.0.0.1:5432")


class _Sts(BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(
            b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>"
            b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def inside() -> Iterator[int]:
    """Something that listens inside the network; its port."""
    _Sts.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sts)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _account(url: str, *, managed: bool = False) -> Account:
    return Account(
        name="production",
        method=Account.Method.KEYS,
        access_key_id="AKIDEXAMPLE",
        secret_access_key="secret",
        endpoint_url=url,
        managed=managed,
    )


def _identity(account: Account) -> Any:
    return session.door(account, "eu-west-1").client("sts").get_caller_identity()


def test_a_name_that_resolves_differently_later_is_not_connected_to(
    names: dict[str, list[str]], inside: int
) -> None:
    url = check_endpoint(f"http://aws.example.com:{inside}")
    names["aws.example.com"] = ["127.0.0.1"]
    with pytest.raises(HTTPClientError, match="inside a network"):
        _identity(_account(url))
    assert _Sts.asked == 0


def test_the_address_that_was_looked_at_is_the_one_connected_to(
    names: dict[str, list[str]], inside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["aws.example.com"] = ["127.0.0.1"]
    monkeypatch.setattr(endpoints, "is_public", lambda _address: True)
    assert _identity(_account(f"http://aws.example.com:{inside}"))["Account"] == "111122223333"


def test_a_name_that_is_gone_later_is_unreachable(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_host: str, _port: int) -> list[str]:
        raise EndpointRefusedError("No address was found")

    monkeypatch.setattr(endpoints, "resolve", gone)
    with pytest.raises(EndpointConnectionError):
        _identity(_account("http://aws.example.com:4566"))


def test_an_allowed_endpoint_is_connected_to(settings: Any, inside: int) -> None:
    settings.ALLOWED_ENDPOINTS = [f"127.0.0.1:{inside}"]
    assert _identity(_account(f"http://127.0.0.1:{inside}"))["Account"] == "111122223333"


def test_what_the_start_command_connects_may_be_on_this_machine(inside: int) -> None:
    url = f"http://127.0.0.1:{inside}"
    assert _identity(_account(url, managed=True))["Account"] == "111122223333"


def test_assuming_a_role_is_guarded_too(names: dict[str, list[str]], inside: int) -> None:
    names["aws.example.com"] = ["127.0.0.1"]
    role = Account(
        name="production",
        method=Account.Method.ROLE,
        role_arn="arn:aws:iam::111122223333:role/dashboard",
        external_id="x-1",
        endpoint_url=f"http://aws.example.com:{inside}",
    )
    with pytest.raises(HTTPClientError, match="inside a network"):
        _identity(role)
    assert _Sts.asked == 0
