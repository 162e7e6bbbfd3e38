"""Who comes in: nobody signs up by themselves; a one-time link opens the door to a known user."""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import now

from .backends import account_of
from .limits import PASSWORD, slowed
from .models import SignInLink, hash_of

GOOD_FOR = timedelta(days=1)


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Accounts are made by administrators (page People, `manage.py add_user`), never by sign-up."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Return whose password this is, or None; too many wrong ones have to wait."""
        with slowed(request, PASSWORD, _meant(credentials)) as one:
            user = super().authenticate(request, **credentials)
            if user is not None:
                one.right()
        return user


def _meant(credentials: dict[str, Any]) -> str:
    """Whose password is tried: by name and by address it is the same account's."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    found = account_of(name)
    return f"user {found.pk}" if found else f"name {name.strip().lower()}"


def make_sign_in_link(user: Any, base_url: str, by: Any = None) -> str:
    """Return an address that signs `user` in once within a day; it replaces earlier unused ones.

    by  the administrator who makes it on a page, None at the keyboard of the machine.
    """
    SignInLink.objects.filter(user=user, used_at=None).delete()
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        token_hash=hash_of(token), user=user, made_by=by, expires_at=now() + GOOD_FOR
    )
    return f"{base_url.rstrip('/')}{reverse('enter', args=[token])}"


def site_address(request: HttpRequest, path: str) -> str:
    """Return a path as people outside open it: where the settings say, else where they are."""
    if settings.SITE_URL:
        return f"{settings.SITE_URL.rstrip('/')}{path}"
    return request.build_absolute_uri(path)


def base_url() -> str:
    """Return where people open the dashboard: where one runs, else what the settings say."""
    host = "127.0.0.1" if settings.HOST in ("0.0.0.0", "::", "") else settings.HOST  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return _running_at() or settings.SITE_URL or f"http://{host}:{settings.PORT}"


def _running_at() -> str:
    """Return the address that `make up` wrote beside its process's number, "" if none runs."""
    try:
        process, _, address = (Path(settings.DATA_DIR) / "running").read_text().partition("\n")
        os.kill(int(process), 0)
    except PermissionError:
        # It lives, and is another user's.
        return address.strip()
    except (OSError, ValueError, OverflowError):
        return ""
    return address.strip()


def find_link(token: str) -> SignInLink | None:
    """Return the link of a token, used or not."""
    return SignInLink.objects.select_related("user").filter(token_hash=hash_of(token)).first()


def claim(link: SignInLink) -> bool:
    """Use the link up; False where somebody was quicker or its time is over."""
    return bool(SignInLink.open().filter(pk=link.pk).update(used_at=now()))
