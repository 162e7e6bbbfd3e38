"""The forms by which people ask for deeds, and by which administrators allow them."""

import json
import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.projects.models import Project

from .acts import ACTS, Act
from .models import Permit

LONGEST_WHY = 500
SAY_WHY = "Say why: it stands with what you do."
KEPT = {"\n", "\t", "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}


def written(text: str) -> str:
    """Return a text without signs that turn it around or cannot be stored."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        sign
        for sign in lines
        if sign in KEPT or unicodedata.category(sign) not in ("Cc", "Cf", "Cs")
    )


def reason_of(text: str, *, needed: bool) -> str:
    """Return why somebody does something, in one line, without signs that nobody sees.

    Raises ValidationError where it is `needed` and nothing of it is left.
    """
    told = " ".join(written(text).split())
    if needed and not told:
        raise ValidationError(SAY_WHY)
    return told


class LeadingForm(forms.Form):
    """A form that leads whoever sent it to the first wrong field: it may stand far below."""

    def full_clean(self) -> None:
        """Put the reader there."""
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.fields[wrong].widget.attrs["autofocus"] = True

    def go_by(self, **hidden: str) -> None:
        """Let the form, sent again, go by what the person sees now."""
        sent: Any = self.data
        changed = sent.copy()
        changed.update(hidden)
        self.data = changed


class MarkedForm(LeadingForm):
    """A form that, sent twice, is one deed: `mark` is drawn with the form."""

    mark = forms.UUIDField(widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        kwargs["initial"] = {"mark": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """A mark that is none is drawn anew: what was written is worth more than it."""
        if "mark" in self.errors:
            del self.errors["mark"]
            self.cleaned_data["mark"] = None
        return self.cleaned_data


TOLD = f"Stands with it in “What was done”, at most {LONGEST_WHY} letters"


class ActForm(MarkedForm):
    """What a person is asked before something is done: an act's own form adds its fields.

    `seen` is what they went by, drawn with the form: where the thing stands otherwise when it is
    sent, they look again.
    """

    seen = forms.CharField(widget=forms.HiddenInput(), required=False, max_length=10_000)
    why = forms.CharField(
        label="Why",
        required=False,
        max_length=LONGEST_WHY,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=f"{TOLD}; may stay empty.",
        error_messages={"required": SAY_WHY},
    )

    # Fields that are what the person chose; all but the house's own.
    OURS = ("mark", "seen", "why")

    def __init__(self, *args: Any, row: Any, act: Act, **kwargs: Any) -> None:
        self.row, self.act = row, act
        kwargs["initial"] = {"seen": as_seen(act, row), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        if act.grave:
            self.fields["why"].required = True
            self.fields["why"].help_text = f"{TOLD}."
        self.last("why")

    def last(self, name: str) -> None:
        """Put a field behind all others: whoever confirms reads first what it is about."""
        self.fields[name] = self.fields.pop(name)

    def clean_why(self) -> str:
        """In one line, without signs that nobody sees."""
        return reason_of(self.cleaned_data["why"], needed=self.act.grave)

    def said(self) -> dict[str, Any]:
        """Return what the person chose, of JSON's kinds."""
        return {name: value for name, value in self.cleaned_data.items() if name not in self.OURS}

    def meant(self) -> dict[str, Any]:
        """Return what they chose so far, as far as it is valid: for telling what will happen."""
        if not self.is_bound:
            begun = {name: self.get_initial_for_field(*of) for name, of in self._asked()}
            return {name: value for name, value in begun.items() if value is not None}
        self.is_valid()
        return {
            name: value
            for name, value in getattr(self, "cleaned_data", {}).items()
            if name not in self.OURS
        }

    def begin_with(self, chosen: Mapping[str, Any]) -> None:
        """Begin with what somebody chose before, as far as it is valid."""
        for name, (field, _) in self._asked():
            if name in chosen:
                with suppress(ValidationError):
                    self.initial[name] = field.clean(chosen[name])

    def _asked(self) -> Iterator[tuple[str, tuple[forms.Field, str]]]:
        for name, field in self.fields.items():
            if name not in self.OURS:
                yield name, (field, name)

    @property
    def overtaken(self) -> bool:
        """Whether the thing stands otherwise by now than it did when the form was drawn."""
        return str(self.cleaned_data.get("seen", "")) != as_seen(self.act, self.row)

    def look_again(self) -> None:
        """Let the form, sent again, go by how the thing stands now."""
        self.go_by(seen=as_seen(self.act, self.row))


def as_seen(act: Act, row: Any) -> str:
    """Return what a person goes by, as the form carries it."""
    return json.dumps(act.seen(row), sort_keys=True, ensure_ascii=False)


class PermitForm(forms.Form):
    """What may be done in an account, and in which projects' names."""

    everyone = forms.BooleanField(
        label="Every project that has the thing in question",
        required=False,
    )

    def __init__(self, *args: Any, permit: Permit | None, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        allowed = set(permit.acts) if permit else set()
        held = set(permit.projects.values_list("pk", flat=True)) if permit else set()
        kwargs.setdefault(
            "initial",
            {
                "acts": [name for name in ACTS.by_name if name in allowed],
                "everyone": bool(permit and permit.everyone),
                "projects": [str(pk) for pk in held],
            },
        )
        super().__init__(*args, **kwargs)
        self.fields["acts"] = forms.MultipleChoiceField(
            label="What may be done",
            required=False,
            choices=[(act.name, act.label) for act in ACTS.by_name.values()],
            widget=forms.CheckboxSelectMultiple,
        )
        self.fields["projects"] = forms.MultipleChoiceField(
            label="For which projects",
            required=False,
            choices=[(str(one.pk), one.name) for one in Project.objects.all()],
            widget=forms.CheckboxSelectMultiple,
            error_messages={"invalid_choice": "That project is not there any more. Choose anew."},
        )
        self.order_fields(["acts", "everyone", "projects"])

    def offered(self) -> dict[str, list[tuple[str, str, str]]]:
        """What can be allowed, by group: (value, label, who); a bundle stands for all its acts."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        for group, acts in ACTS.grouped(at_aws=True).items():
            bundles: set[str] = set()
            for act in acts:
                if act.bundle in bundles:
                    continue
                bundles |= {act.bundle} if act.bundle else set()
                label = act.bundle or act.label
                found.setdefault(group, []).append((act.name, label, f"{act.needed.label}s"))
        return found

    def clean_acts(self) -> list[str]:
        """With all that is allowed together with what was chosen."""
        chosen = set(self.cleaned_data["acts"])
        bundles = {ACTS.by_name[name].bundle for name in chosen} - {""}
        return [
            name for name, act in ACTS.by_name.items() if name in chosen or act.bundle in bundles
        ]

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError where something is allowed to nobody."""
        told = self.cleaned_data
        nobody = not told.get("everyone") and not told.get("projects")
        if told.get("acts") and nobody and "projects" not in self.errors:
            self.add_error("projects", "Choose a project, or every one: else nobody may do it.")
        return told
