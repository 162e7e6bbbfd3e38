"""Jira's front door: who asks, which edition answers them, and its own words for a refusal.

A user with a token is Cloud's; a bearer of a personal access token is Data Center's, which knows
version 2 alone.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import re
import time
from typing import TYPE_CHECKING, Any

from apps.sandbox.jira.model import VIEWER, Issue, Jira, Project
from apps.sandbox.jira.shown import Shows
from apps.sandbox.rest import Ask, Caller, RestError, Routes, Said, Site, document

if TYPE_CHECKING:
    from apps.sandbox.faults import Fault
    from apps.sandbox.wire import Request

CLOUD, DATA_CENTER = "cloud", "data center"
MODULES = ("about", "issues", "acts", "deployments")

#: Paths below ``/jira``; both versions of the API are one here.
route = Routes()
_VERSIONED = re.compile(r"/rest/api/(2|3|latest)(/.*)")
NO_ISSUE = "Issue does not exist or you do not have permission to see it."


def refused(status: int, *messages: str, **errors: str) -> RestError:
    """An answer that says no, worded as Jira does: general messages, and those of fields."""
    return RestError(status, {"errorMessages": list(messages), "errors": errors})


class JiraSite(Site):
    """``/jira``."""

    service = "jira"
    prefix = "/jira"

    def routes(self) -> Routes:
        """All operations."""
        for name in MODULES:
            importlib.import_module(f"apps.sandbox.jira.{name}")
        return route

    def path(self, request: Request) -> str:
        """Both versions of the API have the same paths."""
        path = super().path(request)
        found = _VERSIONED.fullmatch(path)
        return f"/rest/api{found[2]}" if found else path

    def who(self, request: Request) -> Caller:
        """Any token that begins with ``sandbox-``, of a user (Basic) or on its own (Bearer)."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        match kind.lower():
            case "basic":
                user, token = _credentials(token)
                method = CLOUD
            case "bearer":
                user, method = VIEWER, DATA_CENTER
                ends = self.world.of(Jira).tokens.get(token)
                if ends is not None and ends > time.time():
                    return Caller("", "oauth", token, app=True)
            case _:
                raise refused(401, "Client must be authenticated to access this resource.")
        if token == "sandbox-revoked":  # noqa: S105 - a name that the sandbox answers so
            raise refused(403, "You do not have permission to use this site.")
        if not token.startswith("sandbox-") or token == "sandbox-expired":  # noqa: S105
            text = "Client must be authenticated to access this resource."
            raise RestError(
                401,
                {"errorMessages": [text], "errors": {}},
                {
                    "WWW-Authenticate": 'OAuth realm="https%3A%2F%2Fjira.example.com"',
                    "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
                },
            )
        known = self.world.of(Jira).person(user.partition("@")[0])
        return Caller(known.name if known else VIEWER, method, token)

    def open_to_all(self, operation: str) -> bool:
        """What it is, and where to sign in, everybody may ask."""
        return operation in ("getServerInfo", "getTenantInfo", "getAccessToken")

    def before(self, ask: Ask) -> None:
        """Data Center has no version 3."""
        if ask.caller.method == DATA_CENTER and ask.request.path.startswith("/jira/rest/api/3"):
            raise refused(404, "null for uri: " + ask.request.path)

    def after(self, ask: Ask, said: Said) -> Said:
        """Add the headers that Jira adds."""
        said.headers.setdefault("Cache-Control", "no-cache, no-store, no-transform")
        said.headers["X-AREQUESTID"] = f"{self.world.calls.total():x}"
        if ask.caller.method == DATA_CENTER:
            said.headers["X-AUSERNAME"] = ask.caller.name
        return said

    def unknown(self, request: Request) -> RestError:
        """404."""
        return refused(404, f"No endpoint {request.method} {request.path}.")

    def broken(self, error: Exception) -> RestError:
        """500."""
        return refused(500, f"The sandbox failed: {error!r}")

    def refusal(self, fault: Fault) -> RestError:
        """What a fault answers."""
        match fault.kind:
            case "throttle" | "secondary":
                pause = str(int(fault.seconds or 60))
                headers = {
                    "Retry-After": pause,
                    "X-RateLimit-Limit": "350",
                    "X-RateLimit-Remaining": "0",
                    "RateLimit-Reason": "jira-burst-based",
                }
                text = "Rate limit exceeded."
                return RestError(429, {"errorMessages": [text], "errors": {}}, headers)
            case "expired":
                return refused(401, "Client must be authenticated to access this resource.")
            case "deny":
                return refused(403, "You do not have permission to perform this operation.")
        return refused(fault.status or 500, "Internal server error")


# -- what the operations share ------------------------------------------------------------------


def shows(ask: Ask) -> Shows:
    """Words things for the caller's edition and the version they asked for."""
    version = "2" if "/rest/api/2/" in ask.request.path else "3"
    cloud = ask.caller.method != DATA_CENTER
    if not cloud:
        version = "2"
    return Shows(ask.world.of(Jira), ask.base, cloud=cloud, version=version)


def is_cloud(ask: Ask) -> bool:
    """Whether Cloud answers."""
    return ask.caller.method != DATA_CENTER


def issue_of(ask: Ask) -> Issue:
    """The issue of the path, by its key, one it had before, or its id; raises 404."""
    found = ask.world.of(Jira).find(ask["issue"])
    if found is None:
        raise refused(404, NO_ISSUE)
    return found


def project_of(ask: Ask, name: str) -> Project:
    """A project by its key or id; raises 404."""
    for one in ask.world.of(Jira).projects.values():
        if name in (one.key, str(one.id)):
            return one
    raise refused(404, f"No project could be found with key '{name}'.")


def written(ask: Ask) -> dict[str, Any]:
    """The body; raises 400 where it is no JSON object."""
    try:
        return document(ask)
    except ValueError:
        raise refused(
            400, "There was an error parsing JSON. Check that your request body is valid."
        ) from None


def _credentials(encoded: str) -> tuple[str, str]:
    try:
        user, _, token = base64.b64decode(encoded).decode().partition(":")
    except (ValueError, binascii.Error):
        return "", ""
    return user, token
