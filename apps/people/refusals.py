"""Why a sign-in by the team's provider did not succeed, and what to do then, in sentences."""

import enum
import logging
from typing import Any, NamedTuple

import requests
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)


class Told(NamedTuple):
    """What a page says: its status, what happened, and what to do."""

    status: int
    title: str
    cure: str


class Refusal(enum.Enum):
    """Each way in which it can fail. `{provider}` and `{email}` are filled in."""

    DOWN = Told(
        502,
        "{provider} does not answer",
        "Try again in a few minutes, or sign in with a password. If it lasts, whoever runs the "
        "dashboard finds the reason in its log.",
    )
    MISCONFIGURED = Told(
        502,
        "{provider} and this dashboard do not understand each other",
        "Whoever runs the dashboard finds the reason in its log, and compares OIDC_ISSUER, "
        "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET with what the provider shows.",
    )
    STALE = Told(
        400,
        "This sign-in was not begun here",
        "It was begun in another browser, or too long ago, or was finished before. Begin again.",
    )
    DENIED = Told(
        403,
        "{provider} was not allowed to tell who you are",
        "You, or a rule there, said no. Begin again and agree, or sign in with a password.",
    )
    UNVERIFIED = Told(
        403,
        "{provider} does not vouch for your mail address",
        "It gave no address, or one that nobody has confirmed. Confirm it over there, then begin "
        "again.",
    )
    UNKNOWN = Told(
        403,
        "There is no account for {email}",
        "Ask an administrator of this dashboard to make one with this very address, then begin "
        "again.",
    )
    UNCONFIRMED = Told(
        403,
        "The account with the address {email} cannot be entered this way yet",
        "Its owner wrote the address. Ask an administrator of this dashboard to confirm it on the "
        "page of that person, then begin again.",
    )
    AMBIGUOUS = Told(
        403,
        "Several accounts have the address {email}",
        "Ask an administrator of this dashboard to leave it to one of them, then begin again.",
    )
    TAKEN = Told(
        403,
        "The account with the address {email} belongs to another person at {provider}",
        "Ask an administrator of this dashboard: on the page of that person the old connection "
        "can be taken away.",
    )
    SWITCHED_OFF = Told(
        403,
        "Your account is switched off",
        "Ask an administrator of this dashboard to switch it on again.",
    )
    CONFUSED = Told(
        502,
        "{provider} gave two different answers about who you are",
        "Begin again. If it lasts, tell whoever runs the dashboard.",
    )

    @classmethod
    def of(
        cls, error: Any, exception: Exception | None, request: HttpRequest, *, begun: bool = True
    ) -> "Refusal":
        """Which of them allauth's words for it mean; `begun`: this browser set out from here."""
        if error == AuthError.CANCELLED:
            return cls.DENIED
        if isinstance(exception, PermissionDenied) or (exception is None and not begun):
            return cls.STALE
        if isinstance(exception, requests.RequestException):
            log.warning("people.provider_failed", extra={"error": str(exception)})
            return cls.MISCONFIGURED if _is_configuration(exception) else cls.DOWN
        # The word it gives is one of a short list; what stands beside it is for its own people.
        said = request.GET.get("error", "")[:60] or type(exception).__name__
        log.warning("people.provider_refused", extra={"error": said})
        return cls.MISCONFIGURED


def _is_configuration(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return True
    return error.response is not None and error.response.status_code < 500


def refuse(request: HttpRequest, why: Refusal, *, email: str = "") -> HttpResponse:
    """The page that says it."""
    told = why.value
    names = {"provider": settings.OIDC_NAME, "email": email}
    title = told.title.format(**names)
    context = {"title": title[:1].upper() + title[1:], "cure": told.cure, "why": why.name.lower()}
    response = render(request, "people/refused.html", context, status=told.status)
    response["Cache-Control"] = "no-store"
    # Django would log the address, and with it the provider's code; the reason is logged above.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
