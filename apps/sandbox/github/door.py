"""GitHub's front door: who asks, what it costs, pages, ETags, and its own words for a refusal.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import json
import re
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from apps.sandbox.github.model import APP_SLUG, ROBOT, VIEWER, GitHub, Issue, Repository
from apps.sandbox.github.shown_work import ShowsWork
from apps.sandbox.rest import Ask, Caller, RestError, Routes, Said, Site, document
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apps.sandbox.faults import Fault
    from apps.sandbox.wire import Request

T = TypeVar("T")

DOCS = "https://docs.github.com/enterprise-server@3.19/rest"
VERSION = "3.19.2"
BUDGET, WINDOW = 5000, 3600.0
MODULES = ("accounts", "repositories", "pulls", "issues", "contents", "checks", "hooks")
#: These cost nothing.
FREE = frozenset({"rate-limit/get"})

_BY_ID = re.compile(r"/repositories/(\d{1,18})(/.*)?")

#: How tokens begin that may only read.
READER = "sandbox-reader"

route = Routes()


def refused(status: int, message: str, **more: Any) -> RestError:
    """An answer that says no, worded as GitHub does."""
    return RestError(status, {"message": message, "documentation_url": DOCS, **more})


def invalid(resource: str, field: str, code: str = "invalid", **more: Any) -> RestError:
    """422, with the field that is wrong."""
    error = {"resource": resource, "field": field, "code": code, **more}
    return refused(422, "Validation Failed", errors=[error])


def missing() -> RestError:
    """404, which GitHub also says to those who may not see it."""
    return refused(404, "Not Found")


class GitHubSite(Site):
    """``/github/api/v3``."""

    service = "github"
    prefix = "/github/api/v3"

    def routes(self) -> Routes:
        """All operations."""
        for name in MODULES:
            importlib.import_module(f"apps.sandbox.github.{name}")
        return route

    def path(self, request: Request) -> str:
        """A repository may be asked for by its id, which is where renamed ones lead to."""
        path = super().path(request)
        if not (by_id := _BY_ID.fullmatch(path)):
            return path
        known = self.world.of(GitHub).repositories.get(int(by_id[1]))
        return f"/repos/{known.full_name}{by_id[2] or ''}" if known else "/"

    def who(self, request: Request) -> Caller:
        """Any token that begins with ``sandbox-``, an issued one, or an app's own JWT.

        One that begins with ``sandbox-reader`` is a fine-grained one that may only read.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            token = _password(token)
        elif kind.lower() not in ("bearer", "token"):
            raise refused(401, "Requires authentication")
        if token.count(".") == 2:
            return self._app(token)
        ends = self.world.of(GitHub).tokens.get(token)
        if ends is not None and ends > time.time():
            return Caller(ROBOT, "installation", token, app=True)
        if token == "sandbox-revoked":  # noqa: S105 - a name that the sandbox answers so
            raise refused(403, "Resource not accessible by personal access token")
        if token.startswith(READER):
            return Caller(VIEWER, "reader", token)
        if token.startswith("sandbox-") and token != "sandbox-expired":  # noqa: S105
            return Caller(VIEWER, "token", token)
        raise refused(401, "Bad credentials")

    def _app(self, token: str) -> Caller:
        """An app proves itself by a JWT; its signature is not checked, its form and times are."""
        try:
            claims = json.loads(_unpadded(token.split(".")[1]))
            ends, issuer = float(claims["exp"]), str(claims["iss"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise refused(401, "A JSON web token could not be decoded") from None
        if ends < time.time():
            text = "'Expiration time' claim ('exp') must be a numeric value representing the future"
            raise refused(401, f"{text} time at which the assertion expires")
        if not issuer:
            raise refused(404, "Integration not found")
        return Caller(APP_SLUG, "jwt", token, app=True)

    def open_to_all(self, operation: str) -> bool:
        """What it is, everybody may ask."""
        return operation == "meta/get"

    def unknown(self, request: Request) -> RestError:  # noqa: ARG002 - every path alike
        """404."""
        return missing()

    def broken(self, error: Exception) -> RestError:
        """500."""
        return refused(500, f"The sandbox failed: {error!r}")

    def refusal(self, fault: Fault) -> RestError:
        """What a fault answers."""
        match fault.kind:
            case "throttle" | "secondary":
                text = (
                    "You have exceeded a secondary rate limit. Please wait a few minutes before "
                    "you try again."
                )
                pause = str(int(fault.seconds or 60))
                return RestError(
                    403, {"message": text, "documentation_url": DOCS}, {"Retry-After": pause}
                )
            case "expired":
                return refused(401, "Bad credentials")
            case "deny":
                return refused(403, "Resource not accessible by personal access token")
        return refused(fault.status or 502, "Server Error")

    # -- quota and ETags ----------------------------------------------------------------------

    def before(self, ask: Ask) -> None:
        """Refuse who has spent their quota, and who writes with a token that may only read."""
        used, limit, _ = self._budget(ask)
        if used >= limit and ask.operation not in FREE:
            text = "API rate limit exceeded for user ID 1002."
            raise RestError(
                403, {"message": text, "documentation_url": DOCS}, {"X-Sandbox": "spent"}
            )
        if ask.caller.method == "reader" and ask.request.method not in ("GET", "HEAD"):
            raise refused(403, "Resource not accessible by personal access token")

    def after(self, ask: Ask, said: Said) -> Said:
        """Add the headers that GitHub adds; what is remembered by its ETag costs nothing."""
        spent = said.headers.pop("X-Sandbox", "") == "spent"
        known = ask.request.headers.get("if-none-match", "")
        if ask.request.method == "GET" and said.status == 200:
            mark = hashlib.sha256(
                json.dumps([said.body, said.headers.get("Link")], sort_keys=True).encode()
            ).hexdigest()
            said.headers["ETag"] = f'W/"{mark}"'
            if mark in known:
                said.status, said.body = 304, None
        free = ask.operation in FREE or said.status == 304 or spent or not ask.caller.name
        if not free:
            key = ask.caller.token
            store = self.world.of(GitHub)
            store.spent[key] = store.spent.get(key, 0) + 1
        used, limit, ends = self._budget(ask)
        said.headers.update(
            {
                "X-RateLimit-Limit": str(limit),
                "X-RateLimit-Remaining": str(max(0, limit - used)),
                "X-RateLimit-Reset": str(int(ends)),
                "X-RateLimit-Used": str(min(used, limit)),
                "X-RateLimit-Resource": "core",
                "X-GitHub-Enterprise-Version": VERSION,
                "X-GitHub-Media-Type": "github.v3; format=json",
                "X-GitHub-Request-Id": hex_from(self.world.chance("request", used), 20).upper(),
                "Cache-Control": "private, max-age=60, s-maxage=60",
            }
        )
        if ask.caller.method == "token":
            said.headers["X-OAuth-Scopes"] = "read:org, repo"
        return said

    def _budget(self, ask: Ask) -> tuple[int, int, float]:
        """What the caller has spent, may spend, and when the window ends."""
        return budget(self, ask.caller.token)


def budget(site: Site, token: str) -> tuple[int, int, float]:
    """What a token has spent, may spend, and when (epoch seconds) it begins anew.

    By real time, as are tokens' ends: clients compare them with clocks of their own.
    """
    store, now = site.world.of(GitHub), time.time()
    fault = next((one for one in site.faults.active() if one.kind == "quota"), None)
    limit, window = (int(fault.rate), fault.seconds or WINDOW) if fault else (BUDGET, WINDOW)
    if fault is not None and not fault.struck:
        # A new quota begins with a window of its own.
        fault.struck, store.window = 1, now
        store.spent.clear()
    if now >= store.window + window:
        store.window = now
        store.spent.clear()
    return store.spent.get(token, 0), limit, store.window + window


# -- what the operations share ------------------------------------------------------------------


def shows(ask: Ask) -> ShowsWork:
    """Words things with the address that the client used."""
    return ShowsWork(ask.world.of(GitHub), ask.base)


def repository(ask: Ask) -> Repository:
    """The repository of the path; raises 404, or 301 for one that has another name by now."""
    store = ask.world.of(GitHub)
    name = f"{ask['owner']}/{ask['repo']}"
    found = store.find(name)
    if found is not None:
        return found
    moved = store.moved(name)
    if moved is None:
        raise missing()
    path = ask.request.path.removeprefix(GitHubSite.prefix)
    rest = "/".join(path.split("/")[4:])
    url = f"{ask.base}{GitHubSite.prefix}/repositories/{moved.id}" + (f"/{rest}" if rest else "")
    if ask.request.query:
        url += f"?{ask.request.query}"
    body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCS}
    status = 301 if ask.request.method in ("GET", "HEAD") else 307
    raise RestError(status, body, {"Location": url})


def issue_of(ask: Ask, repository: Repository, *, pull: bool = False) -> Issue:
    """The issue or pull request of the path; raises 404, or 410 where there are no issues."""
    found = repository.issues.get(int(ask["number"]) if ask["number"].isdecimal() else 0)
    if found is None or (pull and found.pull is None):
        raise missing()
    return found


def written(ask: Ask) -> dict[str, Any]:
    """The body; raises 400 where it is no JSON object, 403 where nothing may be written."""
    try:
        return document(ask)
    except ValueError:
        raise refused(400, "Problems parsing JSON") from None


def may_write(one: Repository) -> None:
    """Raise what GitHub says where nothing is written any more."""
    if one.archived:
        raise refused(403, "Repository was archived so is read-only.")


def paged(ask: Ask, items: Sequence[T], show: Callable[[T], Any], key: str = "") -> Said:
    """A page of a list, and the ``Link`` header to the others.

    ``key`` names the member that the list is in, beside ``total_count``; without, it is the body.
    """
    size = ask.number("per_page", 30, 100) or 30
    if ask.page_limit is not None:
        size = min(size, ask.page_limit)
    page = max(1, ask.number("page", 1, 100_000))
    last = max(1, -(-len(items) // size))
    shown = [show(item) for item in items[(page - 1) * size : page * size]]
    wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page == 1:
        del wanted["prev"], wanted["first"]
    if page >= last:
        del wanted["next"], wanted["last"]
    url = f"{ask.base}{ask.request.path}"
    links = [
        f'<{url}?{urlencode({**ask.query, "page": number})}>; rel="{name}"'
        for name, number in wanted.items()
    ]
    body: Any = {"total_count": len(items), key: shown} if key else shown
    return Said(body, headers={"Link": ", ".join(links)} if links else {})


def _password(encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (ValueError, binascii.Error):
        return ""
    return password or user


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
