"""What is entered for a new API token."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import now

from apps.people.forms import OFF, one_line
from apps.projects.models import Project

from .models import ApiToken

# Days; 0 is without an end.
LIVES = (30, 90, 365, 0)
# In the list of those that a token may be for.
PROJECTS = 500
LIFE_CHOICES = [(str(days), f"{days} days" if days else "No end") for days in LIVES]


def end_of(days: int) -> datetime | None:
    """When a token of so many days stops opening; None for never."""
    return now() + timedelta(days=days) if days else None


class TokenForm(forms.Form):
    """A new token of one's own."""

    name = forms.CharField(
        label="What uses it",
        max_length=64,
        help_text="E.g. wallboard, release script.",
        widget=forms.TextInput(attrs=OFF),
    )
    project = forms.ChoiceField(
        label="It reads",
        required=False,
        help_text="A program for one project need not read the others.",
    )
    days = forms.ChoiceField(
        label="It opens for",
        choices=LIFE_CHOICES,
        initial="90",
        help_text="A token that ends by itself is forgotten without harm.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.user = user
        known = Project.objects.visible_to(user).values_list("slug", "name")[:PROJECTS]
        self.fields["project"].choices = [("", "Whatever I see"), *known]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """A name that none of one's own tokens has that is not revoked."""
        name = one_line(self.cleaned_data["name"])
        if not name:
            raise ValidationError("Say what uses the token.")
        if ApiToken.objects.filter(user=self.user, name=name, revoked_at=None).exists():
            raise ValidationError(
                "You have a token of this name. Choose another one, or revoke that one first."
            )
        return name

    def save(self) -> tuple[ApiToken, str]:
        """Make it; return the row and the token, which can be seen this once."""
        row = ApiToken(
            name=self.cleaned_data["name"],
            user=self.user,
            expires_at=end_of(int(self.cleaned_data["days"])),
            project=Project.objects.filter(slug=self.cleaned_data["project"] or None).first(),
        )
        token = row.renew()
        row.save()
        return row, token
