"""What stands before every address under /api/: JSON whatever happens, and nobody unknown."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.views.decorators.csrf import csrf_exempt

from apps.people.limits import TOKEN, address_of, in_words

from .answers import cacheable, problem
from .callers import caller, refused_token, why

log = logging.getLogger(__name__)

View = Callable[..., Any]


def stranger(request: HttpRequest) -> HttpResponse:
    """The answer to whoever is not known; 429 where an address tries too many wrong tokens."""
    refused = refused_token(request)
    if "Authorization" in request.headers:
        wait = TOKEN.count(address_of(request))
        if wait:
            slow = problem(
                429,
                "too_many_requests",
                f"Too many wrong tokens came from this address. Try again in {in_words(wait)}, "
                "with a valid one: that is answered at any time.",
            )
            slow["Retry-After"] = str(wait)
            return slow
    if refused is not None:
        token, validity = refused
        return problem(401, f"token_{validity}", why(token, validity))
    return problem(
        401,
        "unauthorized",
        "Send a valid token: Authorization: Bearer <token>. You make one on the page API tokens; "
        "an administrator with: manage.py api_token NAME --user USER",
    )


def broken(request: HttpRequest, error: BaseException) -> HttpResponse:
    """The answer where something went wrong that nobody foresaw; the log has the details."""
    log.error("api.failed", extra={"path": request.path}, exc_info=error)
    return problem(
        500, "failed", "This is a mistake of ours; the server's log has the details. Try again."
    )


def guarded(view: View) -> View:
    """Wrap a view: strangers get 401, a wrong method 405 as JSON, the rest ETags."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            if caller(request) is None:
                return stranger(request)
            response: HttpResponse = view(request, *args, **kwargs)
        except Http404:
            return _no_such_address()
        except Exception as error:  # noqa: BLE001 - a database that is away answers JSON too
            return broken(request, error)
        if response.status_code == 405:
            refused = problem(405, "method_not_allowed", f"{request.method} is not possible here.")
            refused["Allow"] = response["Allow"]
            return refused
        return cacheable(request, response) if response.status_code == 200 else response

    return inner


def guard_all(patterns: list[Any]) -> list[Any]:
    """Return the URL patterns of an API with each view guarded."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = guarded(pattern.callback)
        elif isinstance(pattern, URLResolver):
            guard_all(pattern.url_patterns)
    return patterns


def _no_such_address(*_args: Any, **_kwargs: Any) -> HttpResponse:
    return problem(
        404, "not_found", "There is nothing at this address. /api/v1/openapi.json lists what is."
    )


# Any other address under /api/.
nothing_here = guarded(_no_such_address)
