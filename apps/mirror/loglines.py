"""Draws the lines that a look keeps: numbered, with their colours, and the gaps between them."""

from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from . import ansi
from .linestore import Contents, LineStore, Part
from .looks import Drawn

# Lines of one answer to a page; the stream asks on at once while there are more.
AT_ONCE = 1_000


def first_line(request: HttpRequest) -> int:
    """Return from which line on, counted from 0, a page asks for what is looked at."""
    first = request.GET.get("first", "0")
    return int(first) if first.isdecimal() and len(first) < 10 else 0


def panel(
    contents: Contents | None, first: int, draw: Callable[[Contents], Drawn], note: str
) -> dict[str, Any]:
    """Return what a panel shows of what was read, from line `first` on, with its `note` as HTML.

    draw  draws what was read, from `first` on.
    """
    shown = mark_safe(note)  # noqa: S308 - a rendered template escapes
    if contents is None:
        return {"html": "", "next": first, "done": False, "more": False, "note": shown}
    drawn = draw(contents)
    return {
        "html": mark_safe(drawn.html),  # noqa: S308 - drawn from escaped lines
        "next": drawn.next,
        "done": contents.done and not drawn.more,
        "more": drawn.more,
        "note": shown,
    }


def line_store(name: str, *, whole: str = "") -> LineStore:
    """Return where lines are kept under the beginning of cache keys `name`, "look:log:12".

    whole  see `LineStore`.
    """
    return LineStore(
        name,
        max_lines=settings.LOG_LOOK_MAX_LINES,
        max_bytes=settings.LOG_LOOK_MAX_BYTES,
        after=_style_after,
        whole=whole,
    )


def _style_after(lines: Any, state: Any) -> Any:
    return ansi.style_after(lines, state or ansi.PLAIN)


def draw(
    store: LineStore, element: str, contents: Contents, first: int, marked: int | None = None
) -> Drawn:
    """Return the lines from `first` on, `AT_ONCE` at most.

    element  the id of the element they stand in, "log-12": their anchors begin with it.
    marked   the number, counted from 1, of the line that says the first error.
    """
    pieces: list[str] = []
    at = first
    for part in store.parts(contents, first, AT_ONCE):
        pieces.extend(_draw_part(element, part, marked, store.whole))
        at = part.next
    return Drawn("".join(pieces), first, at, more=at < contents.next)


def _draw_part(element: str, part: Part, marked: int | None, whole: str) -> Iterator[str]:
    if part.missing:
        told = escape(left_out(part.missing, whole))
        yield f'<li class="log-gap" id="{element}-gap-{part.first + 1}">{told}</li>'
        return
    number = part.first
    for html, _ in ansi.lines_to_html(part.lines, part.state or ansi.PLAIN):
        number += 1
        css = "log-line is-error" if number == marked else "log-line"
        anchor = f"{element}-L{number}"
        yield (
            f'<li class="{css}" id="{anchor}">'
            f'<a class="log-number" href="#{anchor}" tabindex="-1">{number}</a>'
            f'<span class="log-text">{html}</span></li>'
        )


def left_out(missing: int, whole: str) -> str:
    """Say how many lines are missing in the middle of a long text, and who has them all."""
    told = f"… {missing:,} lines are left out here"
    return f"{told}; {whole} has them all" if whole else told


def as_text(store: LineStore, contents: Contents) -> Iterator[str]:
    """Yield the kept lines as plain text, without terminal sequences."""
    for part in store.parts(contents, 0, contents.next):
        if part.missing:
            yield f"[{left_out(part.missing, store.whole)}]\n"
        else:
            yield "".join(f"{ansi.plain(line)}\n" for line in part.lines)


def draw_note(element: str, contents: Contents | None) -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    note = contents.note if contents else None
    return render_to_string("mirror/log_note.html", {"element": element, "note": note})
