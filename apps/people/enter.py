"""The page behind a one-time sign-in link: looking at it costs nothing, its button signs in."""

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .accounts import claim, find_link
from .limits import LINK, address_of, refusal
from .models import SignInLink

TEMPLATE = "people/enter.html"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Show who would be signed in; on POST, sign in, if nobody used the link before.

    Mail programs and chat previews open links: only the button's POST uses it up. Whoever has a
    second factor is asked for it: a link stands for the password and for nothing else.
    """
    link = find_link(token)
    if link is None:
        wait = LINK.count(address_of(request))
        if wait:
            return refusal(request, wait)
    if link is None or not link.usable:
        return render(request, TEMPLATE, {"reason": _reason(link)}, status=410)
    if request.method == "POST":
        if not claim(link):
            return render(request, TEMPLATE, {"reason": "used"}, status=410)
        record_authentication(request, link.user, method="link")
        login = Login(user=link.user, redirect_url=reverse("dashboard:home"))
        response: HttpResponse = perform_login(request, login)
        return response
    return render(request, TEMPLATE, {"link": link})


def _reason(link: SignInLink | None) -> str:
    """Why a link does not open: unknown, used, asleep (its person is switched off) or expired."""
    if link is None:
        return "unknown"
    if link.used_at:
        return "used"
    return "expired" if link.user.is_active else "asleep"
