"""The page behind a one-time sign-in link: looking at it costs nothing, its button signs in."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .accounts import claim, find_link

BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Show who would be signed in; on POST, sign in, if nobody used the link before.

    Mail programs and chat previews open links: only the button's POST uses it up.
    """
    link = find_link(token)
    if link is None or not link.usable:
        reason = "unknown" if link is None else "used" if link.used_at else "expired"
        return render(request, "dashboard/enter.html", {"reason": reason}, status=410)
    if request.method == "POST":
        if not claim(link):
            return render(request, "dashboard/enter.html", {"reason": "used"}, status=410)
        login(request, link.user, backend=BACKEND)
        return HttpResponseRedirect(reverse("dashboard:home"))
    return render(request, "dashboard/enter.html", {"link": link})
