"""What administrators enter about proposals."""

from django import forms
from django.core.exceptions import ValidationError

from apps.people.forms import OFF, one_line

from .models import Adoption


def name_in(text: str) -> str:
    """Return a project's name as it was entered, on one line, "" for none."""
    return one_line(text)[:100].strip()


class TagForm(forms.Form):
    """The tag that says which project a resource is of."""

    tag_key = forms.CharField(
        label="Tag that names the project",
        required=False,
        max_length=128,
        widget=forms.TextInput(attrs=OFF),
        help_text="Resources with the same value of this tag are proposed as one project. "
        "Empty: tags of CodeStar and of stacks alone.",
    )

    @staticmethod
    def of() -> "TagForm":
        """The form with what is set."""
        return TagForm(initial={"tag_key": Adoption.here().tag_key})

    def clean_tag_key(self) -> str:
        """On one line, and none of those that AWS gives by itself."""
        key = one_line(self.cleaned_data["tag_key"])
        if key.lower().startswith("aws:"):
            raise ValidationError(
                "Tags that begin with “aws:” are AWS's own; those of stacks are heeded already."
            )
        return key
