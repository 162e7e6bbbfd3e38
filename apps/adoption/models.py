"""What is proposed, and what people decided: put together, split off, ignored, taken out."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import now

from apps.people.rights import is_administrator
from apps.projects.models import Project

Row = tuple[str, int]
# What anchors of what was put together by hand begin with.
SHAPE = "shape:"


# Rooms above say by a condition on proposed rows what somebody is making at this moment.
BEING_MADE: list[Callable[[], Q]] = []


def digest_of(anchor: str) -> str:
    """Return what an anchor is found by: ARNs are longer than what every database indexes."""
    return hashlib.sha256(anchor.encode()).hexdigest()


class Adoption(models.Model):
    """One row: how it is looked for, and the lock of whoever changes what is proposed.

    tag_key    the tag whose value says which project a resource is of; "" for none.
    stamp      how often people decided something: what was worked out before is out of date.
    left_over  kind -> how many rows seem to belong to nothing.
    let_in_to  the newest user who was let into projects that were adopted by themselves.
    """

    tag_key = models.CharField(max_length=128, blank=True)
    stamp = models.BigIntegerField(default=0)
    found_at = models.DateTimeField(null=True, blank=True)
    left_over = models.JSONField(default=dict)
    let_in_to = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"adoption, decision {self.stamp}"

    @classmethod
    def here(cls) -> "Adoption":
        """Return the row."""
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def locked(cls) -> "Adoption":
        """Return the row; nobody else changes what is proposed until the transaction ends."""
        cls.objects.get_or_create(pk=1)
        return cls.objects.select_for_update().get(pk=1)


class ProposalQuerySet(models.QuerySet["Proposal"]):
    """Proposals the way pages want them."""

    def open(self) -> Self:
        """Those that nobody ignored."""
        return self.filter(ignored_at=None)

    def visible_to(self, user: Any) -> Self:
        """All for administrators, none for anybody else: what is in no project is theirs."""
        return self if user.is_authenticated and is_administrator(user) else self.none()

    def of_projects(self) -> Self:
        """What seems to belong to projects that are there."""
        return self.exclude(project=None).open()

    def new(self) -> Self:
        """Projects that are not there yet."""
        return self.open().filter(project=None, alone=False)

    def alone(self) -> Self:
        """Single resources with which nothing hangs together."""
        return self.open().filter(project=None, alone=True)

    def adopt_themselves(self) -> Self:
        """Those that ADOPT=auto may accept: nobody decided anything about them, or has to.

        Not what was named, put together, split off or declined, and nothing that has a resource
        which was in a project once, whatever it hangs on now. What seems to belong to a project
        that a person made is that person's to decide, and what somebody is just making is theirs.
        """
        making = Q(pk__in=[])
        for condition in BEING_MADE:
            making |= condition()
        by_itself = Accepted.objects.filter(project=OuterRef("project"), by_itself=True)
        decided = Decided.objects.filter(kind=OuterRef("kind"), row_id=OuterRef("row_id"))
        rows = ProposedRow.objects.filter(Exists(decided), proposal=OuterRef("pk"), shared=[])
        return (
            self.open()
            .filter(Q(project=None, alone=False) | Exists(by_itself), own_name="", certain__gt=0)
            .exclude(anchor__startswith=SHAPE)
            .exclude(Exists(Accepted.objects.filter(digest=OuterRef("digest"))))
            .exclude(Exists(rows))
            .exclude(Exists(ProposedRow.objects.filter(making, proposal=OuterRef("pk"))))
        )


class Proposal(models.Model):
    """A project that is proposed, or what seems to belong to one that is there.

    anchor    what it is known by as resources come and go.
    own_name  what an administrator called it, "" for what was found.
    version   moves when its resources do, so that nobody accepts what they did not see.
    certain   how many resources are its alone.
    alone     it is one thing and what watches that: hardly a project.
    """

    anchor = models.TextField()
    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    own_name = models.CharField(max_length=100, blank=True)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="proposals"
    )
    version = models.PositiveIntegerField(default=1)
    certain = models.PositiveIntegerField(default=0)
    alone = models.BooleanField(default=False)
    found_at = models.DateTimeField(default=now)
    changed_at = models.DateTimeField(default=now)
    ignored_at = models.DateTimeField(null=True, blank=True)
    ignored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects: ClassVar[Any] = ProposalQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.own_name or self.name

    @property
    def shape_id(self) -> int | None:
        """The number of what was put together by hand, None for what was found so."""
        return int(self.anchor.removeprefix(SHAPE)) if self.anchor.startswith(SHAPE) else None


class ProposedRow(models.Model):
    """A resource of a proposal.

    why     [[what it has to do, kind, name], …]: as in `Holding`.
    shared  names of the others it seems to belong to; [] for what is this one's alone.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    scope = models.ForeignKey("mirror.Scope", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=512)
    why = models.JSONField(default=list)
    shared = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["kind", "name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["proposal", "kind", "row_id"], name="proposed_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def row(self) -> Row:
        """What it stands for."""
        return (self.kind, self.row_id)


class Shape(models.Model):
    """What an administrator put together, or split off, before it is a project.

    family  the same number for the parts of what was split: what is taken back of one of them is
            taken back of all, or else the others would have what it was.
    """

    family = models.BigIntegerField(default=0)
    name = models.CharField(max_length=100, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.name or f"shape {self.pk}"

    @property
    def anchor(self) -> str:
        """What its proposal is known by."""
        return f"{SHAPE}{self.pk}"

    def take(self, rows: Iterable[Row], whys: Mapping[Row, Any] | None = None) -> None:
        """Let it begin with these rows, and no other one with any of them.

        whys  row -> why it is there, where that is not because somebody put it there by hand.
        """
        wanted = sorted(set(rows))
        told = whys or {}
        by_kind: dict[str, list[int]] = {}
        for kind, row_id in wanted:
            by_kind.setdefault(kind, []).append(row_id)
        for kind, ids in by_kind.items():
            ShapeRow.objects.filter(kind=kind, row_id__in=ids).delete()
        ShapeRow.objects.bulk_create(
            [
                ShapeRow(shape=self, kind=kind, row_id=row_id, why=told.get((kind, row_id), []))
                for kind, row_id in wanted
            ],
            batch_size=500,
        )


class ShapeRow(models.Model):
    """A resource that a shape begins with.

    why  as in `Holding`; [] for what somebody put there by hand.
    """

    shape = models.ForeignKey(Shape, on_delete=models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    why = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "row_id"], name="shaped_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.row_id} in {self.shape_id}"


class Declined(models.Model):
    """That somebody took a resource out of a project: it is not proposed to it again by itself."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="declined")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "kind", "row_id"], name="declined_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.row_id} not in {self.project_id}"


class Decided(models.Model):
    """A resource that was in a project once, or that a proposal had when a person decided about it.

    Nothing that has it is adopted by itself, under whichever anchor. It outlives the project.
    """

    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "row_id"], name="decided_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.row_id}"

    @staticmethod
    def remember(rows: Iterable[Row]) -> None:
        """Keep that these were decided about."""
        Decided.objects.bulk_create(
            [Decided(kind=kind, row_id=row_id) for kind, row_id in sorted(set(rows))],
            batch_size=500,
            ignore_conflicts=True,
        )


class Accepted(models.Model):
    """Which proposal became which project; `by_itself` where nobody was asked.

    It outlives the project: what was deleted is proposed again, and not adopted by itself.
    """

    digest = models.CharField(max_length=64, unique=True)
    project = models.ForeignKey(
        Project, on_delete=models.SET_NULL, null=True, related_name="accepted"
    )
    by_itself = models.BooleanField(default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"accepted {self.at:%Y-%m-%d}"
