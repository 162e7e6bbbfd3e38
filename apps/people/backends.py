"""The one way to sign in with a password; whatever was entered, one password is looked at."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model
from django.http import HttpRequest


def account_of(entered: str) -> Any | None:
    """Return whose user name this is, else whose address, where it is one person's; None else."""
    entered = entered.strip()
    if not entered:
        return None
    users = get_user_model().objects.order_by("pk")
    for column in ("username__iexact", "email__iexact"):
        found = list(users.filter(**{column: entered})[:2])
        if found:
            return found[0] if len(found) == 1 else None
    return None


class NameOrAddress(AuthenticationBackend):  # type: ignore[misc] # allauth ships no types
    """Finds the account first and looks at one password; at one of nobody where there is none.

    allauth's own tries what was entered as a name and as an address, a password each: a known
    address took longer to be refused than an unknown one.
    """

    def _authenticate(self, _request: HttpRequest | None, **credentials: Any) -> Any | None:
        entered = str(credentials.get("username") or credentials.get("email") or "")
        return self._check_password(account_of(entered), credentials["password"])
