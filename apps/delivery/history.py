"""Which commits contain which: a repository's history as far as it was read; asks no database."""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
        return list(walk([commit], lambda one: self._children.get(one, ())))

    def before(self, heads: Iterable[str], *, but: Collection[str] = ()) -> Iterator[str]:
        """Yield some commits and all that came before them, nearest first; not through `but`."""
        yield from walk(heads, lambda one: self.parents.get(one, ()), but=but)

    @cached_property
    def living(self) -> frozenset[str]:
        """What some branch contains."""
        return frozenset(self.before(self.heads))

    def may_contain(self, heads: Iterable[str], commit: str) -> bool:
        """Whether a commit may stand among what was not read of the way to these heads.

        What came before something older cannot contain it.
        """
        since = self.at.get(commit)

        def younger(one: str) -> Sequence[str]:
            if since is None or (self.at.get(one) or since) < since:
                return ()
            return self.parents.get(one, ())

        return any(one not in self.parents for one in walk(heads, younger))

    def mainline(self, head: str) -> frozenset[str]:
        """Return a branch's own line: its head, and of each commit the first parent."""
        found: set[str] = set()
        while head and head not in found:
            found.add(head)
            head = next(iter(self.parents.get(head, ())), "")
        return frozenset(found)

    def is_rewritten(self, commit: str) -> bool:
        """Whether no branch contains a commit any more; False where that cannot be told."""
        return (
            bool(self.heads)
            and commit in self.parents
            and commit not in self.living
            and not self.may_contain(self.heads, commit)
        )


def walk(
    begin: Iterable[str], onward: Callable[[str], Iterable[str]], *, but: Collection[str] = ()
) -> Iterator[str]:
    """Yield where one comes from here, each once, nearest first; not through any of `but`."""
    seen: set[str] = set(but)
    ahead = deque(begin)
    while ahead:
        current = ahead.popleft()
        if current not in seen:
            seen.add(current)
            yield current
            ahead.extend(onward(current))
