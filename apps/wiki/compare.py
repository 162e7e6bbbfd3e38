"""Compares two texts line by line, for people to read."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.mirror.differing import Run, differing

# Lines that are the same shown around a difference; what differs more than so is cut.
AROUND, MOST = 3, 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `sign` is "+" where it came, "-" where it went, " " where it stayed, "" a gap."""

    sign: str
    text: str


def compared(before: str, after: str) -> list[Line]:
    """Return what became of a text, with a few lines around; [] where they are the same."""
    old, new = before.split("\n")[:MOST], after.split("\n")[:MOST]
    groups = differing(old, new, AROUND)
    return [line for at, group in enumerate(groups) for line in _group(group, old, new, at > 0)]


def _group(group: list[Run], old: list[str], new: list[str], gap: bool) -> Iterator[Line]:
    if gap:
        yield Line("", "")
    for tag, old_from, old_to, new_from, new_to in group:
        if tag == "equal":
            yield from (Line(" ", text) for text in old[old_from:old_to])
            continue
        yield from (Line("-", text) for text in old[old_from:old_to])
        yield from (Line("+", text) for text in new[new_from:new_to])
