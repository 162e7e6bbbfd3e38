"""The doors that accounts have here: in, out, and a new password for whoever is in.

allauth offers more. Nobody signs up, and no mail is sent, so whatever would mail a link (to a
console, that is a log) is not served. Two names stay, because allauth's middleware looks them up;
they answer 404.
"""

from typing import NoReturn

from allauth.account import views
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_safe


@login_not_required
def shut(_request: HttpRequest) -> NoReturn:
    """404: allauth has a page here, this dashboard has none."""
    raise Http404("There is no such door.")


@require_safe
def front(request: HttpRequest) -> HttpResponseRedirect:
    """To the AWS accounts, for whoever may connect them; else home. allauth would go to mails."""
    return redirect("aws:accounts" if request.user.is_staff else "dashboard:home")


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
    path("email/", shut, name="account_email"),
    path("confirm-email/", shut, name="account_email_verification_sent"),
]
