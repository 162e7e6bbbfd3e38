"""What is known of a person beside the account, their open sessions, and one-time sign-in links."""

import hashlib
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

HUES = 8


def hash_of(token: str) -> str:
    """What is kept of a token: enough to know it again, not to make it.

    Tokens are random and long, so a plain hash cannot be guessed.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def administrators(path: str = "") -> Q:
    """The condition on users, or on what leads to one by `path`, that they administer.

    Staff is what `add_user --staff` and this dashboard's pages make; Django's superusers count.
    """
    before = f"{path}__" if path else ""
    return Q(**{f"{before}is_staff": True}) | Q(**{f"{before}is_superuser": True})


class Profile(models.Model):
    """What a person is called, which clock they read, and what an administrator lets them read.

    Made when there is something to keep: whoever has none is called by the user name, and reads
    the browser's clock. `profile_of` answers for both.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="profile",
        primary_key=True,
    )
    display_name = models.CharField(max_length=100, blank=True)
    # IANA's name; "" is the browser's own.
    time_zone = models.CharField(max_length=64, blank=True)
    # An administrator lets this person read every resource without being in a project.
    reads_everything = models.BooleanField(default=False)
    # The person wrote the address themself: until an administrator confirms it, nobody is taken
    # for this person by it.
    email_unconfirmed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the person is called."""
        return self.display_name or str(self.user.get_username())

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        return initials_of(self.name)

    @property
    def hue(self) -> int:
        """The avatar's colour, 0 to 7; the same as long as the account lives."""
        return hue_of(self.user_id)


def initials_of(name: str) -> str:
    """The letters that two words begin with, or the first two of one."""
    words = [word for word in name.replace(".", " ").replace("-", " ").split() if word]
    if len(words) > 1:
        return (words[0][0] + words[-1][0]).upper()
    return (words[0] if words else "?")[:2].upper()


def hue_of(user_id: int | None) -> int:
    """A colour for a person; neighbours in a list of people differ."""
    return (user_id or 0) % HUES


def profile_of(user: Any) -> Profile:
    """The profile of a user, one that is not kept yet where nothing was ever entered."""
    try:
        found: Profile = user.profile
    except Profile.DoesNotExist:
        found = Profile(user=user)
    return found


class KnownSession(models.Model):
    """A browser that is signed in: what its owner recognises it by."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    began_at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["-seen_at", "-pk"]

    def __str__(self) -> str:
        return f"session of {self.user} since {self.began_at:%Y-%m-%d}"


class SignInLink(models.Model):
    """A link that signs one user in once. The token itself is nowhere but in the link.

    It opens as long as whoever made it may make it.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # The administrator who made it; None: somebody at the keyboard of the machine.
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
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
        return bool(type(self).open().filter(pk=self.pk).exists())

    @classmethod
    def open(cls) -> Any:
        """Those that still open."""
        may_make = Q(made_by=None) | Q(administrators("made_by"), made_by__is_active=True)
        unused = Q(used_at=None, expires_at__gt=now(), user__is_active=True)
        return cls.objects.filter(unused, may_make)
