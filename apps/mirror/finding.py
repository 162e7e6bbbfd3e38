"""The register of finders: what the search of every page looks through, declared by each service.

A service adds its finders in a module `find.py`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

# The id, or the start of one, of commits, executions and builds.
ID = re.compile(r"[0-9a-f-]{4,64}", re.IGNORECASE)

# Fewer characters than these would find nearly everything.
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, as a line."""

    title: str
    url: str
    state: str
    status: str
    place: str
    detail: str = ""
    sha: str = ""
    at: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finder:
    """How rows of one kind are found.

    label   what people call them, plural: "pipelines".
    by      what they are found by, for who found nothing: "name".
    find    (user, words, at most so many) -> what this user may see of it; one query, three at
            most. `words` have two characters or more, with single spaces between.
    newest  whether the newest are told first.
    rank    its place among the others; what people look for most has the lowest.
    """

    label: str
    by: str
    find: Callable[[Any, str, int], Sequence[Found]]
    newest: bool = True
    rank: int = 50


@dataclass(frozen=True, slots=True)
class Group:
    """What one finder found; `more` says that others match, too."""

    finder: Finder
    found: Sequence[Found]
    more: bool


@dataclass(slots=True)
class Finders:
    """The register of finders by what they find."""

    by_label: dict[str, Finder] = field(default_factory=dict)

    def add(self, finder: Finder) -> Finder:
        """Add one."""
        if finder.label in self.by_label:
            raise ValueError(f"{finder.label} are found twice")
        self.by_label[finder.label] = finder
        return finder

    def ranked(self) -> list[Finder]:
        """All of them in the order in which their finds are told."""
        return sorted(self.by_label.values(), key=lambda finder: finder.rank)

    def find(self, user: Any, words: str, limit: int) -> list[Group]:
        """Return what matches, at most `limit` of a kind; nothing for less than two characters."""
        text = " ".join(words.split())[:200]
        if len(text) < SHORTEST:
            return []
        groups = []
        for finder in self.ranked():
            found = finder.find(user, text, limit + 1)
            if found:
                groups.append(Group(finder, found[:limit], len(found) > limit))
        return groups


FINDERS = Finders()


def place_of(row: Any) -> str:
    """Return where a row is, in words; its scope must be loaded."""
    # A site that is no account lies in no region.
    return " · ".join(filter(None, (row.scope.label or row.scope.account, row.scope.region)))
