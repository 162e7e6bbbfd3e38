"""Which addresses an account's endpoint may have: public ones, and those the operator allows.

Whoever may connect accounts could otherwise make this machine read its own network: metadata
services, databases (server-side request forgery). The check is made when an endpoint is entered and
again for every connection, on the very address that is connected to: a name that resolves
differently a moment later (DNS rebinding) gains nothing.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3.exceptions import NameResolutionError

from apps.mirror.outgoing import connect_to, is_allowed, is_metadata, is_public

from .failures import EndpointRefusedError, MetadataRefusedError

PORTS = {"http": 80, "https": 443}
PATIENCE = 3.0

_resolvers = ThreadPoolExecutor(2, thread_name_prefix="resolve")


def check_endpoint(url: str) -> str:
    """Return the endpoint as it is kept, without a slash at its end.

    Raises EndpointRefusedError. Looks its name up, for at most three seconds.
    """
    host, port = _split(url)
    if is_allowed(host, port):
        refuse_metadata(host, host)
    else:
        try:
            found = _resolvers.submit(resolve, host, port).result(PATIENCE)
        except TooSlow:
            raise EndpointRefusedError(
                f"Looking up {host} took too long. Try again, or check the name."
            ) from None
        for address in found:
            refuse_private(host, port, address)
    return well_formed(url)


def well_formed(url: str) -> str:
    """Return an endpoint as it is kept, wherever it leads: the operator's own may be anywhere.

    Raises EndpointRefusedError where it is no address or holds a password.
    """
    _split(url)
    return url.strip().rstrip("/")


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises EndpointRefusedError where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EndpointRefusedError(
            f"No address was found for {host}. Check the endpoint's name."
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def refuse_private(host: str, port: int, address: str) -> None:
    """Raise EndpointRefusedError unless everybody on the internet may reach this address."""
    refuse_metadata(host, address)
    if not is_public(address):
        name = f"[{host}]" if ":" in host else host
        raise EndpointRefusedError(
            f"{_leads(host, address)} an address inside a network, which this dashboard does not "
            f"ask for others. Whoever runs it may start it again with "
            f"ALLOWED_ENDPOINTS={name}:{port}"
        )


def refuse_metadata(host: str, address: str) -> None:
    """Raise EndpointRefusedError where an address hands out this machine's own credentials.

    No setting allows that: no AWS answers there.
    """
    if is_metadata(address):
        raise MetadataRefusedError(
            f"{_leads(host, address)} an address inside a network at which this machine gets its "
            "own credentials. No AWS answers there: give another endpoint."
        )


def _leads(host: str, address: str) -> str:
    return f"{host} is" if host == address else f"{host} leads to {address},"


def guard(client: Any) -> Any:
    """Make a boto3 client connect to allowed addresses only; return it.

    A connection through a proxy is left alone: its address is the operator's own, and the proxy
    decides what it reaches.
    """
    manager = client._endpoint.http_session._manager
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return client


def _split(url: str) -> tuple[str, int]:
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise EndpointRefusedError(
            "This is no address. It looks like https://aws.example.com"
        ) from None
    if parts.scheme not in PORTS:
        raise EndpointRefusedError("An endpoint begins with https:// (or http://).")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise EndpointRefusedError(
            "Leave user and password out of the endpoint: credentials have fields of their own."
        )
    if parts.query or parts.fragment:
        raise EndpointRefusedError("An endpoint ends with its path: leave ? and # out.")
    if not host or any(sign.isspace() or sign == "\\" for sign in url):
        raise EndpointRefusedError(
            "The endpoint names no host. It looks like https://aws.example.com"
        )
    return host, port or PORTS[parts.scheme]


def _connect(connection: Any, connect: Any) -> socket.socket:
    """Connect to an address that was looked at, not to a name that is looked up once more."""
    host, port = str(connection.host), int(connection.port)
    allowed = is_allowed(host, port)
    try:
        addresses = resolve(host, port)
    except EndpointRefusedError as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from None
    for address in addresses:
        if allowed:
            refuse_metadata(host, address)
        else:
            refuse_private(host, port, address)
    return connect_to(connection, connect, addresses)


class _Connection(AWSHTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)


class _TlsConnection(AWSHTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection
