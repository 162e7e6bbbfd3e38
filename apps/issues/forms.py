"""The forms by which people ask for deeds on issues."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.deeds.forms import MarkedForm, written
from apps.people.forms import OFF, one_line
from apps.projects.models import Project

from .acting import Person
from .models import Issue, Tracker

LONGEST_TITLE = 255
# Jira takes 32,767 letters; what is added below a text takes some.
LONGEST_TEXT = 30_000
MOST_LABELS, LONGEST_LABEL = 10, 50


class TextField(forms.CharField):
    """Markdown, bounded, without signs that nobody sees."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "true"})
        super().__init__(strip=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        """Raises ValidationError, naming both lengths, for what is too long."""
        text = written(super().clean(value))
        if len(text) > LONGEST_TEXT:
            raise ValidationError(
                f"It has {len(text):,} letters; {LONGEST_TEXT:,} is the most. Shorten the log "
                "lines, or leave out what the link shows."
            )
        if self.required and not text.strip():
            raise ValidationError("Write something that can be seen.")
        return text


class IssueForm(MarkedForm):
    """A new issue: where and of which type, title, text, labels."""

    where = forms.ChoiceField(
        label="Where",
        error_messages={
            "required": "Say where the issue is to be made.",
            "invalid_choice": "You may not make issues there, or not any more. Choose another.",
        },
    )
    title = forms.CharField(
        label="Title",
        max_length=LONGEST_TITLE,
        widget=forms.TextInput(attrs=OFF),
        error_messages={"required": "Give the issue a title."},
    )
    text = TextField(
        label="What happened",
        rows=18,
        required=False,
        help_text="Markdown. Read it before you send it: whoever sees the tracker reads it.",
    )
    labels = forms.CharField(
        label="Labels",
        required=False,
        max_length=MOST_LABELS * (LONGEST_LABEL + 2),
        widget=forms.TextInput(attrs=OFF),
        help_text="Words, separated by commas; may stay empty.",
    )

    def __init__(
        self,
        *args: Any,
        trackers: Sequence[tuple[Project, Tracker]],
        near: Collection[int] | None = None,
        **kwargs: Any,
    ) -> None:
        """Offer trackers, those of the projects `near` first, as far as what it is about has any.

        Each once, whichever projects hold it: in the name of one `near`, else of the first.
        One is chosen only where there is nothing to choose: what is written about a failure must
        not come to lie with others because nobody looked.
        """
        once: dict[int, tuple[Project, Tracker]] = {}
        for pair in sorted(trackers, key=lambda one: near is not None and one[0].pk not in near):
            once.setdefault(pair[1].pk, pair)
        trackers = list(once.values())
        self.places = dict(_places(trackers))
        likely = [pair for pair in trackers if near is None or pair[0].pk in near]
        kwargs["initial"] = {
            "where": self._usual(*likely[0]) if len(likely) == 1 else "",
            **(kwargs.get("initial") or {}),
        }
        super().__init__(*args, **kwargs)
        # As Django keeps them: groups of choices, by tracker.
        groups: dict[str, list[tuple[str, str]]] = {}
        for value, (project, tracker, _kind, name) in self.places.items():
            groups.setdefault(f"{tracker} · {project}", []).append((value, name))
        field: Any = self.fields["where"]
        field.choices = [("", "Choose…"), *groups.items()]

    def _usual(self, project: Project, tracker: Tracker) -> str:
        """The place in a tracker that is chosen: a bug where it takes bugs, its only type else."""
        mine = [
            (value, name)
            for value, (of, keeper, _kind, name) in self.places.items()
            if (of, keeper) == (project, tracker)
        ]
        only = mine[0][0] if len(mine) == 1 else ""
        return next((value for value, name in mine if name == f"{tracker}: Bug"), only)

    def clean_title(self) -> str:
        """On one line."""
        title = one_line(self.cleaned_data["title"])
        if not title:
            raise ValidationError("Give the issue a title that can be seen.")
        return title

    def clean_labels(self) -> list[str]:
        """Each once, in order."""
        words = (one_line(word) for word in self.cleaned_data["labels"].split(","))
        found = list(dict.fromkeys(word for word in words if word))
        if len(found) > MOST_LABELS:
            raise ValidationError(f"{len(found)} labels; {MOST_LABELS} are the most.")
        for word in found:
            if len(word) > LONGEST_LABEL:
                raise ValidationError(f"A label has {LONGEST_LABEL} letters at most: {word[:60]}…")
            if " " in word:
                raise ValidationError(f"Not every tracker takes labels with spaces: {word}")
        return found

    @property
    def place(self) -> tuple[Project, Tracker, str]:
        """Project, tracker and the id of the type that were chosen."""
        project, tracker, kind, _name = self.places[self.cleaned_data["where"]]
        return project, tracker, kind

    def said(self) -> dict[str, Any]:
        """What the deed says."""
        told = {name: self.cleaned_data[name] for name in ("title", "text", "labels")}
        return {**told, "type": self.place[2]}


Place = tuple[Project, Tracker, str, str]


def _places(trackers: Iterable[tuple[Project, Tracker]]) -> Iterable[tuple[str, Place]]:
    """Yield (value, what it stands for) of each tracker and each type that it takes."""
    for project, tracker in trackers:
        types = [
            (str(one.get("id", "")), str(one.get("name", "")))
            for one in tracker.types
            if isinstance(one, dict) and one.get("id")
        ]
        for kind, name in types or [("", "Issue")]:
            place = (project, tracker, kind, f"{tracker}: {name}")
            yield f"{project.pk}:{tracker.pk}:{kind}", place


class CommentForm(MarkedForm):
    """Something to be said on an issue."""

    text = TextField(
        label="Your comment",
        rows=5,
        error_messages={"required": "Write something first."},
        help_text="Markdown. Your name is put below it.",
    )


class MoveForm(MarkedForm):
    """One of the transitions that the workflow allows now; `before` is the status that was seen."""

    before = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput())
    transition = forms.ChoiceField(
        label="New state",
        error_messages={
            "required": "Say which state it is to have.",
            "invalid_choice": "The workflow does not allow that, or not any more.",
        },
    )

    def __init__(self, *args: Any, issue: Issue, **kwargs: Any) -> None:
        kwargs["initial"] = {"before": issue.status}
        super().__init__(*args, **kwargs)
        self.ways = {str(one.get("id")): one for one in issue.transitions if one.get("id")}
        field: Any = self.fields["transition"]
        # Nothing is chosen yet, so that the form follows the issue (see live.js).
        ways = [(key, way_name(one)) for key, one in self.ways.items()]
        field.choices = [("", "Choose…"), *ways]

    def said(self) -> dict[str, Any]:
        """What the deed says."""
        way = self.ways[self.cleaned_data["transition"]]
        return {
            "transition": str(way["id"]),
            "to": str(way.get("to", "")),
            "before": self.cleaned_data["before"],
        }


def way_name(way: dict[str, Any]) -> str:
    """Return what a transition is called, and where it leads where that says more."""
    name, to = str(way.get("name") or ""), str(way.get("to") or "")
    return f"{name} → {to}" if name and to and name.lower() != to.lower() else name or to


class AssignForm(MarkedForm):
    """To whom an issue is given; `before` is who had it as the person saw it."""

    before = forms.CharField(max_length=255, required=False, widget=forms.HiddenInput())
    person = forms.ChoiceField(
        label="To whom",
        required=False,
        error_messages={"invalid_choice": "Nobody of that name can be assigned here."},
    )

    def __init__(self, *args: Any, issue: Issue, people: Sequence[Person], **kwargs: Any) -> None:
        kwargs["initial"] = {"before": issue.assignee_id, "person": issue.assignee_id}
        super().__init__(*args, **kwargs)
        self.names = {one.id: one.name for one in people}
        if issue.assignee_id:
            self.names.setdefault(issue.assignee_id, issue.assignee or issue.assignee_id)
        field: Any = self.fields["person"]
        field.choices = [("", "Nobody"), *self.names.items()]

    def said(self) -> dict[str, Any]:
        """What the deed says."""
        person = self.cleaned_data["person"]
        return {
            "person": person,
            "name": self.names.get(person, ""),
            "before": self.cleaned_data["before"],
        }
