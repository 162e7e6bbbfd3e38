"""Reads what GitHub says a file changed into the lines that `apps.source.diff` keeps; pure.

GitHub tells unified hunks, which it cuts off for large files and leaves out for binary ones.
https://docs.github.com/en/rest/commits/commits#get-a-commit
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from apps.source import diff

HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
CHANGES = {"added": "A", "removed": "D", "modified": "M", "changed": "M"}


def file_lines(told: Mapping[str, Any]) -> list[str]:
    """Return the lines of one of a change's `files`."""
    name, status = str(told.get("filename") or ""), str(told.get("status") or "")
    before = str(told.get("previous_filename") or "")
    path = f"{before} → {name}" if before and before != name else name
    added, removed = _count(told, "additions"), _count(told, "deletions")
    patch = told.get("patch")
    change = CHANGES.get(status, status)
    if not isinstance(patch, str):
        note = (
            "GitHub shows no lines of it: it is no text, or too large"
            if told.get("changes")
            else ""
        )
        return [diff.head(path, change, note or _empty(status), added, removed)]
    lines = [json.dumps(line) for line in _lines(patch)]
    shown = lines[: diff.SHOWN_LINES]
    if len(lines) > diff.SHOWN_LINES:
        shown.append(json.dumps(["H", f"… {len(lines) - diff.SHOWN_LINES:,} more lines"]))
    return [diff.head(path, change, "", added, removed), *shown]


def _empty(status: str) -> str:
    if status in ("renamed", "copied"):
        return "Its lines are the same"
    return "No line of it differs, or it is no text"


def _count(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else 0


def _lines(patch: str) -> Iterator[list[Any]]:
    old = new = 0
    for line in patch.split("\n"):
        sign, text = line[:1], diff.cut(line[1:])
        if found := HUNK.match(line):
            old, new = int(found[1]), int(found[2])
            yield ["H", diff.cut(line)]
        elif sign == "+":
            yield ["+", None, new, text]
            new += 1
        elif sign == "-":
            yield ["-", old, None, text]
            old += 1
        elif sign == "\\":
            yield ["H", diff.cut(line.lstrip("\\ "))]
        elif line or old or new:
            yield [" ", old, new, text]
            old, new = old + 1, new + 1
