"""A template as the cache keeps it and pages draw it: numbered lines, and how reading it went."""

from dataclasses import dataclass
from html import escape

from django.conf import settings
from django.template.loader import render_to_string

from apps.live.templatetags.live_tags import plain
from apps.mirror.looks import Contents, Follower, LineStore

# Lines of one answer to a page; the stream asks on at once while there are more.
AT_ONCE = 1_000


def name_of(stack_id: int) -> str:
    """Return the beginning of a template's cache keys."""
    return f"look:template:{stack_id}"


def follower_of(stack_id: int) -> Follower:
    """Return who reads a stack's template."""
    return Follower(name_of(stack_id))


def store_of(stack_id: int) -> LineStore:
    """Return where a stack's template is kept."""
    return LineStore(
        name_of(stack_id),
        max_lines=settings.LOG_LOOK_MAX_LINES,
        max_bytes=settings.LOG_LOOK_MAX_BYTES,
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """Lines as HTML: from number `first` up to `next`, both counted from 0."""

    html: str
    first: int
    next: int
    more: bool


def draw(stack_id: int, contents: Contents, first: int) -> Drawn:
    """Return the lines from `first` on, `AT_ONCE` at most."""
    pieces: list[str] = []
    at = first
    for part in store_of(stack_id).parts(contents, first, AT_ONCE):
        if part.missing:
            pieces.append(f'<li class="log-gap">… {part.missing:,} lines are left out here</li>')
        for number, line in enumerate(part.lines, part.first + 1):
            anchor = f"template-{stack_id}-L{number}"
            pieces.append(
                f'<li class="log-line" id="{anchor}">'
                f'<a class="log-number" href="#{anchor}" tabindex="-1">{number}</a>'
                f'<span class="log-text">{escape(plain(line))}</span></li>'
            )
        at = part.next
    return Drawn("".join(pieces), first, at, more=at < contents.next)


def draw_note(stack_id: int, contents: Contents | None) -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    note = contents.note if contents else None
    return render_to_string("cloudformation/template.html#note", {"id": stack_id, "note": note})
