"""Which commits one execution has and another has not, both ways."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from apps.source.models import Commit

from .brought import MOST_COMMITS, Brought, add_pulls, histories
from .history import History

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Pair:
    """Commits that one took, and those that the other did; () where there is no other."""

    one: Collection[str]
    other: Collection[str] = ()


@dataclass(slots=True)
class Between:
    """What lies between two executions, as rows' ids.

    came    what the one has and the other has not.
    went    what the other has and the one has not.
    unread  whether they cannot be compared: their commits, or those in between, were not read.
    """

    came: Brought = field(default_factory=Brought)
    went: Brought = field(default_factory=Brought)
    unread: bool = False


def between(pairs: Mapping[Name, Pair]) -> dict[Name, Between]:
    """Return what lies between each pair, by its name; in a number of queries that pairs keep."""
    wanted = {commit for pair in pairs.values() for commit in (*pair.one, *pair.other)}
    at: dict[str, set[int]] = defaultdict(set)
    rows = Commit.objects.filter(commit_id__in=wanted, scope__parked=False)
    for commit, repository in rows.values_list("commit_id", "repository"):
        at[commit].add(repository)
    repositories = {repository for some in at.values() for repository in some}
    read, ids = histories(repositories) if repositories else ({}, {})
    by_commit: dict[tuple[int, str], list[Brought]] = defaultdict(list)
    found: dict[Name, Between] = {}
    for name, pair in pairs.items():
        told = found[name] = Between()
        ones, others = _placed(pair.one, at), _placed(pair.other, at)
        for repository in ones | others.keys():
            mine, theirs = ones.get(repository, []), others.get(repository, [])
            history = read[repository]
            told.unread |= bool(pair.other) and not (
                _is_read(history, mine) and _is_read(history, theirs)
            )
            if told.unread:
                continue
            for brought, some, but in ((told.came, mine, theirs), (told.went, theirs, mine)):
                for commit in _lacking(history, some, but):
                    if (repository, commit) in ids:
                        brought.commits.add(ids[repository, commit])
                        by_commit[repository, commit].append(brought)
        told.unread |= not ones
        if told.unread:
            told.came, told.went = Brought(), Brought()
    add_pulls(by_commit)
    return found


def _placed(commits: Collection[str], at: Mapping[str, set[int]]) -> dict[int, list[str]]:
    """Commits by the repositories that have them."""
    found: dict[int, list[str]] = defaultdict(list)
    for commit in commits:
        for repository in at.get(commit, ()):
            found[repository].append(commit)
    return found


def _is_read(history: History, commits: Sequence[str]) -> bool:
    return bool(commits) and all(commit in history.parents for commit in commits)


def _lacking(history: History, heads: Sequence[str], but: Sequence[str]) -> list[str]:
    """What these commits contain and the others do not, nearest first."""
    known = set(history.before(but))
    return list(islice(history.before(heads, but=known), MOST_COMMITS))
