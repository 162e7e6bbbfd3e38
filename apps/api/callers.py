"""Who calls the API: a program with a bearer token, or a signed-in browser that only reads."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from .models import ApiToken, hashed

# What a browser says of the page that asks; programs say nothing.
OWN_PAGES = ("", "same-origin", "none")


def caller(request: HttpRequest) -> Any | None:
    """Return the user on whose behalf the request is made, None for a stranger. Asked once."""
    if not hasattr(request, "_api_caller"):
        request._api_caller = _by_token(request) or _by_session(request)  # type: ignore[attr-defined]
    return request._api_caller  # type: ignore[attr-defined]


def _by_token(request: HttpRequest) -> Any | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    found = ApiToken.objects.select_related("user").filter(sha256=hashed(token.strip())).first()
    if found is None or not found.valid:
        return None
    found.note_use()
    request.user = found.user
    return found.user


def _by_session(request: HttpRequest) -> Any | None:
    if "Authorization" in request.headers or request.method not in ("GET", "HEAD"):
        # A wrong token is refused even where a cookie would do: the program is told.
        return None
    if request.headers.get("Sec-Fetch-Site", "") not in OWN_PAGES:
        return None
    user = request.user
    return user if user.is_authenticated and user.is_active else None


class Token(HttpBearer):
    """A token of `manage.py api_token`."""

    def authenticate(self, request: HttpRequest, token: str) -> Any | None:  # noqa: ARG002
        """Return the token's user."""
        return caller(request)


class Session(APIKeyCookie):
    """The cookie of a signed-in browser, for reading from our own pages."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        # Only GET and HEAD are let in, so there is nothing to forge.
        super().__init__(csrf=False)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:  # noqa: ARG002
        """Return the signed-in user."""
        return caller(request)
