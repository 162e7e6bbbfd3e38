"""The two addresses of a sign-in by the team's provider: there, and back."""

import hashlib
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .outgoing import AddressRefusedError
from .refusals import Refusal, refuse

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]
# What a browser says of the page that a link was on; those that say nothing are old.
OWN_PAGES = ("same-origin", "none", "")
# What allauth lets through where the provider's answers are not what they should be.
MALFORMED = (
    *(OAuth2Error, KeyError, TypeError, AttributeError, ValueError),
    *(ImproperlyConfigured, ValidationError),
)


class Exchange(OpenIDConnectOAuth2Adapter):  # type: ignore[misc] # allauth ships no types
    """What passes between the provider and this dashboard."""

    def complete_login(self, request: HttpRequest, *args: Any, **told: Any) -> SocialLogin:
        """Know a person by issuer and `sub` together: another issuer has its own user 1.

        https://openid.net/specs/openid-connect-core-1_0.html#ClaimStability
        """
        login: SocialLogin = super().complete_login(request, *args, **told)
        login.account.uid = uid_of(login.account.uid)
        return login

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Where people reach us: what is registered over there, also where a proxy renames us."""
        if settings.SITE_URL:
            path = reverse("openid_connect_callback", args=[self.provider_id])
            return f"{settings.SITE_URL.rstrip('/')}{path}"
        return str(super().get_callback_url(request, app))


def uid_of(sub: str) -> str:
    """What a person of the configured issuer is known by; as long as its column has room for."""
    issuer = settings.OIDC_ISSUER.rstrip("/")
    return hashlib.sha256(f"{issuer}\n{sub}".encode()).hexdigest()


def _told(view: View) -> View:
    """Nobody is configured: 404. What goes wrong on the way is told in a sentence."""

    @login_not_required
    @never_cache
    @require_safe
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except SocialApp.DoesNotExist:
            raise Http404("No provider is configured.") from None
        except requests.RequestException as error:
            return refuse(request, Refusal.of(None, error, request))
        except AddressRefusedError as error:
            log.warning("people.provider_failed", extra={"error": str(error)})
            return refuse(request, Refusal.MISCONFIGURED)
        except MALFORMED as error:
            # Not its text: an answer of the provider may stand in it.
            log.warning("people.provider_malformed", extra={"error": type(error).__name__})
            return refuse(request, Refusal.MISCONFIGURED)

    return inner


@_told
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider.

    A link and not a form: our content policy ties forms to this site, and a browser holds that
    against the redirect, too. So that no other site can begin it, a request from there is asked
    for a click.
    """
    if request.user.is_authenticated:
        return redirect("dashboard:home")
    if request.headers.get("Sec-Fetch-Site", "") not in OWN_PAGES:
        return render(request, "people/begin.html", {"next": _next(request)})
    provider = get_adapter().get_provider(request, provider_id)
    provider.oauth2_adapter_class = Exchange
    answer: HttpResponse = provider.redirect(request, AuthProcess.LOGIN, next_url=_next(request))
    return answer


@_told
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The provider sends the browser back here, with a code to redeem or with a refusal."""
    view = OAuth2CallbackView.adapter_view(Exchange(request, provider_id))
    answer: HttpResponse = view(request)
    return answer


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else ""
