"""Compares two versions of a file and draws the lines that differ; pure functions.

A line is kept as a small JSON list: ["F", path, change, note, added, removed] heads a file, ["H",
text] a run of lines, and ["+"|"-"|" ", old number, new number, text] is one line of it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from apps.live.templatetags.live_tags import plain
from apps.mirror.differing import differing

# More lines than this in a version, and it is not compared: that takes room as both multiplied.
MOST_LINES = 3_000
# Lines shown of one file, and characters of one line.
SHOWN_LINES = 1_000
SHOWN_CHARACTERS = 2_000
CONTEXT = 3
# Where a NUL stands among so many first bytes, a file is no text; as git has it.
SNIFFED = 8_000
# What turns text around, so that a reader sees another program than the compiler does.
TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
WORDS = {"A": "added", "M": "changed", "D": "deleted"}


def is_binary(content: bytes) -> bool:
    """Whether a file is no text."""
    return b"\0" in content[:SNIFFED]


def head(path: str, change: str, note: str = "", added: int = 0, removed: int = 0) -> str:
    """Return the line that heads a file; `note` says why its lines are not shown."""
    return json.dumps(["F", path, change, note, added, removed])


def file_lines(path: str, change: str, before: bytes | None, after: bytes | None) -> list[str]:
    """Return the lines that tell how a file changed; None where it was or is not there."""
    old, new = before or b"", after or b""
    if is_binary(old) or is_binary(new):
        sizes = " → ".join(f"{len(one):,}" for one in (before, after) if one is not None)
        return [head(path, change, f"No text: {sizes} bytes")]
    was, now = _lines(old), _lines(new)
    if len(was) > MOST_LINES or len(now) > MOST_LINES:
        counts = f"{len(was):,} → {len(now):,} lines"
        return [head(path, change, f"Too long to compare here: {counts}")]
    told, added, removed = [], 0, 0
    for line in _compared(was, now):
        added += line[0] == "+"
        removed += line[0] == "-"
        told.append(line)
    note = "" if told else "Its lines are the same: only its mode or its last line break changed"
    shown = [json.dumps(line) for line in told[:SHOWN_LINES]]
    if len(told) > SHOWN_LINES:
        shown.append(json.dumps(["H", f"… {len(told) - SHOWN_LINES:,} more lines"]))
    return [head(path, change, note, added, removed), *shown]


def _lines(content: bytes) -> list[str]:
    """Return a text's lines; only a line feed ends one, whatever else is in it."""
    lines = content.decode("utf-8", "replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _compared(was: Sequence[str], now: Sequence[str]) -> Iterator[list[Any]]:
    for group in differing(was, now, CONTEXT):
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        yield ["H", f"@@ -{_span(i1, i2)} +{_span(j1, j2)} @@"]
        for kind, a1, a2, b1, b2 in group:
            if kind == "equal":
                for step, text in enumerate(was[a1:a2]):
                    yield [" ", a1 + step + 1, b1 + step + 1, cut(text)]
                continue
            for step, text in enumerate(was[a1:a2]):
                yield ["-", a1 + step + 1, None, cut(text)]
            for step, text in enumerate(now[b1:b2]):
                yield ["+", None, b1 + step + 1, cut(text)]


def _span(begin: int, end: int) -> str:
    """Return a run of lines as git writes it: its first line, and how many."""
    length = end - begin
    return f"{begin + bool(length)},{length}"


def cut(text: str) -> str:
    """Return a line as far as it is shown."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]} … {len(text) - SHOWN_CHARACTERS:,} more characters"


def draw(lines: Iterable[str], first: int, name: str) -> str:
    """Return kept lines as list items; `first` is the number, from 0, of the first of them.

    name  what the items' ids begin with.
    """
    return "".join(
        _drawn(json.loads(line), f"{name}-L{first + at + 1}") for at, line in enumerate(lines)
    )


def _drawn(line: Sequence[Any], anchor: str) -> str:
    match line:
        case ["F", path, change, note, added, removed]:
            return _drawn_head(path, change, note, added, removed, anchor)
        case ["H", text]:
            return f'<li class="diff-run">{escape(str(text))}</li>'
        case [sign, old, new, text]:
            kind = {"+": " diff-added", "-": " diff-removed"}.get(sign, "")
            return (
                f'<li class="diff-line{kind}" id="{anchor}">'
                f'<span class="diff-number">{old or ""}</span>'
                f'<span class="diff-number">{new or ""}</span>'
                f'<span class="diff-sign">{escape(sign)}</span>'
                f'<span class="diff-text">{visible(text)}</span></li>'
            )
    return ""


def _drawn_head(  # noqa: PLR0913 - a file's head says this much
    path: str, change: str, note: str, added: int, removed: int, anchor: str
) -> str:
    counts = f'<span class="num">+{added} -{removed}</span>' if added or removed else ""
    said = f'<span class="diff-note">{escape(note)}</span>' if note else ""
    word = escape(WORDS.get(change, change))
    return (
        f'<li class="diff-file" id="{anchor}"><span class="chip">{word}</span>'
        f'<span class="diff-path">{visible(path)}</span>{counts}{said}</li>'
    )


def visible(text: str) -> str:
    """Return text as HTML: escaped, without control characters, what turns it around named."""
    shown = escape(plain(text))
    return TURNING.sub(lambda found: f'<b class="diff-turn">U+{ord(found[0]):04X}</b>', shown)
