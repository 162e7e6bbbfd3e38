"""What people enter about projects, with errors that say what to do."""

import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.people.forms import OFF, one_line

from .models import Project
from .roles import Role

MOST_LINKS, LONGEST_LABEL, LONGEST_ADDRESS = 12, 80, 500
MOST_TAGS, LONGEST_TAG = 12, 32


class ProjectForm(forms.Form):
    """What a project says of itself."""

    name = forms.CharField(
        max_length=100,
        error_messages={
            "required": "Give the project a name.",
            "max_length": "A name has 100 letters at most; this one has %(show_value)s.",
        },
        widget=forms.TextInput(attrs=OFF),
    )
    description = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it is and who it is for, in a sentence or two.",
    )
    links = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line: the address, then what it is called. "
        "<code>https://example.com/runbook Runbook</code>",
    )
    tags = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs=OFF),
        help_text="Words with commas between.",
    )

    def __init__(
        self, *args: Any, user: Any, project: Project | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.project = project

    @staticmethod
    def of(project: Project) -> dict[str, str]:
        """What the form begins with for a project that is there."""
        return {
            "name": project.name,
            "description": project.description,
            "links": "\n".join(f"{one['url']} {one['label']}".strip() for one in project.links),
            "tags": ", ".join(project.tags),
        }

    def clean_name(self) -> str:
        """On one line, and not that of another project that the user knows of."""
        name = one_line(self.cleaned_data["name"])
        if not name:
            raise ValidationError("Give the project a name that can be seen.")
        others = Project.named(name, self.user)
        if self.project is not None:
            others = others.exclude(pk=self.project.pk)
        if others.exists():
            raise ValidationError("Another project has this name. Give it another one.")
        return name

    def clean_description(self) -> str:
        """Without signs that turn the text around or cannot be stored."""
        text: str = self.cleaned_data["description"].replace("\r\n", "\n")
        return "".join(
            sign for sign in text if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cf")
        ).strip()

    def clean_links(self) -> list[dict[str, str]]:
        """[{label, url}] of http and https addresses."""
        links = []
        lines = [line for line in self.cleaned_data["links"].splitlines() if line.strip()]
        if len(lines) > MOST_LINKS:
            raise ValidationError(f"At most {MOST_LINKS} links; these are {len(lines)}.")
        for line in lines:
            address, _, label = one_line(line).partition(" ")
            if not is_address(address):
                raise ValidationError(
                    f"“{address[:60]}” is no address that can be opened. It begins with https://, "
                    "and what it is called comes after a space."
                )
            told = label.strip()[:LONGEST_LABEL] or urlsplit(address).hostname or address
            links.append({"label": told, "url": address})
        return links

    def clean_tags(self) -> list[str]:
        """Each once, in order."""
        told = map(one_line, self.cleaned_data["tags"].split(","))
        tags = list(dict.fromkeys(filter(None, told)))
        if len(tags) > MOST_TAGS:
            raise ValidationError(f"At most {MOST_TAGS} tags; these are {len(tags)}.")
        for tag in tags:
            if len(tag) > LONGEST_TAG:
                raise ValidationError(f"“{tag[:40]}…” is longer than {LONGEST_TAG} letters.")
        return tags


def is_address(text: str) -> bool:
    """Whether a browser opens it as a page: nothing but http and https, without a login in it."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and len(text) <= LONGEST_ADDRESS
        )
    except ValueError:
        return False


class MemberForm(forms.Form):
    """Somebody with an account here, by user name or address, and what they are to be."""

    who = forms.CharField(
        label="User name or e-mail address",
        max_length=254,
        widget=forms.TextInput(attrs=OFF),
        error_messages={"required": "Say whom: a user name or an e-mail address."},
    )
    role = forms.ChoiceField(choices=Role.choices(), initial=Role.VIEWER)

    def clean_who(self) -> Any:
        """The user; nobody is told which accounts there are beyond those named exactly."""
        who = one_line(self.cleaned_data["who"])
        users = get_user_model().objects.filter(is_active=True)
        # Anybody may write anybody's address into their own profile.
        vouched = Q(profile=None) | Q(profile__email_unconfirmed=False)
        found = users.filter(Q(username__iexact=who) | Q(vouched, email__iexact=who))[:2]
        if len(found) != 1:
            raise ValidationError(
                "Nobody with an account here is called so, or nobody vouched for the address yet. "
                "Take the user name, invite them by a link, or ask an administrator."
            )
        return found[0]

    def clean_role(self) -> Role:
        """As a role."""
        return Role(self.cleaned_data["role"])


class InvitationForm(forms.Form):
    """What whoever opens the link will be, and whom it is meant for."""

    role = forms.ChoiceField(choices=Role.choices(), initial=Role.VIEWER)
    note = forms.CharField(
        label="For whom",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs=OFF),
        help_text="For your own list; who gets the link is up to you.",
    )

    def clean_role(self) -> Role:
        """As a role."""
        return Role(self.cleaned_data["role"])

    def clean_note(self) -> str:
        """On one line."""
        return one_line(self.cleaned_data["note"])


class DeleteForm(forms.Form):
    """The project's name once more, so that no slip deletes it."""

    name = forms.CharField(widget=forms.TextInput(attrs=OFF), max_length=100)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.fields["name"].label = "Its name, to be sure"

    def clean_name(self) -> str:
        """Just as it is."""
        name: str = self.cleaned_data["name"]
        if one_line(name) != self.project.name:
            raise ValidationError(f"Type the name just as it is: {self.project.name}")
        return name
