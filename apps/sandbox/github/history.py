"""Reads a repository's history: what is behind a commit, how two commits stand."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.sandbox.github.model import Change, Commit, Repository


def log(repository: Repository, start: str) -> Iterator[Commit]:
    """A commit and everything behind it, the newest first; a parent never before its child."""
    first = repository.commits[start]
    heap, seen, number = [(-first.at, 0, first)], {start}, 0
    while heap:
        commit = heapq.heappop(heap)[2]
        yield commit
        for parent in commit.parents:
            if parent not in seen and parent in repository.commits:
                seen.add(parent)
                number += 1
                found = repository.commits[parent]
                heapq.heappush(heap, (-min(found.at, commit.at), number, found))


def behind(repository: Repository, start: str) -> set[str]:
    """The ids of a commit and of everything behind it."""
    seen, queue = {start}, deque([start])
    while queue:
        for parent in repository.commits[queue.popleft()].parents:
            if parent not in seen and parent in repository.commits:
                seen.add(parent)
                queue.append(parent)
    return seen


@dataclass(frozen=True, slots=True)
class Standing:
    """How a head stands to a base: their common ancestor, and what each has beyond it."""

    base: Commit | None
    ahead: list[Commit]
    behind_by: int

    @property
    def word(self) -> str:
        """GitHub's word for it."""
        if self.ahead:
            return "diverged" if self.behind_by else "ahead"
        return "behind" if self.behind_by else "identical"

    def files(self) -> list[Change]:
        """What the head changes, each file once."""
        found: dict[str, Change] = {}
        for commit in self.ahead:
            for change in commit.changes:
                found[change.path] = change
        return [found[path] for path in sorted(found)]


def compare(repository: Repository, base: str, head: str) -> Standing:
    """How ``head`` stands to ``base``; what it has beyond it comes oldest first."""
    theirs, ours = behind(repository, base), behind(repository, head)
    common = next((one for one in log(repository, head) if one.sha in theirs), None)
    ahead = [one for one in log(repository, head) if one.sha not in theirs]
    return Standing(common, ahead[::-1], len(theirs - ours))
