"""Templates and drift as the cache keeps them and pages draw them, and how reading them went."""

import json
from typing import Literal

from django.template.loader import render_to_string

from apps.mirror import loglines
from apps.mirror.linestore import Contents, LineStore
from apps.mirror.looks import Drawn, Follower

What = Literal["template", "drift"]


def name_of(stack_id: int, what: What = "template") -> str:
    """Return the beginning of a look's cache keys."""
    return f"look:{what}:{stack_id}"


def follower_of(stack_id: int, what: What = "template") -> Follower:
    """Return who reads a stack's template, or its drift."""
    return Follower(name_of(stack_id, what))


def store_of(stack_id: int, what: What = "template") -> LineStore:
    """Return where a stack's template, or its drift, is kept."""
    return loglines.line_store(name_of(stack_id, what), whole="CloudFormation")


def draw(stack_id: int, contents: Contents, first: int) -> Drawn:
    """Return the lines of a template from `first` on."""
    return loglines.draw(store_of(stack_id), f"template-{stack_id}", contents, first)


def draw_drift(stack_id: int, contents: Contents, first: int) -> Drawn:
    """Return the resources and properties that drifted from line `first` on; see `drift`."""
    parts = list(store_of(stack_id, "drift").parts(contents, first, loglines.AT_ONCE))
    following = parts[-1].next if parts else first
    lines = [json.loads(line) for part in parts for line in part.lines]
    html = render_to_string("cloudformation/drift.html#lines", {"lines": lines}) if lines else ""
    return Drawn(html, first, following, more=following < contents.next)


def draw_note(stack_id: int, contents: Contents | None, what: What = "template") -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    return loglines.draw_note(f"{what}-{stack_id}", contents)
