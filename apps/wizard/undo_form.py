"""What somebody says before what was made is taken away again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.deeds.forms import LONGEST_WHY, SAY_WHY, TOLD, LeadingForm, reason_of

from .edits import WHY
from .forms import CODE
from .models import Bootstrap


class UndoForm(LeadingForm):
    """To be sure, before what was made is taken away."""

    with_repository = forms.BooleanField(
        label="Delete the repository with its code, too", required=False
    )
    despite = forms.BooleanField(
        label="Undo it though AWS could not compare everything: what is named above goes, whether "
        "somebody edited it or not",
        error_messages={
            "required": "Look for edits again, or tick this to let go what could not be compared."
        },
    )
    why = forms.CharField(
        label="Why",
        max_length=LONGEST_WHY,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=f"{TOLD}.",
        error_messages={"required": SAY_WHY},
    )
    name = forms.CharField(
        label="The project's id, to be sure",
        max_length=64,
        widget=forms.TextInput(attrs=CODE),
        error_messages={"required": "Type the project's id."},
    )
    look = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, bootstrap: Bootstrap, has_repository: bool, **kwargs: Any
    ) -> None:
        self.bootstrap = bootstrap
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("initial", {"look": self.newest_look})
        super().__init__(*args, **kwargs)
        if not has_repository:
            del self.fields["with_repository"]
        if not bootstrap.preview.get(WHY):
            del self.fields["despite"]

    @property
    def newest_look(self) -> str:
        """What tells one look for edits from the next."""
        return str(self.bootstrap.preview.get("begun", ""))

    def clean(self) -> dict[str, Any]:
        """Besides: it goes by the look that the person saw the end of."""
        told = self.cleaned_data
        if told.get("look") != self.newest_look:
            self.go_by(look=self.newest_look)
            raise ValidationError(
                "Somebody had edits looked for again meanwhile. Read what goes and what stays now, "
                "then say so once more."
            )
        return told

    def clean_why(self) -> str:
        """In one line, without signs that nobody sees."""
        return reason_of(self.cleaned_data["why"], needed=True)

    def clean_name(self) -> str:
        """Typed, so that nobody takes the wrong one away in passing."""
        name = str(self.cleaned_data["name"]).strip()
        if name != self.bootstrap.name:
            raise ValidationError(f"Type the id exactly: {self.bootstrap.name}")
        return name
