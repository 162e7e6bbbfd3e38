"""What people see when a page is not there, not theirs, not understood, or broken."""

from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader


def not_found(
    request: HttpRequest,
    exception: Exception | None = None,  # noqa: ARG001 - Django gives it
) -> HttpResponse:
    """404; also for rows one may not know of."""
    return _page(request, "404.html", 404)


def denied(
    request: HttpRequest,
    exception: Exception | None = None,  # noqa: ARG001 - Django gives it
) -> HttpResponse:
    """403."""
    return _page(request, "403.html", 403)


def bad_request(
    _request: HttpRequest,
    exception: Exception | None = None,
) -> HttpResponse:
    """400; the session may not be readable, so nothing of the reader is shown.

    Where only the name in the address is wrong, the page names the settings, not the name.
    """
    wrong_host = isinstance(exception, DisallowedHost)
    template = "dashboard/wrong_host.html" if wrong_host else "400.html"
    return HttpResponse(loader.render_to_string(template), status=400)


def broken(_request: HttpRequest) -> HttpResponse:
    """500: the database may be what broke, so this page asks it nothing."""
    return HttpResponse(loader.render_to_string("500.html"), status=500)


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    context: dict[str, Any] = {"path": request.path}
    return render(request, template, context, status=status)
