"""Who calls the API: a program with a bearer token, or a signed-in browser that only reads."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from apps.people.models import hash_of
from apps.people.rights import narrow
from apps.projects.models import Project

from .models import ApiToken, Validity

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
    found = ApiToken.objects.select_related("user").filter(sha256=hash_of(token.strip())).first()
    if found is None:
        return None
    validity = found.validity
    if validity == Validity.VALID and found.project_id is not None:
        if not Project.objects.visible_to(found.user).filter(pk=found.project_id).exists():
            validity = Validity.OUTSIDE
        narrow(found.user, found.project_id)
    if validity != Validity.VALID:
        # Who holds the whole token is no stranger: they are told what became of it.
        request._api_refused = found, validity  # type: ignore[attr-defined]
        return None
    found.note_use()
    request.user = found.user
    return found.user


def refused_token(request: HttpRequest) -> tuple[ApiToken, Validity] | None:
    """The token that was sent, is known, and opens nothing any more, and why it does not."""
    found: tuple[ApiToken, Validity] | None = getattr(request, "_api_refused", None)
    return found


def why(token: ApiToken, validity: Validity) -> str:
    """What became of a token, and what to do."""
    if validity == Validity.EXPIRED and token.expires_at is not None:
        return (
            f"The token {token.prefix}… expired on {token.expires_at:%-d %B %Y at %H:%M} UTC. "
            "Make a new one on the page API tokens."
        )
    if validity == Validity.REVOKED:
        return f"The token {token.prefix}… was revoked. Make a new one on the page API tokens."
    if validity == Validity.OUTSIDE:
        return (
            f"The token {token.prefix}… is for a project that its owner is not in any more. Ask an "
            "owner of the project, or make a new token on the page API tokens."
        )
    if validity == Validity.UNKNOWN:
        return f"The token {token.prefix}… was made by another release. Make a new one."
    return f"The owner of the token {token.prefix}… is switched off. Ask an administrator."


def _by_session(request: HttpRequest) -> Any | None:
    if "Authorization" in request.headers or request.method not in ("GET", "HEAD"):
        # A wrong token is refused even where a cookie would do: the program is told.
        return None
    if request.headers.get("Sec-Fetch-Site", "") not in OWN_PAGES:
        return None
    user = request.user
    return user if user.is_authenticated and user.is_active else None


class Token(HttpBearer):
    """A token of the page API tokens, or of `manage.py api_token`."""

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
