"""Tokens of programs that read the API: only a token's SHA-256 is kept."""

import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from apps.people.models import hash_of

START = "csd_"
SHOWN = 8
USE_NOTED = timedelta(minutes=1)


class Scope(models.TextChoices):
    """What a token does."""

    READ = "read", "Reads"


class Validity(models.TextChoices):
    """Whether a token opens anything, and why not."""

    VALID = "valid", "Valid"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"
    # Its owner's account is switched off.
    ASLEEP = "asleep", "Owner switched off"
    # Its owner may not see the one project that it is for.
    OUTSIDE = "outside", "Owner not in the project"
    # It is for something that this release does not know.
    UNKNOWN = "unknown", "Of another release"


class ApiToken(models.Model):
    """A program that may do what its user may do, within the token's scope.

    `prefix` is the start of the token, enough to recognise it in a list and useless to guess it by.
    A revoked row stays: it says what the name was and when it was used last.
    """

    name = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    sha256 = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=16)
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Without one it opens until it is revoked.
    expires_at = models.DateTimeField(null=True, blank=True)
    scope = models.CharField(max_length=16, choices=Scope.choices, default=Scope.READ)
    # The one project that it shows; without one, whatever its owner sees. It goes with it.
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["name", "-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(revoked_at=None), name="token_name_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def validity(self) -> Validity:
        """Whether it opens anything, and why not."""
        if self.revoked_at is not None:
            return Validity.REVOKED
        if self.expires_at is not None and self.expires_at <= now():
            return Validity.EXPIRED
        if not self.user.is_active:
            return Validity.ASLEEP
        return Validity.VALID if self.scope in Scope.values else Validity.UNKNOWN

    @property
    def opens(self) -> str:
        """What it is for, in words."""
        what = str(self.project) if self.project else "what its owner sees"
        return f"{self.get_scope_display()} {what}"

    @property
    def valid(self) -> bool:
        """Whether it opens anything."""
        return self.validity == Validity.VALID

    def revoke(self) -> bool:
        """Make it useless at once; False where it was already."""
        rows = type(self).objects.filter(pk=self.pk, revoked_at=None)
        return rows.update(revoked_at=now()) == 1

    def renew(self) -> str:
        """Give the row a new token and return it: the only time it can be seen. Does not save."""
        token = START + secrets.token_urlsafe(32)
        self.sha256, self.prefix = hash_of(token), token[: len(START) + SHOWN]
        self.created_at, self.last_used_at, self.revoked_at = now(), None, None
        return token

    def note_use(self) -> None:
        """Remember that it was used, at most once a minute: reading must not mean writing."""
        at = now()
        if self.last_used_at is None or self.last_used_at < at - USE_NOTED:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED)
            type(self).objects.filter(stale, pk=self.pk).update(last_used_at=at)
