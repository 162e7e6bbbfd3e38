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

from .models import SignInLink, hash_of

GOOD_FOR = timedelta(days=1)


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Accounts are made by whoever runs this (`manage.py add_user`), never by sign-up."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never."""
        return False


def make_sign_in_link(user: Any, base_url: str) -> str:
    """Return an address that signs `user` in once within a day; it replaces earlier unused ones."""
    SignInLink.objects.filter(user=user, used_at=None).delete()
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(token_hash=hash_of(token), user=user, expires_at=now() + GOOD_FOR)
    return f"{base_url.rstrip('/')}{reverse('dashboard:enter', args=[token])}"


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
    at = now()
    usable = SignInLink.objects.filter(
        pk=link.pk, used_at=None, expires_at__gt=at, user__is_active=True
    )
    return usable.update(used_at=at) == 1
