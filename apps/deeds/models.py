"""Deeds, and what an administrator allowed to be done in an account."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.urls import reverse
from django.utils.timezone import now

from apps.audit.kept import Kept, KeptQuerySet
from apps.aws.models import Account
from apps.mirror.models import Scope
from apps.people.rights import is_administrator
from apps.projects.models import Project

from .acts import ACTS, Act


def new_mark() -> uuid.UUID:
    """A new deed's own mark."""
    return uuid.uuid4()


class DeedQuerySet(KeptQuerySet):
    """Deeds the way pages want them."""

    def visible_to(self, user: Any) -> Self:
        """Those of projects that this user may know of, and their own; an administrator's all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if is_administrator(user):
            return self
        return self.filter(Q(project__in=Project.objects.visible_to(user)) | Q(who=user.pk))

    def told_to(self, user: Any) -> Self:
        """With `project_told`: the project's name, "" for who may not know of the project.

        Who sees a thing sees what was done to it, also in the name of a project that they are not
        in; of one that is gone administrators alone are told.
        """
        named: Any = F("project_name")
        if not is_administrator(user):
            known = When(project__in=Project.objects.visible_to(user), then=named)
            named = Case(known, default=Value(""), output_field=models.CharField())
        return self.annotate(project_told=named)

    def for_list(self) -> Self:
        """With who did it and where, the newest first."""
        return self.select_related("who__profile", "project", "scope").order_by("-asked_at", "-pk")

    def on(self, kind: str, row_id: int) -> Self:
        """What was done to one thing and to its parts."""
        parts = Within.objects.filter(kind=kind, row_id=row_id)
        return self.filter(Q(kind=kind, row_id=row_id) | Q(pk__in=parts.values("deed")))


class Deed(Kept):
    """Something that a person lets be done outside: a row first, then a call.

    mark        the deed's own: the client token where AWS takes one, and the form's, so that a form
                that is sent twice is one deed.
    act         name of an `Act`.
    kind, row_id, name   what it is done to, and what that was called then; it outlives the row.
    scope       where, None once that is purged; `place` says it in words.
    project     in whose name: the project that holds the thing and lets the person do it.
    role        what they were there: "owner", "contributor", "administrator".
    why         why, in their words.
    said        what they chose, by the names of the act's form.
    seen        what they went by: where the thing stands otherwise by now, it is refused.
    about_kind, about_id, about_name   what failed, for which it is done; ("", None, "") for none.
    begun_at    when it was sent, which may have had its effect; None while that cannot be.
    looks       how often the effect was looked for since.
    alone       no second one of its act is asked for on the thing while it waits.
    again       a person said that it had no effect: it may be sent once more.
    looked      a person had its effect looked for: it is not sent by itself any more.
    request_id  AWS's own of the request that did it, or refused it.
    made        {kind, key, name, url} of what came of it.
    told        a sentence on how it ended well.
    """

    # What its doer read before it is sent and sends with it: in memory alone, and kept nowhere.
    ready: Any = None

    # How it goes on, which `performing` and `asking` alone write; the rest is what was asked for.
    GOES_ON = frozenset(
        {
            *("outcome", "reason", "cure", "told", "request_id", "made", "begun_at", "ended_at"),
            *("not_before", "claimed_until", "tries", "looks", "again", "looked"),
        }
    )
    ENDED = ("done", "refused", "failed")
    # What makes a project is told of it as soon as there is one.
    FILLED: ClassVar[Any] = {"project": "project_name", "project_name": "project_name"}

    class Outcome(models.TextChoices):
        """How it stands."""

        WAITING = "waiting", "On its way"
        DONE = "done", "Done"
        # It stood otherwise, somebody may not, or AWS said no: nothing was done.
        REFUSED = "refused", "Refused"
        # It could not be sent, however often it was tried: nothing was done.
        FAILED = "failed", "Failed"
        # It was sent, nobody said what became of it, and it is not to be found.
        UNKNOWN = "unknown", "Nobody knows"

    mark = models.UUIDField(default=new_mark, unique=True, editable=False)
    act = models.CharField(max_length=64)
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    name = models.CharField(max_length=300)
    scope = models.ForeignKey(Scope, on_delete=models.SET_NULL, null=True, related_name="+")
    place = models.CharField(max_length=200, blank=True)
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, related_name="+")
    project_name = models.CharField(max_length=100, blank=True)
    who = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    who_name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=16, blank=True)
    why = models.TextField(blank=True)
    said = models.JSONField(default=dict)
    seen = models.JSONField(default=dict)
    about_kind = models.CharField(max_length=64, blank=True)
    about_id = models.BigIntegerField(null=True, blank=True)
    about_name = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField(default=now)

    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING)
    reason = models.TextField(blank=True)
    cure = models.TextField(blank=True)
    told = models.TextField(blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    made = models.JSONField(default=dict)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=now)
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    looks = models.PositiveIntegerField(default=0)
    again = models.BooleanField(default=False)
    looked = models.BooleanField(default=False)
    alone = models.BooleanField(default=True)

    objects: ClassVar[Any] = DeedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-asked_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["not_before"], name="act_due", condition=Q(outcome="waiting")),
            models.Index(fields=["kind", "row_id", "-asked_at", "-id"], name="deeds_on_row"),
            models.Index(fields=["project", "-asked_at", "-id"], name="deeds_of_project"),
            models.Index(fields=["-asked_at", "-id"], name="deeds_newest"),
            models.Index(
                fields=["-ended_at"], name="deeds_ended", condition=Q(ended_at__isnull=False)
            ),
            models.Index(
                fields=["about_kind", "about_id"],
                name="deeds_about",
                condition=~Q(about_kind=""),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["act", "kind", "row_id"],
                condition=Q(outcome="waiting", alone=True),
                name="deed_once_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.name}"

    def get_absolute_url(self) -> str:
        """Path of the page that tells how it stands."""
        return reverse("deeds:deed", args=[self.pk])

    @property
    def declared(self) -> Act | None:
        """Its act; None for one that this version does not know any more."""
        return ACTS.by_name.get(self.act)

    @property
    def label(self) -> str:
        """What its button said."""
        return self.declared.label if self.declared else self.act

    @property
    def icon(self) -> str:
        """Of its act."""
        return self.declared.icon if self.declared else "circle-play"

    @property
    def where(self) -> str:
        """Where it is done, behind what people call the account now: "shop · 111122223333 · …"."""
        called = self.scope.label if self.scope is not None else ""
        return " · ".join(filter(None, (called, self.place)))

    @property
    def since(self) -> datetime:
        """From when on its effect is looked for: when it was sent, or else asked for."""
        return self.begun_at or self.asked_at

    @property
    def waits(self) -> bool:
        """Whether something is still to come of it by itself."""
        return self.outcome == self.Outcome.WAITING

    @property
    def open(self) -> bool:
        """Whether something is still to come of it, from the house or from a person."""
        return self.outcome in (self.Outcome.WAITING, self.Outcome.UNKNOWN)


class Within(Kept):
    """What the thing of a deed belonged to when it was asked for: a stage's pipeline."""

    deed = models.ForeignKey(Deed, on_delete=models.CASCADE, related_name="belongs")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "belongings"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "row_id", "deed"], name="deed_within_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.row_id}"


class Permit(models.Model):
    """What an administrator allowed to be done in an account; without one it is only read.

    acts       names of the acts that are allowed.
    projects   those in whose name; with `everyone`, any that holds the thing.
    by_itself  the start command allowed it, in an account that it plays itself.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="permit")
    acts = models.JSONField(default=list)
    everyone = models.BooleanField(default=False)
    projects: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        Project, related_name="permits", blank=True
    )
    by_itself = models.BooleanField(default=False)
    edited_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"what may be done in {self.account}"
