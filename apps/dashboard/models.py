"""One-time sign-in links: who may come in by one, until when, and whether somebody did."""

import hashlib
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.timezone import now


def hash_of(token: str) -> str:
    """What is kept of a token: enough to know it again, not to make it."""
    return hashlib.sha256(token.encode()).hexdigest()


class SignInLink(models.Model):
    """A link that signs one user in once. The token itself is nowhere but in the link."""

    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"

    @property
    def usable(self) -> bool:
        """Whether it still opens."""
        return self.used_at is None and self.expires_at > now() and self.user.is_active
