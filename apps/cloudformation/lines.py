"""A template as the cache keeps it and pages draw it: numbered lines, and how reading it went."""

from apps.mirror import loglines
from apps.mirror.looks import Contents, Drawn, Follower, LineStore


def name_of(stack_id: int) -> str:
    """Return the beginning of a template's cache keys."""
    return f"look:template:{stack_id}"


def follower_of(stack_id: int) -> Follower:
    """Return who reads a stack's template."""
    return Follower(name_of(stack_id))


def store_of(stack_id: int) -> LineStore:
    """Return where a stack's template is kept."""
    return loglines.line_store(name_of(stack_id), whole="CloudFormation")


def draw(stack_id: int, contents: Contents, first: int) -> Drawn:
    """Return the lines from `first` on."""
    return loglines.draw(store_of(stack_id), f"template-{stack_id}", contents, first)


def draw_note(stack_id: int, contents: Contents | None) -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    return loglines.draw_note(f"template-{stack_id}", contents)
