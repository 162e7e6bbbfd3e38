"""AWS accounts, how to get in, and the regions that are swept there."""

import hashlib
import secrets
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.timezone import now

from apps.mirror.models import Scope
from apps.mirror.sealed import SealedField

ACCOUNT_ID = RegexValidator(r"^\d{12}$", "An AWS account number has 12 digits.")
REGION = RegexValidator(r"^[a-z]{2}(-[a-z]+)+-\d$", "A region looks like eu-west-1.")


def new_external_id() -> str:
    """Return an external id nobody can guess (see IAM's "confused deputy")."""
    return f"codestar-dash-{secrets.token_hex(12)}"


class Account(models.Model):
    """An AWS account and the one way its credentials are had.

    AMBIENT  what boto3 finds by itself: environment, default profile, container or instance role.
    PROFILE  a named profile of this machine's AWS configuration.
    KEYS     an access key kept here, its secret encrypted.
    ROLE     AssumeRole with an external id, from the ambient credentials or another account's.
    """

    class Method(models.TextChoices):
        """How credentials are had."""

        AMBIENT = "ambient", "Credentials of this machine"
        PROFILE = "profile", "Named profile of this machine"
        KEYS = "keys", "Access key"
        ROLE = "role", "Assume a role"

    # Blank until GetCallerIdentity has said it (ambient credentials, profiles).
    account_id = models.CharField(max_length=12, blank=True, validators=[ACCOUNT_ID])
    name = models.CharField(max_length=64)
    method = models.CharField(max_length=8, choices=Method.choices)
    profile = models.CharField(max_length=128, blank=True)
    access_key_id = models.CharField(max_length=128, blank=True)
    secret_access_key = SealedField(blank=True)
    session_token = SealedField(blank=True)
    role_arn = models.CharField(max_length=2048, blank=True)
    external_id = models.CharField(max_length=1224, blank=True, default=new_external_id)
    base = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="opens"
    )
    endpoint_url = models.URLField(max_length=512, blank=True)
    # Who AWS says we are there, and what it said when that failed.
    caller_arn = models.CharField(max_length=2048, blank=True)
    identity_error = models.TextField(blank=True)
    identity_cure = models.TextField(blank=True)
    identified_at = models.DateTimeField(null=True, blank=True)
    # When it was last asked, how often in a row that failed, and when it is asked again then.
    identity_asked_at = models.DateTimeField(null=True, blank=True)
    identity_failures = models.PositiveIntegerField(default=0)
    identity_due_at = models.DateTimeField(null=True, blank=True)
    # Counts the credentials that were given: what was asked with older ones says nothing of these.
    edition = models.PositiveIntegerField(default=0)
    # Made by `make up` (ambient credentials, sandbox): it keeps these rows right by itself.
    managed = models.BooleanField(default=False)
    # A person said: not swept for now. Regions keep what is wanted of them.
    paused = models.BooleanField(default=False)
    # Put aside by a start with another AWS=, or for the account that credentials open now.
    parked_at = models.DateTimeField(null=True, blank=True)
    # A person said: delete everything. Whoever finds this goes on with it.
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["account_id", "name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], name="account_name_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id or 'not identified yet'})"

    @property
    def masked_key_id(self) -> str:
        """The end of the access key's id: enough to tell keys apart. "" where there is none."""
        shown = self.access_key_id[-4:] if len(self.access_key_id) > 8 else ""
        return f"\N{HORIZONTAL ELLIPSIS}{shown}" if self.access_key_id else ""

    @property
    def stamp(self) -> str:
        """What cached sessions of this account depend on: differs when credentials do."""
        parts = (
            self.method,
            self.profile,
            self.access_key_id,
            getattr(self.secret_access_key, "token", str(self.secret_access_key)),
            getattr(self.session_token, "token", str(self.session_token)),
            self.role_arn,
            self.external_id,
            self.endpoint_url,
            self.base.stamp if self.base else "",
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Place(models.Model):
    """A region of an account that is swept; its scope is what the mirror knows of it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="places")
    region = models.CharField(max_length=32, validators=[REGION])
    scope = models.OneToOneField(Scope, on_delete=models.CASCADE, related_name="aws_place")
    # The queue a person named for this place; "" for the one EVENT_QUEUE_NAME names.
    queue_name = models.CharField(max_length=80, blank=True)
    # Where it was found, "" where it is looked for.
    queue_url = models.CharField(max_length=1024, blank=True)
    queue_checked_at = models.DateTimeField(null=True, blank=True)
    # How many messages waited in it when they were counted, and for how many seconds the oldest of
    # those received lately had waited.
    waiting = models.PositiveIntegerField(null=True, blank=True)
    waited = models.FloatField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    # Places its queue told of that nobody sweeps: {"111122223333/eu-west-1": ISO 8601 of the last}.
    strangers = models.JSONField(default=dict, blank=True)
    # Lease of the one that listens.
    listened_until = models.DateTimeField(null=True, blank=True)
    # When somebody last began to listen, and until when nobody does, after how many failures.
    listened_at = models.DateTimeField(null=True, blank=True)
    rest_until = models.DateTimeField(null=True, blank=True)
    unheard = models.PositiveSmallIntegerField(default=0)
    # A region that a person took off is not wanted; its rows are kept.
    wanted = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["region"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "region"], name="place_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.region}"


class Arrival(models.Model):
    """When the newest event of a declared type arrived from a place, through whatever queue."""

    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="arrivals")
    source = models.CharField(max_length=128)
    detail_type = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["place", "source", "detail_type"], name="arrival_once")
        ]

    def __str__(self) -> str:
        return f"{self.detail_type} from {self.place_id}"
