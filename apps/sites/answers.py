"""What comes back over the wire of a site, and what brings it; nothing here knows Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """A site's answer.

    status   HTTP's.          headers  by small letters.
    body     what its JSON says; text where it is no JSON, None where there is none.
    url      where it came from: another address than was asked for, where it was redirected.
    etag     by which the site says whether it still holds, "" for none.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    url: str = ""

    @property
    def ok(self) -> bool:
        """Whether the site did as it was asked."""
        return 200 <= self.status < 300

    @property
    def etag(self) -> str:
        """The tag of this very answer, "" where there is none."""
        return self.headers.get("etag", "")


class Wire(Protocol):
    """An open connection that signs what it sends, by a vendor's library or by our own session.

    It asks once, follows no redirect and raises for no status: retries, pace and failures are
    `Reach`'s. It raises requests' exceptions where there is no answer. Used by several threads.
    """

    def send(
        self,
        verb: str,
        url: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any | None,
    ) -> Answer:
        """Send `body` as JSON, nothing where it is None; return the answer, whatever its status."""

    def close(self) -> None:
        """Give back its connections."""


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a site, in the clear: for `SiteKind.wire` alone. Prints without the secret.

    base_url  root of the API.             timeout  seconds for an answer.
    user      as the method needs it.      secret   token, or an app's private key.
    guarded   whether a person entered the address, which therefore must not lead into our network.
    """

    base_url: str
    method: str
    user: str = ""
    secret: str = field(default="", repr=False)
    app_id: str = ""
    installation_id: str = ""
    timeout: float = 20.0
    guarded: bool = True


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address; ("", "", 0) where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        return parts.scheme, (parts.hostname or "").lower(), port
    except ValueError:
        return "", "", 0
