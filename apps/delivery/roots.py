"""The commits that a change consists of, and by what else each is contained."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from apps.source.models import Commit, PullRequest, Repository

from .history import History

# The newest commits of repositories among which it is looked what contains what.
LOOK_BACK = 4_000
# Pull requests that may propose a commit.
MOST_PULLS = 50


@dataclass(eq=False)
class Root:
    """One commit whose way is followed.

    containing  ids of itself and of all that contains it, nearest first: what was merged for it
                and what history was rewritten to, too.
    arns        of those that are mirrored.
    pulls       the pull requests that propose it.
    merged      whether a branch that pipelines take may contain it: it is on the default branch.
    rewritten   no branch contains it any more; `anew` is the commit that took its place.
    there       whether what runs contains it now; None where nothing that runs takes it.
    apart       nothing takes what its repository has: it is brought out by nothing that is seen.
    own         whether it may be a branch's own: no branch that pipelines take has it in its line.
    """

    commit_id: str
    row: Commit | None = None
    repository_id: int | None = None
    containing: Sequence[str] = ()
    arns: Sequence[str] = ()
    pulls: list[PullRequest] = field(default_factory=list)
    merged: bool = False
    rewritten: bool = False
    anew: Commit | None = None
    there: bool | None = None
    apart: bool = False
    own: bool = True
    history: History | None = None

    @property
    def at(self) -> datetime | None:
        """When it was committed."""
        return self.row.committed_at if self.row else None

    @cached_property
    def within(self) -> frozenset[str]:
        """What contains it, to look it up."""
        return frozenset(self.containing)

    @property
    def unread(self) -> bool:
        """Whether it is older than what was looked through: what contains it is not known."""
        return self.history is not None and self.commit_id not in self.history.parents


def of_commits(
    user: Any, commits: Sequence[Commit], pulls: Sequence[PullRequest] = ()
) -> list[Root]:
    """Return what contains each of these commits; `pulls` are known to propose some of them."""
    if not commits:
        return []
    repositories = {one.repository_id for one in commits}
    heads, defaults = _heads(repositories)
    histories, arns = _histories(repositories, heads)
    nearest = {
        commit
        for one in commits
        for commit in histories[one.repository_id].containing(one.commit_id)[:MOST_PULLS]
    }
    candidates = list(
        PullRequest.objects.visible_to(user)
        .select_related("scope", "repository")
        .defer("description", "comments")
        .filter(repository__in=repositories, source_commit__in=nearest)
        .order_by("created", "pk")[: 4 * MOST_PULLS]
    )
    every = list({one.pk: one for one in [*pulls, *candidates]}.values())
    lost = [one for one in commits if histories[one.repository_id].is_rewritten(one.commit_id)]
    twins = _twins(lost, histories)
    rewritten = {one.pk: twins.get(_likeness(one)) for one in lost}
    return [
        _root(one, histories[one.repository_id], arns, every, rewritten, defaults)
        for one in commits
    ]


def _root(  # noqa: PLR0913 - what is known of the repositories
    commit: Commit,
    history: History,
    arns: dict[tuple[int, str], str],
    pulls: Iterable[PullRequest],
    rewritten: dict[int, Commit | None],
    defaults: dict[int, str],
) -> Root:
    within = frozenset(history.containing(commit.commit_id))
    root = Root(
        commit_id=commit.commit_id,
        row=commit,
        repository_id=commit.repository_id,
        history=history,
        pulls=[one for one in pulls if _proposes(one, commit, within)],
    )
    merges = [one.merge_commit for one in root.pulls if one.merged and one.merge_commit]
    if commit.pk in rewritten and not merges:
        root.rewritten = True
        root.anew = rewritten[commit.pk]
    anew = [root.anew.commit_id] if root.anew else []
    begins = dict.fromkeys([commit.commit_id, *merges, *anew])
    root.containing = list(
        dict.fromkeys(found for one in begins for found in history.containing(one))
    )
    root.arns = [
        arns[commit.repository_id, one]
        for one in root.containing
        if (commit.repository_id, one) in arns
    ]
    head = defaults.get(commit.repository_id, "")
    root.merged = head in root.within
    root.own = commit.commit_id not in history.mainline(head)
    return root


def _proposes(pull: PullRequest, commit: Commit, within: frozenset[str]) -> bool:
    """Whether a pull request brings a commit: its source contains it and its base does not.

    within  what contains the commit.
    """
    if pull.repository_id != commit.repository_id:
        return False
    if commit.commit_id in (pull.source_commit, pull.merge_commit):
        return True
    base = pull.merge_base or pull.destination_commit
    return pull.source_commit in within and base not in within


def _heads(repositories: Iterable[int]) -> tuple[dict[int, list[str]], dict[int, str]]:
    """The heads of repositories, and of each that of its default branch."""
    heads: dict[int, list[str]] = {}
    defaults: dict[int, str] = {}
    rows = Repository.objects.filter(pk__in=repositories)
    for pk, told, default in rows.values_list("pk", "heads", "default_branch"):
        heads[pk] = [str(commit) for commit in told.values()]
        defaults[pk] = str(told.get(default, ""))
    return heads, defaults


def _histories(
    repositories: Iterable[int], heads: dict[int, list[str]]
) -> tuple[dict[int, History], dict[tuple[int, str], str]]:
    parents: dict[int, dict[str, Sequence[str]]] = defaultdict(dict)
    at: dict[int, dict[str, datetime]] = defaultdict(dict)
    arns: dict[tuple[int, str], str] = {}
    rows = Commit.objects.filter(repository__in=repositories)
    columns = "repository_id", "commit_id", "parents", "committed_at", "arn"
    newest = rows.order_by("-committed_at", "-pk").values_list(*columns)[:LOOK_BACK]
    for repository, commit, above, committed_at, arn in newest:
        parents[repository][commit] = above
        arns[repository, commit] = arn
        if committed_at is not None:
            at[repository][commit] = committed_at
    return (
        {one: History(parents[one], at[one], heads.get(one, ())) for one in repositories},
        arns,
    )


def _likeness(commit: Commit) -> tuple[int, Any, str, str]:
    """What a commit keeps where history is rewritten: who wrote it when, and what it says."""
    return commit.repository_id, commit.authored_at, commit.author_email, commit.title


def _twins(
    lost: Sequence[Commit], histories: dict[int, History]
) -> dict[tuple[int, Any, str, str], Commit]:
    """Commits that some branch contains in the place of one that none contains any more."""
    told = [one for one in lost if one.authored_at is not None]
    rows = Commit.objects.filter(
        repository__in={one.repository_id for one in told},
        authored_at__in={one.authored_at for one in told},
    )
    return {
        _likeness(one): one
        for one in rows.select_related("scope", "repository").defer("comments").order_by("pk")
        if one.commit_id in histories[one.repository_id].living
    }
