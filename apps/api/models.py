"""Tokens of programs that read the API: only a token's SHA-256 is kept."""

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

START = "csd_"
SHOWN = 8
USE_NOTED = timedelta(minutes=1)


def hashed(token: str) -> str:
    """Return what is kept of a token. It is random and long, so a plain hash cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiToken(models.Model):
    """A program that may read what its user may see.

    `prefix` is the start of the token, enough to recognise it in a list and useless to guess it by.
    """

    name = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    sha256 = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=16)
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def valid(self) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and self.user.is_active

    def renew(self) -> str:
        """Give the row a new token and return it: the only time it can be seen. Does not save."""
        token = START + secrets.token_urlsafe(32)
        self.sha256, self.prefix = hashed(token), token[: len(START) + SHOWN]
        self.created_at, self.last_used_at, self.revoked_at = now(), None, None
        return token

    def note_use(self) -> None:
        """Remember that it was used, at most once a minute: reading must not mean writing."""
        at = now()
        if self.last_used_at is None or self.last_used_at < at - USE_NOTED:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED)
            type(self).objects.filter(stale, pk=self.pk).update(last_used_at=at)
