"""The commits that a change consists of, and by what else each is contained."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.source.models import Commit, PullRequest, Repository

from .history import History

# The newest commits of repositories among which it is looked what contains what.
LOOK_BACK = 4_000
# Pull requests that may propose a commit.
MOST_PULLS = 50


@dataclass(eq=False, slots=True)
class Root:
    """One commit whose way is followed.

    containing  ids of itself and of all that contains it, nearest first: what was merged for it
                and what history was rewritten to, too.
    arns        of those that are mirrored.
    pulls       the pull requests that propose it.
    merged      whether a branch that pipelines take may contain it: it is on the default branch.
    rewritten   no branch contains it any more; `anew` is the commit that took its place.
    there       whether what runs contains it now; None where nothing that runs takes it.
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
    history: History | None = None

    @property
    def at(self) -> datetime | None:
        """When it was committed."""
        return self.row.committed_at if self.row else None


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
    twins = _twins(commits, histories)
    return [
        _root(one, histories[one.repository_id], arns, every, twins, defaults) for one in commits
    ]


def _root(  # noqa: PLR0913 - what is known of the repositories
    commit: Commit,
    history: History,
    arns: dict[tuple[int, str], str],
    pulls: Iterable[PullRequest],
    twins: dict[tuple[int, Any, str, str], Commit],
    defaults: dict[int, str],
) -> Root:
    root = Root(
        commit_id=commit.commit_id,
        row=commit,
        repository_id=commit.repository_id,
        history=history,
        pulls=[one for one in pulls if _proposes(one, commit, history)],
    )
    merges = [one.merge_commit for one in root.pulls if one.merged and one.merge_commit]
    if history.is_rewritten(commit.commit_id) and not merges:
        root.rewritten = True
        root.anew = twins.get(_likeness(commit))
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
    root.merged = defaults.get(commit.repository_id, "") in set(root.containing)
    return root


def _proposes(pull: PullRequest, commit: Commit, history: History) -> bool:
    """Whether a pull request brings a commit: its source contains it and its base does not."""
    if pull.repository_id != commit.repository_id:
        return False
    if commit.commit_id in (pull.source_commit, pull.merge_commit):
        return True
    containing = set(history.containing(commit.commit_id))
    base = pull.merge_base or pull.destination_commit
    return pull.source_commit in containing and base not in containing


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
    commits: Sequence[Commit], histories: dict[int, History]
) -> dict[tuple[int, Any, str, str], Commit]:
    """Commits that some branch contains in the place of one that none contains any more."""
    lost = [
        one
        for one in commits
        if one.authored_at is not None and histories[one.repository_id].is_rewritten(one.commit_id)
    ]
    rows = Commit.objects.filter(
        repository__in={one.repository_id for one in lost},
        authored_at__in={one.authored_at for one in lost},
    )
    return {
        _likeness(one): one
        for one in rows.select_related("scope", "repository").defer("comments").order_by("pk")
        if one.commit_id in histories[one.repository_id].living
    }
