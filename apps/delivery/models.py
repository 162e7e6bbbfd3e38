"""What is told of results to the sites where people work: for which projects, and how that went."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now

from apps.codepipeline.models import Execution, Pipeline
from apps.mirror.models import Scope
from apps.projects.models import Holding, Project
from apps.sites.models import Site

# The way into a site that has a deployments panel.
CLOUD = "cloud"
PIPELINE = "codepipeline.pipeline"


class Channel(models.TextChoices):
    """A way of telling: what a site shows results by."""

    STATUS = "github.status", "Commit status"
    DEPLOYMENT = "github.deployment", "Deployment"
    LINK = "jira.link", "Link at the issue"
    PANEL = "jira.deployment", "Deployment"


# Which channels a switch is about.
CHANNELS_OF = {
    "github": (Channel.STATUS, Channel.DEPLOYMENT),
    "jira": (Channel.LINK, Channel.PANEL),
}


class Results(models.Model):
    """Whether a project's results are told: at commits (GitHub), at issues (Jira).

    by_itself  nobody switched it on: what `make up` started is told, and no other site.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="results")
    github = models.BooleanField(default=False)
    jira = models.BooleanField(default=False)
    by_itself = models.BooleanField(default=False)
    edited_at = models.DateTimeField(default=now)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"Results of {self.project_id}"


class TellingQuerySet(models.QuerySet["Telling"]):
    """Tellings the way those who tell, and pages, want them."""

    def switched_on(self) -> Self:
        """What some project of its pipeline tells still: of what waited, too."""
        found = Q(pk__in=[])
        for switch, channels in CHANNELS_OF.items():
            rows = Results.objects.filter(**{switch: True})
            for which, where in (
                (rows.filter(by_itself=False), Q()),
                (rows.filter(by_itself=True), Q(scope__site__managed=True)),
            ):
                held = Holding.objects.shown().filter(
                    kind=PIPELINE, project__in=which.values("project")
                )
                found |= where & Q(channel__in=channels, pipeline__in=held.values("row_id"))
        return self.filter(found)

    def due(self) -> Self:
        """What is to be told now, and by nobody else at this moment."""
        at = now()
        return (
            self.switched_on()
            .filter(Q(leased_until=None) | Q(leased_until__lt=at), due_at__lte=at, given_up=False)
            .exclude(told_mark=F("wanted_mark"))
        )

    def stuck(self) -> Self:
        """What waits for a person: given up, or told in part."""
        return self.filter(Q(given_up=True) | (Q(told_mark=F("wanted_mark")) & ~Q(trouble="")))

    def overtaken(self) -> Self:
        """What is not to be made any more, and that nobody is making at this moment.

        Links that were never made, of sites whose deployments panel is told instead; deployments at
        GitHub that a newer run of the pipeline was before: it shows the one made last as active.
        """
        sites = Site.objects.filter(method=CLOUD).exclude(client_id="")
        newer = Telling.objects.filter(
            channel=Channel.DEPLOYMENT,
            pipeline=OuterRef("pipeline"),
            scope=OuterRef("scope"),
            wanted__repository=OuterRef("wanted__repository"),
            wanted__environment=OuterRef("wanted__environment"),
            execution__started_at__gt=OuterRef("execution__started_at"),
        ).exclude(told_at=None)
        rows = self.filter(Q(leased_until=None) | Q(leased_until__lt=now()), told_at=None)
        return rows.filter(
            Q(channel=Channel.LINK, scope__in=sites.values("scope"))
            | Q(Exists(newer), channel=Channel.DEPLOYMENT)
        )


class Telling(models.Model):
    """One thing that a site is told of a pipeline, and is told again when it changes.

    about        "owner/name@sha", with " stage by execution" behind it for a deployment; an
                 issue's key; "stage by execution" for a deployment at Jira's panel.
    wanted       what it is to show now, as the channel takes it; `wanted_mark` is its digest.
    told_mark    digest of what it shows; "" for nothing yet.
    remote_id    the site's id of what was made there.
    given_up     nobody tries any more: the site will not have it, or never answered.
    trouble      why it was not told, or what the site would not have of it, in words.
    sequence     grows with every try, so that a site can tell which of two came later.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+")
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="+")
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=24, choices=Channel.choices)
    about = models.CharField(max_length=400)
    wanted = models.JSONField(default=dict)
    wanted_mark = models.CharField(max_length=64)
    told_mark = models.CharField(max_length=64, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    remote_id = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    given_up = models.BooleanField(default=False)
    trouble = models.TextField(blank=True)
    sequence = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(default=now)
    leased_until = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = TellingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pipeline", "scope", "channel", "about"], name="telling_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="telling_due")]

    def __str__(self) -> str:
        return f"{self.channel} {self.about}"

    @property
    def is_told(self) -> bool:
        """Whether the site shows what it is to show."""
        return self.told_mark == self.wanted_mark

    @property
    def is_told_in_part(self) -> bool:
        """Whether the site shows it, but for what `trouble` says."""
        return self.is_told and bool(self.trouble)


class Heard(models.Model):
    """How far the log of changes was read for results; one row, and the lease of who reads it."""

    change = models.BigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Read to change {self.change}"
