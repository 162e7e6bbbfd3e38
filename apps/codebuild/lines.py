"""A build's log as the cache keeps it and pages draw it."""

from collections.abc import Iterator
from html import escape
from typing import Any

from apps.mirror import ansi, loglines
from apps.mirror.linestore import Contents, LineStore
from apps.mirror.looks import Drawn, Follower


def name_of(build_id: int) -> str:
    """Return the beginning of a log's cache keys."""
    return f"look:log:{build_id}"


def follower_of(build_id: int) -> Follower:
    """Return who reads a build's log."""
    return Follower(name_of(build_id))


def store_of(build_id: int) -> LineStore:
    """Return where a build's log is kept."""
    return loglines.line_store(name_of(build_id), whole="CloudWatch Logs")


def draw(build_id: int, contents: Contents, first: int, marked: int | None = None) -> Drawn:
    """Return the lines from `first` on; `marked`, counted from 1, is the one with the error."""
    return loglines.draw(store_of(build_id), f"log-{build_id}", contents, first, marked)


def as_text(build_id: int, contents: Contents) -> Iterator[str]:
    """Yield the kept lines as plain text, without terminal sequences."""
    return loglines.as_text(store_of(build_id), contents)


def draw_note(build_id: int, contents: Contents | None) -> str:
    """Return the element that says what reading has to say; empty where there is nothing."""
    return loglines.draw_note(f"log-{build_id}", contents)


def draw_excerpt(build: Any) -> str:
    """Return the excerpt's lines as list items, linked to the log where their numbers are known."""
    pieces = []
    lines = build.excerpt.split("\n") if build.excerpt else []
    for at, (html, _) in enumerate(ansi.lines_to_html(lines)):
        css = "log-line is-error" if at == build.excerpt_mark else "log-line"
        number = "" if build.excerpt_line is None else str(build.excerpt_line + at)
        linked = (
            f'<a class="log-number" href="#log-{build.pk}-L{escape(number)}" tabindex="-1">'
            f"{number}</a>"
            if number
            else '<span class="log-number"></span>'
        )
        pieces.append(f'<li class="{css}">{linked}<span class="log-text">{html}</span></li>')
    return "".join(pieces)


def marked_line(build: Any) -> int | None:
    """Return the number of the line that says the first error, None where it is not known."""
    if build.excerpt_line is None or build.excerpt_mark is None:
        return None
    return int(build.excerpt_line) + int(build.excerpt_mark)
