"""Answers the script of an open page with the part that it asks for, and a reader with the page."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

ASKED_BY = ("HX-Request", "X-Live")


def wants_part(request: HttpRequest) -> bool:
    """Whether a script asks, which puts the answer into a page that is there."""
    return any(request.headers.get(name) for name in ASKED_BY)


def render_part(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, part: str = "panel"
) -> HttpResponse:
    """Render `part` of a template where a script asks, else all of it.

    A browser keeps neither in place of the other.
    """
    name = f"{template}#{part}" if wants_part(request) else template
    response = render(request, name, dict(context))
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = ", ".join(ASKED_BY)
    return response
