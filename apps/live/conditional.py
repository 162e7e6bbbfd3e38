"""Answers 304 to a browser that has the very page it would get."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control

Version = Callable[[HttpRequest], str]
# What of the reader shows on every page besides who they are; rooms above add theirs.
READERS: list[Version] = []


def unchanged_page(version: Version) -> Callable[[Any], Any]:
    """Give a page a weak ETag from `version(request)` and skip the view where the browser has it.

    The tag also holds who asks, for what, how (whole page or fragment) and the release, so that
    `version` need only tell the data. Pages stay private to the browser and are asked for anew.
    """

    def decorate(view: Any) -> Any:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            etag = _etag(request, version(request))
            cached = get_conditional_response(request, etag=etag)
            if cached is not None and request.method in ("GET", "HEAD"):
                response: HttpResponse = cached
            else:
                response = view(request, *args, **kwargs)
            if response.status_code in (200, 304):
                response["ETag"] = etag
            patch_cache_control(response, private=True, no_cache=True)
            return response

        return answer

    return decorate


def _etag(request: HttpRequest, version: str) -> str:
    pending = getattr(request, "_messages", None)
    parts = (
        settings.VERSION,
        str(request.user.pk),
        request.session.session_key or "",
        # A message to show ("account saved") makes the page another one.
        str(len(pending)) if pending is not None else "",
        request.get_full_path(),
        request.headers.get("HX-Request", ""),
        request.headers.get("X-Live", ""),
        *(reader(request) for reader in READERS),
        version,
    )
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
    return f'W/"{digest}"'
