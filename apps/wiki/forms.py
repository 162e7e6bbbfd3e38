"""The form by which a page is written."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.people.forms import OFF, one_line

LONGEST_TEXT = 100_000
# What a database holds.
MOST_REVISIONS = 2**31 - 1
KEPT = {"\n", "\t", "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}


class PageForm(forms.Form):
    """Title, text, and why; `base` is the revision that the author began with."""

    title = forms.CharField(
        max_length=100,
        error_messages={"required": "Give the page a title."},
        widget=forms.TextInput(attrs=OFF),
    )
    text = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "true"}),
        help_text="Markdown: headings, lists, tables, code. <code>[Runbook](runbook)</code> leads "
        "to a page of this wiki.",
    )
    said = forms.CharField(
        label="What you changed",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=OFF),
        help_text="For the history; may stay empty.",
    )
    base = forms.IntegerField(
        required=False, min_value=0, max_value=MOST_REVISIONS, widget=forms.HiddenInput()
    )

    def clean_title(self) -> str:
        """On one line."""
        title = one_line(self.cleaned_data["title"])
        if not title:
            raise ValidationError("Give the page a title that can be seen.")
        return title

    def clean_said(self) -> str:
        """On one line."""
        return one_line(self.cleaned_data["said"])

    def clean_text(self) -> str:
        """Without signs that turn the text around or cannot be stored; bounded."""
        text: str = self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")
        kept = "".join(
            sign
            for sign in text
            if sign in KEPT or unicodedata.category(sign) not in ("Cc", "Cf", "Cs")
        )
        if len(kept) > LONGEST_TEXT:
            raise ValidationError(
                f"A page has {LONGEST_TEXT:,} letters at most; this one has {len(kept):,}. Make "
                "two pages of it."
            )
        return kept

    def clean_base(self) -> int:
        """0 for a page that is not there yet."""
        return self.cleaned_data["base"] or 0

    def values(self) -> dict[str, Any]:
        """What a revision is made of."""
        return {name: self.cleaned_data[name] for name in ("title", "text", "said")}
