"""Asks the team's provider: only it, and what everybody may reach, answers are bounded.

The operator's own OIDC_ISSUER may be anywhere but at a cloud's metadata service. What its
configuration names besides (where codes are redeemed, keys fetched) obeys the rule for all
addresses: public, or in ALLOWED_ENDPOINTS.
"""

import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from apps.mirror.outgoing import connect_to, is_allowed, is_metadata, is_public

PORTS = {"http": 80, "https": 443}
TIMEOUT = 8
# A configuration, a key set, a token, a person: each is a few kilobytes.
MOST_BYTES = 1_000_000


class AddressRefusedError(ValueError):
    """The provider sends us where this dashboard does not go; the text says what to do.

    No OSError: urllib3 would take it for a line that is down.
    """


def session() -> requests.Session:
    """A session for one exchange with the provider. It goes by the machine's proxies."""
    made = _Session()
    guarded = _Guarded()
    made.mount("https://", guarded)
    made.mount("http://", guarded)
    made.max_redirects = 3
    return made


class _Session(requests.Session):
    def request(self, method: Any, url: Any, *args: Any, **more: Any) -> requests.Response:
        more.setdefault("timeout", TIMEOUT)
        answer = super().request(method, url, *args, **{**more, "stream": True})
        # Read here, so that what never ends is left.
        body = b""
        for chunk in answer.iter_content(65_536):
            body += chunk
            if len(body) > MOST_BYTES:
                answer.close()
                raise requests.RequestException(f"The answer of {answer.url} is too long.")
        answer._content = body
        return answer


def _permitted(host: str, port: int, address: str) -> None:
    if is_metadata(address):
        raise AddressRefusedError(
            f"{host} is an address at which this machine gets its own credentials."
        )
    if not (is_public(address) or is_allowed(host, port) or _is_issuer(host, port)):
        name = f"[{host}]" if ":" in host else host
        raise AddressRefusedError(
            f"{host} is inside a network, and is not the host of OIDC_ISSUER. Whoever runs the "
            f"dashboard may allow it with ALLOWED_ENDPOINTS={name}:{port}"
        )


def _is_issuer(host: str, port: int) -> bool:
    parts = urlsplit(settings.OIDC_ISSUER)
    return (parts.hostname, parts.port or PORTS.get(parts.scheme)) == (host.lower(), port)


def _connect(connection: Any, connect: Any) -> socket.socket:
    """Connect to an address that was looked at, not to a name that is looked up once more."""
    host, port = str(connection.host).strip("[]"), int(connection.port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if connection.proxy is None:
        for address in addresses:
            _permitted(host, port, address)
    return connect_to(connection, connect, addresses)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Guarded(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
