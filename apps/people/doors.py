"""The doors that accounts have here: in, out, a new password and a second factor.

allauth offers more. Nobody signs up, and no mail is sent, so whatever would mail a link (to a
console, that is a log) is not served. Two names stay, because allauth's middleware looks them up;
they answer 404.
"""

from typing import NoReturn

from allauth.account import views
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import provider_views


@login_not_required
def shut(_request: HttpRequest) -> NoReturn:
    """404: allauth has a page here, this dashboard has none."""
    raise Http404("There is no such door.")


@require_safe
def front(request: HttpRequest) -> HttpResponseRedirect:
    """To the AWS accounts, for whoever may connect them; else home. allauth would go to mails."""
    return redirect("aws:accounts" if request.user.is_staff else "dashboard:home")


@require_safe
def second_factor(_request: HttpRequest) -> HttpResponseRedirect:
    """To the page that tells of it among other things."""
    return redirect("people:security")


urlpatterns = [
    path("", front, name="account_front"),
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    # For whoever came in by a link and has no password yet.
    path("password/set/", views.password_set, name="account_set_password"),
    # People who were sent here are told who makes accounts.
    path("signup/", views.signup, name="account_signup"),
    path("oidc/<str:provider_id>/login/", provider_views.begin, name="openid_connect_login"),
    path(
        "oidc/<str:provider_id>/login/callback/",
        provider_views.finish,
        name="openid_connect_callback",
    ),
    path("2fa/", second_factor, name="mfa_index"),
    path("2fa/code/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/app/", totp.activate_totp, name="mfa_activate_totp"),
    path("2fa/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "2fa/recovery-codes/",
        never_cache(recovery.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/new/",
        recovery.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/file/",
        recovery.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("email/", shut, name="account_email"),
    path("confirm-email/", shut, name="account_email_verification_sent"),
]
