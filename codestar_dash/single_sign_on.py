"""What allauth is told of the team's own provider, and what is wrong with what was configured."""

import re
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# What stands in our addresses for the one provider.
PROVIDER_ID = "sso"
DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def provider_settings(issuer: str, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """Return SOCIALACCOUNT_PROVIDERS: one provider, or none where no issuer is given."""
    if not issuer:
        return {}
    missing = [
        variable
        for variable, value in (("OIDC_CLIENT_ID", client_id), ("OIDC_CLIENT_SECRET", secret))
        if not value
    ]
    if missing:
        raise ImproperlyConfigured(
            f"OIDC_ISSUER is set and {' and '.join(missing)} is not: give what the provider shows "
            "for this application, or leave all of them out."
        )
    app = {
        "provider_id": PROVIDER_ID,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer.rstrip("/"), "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [app]}}


def check_sign_up(words: Sequence[str]) -> list[str]:
    """Return who may come in without an account, in lower case; says what is not understood."""
    wanted = [word.lower().lstrip("@") for word in words]
    if wanted in (["none"], ["all"]):
        return wanted
    for word in wanted:
        if not DOMAIN.fullmatch(word):
            raise ImproperlyConfigured(
                f"OIDC_SIGN_UP={word!r} is none of: none, all, or domains of mail addresses like "
                "example.com,example.org"
            )
    return wanted
