"""The steps of the wizard as forms; each puts its answers beside those of the others."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from apps.aws.models import Place
from apps.deeds.forms import LeadingForm
from apps.people.forms import OFF, one_line
from apps.people.models import profile_of
from apps.projects.models import Project
from apps.projects.roles import Role

from .blueprints.answers import Answers, refusals
from .blueprints.register import BEANSTALK, LAMBDA
from .choices import Choices
from .models import Bootstrap, answers_from
from .permitted import at_rest, lacking, owned_by, places_for, queue_at

WORDS = forms.TextInput(attrs=OFF)
CODE = {**OFF, "spellcheck": "false"}
# Whom one may put into the project at once.
MOST_PEOPLE = 300


class StepForm(LeadingForm):
    """A step: its fields are answers, and what is wrong with them is said by `refusals`."""

    def __init__(self, *args: Any, bootstrap: Bootstrap, user: Any, **kwargs: Any) -> None:
        self.bootstrap, self.user = bootstrap, user
        kwargs.setdefault("label_suffix", "")
        kept = bootstrap.answers
        begun = {name: self.shown(name, value) for name, value in kept.items()}
        kwargs["initial"] = {**begun, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    @staticmethod
    def shown(name: str, value: Any) -> Any:
        """An answer as a field shows it."""
        if name == "tags":
            return "\n".join(f"{key}={text}" for key, text in dict(value).items())
        return value

    def answered(self) -> dict[str, Any]:
        """What this step answers, as it is kept."""
        known = Answers.__dataclass_fields__
        return {name: value for name, value in self.cleaned_data.items() if name in known}

    def clean(self) -> dict[str, Any]:
        """Say at each field what is wrong with it, by the rules of what is made."""
        for field, sentence in self._wrong():
            if field in self.fields and field not in self.errors:
                self.add_error(field, sentence)
        return self.cleaned_data

    def _wrong(self) -> Iterator[tuple[str, str]]:
        told = answers_from({**self.bootstrap.answers, **_plain(self.answered())})
        # What other steps ask is none of this one's.
        blueprint = self.bootstrap.template
        runs = blueprint.runs.runs if blueprint.runs else ""
        for one in refusals(told, blueprint.target, runs):
            yield one.field, one.sentence


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in told.items()
    }


class SourceForm(StepForm):
    """Where the code lives."""

    source = forms.ChoiceField(
        label="Where the code lives",
        choices=[
            ("codecommit", "A new CodeCommit repository, with sample code that runs"),
            ("github", "A repository at GitHub that is there already, through a connection"),
        ],
        widget=forms.RadioSelect,
        initial="codecommit",
    )
    repository = forms.CharField(
        label="Repository",
        required=False,
        max_length=140,
        widget=forms.TextInput(attrs=CODE),
        help_text="CodeCommit: its name; empty for the project's id. GitHub: owner/name.",
    )
    branch = forms.CharField(
        label="Branch",
        initial="main",
        max_length=100,
        widget=forms.TextInput(attrs=CODE),
        help_text="What is pushed there is built and deployed.",
        error_messages={"required": "Name the branch, like main."},
    )
    with_files = forms.BooleanField(
        label="Put the template's files there",
        required=False,
        initial=True,
        help_text="GitHub: by a commit, where a connected site reaches the repository and may "
        "write to it; what lies there is not changed. A new CodeCommit repository has them in any "
        "case.",
    )

    def _wrong(self) -> Iterator[tuple[str, str]]:
        """A name that follows from the id is judged with the id."""
        told = replace(
            answers_from({**self.bootstrap.answers, **_plain(self.answered())}), connection=""
        )
        if not told.project:
            told = replace(told, project="project")
        for one in refusals(told, self.bootstrap.template.target):
            yield one.field, one.sentence


TAKEN = (
    "Somebody has made a project of this id there, or is making one. Choose another id, or have "
    "that one undone."
)


class PlaceForm(StepForm):
    """What it is called and where it is made."""

    title = forms.CharField(
        label="Name of the project",
        max_length=100,
        widget=WORDS,
        error_messages={"required": "Give the project a name."},
        help_text="As people call it.",
    )
    project = forms.CharField(
        label="Id",
        max_length=30,
        widget=forms.TextInput(attrs=CODE),
        help_text="Stacks, buckets and pipelines are named after it: small letters, digits and "
        "hyphens.",
        error_messages={"required": "Give the project an id, like shop-web."},
    )
    where = forms.ChoiceField(
        label="Account and region",
        error_messages={"required": "Choose where it is made."},
    )
    into = forms.ChoiceField(label="Belongs to", required=False)
    bucket = forms.CharField(
        label="Artifact bucket",
        required=False,
        max_length=63,
        widget=forms.TextInput(attrs=CODE),
        help_text="Empty: named after id, account and region. No two buckets in the world have the "
        "same name.",
    )
    approval = forms.BooleanField(
        label="A person approves before it is deployed",
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owned = {str(one.pk): one for one in owned_by(self.user)}
        self.projects: dict[str, Project | None] = {"": None, **owned}
        self.places = {str(one.pk): one for one in places_for(self.user, self.projects.values())}
        where: Any = self.fields["where"]
        where.choices = [
            (pk, f"{one.account.name} ({one.account.account_id}) · {one.region}")
            for pk, one in self.places.items()
        ]
        if len(where.choices) > 1:
            # Nobody makes it in production for being first in the alphabet.
            where.choices = [("", "Choose where"), *where.choices]
        if paused := at_rest():
            where.help_text = f"Not offered, because paused: {', '.join(paused)}."
        into: Any = self.fields["into"]
        into.choices = [("", "A new project"), *((pk, one.name) for pk, one in owned.items())]
        self.initial["into"] = str(self.bootstrap.project_id or "")
        if self.bootstrap.scope_id:
            known = next(
                (pk for pk, one in self.places.items() if one.scope_id == self.bootstrap.scope_id),
                None,
            )
            self.initial["where"] = known
        self.initial.setdefault("title", self.bootstrap.title)

    @property
    def place(self) -> Place:
        """The account and region that were chosen."""
        return self.places[self.cleaned_data["where"]]

    @property
    def belongs_to(self) -> Project | None:
        """The project that was chosen; None for a new one."""
        return self.projects[self.cleaned_data.get("into", "")]

    def clean_title(self) -> str:
        """On one line, and not that of another project that they know of."""
        name = one_line(self.cleaned_data["title"])
        if not name:
            raise ValidationError("Give the project a name that can be seen.")
        return name

    def clean(self) -> dict[str, Any]:
        """Besides: a new project has a name of its own, and what is chosen may act there."""
        told = super().clean()
        title = told.get("title")
        new = "into" in told and self.belongs_to is None
        if title and new and Project.named(title, self.user).exists():
            self.add_error("title", "Another project has this name. Give it another one.")
        if told.get("where") in self.places and "into" in told:
            if why := lacking(self.place.account, self.belongs_to):
                self.add_error("into", why)
            others = Bootstrap.objects.exclude(pk=self.bootstrap.pk).filter(takes=True)
            if others.filter(scope=self.place.scope, name=told.get("project", "")).exists():
                self.add_error("project", TAKEN)
        return told

    def answered(self) -> dict[str, Any]:
        """With the account and the region, which the place tells."""
        told = super().answered()
        if self.cleaned_data.get("where") in self.places:
            account, region = self.place.account.account_id, self.place.region
            told |= {"account": account, "region": region, "queue": queue_at(self.place)}
        return told


class Chosen(forms.MultipleChoiceField):
    """What is chosen of several; a text that stayed empty chose nothing."""

    def to_python(self, value: Any) -> list[str]:
        """Without what is empty."""
        return [one for one in super().to_python(value) if one]


class NetworkForm(StepForm):
    """Where it runs, and how it is reached."""

    connection = forms.CharField(label="Connection to GitHub", required=False)
    build_in_vpc = forms.BooleanField(label="The build runs in the VPC, too", required=False)
    vpc = forms.CharField(label="VPC", required=False, max_length=32)
    subnets = forms.CharField(label="Subnets", required=False)
    security_groups = forms.CharField(
        label="Security groups of the build",
        required=False,
        widget=forms.TextInput(attrs=CODE),
        help_text="Ids with commas between; only where the build runs in the VPC.",
    )
    visitors = forms.CharField(
        label="Who may reach it",
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs=CODE),
        help_text="An IPv4 network, like 10.0.0.0/8; 0.0.0.0/0 is everybody.",
    )
    instance_type = forms.CharField(
        label="Type of instance", required=False, max_length=32, widget=forms.TextInput(attrs=CODE)
    )
    load_balanced = forms.BooleanField(
        label="Behind a load balancer, so that it scales", required=False
    )

    def __init__(self, *args: Any, choices: Choices | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen, target = self.bootstrap.chosen, self.bootstrap.template.target
        known = choices or Choices()
        self._choose("vpc", known.vpcs, "None")
        self._choose("connection", known.connections, "Make a new one")
        if known.subnets and not self._was_typed("subnets", known.subnets):
            self.fields["subnets"] = Chosen(
                label="Subnets",
                required=False,
                choices=known.subnets,
                widget=forms.CheckboxSelectMultiple,
            )
        else:
            self.fields["subnets"].help_text = "Ids with commas between."
            self._join("subnets")
        self._join("security_groups")
        self.order_fields(type(self).base_fields)
        gone = []
        if chosen.source != "github":
            gone.append("connection")
        if target == LAMBDA:
            gone += ["visitors", "instance_type"]
        if target != BEANSTALK:
            gone.append("load_balanced")
        for name in gone:
            del self.fields[name]
        for name in ("visitors", "instance_type"):
            if name in self.fields:
                self.initial.setdefault(name, getattr(Answers("", "", "", ""), name))

    def _was_typed(self, name: str, among: list[tuple[str, str]]) -> bool:
        """Whether something was sent that is not offered: typed before it was known what there is.

        It stays as it was written, and is judged as an id.
        """
        sent: Any = self.data
        values = sent.getlist(name) if hasattr(sent, "getlist") else []
        offered = {ident for ident, _ in among}
        return any(value.strip() and value not in offered for value in values)

    def _choose(self, name: str, among: list[tuple[str, str]], none: str) -> None:
        if among and not self._was_typed(name, among):
            label = self.fields[name].label
            self.fields[name] = forms.ChoiceField(
                label=label, required=False, choices=[("", none), *among]
            )

    def _join(self, name: str) -> None:
        value = self.initial.get(name)
        if isinstance(value, list | tuple):
            self.initial[name] = ", ".join(value)

    def clean_subnets(self) -> tuple[str, ...]:
        """As a tuple, whether chosen or typed."""
        return _several(self.cleaned_data["subnets"])

    def clean_security_groups(self) -> tuple[str, ...]:
        """As a tuple."""
        return _several(self.cleaned_data["security_groups"])

    def answered(self) -> dict[str, Any]:
        """Without what was left empty and has a usual value."""
        told = super().answered()
        return {
            name: value
            for name, value in told.items()
            if value or name not in ("visitors", "instance_type")
        }


def _several(value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, list) else str(value).replace(",", " ").split()
    return tuple(words)


class TeamForm(StepForm):
    """Who is in it, and what things are tagged with."""

    team = forms.CharField(
        label="Team",
        max_length=63,
        widget=WORDS,
        help_text="Things in AWS are tagged with it.",
        error_messages={"required": "Name the team."},
    )
    contributors = forms.MultipleChoiceField(
        label="Contributors", required=False, widget=forms.CheckboxSelectMultiple
    )
    viewers = forms.MultipleChoiceField(
        label="Viewers", required=False, widget=forms.CheckboxSelectMultiple
    )
    tags = forms.CharField(
        label="Tags",
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line: key=value. They are put on everything that takes tags.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = get_user_model().objects.filter(is_active=True).exclude(pk=self.user.pk)
        every = every.select_related("profile").order_by("username")
        people = list(every[: MOST_PEOPLE + 1])
        more = len(people) > MOST_PEOPLE
        people = people[:MOST_PEOPLE]
        if more:
            # Who was chosen before there were so many stays so.
            chosen = {pk for pk, _ in self.bootstrap.members} - {one.pk for one in people}
            people += every.filter(pk__in=chosen)
        offered = [(str(one.pk), profile_of(one).name) for one in people]
        by_role: dict[str, list[str]] = {}
        for pk, role in self.bootstrap.members:
            by_role.setdefault(role, []).append(str(pk))
        for name, role in (("contributors", Role.CONTRIBUTOR), ("viewers", Role.VIEWER)):
            field: Any = self.fields[name]
            field.choices = offered
            self.initial[name] = by_role.get(role, [])
            if more:
                field.help_text = (
                    f"The first {MOST_PEOPLE} people. Others are added on the project's page, once "
                    "it is made."
                )
        if not offered or self.bootstrap.project is not None:
            # Whoever is in a project that is there is asked on its own page.
            del self.fields["contributors"], self.fields["viewers"]

    def clean_tags(self) -> dict[str, str]:
        """As {key: value}."""
        told = {}
        for line in self.cleaned_data["tags"].splitlines():
            if not line.strip():
                continue
            key, equals, value = line.partition("=")
            if not equals:
                raise ValidationError(f"“{line.strip()[:60]}” is no tag: write key=value.")
            if key.strip() in told:
                raise ValidationError(f"“{key.strip()[:60]}” stands there twice: keep one of them.")
            told[key.strip()] = value.strip()
        return told

    def members(self) -> list[list[Any]]:
        """[[user id, role], …]; who is named twice is what may more."""
        found = {int(pk): Role.VIEWER.value for pk in self.cleaned_data.get("viewers", ())}
        found |= {
            int(pk): Role.CONTRIBUTOR.value for pk in self.cleaned_data.get("contributors", ())
        }
        return [[pk, role] for pk, role in found.items()]
