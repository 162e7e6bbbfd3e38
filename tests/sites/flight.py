"""Flights of sites: wire answers written from the vendors' API documents, played to real sessions.

A flight stands where the network would: the vendor's library signs, our adapter's place is taken by
this one, nothing in between is replaced. A folder of answers holds one file an operation, named
`<provider>.<Operation>.json`:

    {"verb": "GET", "path": "/rest/api/3/issue/{key}", "answers": [
        {"when": {"key": "SHOP-1"}, "status": 200, "headers": {}, "answer": {…}}]}

The first answer whose `when` is part of what was asked (members of path, query and body) is played;
a missing `when` fits anything. A request that no answer fits fails the test.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from apps.sites.answers import Access
from apps.sites.failures import classify
from apps.sites.kinds import SITES
from apps.sites.reach import Reach


class UnexpectedRequestError(AssertionError):
    """A request that the flight has no answer for."""


@dataclass(frozen=True)
class Said:
    """An answer with a status or headers of its own."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def page(cls, status: int = 200) -> "Said":
        """A page for people where an answer for programs is expected."""
        return cls("<!doctype html><title>Log in</title>", status, {"Content-Type": "text/html"})


Plain = Said | Mapping[str, Any] | list[Any] | Exception
Play = Plain | Callable[[Mapping[str, Any]], Plain]


@dataclass
class SiteFlight:
    """What a site answers, and what it was asked."""

    provider: str
    base_url: str = "https://site.example.com"
    method: str = ""
    selection: Mapping[str, Any] = field(default_factory=dict)
    # (operation, parameters) in the order they were asked.
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # What was sent, for tests that look at headers.
    sent: list[requests.PreparedRequest] = field(default_factory=list)
    _routes: dict[str, tuple[str, re.Pattern[str]]] = field(default_factory=dict)
    _plays: dict[str, Play] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def route(self, operation: str, verb: str, path: str) -> "SiteFlight":
        """Say which requests are this operation's; `{name}` stands for a part of the path."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self._routes[operation] = (verb, re.compile(pattern))
        return self

    def on(self, operation: str, play: Play) -> "SiteFlight":
        """Answer an operation so from now on; in a file or by `route` it has its address."""
        assert operation in self._routes, operation
        self._plays[operation] = play
        return self

    def script(self, operation: str, *plays: Plain) -> "SiteFlight":
        """Answer an operation with each of these in turn, then with the last for ever."""
        left = list(plays)
        return self.on(operation, lambda _asked: left.pop(0) if len(left) > 1 else left[0])

    def load(self, folder: Path) -> "SiteFlight":
        """Add the answers of a folder."""
        for path in sorted(folder.glob("*.json")):
            provider, name = path.stem.split(".")
            told = json.loads(path.read_text(encoding="utf-8"))
            self.route(f"{provider}:{name}", told["verb"], told["path"])
            self.on(f"{provider}:{name}", _chooser(path, told["answers"]))
        return self

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """Return what each call of an operation asked for."""
        return [params for name, params in self.asked if name == operation]

    def access(self) -> Access:
        """Return what opens the site."""
        return Access(
            base_url=self.base_url, method=self.method, user="reader@example.com", secret="t0ken"
        )

    def reach(self, **options: Any) -> Reach:
        """Open a reach whose calls this flight answers, with the kind's own wire."""
        kind = SITES.get(self.provider)
        wire: Any = kind.wire(self.access())
        self.mount(wire.session)
        return Reach(
            **{
                "provider": self.provider,
                "base_url": self.base_url,
                "wire": wire,
                "method": self.method,
                "selection": self.selection,
                "headers": kind.headers,
                "read": kind.read,
                "next_page": kind.next_page,
                **options,
            }
        )

    def mount(self, session: requests.Session) -> requests.Session:
        """Stand in the place of a session's network."""
        adapter = _Adapter(self)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Play the answer to a request."""
        url = urlsplit(request.url or "")
        path = unquote(url.path).removeprefix(urlsplit(self.base_url).path)
        found = [
            (operation, match.groupdict())
            for operation, (verb, pattern) in self._routes.items()
            if verb == request.method and (match := pattern.fullmatch(path))
        ]
        if not found:
            raise UnexpectedRequestError(f"the flight has no {request.method} {path}")
        # The more of the path is fixed, the better it fits.
        operation, named = min(found, key=lambda one: len(one[1]))
        params = {**named, **dict(parse_qsl(url.query, keep_blank_values=True))}
        if request.body:
            told = json.loads(request.body)
            params |= told if isinstance(told, dict) else {"body": told}
        with self._lock:
            self.asked.append((operation, params))
            self.sent.append(request)
            if operation not in self._plays:
                raise UnexpectedRequestError(f"the flight has no {operation}({params})")
            play = self._plays[operation]
            said = play(params) if callable(play) else play
        if isinstance(said, Exception):
            raise said
        return _response(request, said if isinstance(said, Said) else Said(said))


class _Adapter(HTTPAdapter):
    def __init__(self, flight: SiteFlight) -> None:
        super().__init__()
        self.flight = flight

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        return self.flight.answer(request)


def _response(request: requests.PreparedRequest, said: Said) -> requests.Response:
    response = requests.Response()
    response.request, response.url = request, request.url or ""
    response.status_code = said.status
    response.headers.update({"Content-Type": "application/json", **said.headers})
    body = said.body if isinstance(said.body, str) else json.dumps(said.body)
    response._content = b"" if said.body is None else body.encode()
    return response


def _chooser(path: Path, entries: Iterable[Mapping[str, Any]]) -> Play:
    def choose(params: Mapping[str, Any]) -> Plain:
        for entry in entries:
            if entry.get("when", {}).items() <= params.items():
                return Said(entry.get("answer"), entry.get("status", 200), entry.get("headers", {}))
        raise UnexpectedRequestError(f"{path.name} has no answer to {params}")

    return choose


class FlownSite:
    """A provider of sites as a flight has it, for those who open scopes through the mirror."""

    def __init__(self, flight: SiteFlight) -> None:
        self.name = flight.provider
        self.flight = flight

    def open(self, scope: Any, *, urgent: bool = False) -> Reach:
        return self.flight.reach(name=scope.place)

    def classify(self, error: BaseException, operation: str = "") -> Any:
        return classify(error, operation)
