"""Sites that are read with a token, what is remembered of their answers, and what they told us."""

import hashlib
import secrets
from typing import Any, ClassVar

from django.db import models
from django.utils.timezone import now

from apps.mirror.models import Scope
from apps.mirror.sealed import SealedField


def new_webhook_secret() -> str:
    """Return a secret nobody can guess, which a site signs its webhooks with."""
    return secrets.token_urlsafe(32)


class Site(models.Model):
    """A connection to a site that is no AWS account, and the one way its credentials are had.

    `provider` names the `SiteKind` that knows the site's methods, fields and words. `base_url` is
    the root of its API, without a slash at its end. `secret` is a token, or an app's private key.
    `selection` says what of it is read, as its kind takes it: Jira `{projects: [key], queries:
    [{name, jql}]}`, GitHub `{owners: [login], repositories: ["owner/name"]}`.
    """

    provider = models.CharField(max_length=16)
    name = models.CharField(max_length=64)
    base_url = models.CharField(max_length=512)
    method = models.CharField(max_length=16)
    user = models.CharField(max_length=255, blank=True)
    secret = SealedField(blank=True)
    app_id = models.CharField(max_length=64, blank=True)
    installation_id = models.CharField(max_length=64, blank=True)
    # Of OAuth, for what the site's vendor takes from programs alone: Jira's deployments panel.
    client_id = models.CharField(max_length=255, blank=True)
    client_secret = SealedField(blank=True)
    webhook_secret = SealedField(default=new_webhook_secret)
    selection = models.JSONField(default=dict)
    scope = models.OneToOneField(Scope, on_delete=models.CASCADE, related_name="site")
    # A person said: what people do here (comments, states, results) is written there.
    may_write = models.BooleanField(default=False)
    # Who the site says we are, and why it did not say.
    identity = models.CharField(max_length=255, blank=True)
    identity_error = models.TextField(blank=True)
    identity_health = models.CharField(max_length=16, blank=True)
    identity_cure = models.TextField(blank=True)
    identified_at = models.DateTimeField(null=True, blank=True)
    identity_asked_at = models.DateTimeField(null=True, blank=True)
    # Counts the credentials that were given: what was asked with older ones says nothing of these.
    edition = models.PositiveIntegerField(default=0)
    # Made by `make up` (the sandbox): it keeps this row right by itself.
    managed = models.BooleanField(default=False)
    # A person said: not swept for now.
    paused = models.BooleanField(default=False)
    # Put aside by a start without it.
    parked_at = models.DateTimeField(null=True, blank=True)
    # A person said: delete everything. Whoever finds this goes on with it.
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], name="site_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """What people call the site: its name in the network, with a port that is not usual."""
        return self.base_url.partition("://")[2].partition("/")[0].lower()

    @property
    def stamp(self) -> str:
        """What open connections to this site depend on: differs when credentials do."""
        parts = (
            self.base_url,
            self.method,
            self.user,
            getattr(self.secret, "token", str(self.secret)),
            self.app_id,
            self.installation_id,
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def has_client(self) -> bool:
        """Whether it was given client credentials."""
        return bool(self.client_id and self.client_secret)

    @property
    def client_stamp(self) -> str:
        """As `stamp`, of what is opened by client credentials."""
        secret = getattr(self.client_secret, "token", str(self.client_secret))
        parts = (self.base_url, self.client_id, secret)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Remembered(models.Model):
    """An answer with the tag by which the site says whether it still holds.

    `name` is a digest of what was asked; `told` the answer, compressed and encrypted: nothing of it
    was looked through for secrets. `edition` is that of the credentials it was given to.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="remembered")
    name = models.CharField(max_length=64)
    edition = models.PositiveIntegerField(default=0)
    etag = models.CharField(max_length=255)
    told = models.TextField()
    size = models.PositiveIntegerField()
    used_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "name"], name="remembered_once")
        ]
        indexes: ClassVar = [models.Index(fields=["site", "used_at"], name="remembered_oldest")]

    def __str__(self) -> str:
        return f"{self.name} of {self.site_id}"


class Delivery(models.Model):
    """A webhook that was taken: a second one of the same body is a replay.

    `digest` is of the raw body: that alone is signed, the delivery's id in the headers is not, and
    whoever overheard one may write another there. Sites tell in each body when or what, by number.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="deliveries")
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "digest"], name="delivery_once")
        ]

    def __str__(self) -> str:
        return self.digest


def selected(site: Site, name: str) -> list[Any]:
    """Return what a site's selection says under a name, [] where it says nothing."""
    return list(site.selection.get(name) or [])
