"""Whom the team's provider lets in, and whose account that is.

A person is known again by the provider's own id for them (`sub`). Before that, once, an account is
found by its mail address, if the provider says that the address is theirs (`email_verified`), and
if the account's address was not written by its owner. Nobody else comes in, unless OIDC_SIGN_UP
says so.
"""

from typing import Any, NoReturn

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest

from . import outgoing
from .models import Profile, profile_of
from .refusals import Refusal, refuse

NAME_LENGTH = 150


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """What allauth asks about a sign-in by the provider."""

    def get_requests_session(self) -> requests.Session:
        """A session that goes where this dashboard may go."""
        return outgoing.session()

    def is_open_for_signup(self, _request: HttpRequest, _login: SocialLogin) -> bool:
        """Never: `pre_social_login` makes who may come in, or refuses."""
        return False

    def on_authentication_error(
        self,
        request: HttpRequest,
        _provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> NoReturn:
        """Say in a sentence what went wrong; raises the page that says it."""
        begun = "state" in (extra_context or {})
        why = Refusal.of(error, exception, request, begun=begun)
        raise ImmediateHttpResponse(refuse(request, why))

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find or make the account; raises the page that says why there is none."""
        claims = claims_of(sociallogin)
        if claims is None:
            self._refuse(request, Refusal.CONFUSED)
        if not by_issuer(claims):
            self._refuse(request, Refusal.MISCONFIGURED)
        if sociallogin.is_existing:
            if not sociallogin.user.is_active:
                self._refuse(request, Refusal.SWITCHED_OFF)
            return
        email = str(claims.get("email") or "").strip()
        if not email or not verified(claims):
            self._refuse(request, Refusal.UNVERIFIED, email)
        with transaction.atomic():
            user = self._owner(request, email)
            if user is None:
                if not may_sign_up(email):
                    self._refuse(request, Refusal.UNKNOWN, email)
                user = make_person(claims, email)
            sociallogin.connect(request, user)

    def _owner(self, request: HttpRequest, email: str) -> Any | None:
        """The account with this address, None for none; raises where it must not be entered."""
        found = list(get_user_model().objects.filter(email__iexact=email)[:2])
        if not found:
            return None
        if len(found) > 1:
            self._refuse(request, Refusal.AMBIGUOUS, email)
        user = found[0]
        if not user.is_active:
            self._refuse(request, Refusal.SWITCHED_OFF)
        if profile_of(user).email_unconfirmed:
            self._refuse(request, Refusal.UNCONFIRMED, email)
        if SocialAccount.objects.filter(user=user).exists():
            # Over there the address is another person's now.
            self._refuse(request, Refusal.TAKEN, email)
        return user

    def _refuse(self, request: HttpRequest, why: Refusal, email: str = "") -> NoReturn:
        raise ImmediateHttpResponse(refuse(request, why, email=email))


def claims_of(sociallogin: SocialLogin) -> dict[str, Any] | None:
    """What the provider says of the person; None where its two answers are of different people.

    https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
    """
    extra = sociallogin.account.extra_data or {}
    token, info = extra.get("id_token") or {}, extra.get("userinfo") or {}
    if not token.get("sub") or (info and info.get("sub") != token["sub"]):
        return None
    return {**token, **info}


def by_issuer(claims: dict[str, Any]) -> bool:
    """Whether the token is of the provider that was configured, not only of what it points to."""
    return str(claims.get("iss", "")).rstrip("/") == settings.OIDC_ISSUER.rstrip("/")


def verified(claims: dict[str, Any]) -> bool:
    """Whether the address is the person's; some providers write the boolean as a string."""
    return claims.get("email_verified") is True or claims.get("email_verified") == "true"


def may_sign_up(email: str) -> bool:
    """Whether OIDC_SIGN_UP lets a person in who has no account yet."""
    if settings.OIDC_SIGN_UP == ["all"]:
        return True
    return email.rpartition("@")[2].lower() in settings.OIDC_SIGN_UP


def make_person(claims: dict[str, Any], email: str) -> Any:
    """Make a member with no password, named as the provider names them."""
    users = get_user_model()
    # A name that looks like an address would be taken for it, and people choose their names there.
    wanted = str(claims.get("preferred_username") or email).partition("@")[0]
    wanted = "".join(sign for sign in wanted if sign.isalnum() or sign in ".+-_")[:NAME_LENGTH]
    name, number = wanted or "member", 1
    while users.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{wanted[: NAME_LENGTH - 6] or 'member'}-{number}"
    user = users(username=name, email=email)
    user.set_unusable_password()
    user.save()
    display = " ".join(str(claims.get("name") or "").split())[:100]
    Profile.objects.create(user=user, display_name=display)
    return user
