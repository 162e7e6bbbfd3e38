"""Which commits contain which: a repository's history as far as it was read; asks no database."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True)
class History:
    """Commits of one repository.

    parents  id of a commit -> those of its parents; what they name may not have been read.
    at       id -> when it was committed, of those of which that is known.
    heads    ids of the branches' heads.
    """

    parents: Mapping[str, Sequence[str]]
    at: Mapping[str, datetime]
    heads: Collection[str] = ()

    @cached_property
    def _children(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for commit, parents in self.parents.items():
            for parent in parents:
                found[parent].append(commit)
        return found

    def containing(self, commit: str) -> list[str]:
        """Return a commit and all that came after it, nearest first."""
        return list(walk([commit], self._children))

    @cached_property
    def living(self) -> frozenset[str]:
        """What some branch contains."""
        return frozenset(walk(self.heads, self.parents))

    def may_contain(self, heads: Iterable[str], commit: str) -> bool:
        """Whether a commit may stand among what was not read of the way to these heads.

        What came before something older cannot contain it.
        """
        since = self.at.get(commit)
        younger = {
            one: () if since is None or (self.at.get(one) or since) < since else parents
            for one, parents in self.parents.items()
        }
        return any(one not in self.parents for one in walk(heads, younger))

    def is_rewritten(self, commit: str) -> bool:
        """Whether no branch contains a commit any more; False where that cannot be told."""
        return (
            bool(self.heads)
            and commit in self.parents
            and commit not in self.living
            and not self.may_contain(self.heads, commit)
        )


def walk(
    begin: Iterable[str], edges: Mapping[str, Sequence[str]], *, but: Collection[str] = ()
) -> Iterator[str]:
    """Yield where edges lead from here, each once, nearest first; not through any of `but`."""
    seen: set[str] = set(but)
    ahead = deque(begin)
    while ahead:
        current = ahead.popleft()
        if current not in seen:
            seen.add(current)
            yield current
            ahead.extend(edges.get(current, ()))
