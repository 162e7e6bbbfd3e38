"""What was done: who, when, on what, and how that ended. Nothing here is ever changed."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from .kept import Kept, KeptQuerySet
from .verbs import VERBS


class Outcome(models.TextChoices):
    """How it ended."""

    DONE = "done"
    # Somebody may not, or it cannot be: nothing was done.
    REFUSED = "refused"
    # It was begun and did not work out.
    FAILED = "failed"
    # It was begun, and nobody can say how it ended.
    UNKNOWN = "unknown"


# What did not simply end well, as it is read after what was to be done.
ENDED = {
    Outcome.REFUSED: "was refused",
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "nobody knows how it ended",
}


class RecordQuerySet(KeptQuerySet):
    """Records the way pages want them."""

    def about(self, kind: str, pk: int | None = None) -> Self:
        """What was done to one subject, or with None to all of a kind."""
        rows = self.filter(subject_kind=kind)
        return rows if pk is None else rows.filter(subject_id=pk)


class Record(Kept):
    """One thing that somebody did.

    who           the user; None for what the house did by itself, or whose account is gone.
    who_name      what they were called then; "" for the house.
    verb          name of a `Verb`.
    what          what it was done with, in words of that time: "Ada Lovelace", "pipeline shop".
    subject_kind  what it was done to, and whose list it stands in: "project"; "" for none.
    subject_id    its id, which may name nothing any more: the record outlives it.
    subject_name  what that was called then.
    reason        why it was refused, or failed; or why somebody did it, in their words.
    detail        what a program may want to know besides; no secrets (see `writing.record`).
    """

    at = models.DateTimeField(default=now)
    who = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    who_name = models.CharField(max_length=150, blank=True)
    verb = models.CharField(max_length=64)
    what = models.CharField(max_length=300, blank=True)
    subject_kind = models.CharField(max_length=64, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    subject_name = models.CharField(max_length=150, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.DONE)
    reason = models.TextField(blank=True)
    detail = models.JSONField(default=dict)

    objects: ClassVar[Any] = RecordQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(
                fields=["subject_kind", "subject_id", "-at", "-id"], name="record_of_subject"
            ),
            models.Index(fields=["subject_kind", "-at", "-id"], name="record_of_kind"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="record_outcome_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.who_name or 'by itself'}: {self.told}"

    @property
    def told(self) -> str:
        """What was done, as it is read after a name; what was not, as what it was to be."""
        told = VERBS.of(self.verb).told(self.what).strip()
        if self.outcome == Outcome.DONE:
            return told
        return f"{told}: {ENDED[Outcome(self.outcome)]}"

    @property
    def icon(self) -> str:
        """Of what was done."""
        return VERBS.of(self.verb).icon
