"""Projects, their members, what belongs to them, invitations, and how their page is laid out."""

import json
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.timezone import now

from apps.people.models import administrators
from apps.people.rights import narrowed_to, sees_everything

from .roles import Role


class Legible(json.JSONEncoder):
    """Writes letters as they are.

    Postgres keeps them so whatever is sent; in SQLite what is looked for must be what is written.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


def as_kept(text: str) -> str:
    """Return a text as it stands in a column of JSON, in its quotes, on every database."""
    return json.dumps(text, ensure_ascii=False)


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects the way pages want them."""

    def visible_to(self, user: Any) -> Self:
        """Projects this user may know of: all for an administrator, else those they are in."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if (only := narrowed_to(user)) is not None:
            return self.filter(pk=only)
        return self if sees_everything(user) else self.filter(memberships__user=user)

    def matching(self, *, q: str = "", tag: str = "") -> Self:
        """Narrow by words in name or description, and by a tag."""
        rows = self
        for word in q.split():
            rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
        if tag:
            # With its quotes: a whole tag.
            rows = rows.filter(tags__icontains=as_kept(tag))
        return rows

    def with_role_of(self, user: Any) -> Self:
        """With `role`: what this user is in it, "" for nobody."""
        mine = Membership.objects.filter(project=OuterRef("pk"), user=user).values("role")
        return self.annotate(role=models.functions.Coalesce(models.Subquery(mine[:1]), Value("")))


class Project(models.Model):
    """What a team calls its own: resources of any account, the people, and what they wrote of it.

    slug   its place in addresses; it stays when the name is changed.
    links  [{label, url}], as its owners ordered them.
    tags   words, to find it by.
    """

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, max_length=2000)
    links = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True, encoder=Legible)
    created_at = models.DateTimeField(default=now)
    edited_at = models.DateTimeField(default=now)
    members: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="projects"
    )

    objects: ClassVar[Any] = ProjectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = [Lower("name"), "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Path of the project's page."""
        return reverse("projects:project", args=[self.slug])

    @classmethod
    def named(cls, name: str, user: Any) -> Any:
        """Projects of a name that this user knows of.

        Of others one may have it, too: refusing the name would tell that such a project is there.
        """
        return cls.objects.visible_to(user).filter(name__iexact=name)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Members in the order in which people look for them."""

    def for_list(self) -> Self:
        """Owners first, then by name."""
        ranks = [When(role=role.value, then=Value(-role.rank)) for role in Role]
        rows = self.annotate(place=Case(*ranks, output_field=IntegerField()))
        return rows.select_related("user").order_by("place", "user__username", "pk")


class Membership(models.Model):
    """That somebody is in a project, and what they may do there."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=12, choices=Role.choices())
    since = models.DateTimeField(default=now)

    objects: ClassVar[Any] = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"


class HoldingQuerySet(models.QuerySet["Holding"]):
    """What projects hold, the way pages want it."""

    def shown(self) -> Self:
        """What lies in no parked scope: that is nobody's to see, of whichever project."""
        return self.filter(scope__parked=False)

    def put(self) -> Self:
        """What somebody put there, and not what goes with it by itself."""
        return self.exclude(how=Holding.How.FOLLOWS)


class Holding(models.Model):
    """That a mirrored row belongs to a project; whatever belongs to the row is seen with it.

    how   "adopted" by accepting what was proposed, "linked" by hand, or "follows": it goes with
          what is held (an instance with its Auto Scaling group) and is worked out anew by itself.
    why   [[what it has to do, kind, name], …]: the path by which it was found to belong, for people
          to read.
    """

    class How(models.TextChoices):
        """How a row came to a project."""

        ADOPTED = "adopted"
        LINKED = "linked"
        FOLLOWS = "follows"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="holdings")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    scope = models.ForeignKey("mirror.Scope", on_delete=models.CASCADE, related_name="+")
    how = models.CharField(max_length=8, choices=How.choices)
    why = models.JSONField(default=list)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    added_at = models.DateTimeField(default=now)

    objects: ClassVar[Any] = HoldingQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "kind", "row_id"], name="holding_once")
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "row_id"], name="holding_of_row")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.row_id} in {self.project_id}"


class Invitation(models.Model):
    """A link by which whoever has it joins a project in a role, once. The token is kept nowhere.

    It opens as long as whoever made it may invite: who is taken out leaves no door open.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=12, choices=Role.choices())
    token_hash = models.CharField(max_length=64, unique=True)
    # Whom it is meant for, in the words of who made it.
    note = models.CharField(max_length=100, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"invitation to {self.project}"

    @property
    def usable(self) -> bool:
        """Whether it still opens."""
        return bool(type(self).open().filter(pk=self.pk).exists())

    @classmethod
    def open(cls) -> Any:
        """Those that still open."""
        owns = Membership.objects.filter(
            project=OuterRef("project"), user=OuterRef("created_by"), role=Role.OWNER
        )
        may_invite = Q(created_by__is_active=True) & (administrators("created_by") | Exists(owns))
        return cls.objects.filter(may_invite, used_at=None, expires_at__gt=now())


class Generation(models.Model):
    """How often memberships or holdings were changed, in one row.

    All that was worked out of them before its number moved is out of date.
    """

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"generation {self.number}"


class Layout(models.Model):
    """Where tiles stand on a project's page: for everybody, or as one person wants it for themself.

    user   whose it is; null: the project's.
    tiles  {"full": [names], "wide": …, "side": …, "off": names that were taken away}. It may name
           tiles that are there no more, and lack new ones.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="layouts")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    tiles = models.JSONField(default=dict)
    edited_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="layout_once_a_person"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(user=None), name="layout_once_a_project"
            ),
        ]

    def __str__(self) -> str:
        return f"layout of {self.project} for {self.user or 'everybody'}"
