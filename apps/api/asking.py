"""What a request may ask: a parameter nobody knows, or a place nobody has, is refused in words.

Without this a misspelt filter would be answered with everything, and a misspelt account with
nothing; programs would believe both.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.live.templatetags.live_tags import plain
from apps.mirror.health import visible_scopes

from .answers import not_understood

View = Callable[..., HttpResponse]
# As many wrong ones are told, and so much of each name; of places that are there, so many.
MOST, LONGEST, MOST_PLACES = 10, 60, 30
PLACES = ("account", "region")


def understood(run: View) -> View:
    """Wrap the run of an operation: 422 for parameters and places that are not known."""
    operation: Any = run.__self__  # type: ignore[attr-defined]
    known = [
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    ]

    @wraps(run)
    def inner(request: HttpRequest, **given: Any) -> HttpResponse:
        if request.GET and operation.include_in_schema:
            wrong = [*_unknown_names(request, known), *_unknown_places(request, known)]
            if wrong:
                return not_understood(wrong[:MOST])
        return run(request, **given)

    return inner


def _unknown_names(request: HttpRequest, known: list[str]) -> list[dict[str, str]]:
    listed = ", ".join(known)
    message = f"is not known here; known: {listed}" if known else "is not known: there is none here"
    return [
        {"parameter": plain(name)[:LONGEST], "message": message}
        for name in request.GET
        if name not in known
    ]


def _unknown_places(request: HttpRequest, known: list[str]) -> list[dict[str, str]]:
    """Return which account or region is none that the reader may know of, in constant cost."""
    asked = {name: request.GET[name] for name in PLACES if name in known and request.GET.get(name)}
    if not asked:
        return []
    scopes = visible_scopes(request.user)
    wrong = []
    for name, value in asked.items():
        there = sorted({str(getattr(scope, name)) for scope in scopes} - {""})
        if value not in there:
            wrong.append({"parameter": name, "message": _none_such(name, there)})
    return wrong


def _none_such(name: str, there: list[str]) -> str:
    if not there:
        return f"is no {name} that you may see; there is none"
    more = f" and {len(there) - MOST_PLACES} more" if len(there) > MOST_PLACES else ""
    return f"is no {name} that you may see; there are: {', '.join(there[:MOST_PLACES])}{more}"
