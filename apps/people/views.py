"""A person's own pages: profile, and security with their password, second factor and sessions."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import sessions
from .forms import ProfileForm, offered_zones
from .models import Profile, profile_of
from .readers import changed


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """One's own profile; what cannot be kept is shown again as it was entered."""
    user: Any = request.user
    profile = profile_of(user)
    entered = request.POST if request.method == "POST" else None
    form = ProfileForm(
        entered,
        user=user,
        initial={
            "display_name": profile.display_name,
            "email": user.email,
            "time_zone": profile.time_zone,
        },
    )
    if entered is not None and form.is_valid():
        keep(user, form.cleaned_data, own=True)
        messages.success(request, "Your profile is saved.")
        return redirect("people:me")
    context = {"form": form, "zones": offered_zones(), "profile": profile}
    return render(request, "people/me.html", context, status=422 if form.errors else 200)


def keep(user: Any, given: dict[str, Any], *, own: bool) -> None:
    """Save a name, an address and, where given, a zone.

    An address that its owner writes lets nobody in by the team's provider, until an administrator
    confirms it: who takes a colleague's address must not get the colleague's sign-in.
    """
    unconfirmed: bool | None = None
    if given["email"].lower() != user.email.lower():
        unconfirmed = own and bool(given["email"])
        user.emailaddress_set.all().delete()
    elif not own:
        unconfirmed = False
    user.email = given["email"]
    user.save(update_fields=["email"])
    # What the form does not hold may be another's to change at this moment.
    kept: dict[str, Any] = {
        name: given[name] for name in ("display_name", "time_zone") if name in given
    }
    if unconfirmed is not None:
        kept["email_unconfirmed"] = unconfirmed
    Profile.objects.update_or_create(user=user, defaults=kept)
    changed(user)


@never_cache
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """How one comes in, and where one is signed in."""
    user: Any = request.user
    # It is in the list also where this is the first page that it opens.
    sessions.note_seen(request, str(request.session.session_key), user.pk)
    factors = {one.type: one for one in Authenticator.objects.filter(user=user)}
    codes = factors.get(Authenticator.Type.RECOVERY_CODES)
    return render(
        request,
        "people/security.html",
        {
            "app": factors.get(Authenticator.Type.TOTP),
            "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
            "sessions": _sessions(user, str(request.session.session_key)),
            "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            "connected": SocialAccount.objects.filter(user=user).first(),
        },
    )


def _sessions(user: Any, this: str) -> list[dict[str, Any]]:
    """What the list shows, this very browser first."""
    found = sorted(sessions.open_sessions(user), key=lambda one: one.session_key != this)
    return [
        {
            "row": one,
            "device": sessions.device_of(one.user_agent),
            "this": one.session_key == this,
        }
        for one in found
    ]


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponseRedirect:
    """Sign one browser out; its open pages are told."""
    user: Any = request.user
    key = sessions.end_session(user, pk)
    if not key:
        raise Http404("No such session of yours.")
    if key == request.session.session_key:
        sessions.end_this(request)
        return redirect("account_login")
    messages.success(request, "That browser is signed out.")
    return redirect("people:security")


@require_POST
def end_others(request: HttpRequest) -> HttpResponseRedirect:
    """Sign every other browser out."""
    user: Any = request.user
    number = sessions.end_sessions(user, but=request.session.session_key)
    told = "1 other browser is" if number == 1 else f"{number} other browsers are"
    messages.success(request, f"{told} signed out." if number else "No other was signed in.")
    return redirect("people:security")
