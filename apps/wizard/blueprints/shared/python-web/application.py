"""The web application (WSGI): its page, the same as JSON, and what goes wrong on the way."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from meeting.page import STYLE, page
from meeting.times import InvalidTimeError, everywhere, read

LONGEST_QUERY = 500
POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
Answer = tuple[int, str, str]
logger = logging.getLogger("application")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    method = environ["REQUEST_METHOD"]
    path = environ.get("PATH_INFO") or "/"
    more: list[tuple[str, str]] = []
    try:
        if path not in ROUTES:
            status, kind, body = _json(404, {"error": "Nothing is here"})
        elif method not in ("GET", "HEAD"):
            status, kind, body = _json(405, {"error": "This is not done here"})
            more.append(("Allow", "GET, HEAD"))
        else:
            status, kind, body = ROUTES[path](_asked(environ))
    except Exception:
        # Whoever asked learns nothing of the inside; the log does.
        logger.exception("failed: %s %s", method, path)
        status, kind, body = _json(500, {"error": "This did not work. It is our mistake."})
    raw = body.encode()
    headers = [
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(raw))),
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        *more,
    ]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [] if method == "HEAD" else [raw]


def home(asked: dict[str, str]) -> Answer:
    """Show the form, and the times where one was asked for."""
    zone = asked.get("zone", "Europe/London")
    at = asked.get("at", "")
    if not at:
        return 200, "text/html", page("", zone)
    try:
        return 200, "text/html", page(at, zone, everywhere(read(at, zone)))
    except InvalidTimeError as refused:
        problems = [f"{field.capitalize()}: {why}." for field, why in refused.problems.items()]
        return 422, "text/html", page(at, zone, problems=problems)


def times(asked: dict[str, str]) -> Answer:
    """Tell the times as JSON."""
    try:
        meant = read(asked.get("at", ""), asked.get("zone", ""))
    except InvalidTimeError as refused:
        return _json(422, {"error": "There is no such time", "problems": refused.problems})
    return _json(200, {"times": [one.as_json() for one in everywhere(meant)]})


def health(_asked: dict[str, str]) -> Answer:
    """Say that the application answers."""
    return _json(200, {"status": "ok", "project": os.environ.get("PROJECT", "")})


def style(_asked: dict[str, str]) -> Answer:
    """Return the page's style."""
    return 200, "text/css", STYLE


ROUTES: dict[str, Callable[[dict[str, str]], Answer]] = {
    "/": home,
    "/api/times": times,
    "/health": health,
    "/style.css": style,
}


def _asked(environ: dict[str, Any]) -> dict[str, str]:
    query = environ.get("QUERY_STRING", "")[:LONGEST_QUERY]
    return {name: values[-1] for name, values in parse_qs(query).items()}


def _json(status: int, body: dict[str, Any]) -> Answer:
    return status, "application/json", json.dumps(body, ensure_ascii=False)
