"""Bad days on demand: throttling, denials, latency, hangs, 5xx, HTML, expired tokens, cut pages.

A fault is switched on at start (``--throttle``, ``--deny``, ``--latency``) or while running
(``POST /_sandbox/faults``), and may be limited to a service, operation, account and region.
"""

from __future__ import annotations

import fnmatch
import itertools
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.httpd import DroppedConnectionError
from apps.sandbox.operations import AwsError
from apps.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KINDS: dict[str, str] = {
    "throttle": "ThrottlingException 'Rate exceeded' above `rate` calls per second (0: always)",
    "deny": "AccessDeniedException, worded as AWS words it",
    "latency": "every answer takes `seconds` longer",
    "hang": "no answer for `seconds`, then the connection is dropped",
    "drop": "the connection is dropped at once",
    "error": "HTTP `status` (default 500) with AWS's InternalFailure or ServiceUnavailable",
    "html": "HTTP `status` (default 502) with an HTML page, as a proxy in between answers",
    "expired": "ExpiredTokenException",
    "not-opted-in": "UnrecognizedClientException, what an opted-out region answers",
    "secondary": "GitHub's secondary limit, Jira's 429: Retry-After `seconds` (default 60)",
    "quota": "GitHub: only `rate` requests from now on until `seconds` (default 3600) have passed",
    "cut-page": "lists come in pages of `page` items and every nextToken is refused",
}

#: What a call between AWS's own services may meet: refusals.
REFUSING = frozenset({"throttle", "deny", "error", "expired"})

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


@dataclass
class Fault:
    """One fault, the calls that it strikes, and how often.

    Filters are shell patterns (``codepipeline``, ``Get*``); ``times`` limits how often.
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    account: str = "*"
    region: str = "*"
    rate: float = 0.0
    seconds: float = 0.0
    status: int = 0
    page: int = 2
    times: int | None = None
    id: str = ""
    struck: int = 0
    _tokens: dict[tuple[str, ...], tuple[float, float]] = field(default_factory=dict, repr=False)

    def covers(self, service: str, operation: str, account: str, region: str) -> bool:
        """Whether this fault is meant for such a call and has strikes left."""
        if self.times is not None and self.struck >= self.times:
            return False
        pairs = (
            (self.service, service),
            (self.operation, operation),
            (self.account, account),
            (self.region, region),
        )
        return all(fnmatch.fnmatchcase(value, pattern) for pattern, value in pairs)

    def over_rate(self, account: str, region: str, service: str) -> bool:
        """Takes one token from this account, region and service's bucket; true when it is empty.

        The bucket holds one second's worth, at least one call, as AWS's do.
        """
        if self.rate <= 0:
            return True
        key, now = (account, region, service), time.monotonic()
        room = max(self.rate, 1.0)
        tokens, seen = self._tokens.get(key, (room, now))
        tokens = min(room, tokens + (now - seen) * self.rate)
        empty = tokens < 1
        self._tokens[key] = (tokens if empty else tokens - 1, now)
        return empty

    def shown(self) -> dict[str, Any]:
        """The fault as the control path shows it."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


class Faults:
    """The faults that are on. ``add`` and ``clear`` may be called at any time, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._active: dict[str, Fault] = {}
        self._closing = threading.Event()

    def add(self, kind: str, **members: Any) -> Fault:
        """Switch a fault on; see :data:`KINDS`. Raises ValueError for what is no fault."""
        return self.add_from({"kind": kind, **members})

    def add_from(self, members: Mapping[str, Any]) -> Fault:
        """The same from a JSON object."""
        names = {
            "kind",
            "service",
            "operation",
            "account",
            "region",
            "rate",
            "seconds",
            "status",
            "page",
            "times",
        }
        unknown = set(members) - names
        if unknown:
            raise ValueError(
                f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(names))}"
            )
        if members.get("kind") not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        for name in ("rate", "seconds", "status", "page", "times"):
            value = members.get(name) or 0
            if not isinstance(value, (int, float)) or value < 0:
                raise ValueError(f"{name} is a number of at least 0")
        with self._lock:
            fault = Fault(**members)
            fault.id = f"fault-{next(self._ids)}"
            self._active[fault.id] = fault
        return fault

    def active(self) -> list[Fault]:
        """The faults that are on, oldest first."""
        with self._lock:
            return list(self._active.values())

    def clear(self, fault_id: str | None = None) -> int:
        """Switch one fault off, or all; answers how many went."""
        with self._lock:
            if fault_id is not None:
                return 1 if self._active.pop(fault_id, None) else 0
            gone = len(self._active)
            self._active.clear()
            return gone

    def close(self) -> None:
        """Wake everything that hangs, because the server stops."""
        self._closing.set()

    def strike(  # noqa: PLR0913 - a call is this much
        self,
        service: str,
        operation: str,
        account: str,
        region: str,
        *,
        paging: bool,
        refusal: Callable[[Fault], Exception] | None = None,
        inside: bool = False,
    ) -> Strike:
        """Let the faults that cover a call act on it, and return what is left for the gateway.

        May wait. Raises AwsError, or what drops the connection. ``paging`` is whether the request
        carries a nextToken. ``refusal`` words what a site that is not AWS refuses with. ``inside``
        is a call between AWS's own services, which never waits and is never cut off.
        """
        strike = Strike()
        for fault in self.active():
            if not fault.covers(service, operation, account, region):
                continue
            if inside and fault.kind not in REFUSING:
                continue
            if fault.kind == "quota" or (fault.kind == "secondary" and refusal is None):
                continue
            if fault.kind == "throttle":
                with self._lock:
                    throttled = fault.over_rate(account, region, service)
                if not throttled:
                    continue
            fault.struck += 1
            self._apply(fault, strike, paging, refusal or _refusal)
        return strike

    def denies(self, service: str, operation: str, account: str, region: str) -> bool:
        """Whether a call would meet a fault that denies it; none of them strikes by this."""
        return any(
            fault.kind == "deny" and fault.covers(service, operation, account, region)
            for fault in self.active()
        )

    def _apply(
        self, fault: Fault, strike: Strike, paging: bool, refusal: Callable[[Fault], Exception]
    ) -> None:
        match fault.kind:
            case "deny":
                strike.deny = True
            case "latency":
                self._closing.wait(fault.seconds)
            case "hang":
                self._closing.wait(fault.seconds or 3600)
                raise DroppedConnectionError
            case "drop":
                raise DroppedConnectionError
            case "html":
                strike.reply = Reply(fault.status or 502, [("Content-Type", "text/html")], _PAGE)
            case "cut-page":
                strike.page_limit = max(1, fault.page)
                strike.refuse_token = paging
            case _:
                raise refusal(fault)


def _refusal(fault: Fault) -> AwsError:
    """The error that a fault of one of the refusing kinds answers with."""
    match fault.kind:
        case "throttle":
            return AwsError("ThrottlingException", "Rate exceeded", status=400)
        case "expired":
            text = "The security token included in the request is expired"
            return AwsError("ExpiredTokenException", text)
        case "not-opted-in":
            text = "The security token included in the request is invalid."
            return AwsError("UnrecognizedClientException", text)
    status = fault.status or 500
    code = "ServiceUnavailable" if status == 503 else "InternalFailure"
    text = "The request processing has failed because of an unknown error, exception or failure."
    return AwsError(code, text, status=status)


@dataclass
class Strike:
    """What the gateway still has to do about a call that faults struck."""

    deny: bool = False
    reply: Reply | None = None
    page_limit: int | None = None
    refuse_token: bool = False
