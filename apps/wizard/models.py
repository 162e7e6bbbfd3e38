"""What people make with the wizard: what they chose, how far it is, and everything it made."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse
from django.utils.timezone import now

from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.people.rights import is_administrator
from apps.projects.models import Membership, Project
from apps.projects.roles import Role

from .blueprints.answers import Answers, BadAnswersError, Refusal
from .blueprints.naming import app_stack
from .blueprints.register import BLUEPRINTS, LAMBDA, Blueprint
from .blueprints.rendering import Rendered, render

# What deeds say that they are done to.
KIND = "wizard.bootstrap"
# What a stack is called among what was made.
STACK = "stack"
# The names of its two stacks' templates in `bodies`.
TOOLCHAIN, APP = "toolchain", "app"
GONE = (
    "The template {blueprint} is not part of this version any more: nothing new can be made of it. "
    "Choose another one. What was made of it stays, and can be undone."
)


def new_mark() -> uuid.UUID:
    """A new bootstrap's own mark."""
    return uuid.uuid4()


def _knows(user: Any) -> Q:
    """Which ones are theirs to see who is no administrator."""
    owned = Membership.objects.filter(user=user.pk, role=Role.OWNER).values("project")
    own = Q(maker=user.pk) | Q(who=user.pk)
    # Who was taken out of the project knows no more of it.
    return Q(project__in=owned) | Q(own, project=None)


class BootstrapQuerySet(models.QuerySet["Bootstrap"]):
    """Bootstraps the way pages want them."""

    def visible_to(self, user: Any) -> Self:
        """One's own, those of projects that one owns; an administrator's all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if is_administrator(user):
            return self
        return self.filter(_knows(user))

    def known_to(self, user: Any) -> Self:
        """All of them, with `known`: whether they are this user's to see."""
        everything = user.is_active and is_administrator(user)
        knows = ~Q(pk__in=[]) if everything else _knows(user)
        return self.annotate(
            known=Case(When(knows, then=Value(value=True)), default=Value(value=False))
        )

    def untouched(self) -> Self:
        """Drafts in which nothing was answered yet: they are worth nothing to anybody."""
        return self.only_answers().filter(course="", answers={})

    def only_answers(self) -> Self:
        """Those of which nothing is in AWS, and nothing takes their id: they can be thrown away."""
        return self.filter(state=Bootstrap.State.DRAFT, takes=False, made_at=None)


class Bootstrap(models.Model):
    """A project that is being made, was made, or is being undone.

    blueprint, answers  what was chosen, as `Answers` has it.
    title, members      what the project will be called, and who is in it: [[user id, role], …].
    maker               who chose it: the project, once it is made, is theirs.
    who                 in whose name it goes on: whoever pressed the last button.
    project             None until it is made; one that was chosen from the start besides.
    course, step        what is being done and where it is: names of `courses`.
    since, tries        when the step began, and how often a course or a step was begun anew.
    deed                what was asked for in this step.
    preview             {checks, changes, at}: what was found out before anything is made.
    progress            [{id, type, status, reason, at}] of the stack's resources; of an undo, which
                        deletes two, {stack} besides.
    trouble, cure       why it stands still, and what to do.
    edited, edited_app  [[logical id, type, what]]: what was edited since it was made, of its own
                        stack and of the one that its pipeline made.
    bodies              the templates that were made of it: {"toolchain": …, "app": …}. What was
                        edited is told by these, whatever becomes of the register meanwhile.
    claimed_until       until when a worker is at it; in the past: when one last was.
    with_repository     an undo takes the repository, too.
    """

    class State(models.TextChoices):
        """How it stands."""

        DRAFT = "draft", "Not begun"
        MOVING = "moving", "Under way"
        READY = "ready", "Ready to be made"
        FAILED = "failed", "Stands still"
        MADE = "made", "Made"
        UNDONE = "undone", "Undone"

    mark = models.UUIDField(default=new_mark, unique=True)
    blueprint = models.CharField(max_length=64)
    answers = models.JSONField(default=dict)
    title = models.CharField(max_length=100, blank=True)
    members = models.JSONField(default=list)
    name = models.CharField(max_length=64, blank=True)
    scope = models.ForeignKey(Scope, on_delete=models.SET_NULL, null=True, related_name="+")
    project = models.ForeignKey(
        Project, on_delete=models.SET_NULL, null=True, related_name="bootstraps"
    )
    who = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    course = models.CharField(max_length=8, blank=True)
    step = models.CharField(max_length=16, blank=True)
    since = models.DateTimeField(default=now)
    tries = models.PositiveIntegerField(default=0)
    deed = models.ForeignKey(Deed, on_delete=models.SET_NULL, null=True, related_name="+")
    preview = models.JSONField(default=dict)
    progress = models.JSONField(default=list)
    edited = models.JSONField(default=list)
    edited_app = models.JSONField(default=list)
    bodies = models.JSONField(default=dict)
    with_repository = models.BooleanField(default=False)
    trouble = models.TextField(blank=True)
    cure = models.TextField(blank=True)
    begun_at = models.DateTimeField(default=now)
    made_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    # Names are taken from the first look at AWS on, until it is undone: no second one makes them.
    takes = models.BooleanField(default=False)

    objects: ClassVar[Any] = BootstrapQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-begun_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["state"], name="bootstrap_moving", condition=Q(state="moving"))
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "name"], condition=Q(takes=True), name="bootstrap_once_a_name"
            )
        ]

    def __str__(self) -> str:
        blueprint = BLUEPRINTS.get(self.blueprint)
        return self.title or self.name or (f"New: {blueprint.title}" if blueprint else "New")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Whoever begins it is its maker, whoever goes on with it."""
        if self._state.adding and self.maker_id is None:
            self.maker = self.who
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Path of the page that tells how it stands."""
        return reverse("wizard:bootstrap", args=[self.pk])

    @property
    def template(self) -> Blueprint:
        """The template that was chosen. Raises BadAnswersError for one that is no more."""
        if not self.is_known:
            raise BadAnswersError([Refusal("blueprint", GONE.format(blueprint=self.blueprint))])
        return BLUEPRINTS[self.blueprint]

    @property
    def is_known(self) -> bool:
        """Whether its template is there: an update of the dashboard may have removed it."""
        return self.blueprint in BLUEPRINTS

    @property
    def is_only_answers(self) -> bool:
        """Whether nothing of it is in AWS, and nothing takes its id: it can be thrown away."""
        return self.state == self.State.DRAFT and not self.takes and self.made_at is None

    @property
    def blocked(self) -> list[Any]:
        """The checks of the last look at AWS by which it cannot be made."""
        return [one for one in self.preview.get("checks", ()) if one["ok"] is False]

    @property
    def word(self) -> str:
        """How it stands, as people read it."""
        draft = self.state == self.State.DRAFT
        return "Cannot be made yet" if draft and self.blocked else self.State(self.state).label

    @property
    def is_only_planned(self) -> bool:
        """Whether nothing of it can be in AWS but a plan: that is dropped, and not undone."""
        return self.is_at_its_plan and not self.creations.exclude(kind=STACK).exists()

    @property
    def is_at_its_plan(self) -> bool:
        """Whether nothing was begun with it but a plan, and its end."""
        return self.made_at is None and self.course in ("", "plan", "drop")

    def forget(self, name: str) -> None:
        """Take one thing out of `preview`; it is kept with the rest of the row."""
        self.preview = {one: told for one, told in self.preview.items() if one != name}

    @property
    def template_title(self) -> str:
        """What people call its template, or the id of one that is no more."""
        return self.template.title if self.is_known else self.blueprint

    @property
    def chosen(self) -> Answers:
        """What was chosen."""
        return answers_from(self.answers)

    @property
    def rendered(self) -> Rendered:
        """What is made of it. Raises BadAnswersError where nothing can be."""
        return render(self.template, self.chosen)

    @property
    def app_stack(self) -> str:
        """The stack that the pipeline makes; "" for a template whose pipeline makes none.

        Known without rendering it all: pages and every step ask.
        """
        name = app_stack(self.chosen.project)
        if self.bodies:
            makes = APP in self.bodies
        elif self.is_known:
            makes = self.template.target == LAMBDA
        else:
            makes = self.creations.filter(kind=STACK, ident=name).exists()
        return name if makes else ""

    @property
    def change_set(self) -> str:
        """The name of the change set by which the stack is made in this try."""
        return self.change_set_of(self.tries_of_plan)

    def change_set_of(self, plan: int) -> str:
        """The name of the change set of one of its plans, the first of which is 1."""
        return f"codestar-dash-{self.mark.hex[:12]}-{plan}"

    @property
    def tries_of_plan(self) -> int:
        """How many stacks were planned for it: each has a change set of its own."""
        return int(self.preview.get("plans", 0))

    @property
    def forgotten(self) -> dict[str, Any]:
        """Return `preview` without what was found out of a plan that is no more.

        How many there were names the next one: no change set is called like one before it.
        """
        return {"plans": self.tries_of_plan} if self.tries_of_plan else {}

    @property
    def staging(self) -> str:
        """The bucket that the code waits in until the repository is made."""
        return f"codestar-dash-code-{self.mark.hex[:20]}"


CODE_KEY = "code.zip"
TAKEN = "{who} is making a project of that id there already. Choose another id, or wait."
STANDS = "{who} made a project of that id there already. Choose another id, or undo that one first."


def taken_by(bootstrap: Bootstrap) -> str:
    """Return who has its id in its place, in a sentence that says what to do."""
    rows = Bootstrap.objects.filter(scope=bootstrap.scope, name=bootstrap.name, takes=True)
    first = rows.select_related("who").first()
    who = first.who.get_username() if first and first.who else "Somebody"
    return (STANDS if first and first.made_at else TAKEN).format(who=who)


def answers_from(kept: dict[str, Any]) -> Answers:
    """Return answers as they were kept; lists become tuples, what is no answer any more is left."""
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in kept.items()
        if name in Answers.__dataclass_fields__
    }
    blank: dict[str, Any] = dict.fromkeys(("project", "account", "region", "team"), "")
    return Answers(**{**blank, **known})


class Creation(models.Model):
    """One thing that was made, written down before it is: an undo removes these and no others.

    kind   a type of CloudFormation ("AWS::S3::Bucket"), "stack", or "staging", the code's bucket.
    ident  its logical id in the stack, else its name.
    name   its physical id.
    """

    class Fate(models.TextChoices):
        """What became of it."""

        PLANNED = "planned", "Planned"
        MADE = "made", "Made"
        REMOVED = "removed", "Removed"
        LEFT = "left", "Left"

    bootstrap = models.ForeignKey(Bootstrap, on_delete=models.CASCADE, related_name="creations")
    kind = models.CharField(max_length=128)
    ident = models.CharField(max_length=255)
    name = models.CharField(max_length=2048, blank=True)
    fate = models.CharField(max_length=8, choices=Fate.choices, default=Fate.PLANNED)
    # Why it was left, or what becomes of it yet.
    why = models.TextField(blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bootstrap", "kind", "ident"], name="creation_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.ident}"
