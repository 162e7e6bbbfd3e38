"""Which addresses may be asked on behalf of others: public ones, and those the operator allows.

Clouds' metadata services hand out this machine's own credentials and are never asked. Whoever asks
checks the very address that is connected to: a name that resolves differently a moment later (DNS
rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from urllib3.exceptions import HTTPError

NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Where machines, containers and pods in clouds get credentials from.
METADATA = [
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::/32"),
]


def is_allowed(host: str, port: int) -> bool:
    """Whether ALLOWED_ENDPOINTS names this host, with this port or without any."""
    wanted = {
        _normal(host),
        f"{_normal(host)}:{port}",
        f"[{_normal(host)}]",
        f"[{_normal(host)}]:{port}",
    }
    return any(_normal(entry) in wanted for entry in settings.ALLOWED_ENDPOINTS)


def _normal(host: str) -> str:
    return host.strip().lower().rstrip(".")


def is_metadata(address: str) -> bool:
    """Whether clouds' metadata services are at an address, however it is written or wrapped."""
    ip = _ip(address)
    return ip is not None and any(ip in network for network in METADATA)


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, the inner one where it wraps an IPv4 address; None where it is none."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return inner or ip
    return ip


def is_public(address: str) -> bool:
    """Whether an address is on the public internet, however it is written or wrapped."""
    ip = _ip(address)
    if ip is None or (isinstance(ip, ipaddress.IPv6Address) and ip.teredo is not None):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def connect_to(
    connection: Any, connect: Callable[[], socket.socket], addresses: Sequence[str]
) -> socket.socket:
    """Connect urllib3's connection to addresses that were looked at, one after the other."""
    host = connection.host
    try:
        for left, address in enumerate(addresses, start=1 - len(addresses)):
            connection._dns_host = address
            try:
                opened: socket.socket = connect()
            except HTTPError:
                if left == 0:
                    raise
            else:
                return opened
    finally:
        connection._dns_host = host
    raise AssertionError("a name that resolves has an address")
