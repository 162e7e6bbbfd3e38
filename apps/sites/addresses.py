"""Which addresses a site may have: public ones, and those the operator allows.

Checked when an address is entered and again for every connection, on the very address that is
connected to (see `apps/mirror/outgoing.py`).
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from urllib.parse import urlsplit

from apps.mirror.outgoing import is_allowed, is_metadata, is_public

from .failures import AddressRefusedError

PORTS = {"http": 80, "https": 443}
PATIENCE = 3.0

_resolvers = ThreadPoolExecutor(2, thread_name_prefix="resolve")


def check_address(url: str) -> str:
    """Return the address of a site as it is kept, without a slash at its end.

    Raises AddressRefusedError. Looks its name up, for at most three seconds.
    """
    host, port = _split(url)
    try:
        found = _resolvers.submit(resolve, host, port).result(PATIENCE)
    except TooSlow:
        raise AddressRefusedError(
            f"Looking up {host} took too long. Try again, or check the name."
        ) from None
    for address in found:
        refuse(host, port, address)
    return url.strip().rstrip("/")


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises AddressRefusedError where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefusedError(f"No address was found for {host}. Check the name.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def refuse(host: str, port: int, address: str) -> None:
    """Raise AddressRefusedError where a site's name leads to what may not be asked.

    What hands out this machine's own credentials nobody can allow.
    """
    leads = f"{host} is" if host == address else f"{host} leads to {address},"
    if is_metadata(address):
        raise AddressRefusedError(
            f"{leads} an address inside a network at which this machine gets its own credentials. "
            "No site answers there: give another address."
        )
    if not is_allowed(host, port) and not is_public(address):
        name = f"[{host}]" if ":" in host else host
        raise AddressRefusedError(
            f"{leads} an address inside a network, which this dashboard does not ask for others. "
            f"Whoever runs it may start it again with ALLOWED_ENDPOINTS={name}:{port}"
        )


def _split(url: str) -> tuple[str, int]:
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefusedError("This is no address. It looks like https://example.com") from None
    if parts.scheme not in PORTS:
        raise AddressRefusedError("An address begins with https:// (or http://).")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise AddressRefusedError(
            "Leave user and password out of the address: credentials have fields of their own."
        )
    if parts.query or parts.fragment:
        raise AddressRefusedError("An address ends with its path: leave ? and # out.")
    if not host or any(sign.isspace() or sign == "\\" for sign in url):
        raise AddressRefusedError("The address names no host. It looks like https://example.com")
    return host, port or PORTS[parts.scheme]
