"""Wires over requests' sessions, whose connections go to allowed addresses only.

`guarded_adapter` is mounted on whatever session a vendor's library has, so that the library signs
and we decide where that goes, how long an answer may be and how long it may take.
"""

import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from apps.mirror.outgoing import connect_to

from .addresses import refuse, resolve
from .answers import Answer
from .failures import AddressRefusedError, TooLargeError, UnsendableError

CONNECT_TIMEOUT = 5.0
# Longer than any page of a list; a list is bounded by its page size.
MOST_BYTES = 32_000_000
PIECE = 65_536
# What a header's value may be: visible ASCII and blanks.
SENDABLE = re.compile(r"[\x20-\x7e]*")
# An answer may take so many times what its beginning may.
WHOLE = 3


def timeouts() -> tuple[float, float]:
    """Return for how many seconds a connection and the beginning of an answer are waited."""
    return CONNECT_TIMEOUT, float(settings.CALL_TIMEOUT)


class Adapter(HTTPAdapter):
    """Carries a session's requests: guarded addresses, bounded answers, no retry of its own."""

    def __init__(self, *, guarded: bool = True) -> None:
        self.guarded = guarded
        super().__init__(pool_maxsize=settings.CALLS_AT_ONCE * 2, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections through what looks at their addresses.

        One through a proxy is left alone: its address is the operator's own.
        """
        super().init_poolmanager(*args, **kwargs)
        if self.guarded:
            self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: Any, *_: Any, **options: Any) -> requests.Response:
        """Send and read the whole answer, as far as that makes sense."""
        # http.client would raise a sentence that has the header's value in it.
        for name, value in request.headers.items():
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            if not SENDABLE.fullmatch(text):
                raise UnsendableError(f"The {name} header cannot be sent as it is.")
        answer = super().send(request, **{**options, "stream": True})
        deadline = time.monotonic() + settings.CALL_TIMEOUT * WHOLE
        pieces: list[bytes] = []
        size = 0
        for piece in answer.iter_content(PIECE):
            size += len(piece)
            if size > MOST_BYTES:
                answer.close()
                raise TooLargeError("The answer is longer than 32 MB.", request=request)
            if time.monotonic() > deadline:
                answer.close()
                raise requests.ReadTimeout("The answer came too slowly.", request=request)
            pieces.append(piece)
        answer._content = b"".join(pieces)
        return answer


def guarded_session(session: requests.Session, *, guarded: bool = True) -> requests.Session:
    """Make a library's session send through our adapter, keep no cookies and follow no redirect."""
    adapter = Adapter(guarded=guarded)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # A cookie would go on saying who we were when credentials change.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class SessionWire:
    """A wire over a session that signs by itself (`auth`), of requests or of a library."""

    def __init__(self, session: requests.Session, *, guarded: bool = True) -> None:
        self.session = guarded_session(session, guarded=guarded)

    def send(
        self,
        verb: str,
        url: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any | None,
    ) -> Answer:
        """See `Wire`."""
        sent = None if body is None else json.dumps(body)
        more = {"Content-Type": "application/json"} if sent is not None else {}
        return answer_of(
            self.session.request(
                verb,
                url,
                params=dict(params),
                headers={**headers, **more},
                data=sent,
                timeout=timeouts(),
                allow_redirects=False,
            )
        )

    def close(self) -> None:
        """Give back its connections."""
        self.session.close()


def answer_of(response: requests.Response) -> Answer:
    """Return a response as an `Answer`."""
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body_of(response.content, response.headers.get("content-type", "")),
        url=response.url or "",
    )


def body_of(content: bytes, kind: str) -> Any:
    """Return what an answer says: JSON's value, text, or None of nothing."""
    if not content:
        return None
    if "json" in kind or content[:1] in (b"{", b"["):
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            pass
    return content.decode("utf-8", "replace")


def _connect(connection: Any, connect: Callable[[], socket.socket]) -> socket.socket:
    """Connect to an address that was looked at, not to a name that is looked up once more."""
    host, port = str(connection.host), int(connection.port)
    try:
        addresses = resolve(host, port)
    except AddressRefusedError as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from None
    for address in addresses:
        refuse(host, port, address)
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
