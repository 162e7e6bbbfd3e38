"""What the sandbox's REST sites share: routes, what a request asks, errors, faults and counting.

A site is GitHub or Jira. It lives in the same world as the accounts, belongs to none of them, and
answers under a path of its own with its own words for everything that goes wrong.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from apps.sandbox.faults import Fault
from apps.sandbox.httpd import DroppedConnectionError
from apps.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from apps.sandbox.faults import Faults
    from apps.sandbox.world import World

log = logging.getLogger("sandbox")

Headers = dict[str, str]


class RestError(Exception):
    """An answer that says no: ``body`` is JSON in the site's own words."""

    def __init__(self, status: int, body: Any, headers: Headers | None = None) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


@dataclass(slots=True)
class Said:
    """An answer: a status, a JSON value (None: no body at all), and headers."""

    body: Any
    status: int = 200
    headers: Headers = field(default_factory=dict)


@dataclass(slots=True)
class Caller:
    """Who asks: a login or account id, how they prove it, and whether they are an app."""

    name: str
    method: str
    token: str = ""
    app: bool = False


@dataclass(slots=True)
class Ask:
    """One request: names from its path, its query's texts (the last of each name), its body."""

    world: World
    request: Request
    operation: str
    names: dict[str, str]
    query: dict[str, str]
    caller: Caller
    site: Site | None = None
    #: A fault may cut pages short; None means the site's own sizes.
    page_limit: int | None = None

    def __getitem__(self, name: str) -> str:
        """A name out of the path."""
        return self.names[name]

    @property
    def base(self) -> str:
        """``http://host:port`` as the client calls us."""
        return f"http://{self.request.headers.get('host', '127.0.0.1')}"

    def number(self, name: str, default: int, most: int) -> int:
        """A count from the query, between 0 and ``most``; nonsense is the default, as there."""
        text = self.query.get(name, "")
        return min(int(text), most) if text.isdecimal() else default

    def every(self, name: str) -> list[str]:
        """All values of a query's name, split at commas too."""
        values = [value for key, value in parse_qsl(self.request.query) if key == name]
        return [part for value in values for part in value.split(",") if part]


Handler = Callable[[Ask], Said]


class Routes:
    """The operations of one site, by method and path."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], str, Handler]] = []
        self._paths: list[tuple[str, str, str]] = []

    def __call__(self, method: str, path: str, operation: str) -> Callable[[Handler], Handler]:
        """Register a handler: ``@route("GET", "/repos/{owner}/{repo}", "repos/get")``.

        ``{name}`` takes one part of a path, ``{name+}`` the rest of it.
        """
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", path)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)

        def register(handler: Handler) -> Handler:
            self._paths.append((method, path, operation))
            self._routes.append((method, re.compile(pattern + "/?"), operation, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[str, Handler, dict[str, str]] | None:
        """The operation, its handler and the names in the path; the first registered wins."""
        for wanted, pattern, operation, handler in self._routes:
            if wanted == method and (match := pattern.fullmatch(path)):
                names = {name: unquote(value) for name, value in match.groupdict().items()}
                return operation, handler, names
        return None

    def paths(self) -> list[tuple[str, str, str]]:
        """Method, path and operation of each route."""
        return list(self._paths)

    def operations(self) -> list[str]:
        """The names of all operations."""
        return [operation for _, _, operation, _ in self._routes]


class Site:
    """The front door of one site; subclasses say how it knows people and words its refusals."""

    service = ""
    prefix = ""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults

    # -- what a site is ---------------------------------------------------------------------

    def routes(self) -> Routes:
        """Its operations."""
        raise NotImplementedError

    def path(self, request: Request) -> str:
        """What is asked for, below the site's own beginning."""
        return request.path.removeprefix(self.prefix)

    def who(self, request: Request) -> Caller:
        """Who asks; raises RestError where nobody may."""
        raise NotImplementedError

    def open_to_all(self, operation: str) -> bool:  # noqa: ARG002 - most sites have no such
        """Whether an operation asks for no credentials."""
        return False

    def refusal(self, fault: Fault) -> RestError:
        """What a fault of a refusing kind answers."""
        raise NotImplementedError

    def unknown(self, request: Request) -> RestError:
        """What it says to a path that is none."""
        raise NotImplementedError

    def broken(self, error: Exception) -> RestError:
        """What it says where the sandbox itself fails."""
        raise NotImplementedError

    def before(self, ask: Ask) -> None:
        """Judge a request that is about to be answered; raises RestError."""

    def after(self, ask: Ask, said: Said) -> Said:  # noqa: ARG002 - for subclasses
        """Dress an answer."""
        return said

    # -- one request ------------------------------------------------------------------------

    def __call__(self, request: Request) -> Reply:
        """Answer one request; raises DroppedConnectionError where a fault wants no answer."""
        try:
            said = self._serve(request)
            if isinstance(said, Reply):
                return said
        except RestError as error:
            said = Said(error.body, error.status, error.headers)
        except DroppedConnectionError:
            raise
        except Exception as error:
            log.exception("%s %s %s", self.service, request.method, request.path)
            failed = self.broken(error)
            said = Said(failed.body, failed.status, failed.headers)
        return _reply(said)

    def _serve(self, request: Request) -> Said | Reply:
        path = self.path(request) or "/"
        found = self.routes().find("GET" if request.method == "HEAD" else request.method, path)
        if found is None:
            raise self.unknown(request)
        operation, handler, names = found
        nobody = Caller("", "none")
        caller = nobody if self.open_to_all(operation) else self.who(request)
        self.world.count(self.service, "", self.service, operation)
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        ask = Ask(self.world, request, operation, names, query, caller, self)
        try:
            strike = self.faults.strike(
                self.service, operation, self.service, "", paging=False, refusal=self.refusal
            )
            if strike.reply is not None:
                return strike.reply
            if strike.deny:
                raise self.refusal(Fault("deny"))
            ask.page_limit = strike.page_limit
            self.before(ask)
            with self.world.lock:
                said = handler(ask)
                self.world.scheduler.settle()
        except RestError as error:
            said = Said(error.body, error.status, error.headers)
        return self.after(ask, said)


def document(ask: Ask) -> dict[str, Any]:
    """The JSON object of a request's body, {} where there is none; raises ValueError."""
    if not ask.request.body:
        return {}
    found = json.loads(ask.request.body)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _reply(said: Said) -> Reply:
    headers = list(said.headers.items())
    if said.body is None:
        return Reply(said.status, headers, b"")
    if isinstance(said.body, bytes):
        return Reply(said.status, headers, said.body)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json; charset=utf-8"))
    return Reply(said.status, headers, json.dumps(said.body).encode())
