"""The function behind the HTTP API: routes, JSON in and out, and what goes wrong on the way.

The event is API Gateway's payload format 2.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
import logging
import os
from collections.abc import Callable
from typing import Any

from .quotes import ZONES, InvalidParcelError, quote

LARGEST_BODY = 10_000
logger = logging.getLogger()
logger.setLevel(logging.INFO)


class HttpError(Exception):
    """An answer that is no success: its status, and what to tell."""

    def __init__(self, status: int, title: str, **details: Any) -> None:
        super().__init__(title)
        self.status = status
        self.body = {"error": title, **details}


def health(_body: Any) -> dict[str, Any]:
    """Say that the service answers, and which version does."""
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "local")
    return {"status": "ok", "project": os.environ.get("PROJECT", ""), "version": version}


def zones(_body: Any) -> dict[str, Any]:
    """Tell where parcels can be sent, and how long that takes."""
    return {"zones": [{"name": name, "days": zone.days} for name, zone in ZONES.items()]}


def quotes(body: Any) -> dict[str, Any]:
    """Quote a price for the parcel in the body."""
    try:
        return quote(body)
    except InvalidParcelError as refused:
        raise HttpError(422, "This parcel cannot be sent", problems=refused.problems) from None


ROUTES: dict[str, dict[str, Callable[[Any], dict[str, Any]]]] = {
    "/health": {"GET": health},
    "/zones": {"GET": zones},
    "/quotes": {"POST": quotes},
}


def handle(event: dict[str, Any], _context: Any = None) -> dict[str, Any]:
    """Answer one request."""
    method = event["requestContext"]["http"]["method"]
    path = event.get("rawPath", "/")
    try:
        deed = _route(method, path)
        return _answer(200, deed(_json(event) if method == "POST" else None))
    except HttpError as error:
        return _answer(error.status, error.body)
    except Exception:
        # Whoever asked learns nothing of the inside; the log does, and the alarm counts it.
        logger.exception("failed: %s %s", method, path)
        raise


def _route(method: str, path: str) -> Callable[[Any], dict[str, Any]]:
    methods = ROUTES.get(path)
    if methods is None:
        raise HttpError(404, "Nothing is here", routes=sorted(ROUTES))
    if method not in methods:
        raise HttpError(405, "This is not done here", methods=sorted(methods))
    return methods[method]


def _json(event: dict[str, Any]) -> Any:
    body = event.get("body") or ""
    try:
        raw = (
            base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        )
        if len(raw) > LARGEST_BODY:
            raise HttpError(413, f"Send at most {LARGEST_BODY} bytes")
        return json.loads(raw)
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise HttpError(400, "Send JSON") from None


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/json; charset=utf-8",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
        "body": json.dumps(body, ensure_ascii=False),
    }
