"""Which commits came with an execution: since what the ones before it had brought."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.codepipeline.models import Execution
from apps.mirror.state import State
from apps.source.models import Commit, PullRequest

from .history import History
from .taken import revisions_of

# Commits that one execution brings, in which issues are looked for; commits of repositories, and
# executions before, among which these are found. The nearest and the newest.
MOST_COMMITS, LOOK_BACK, MOST_BEFORE = 200, 4_000, 2_000
# Of how many commits pull requests are looked for at once.
AT_ONCE = 400


@dataclass(slots=True)
class Brought:
    """What came with an execution: rows' ids of commits, and of pull requests that brought them."""

    commits: set[int] = field(default_factory=set)
    pulls: set[int] = field(default_factory=set)


def brought(executions: Sequence[Execution]) -> Mapping[int, Brought]:
    """Return what came with each of these executions, by id; of what is mirrored.

    In a number of queries that executions do not change.
    """
    wanted = {commit for one in executions for commit in revisions_of(one)}
    heads = Commit.objects.filter(commit_id__in=wanted, scope__parked=False)
    at: dict[str, set[int]] = defaultdict(set)
    for commit, repository in heads.values_list("commit_id", "repository"):
        at[commit].add(repository)
    repositories = {repository for some in at.values() for repository in some}
    if not repositories:
        return {}
    read, ids = histories(repositories)
    before = _before(executions)
    found: dict[int, Brought] = defaultdict(Brought)
    by_commit: dict[tuple[int, str], list[Brought]] = defaultdict(list)
    for one in executions:
        taken = _taken(before.get(one.pipeline_id, ()), one.started_at)
        for revision in revisions_of(one):
            for repository in at.get(revision, ()):
                for commit in _since(read[repository], revision, taken):
                    if (repository, commit) in ids:
                        found[one.pk].commits.add(ids[repository, commit])
                        by_commit[repository, commit].append(found[one.pk])
    add_pulls(by_commit)
    return found


def histories(
    repositories: Collection[int],
) -> tuple[Mapping[int, History], Mapping[tuple[int, str], int]]:
    """Return repositories' histories, and their commits' ids by (repository, commit); one query."""
    parents: dict[int, dict[str, Sequence[str]]] = defaultdict(dict)
    ids: dict[tuple[int, str], int] = {}
    rows = Commit.objects.filter(repository__in=repositories).order_by("-committed_at", "-pk")
    columns = "pk", "repository_id", "commit_id", "parents"
    for pk, repository, commit, above in rows.values_list(*columns)[:LOOK_BACK]:
        parents[repository][commit] = above
        ids[repository, commit] = pk
    return {one: History(parents[one], {}) for one in repositories}, ids


def _before(executions: Sequence[Execution]) -> Mapping[int, Sequence[Execution]]:
    """The executions that came through, by pipeline, the newest first."""
    last = max((one.started_at for one in executions if one.started_at), default=None)
    rows = Execution.objects.filter(
        pipeline__in={one.pipeline_id for one in executions}, state=State.DONE, started_at__lt=last
    ).only("pipeline_id", "started_at", "revision_id", "revisions")
    found: dict[int, list[Execution]] = defaultdict(list)
    for row in rows.order_by("-started_at", "-pk")[:MOST_BEFORE]:
        found[row.pipeline_id].append(row)
    return found


def _taken(before: Iterable[Execution], began: datetime | None) -> list[str]:
    """The commits that the executions before this moment took."""
    return [
        commit
        for one in before
        if began is not None and one.started_at is not None and one.started_at < began
        for commit in revisions_of(one)
    ][:MOST_COMMITS]


def _since(history: History, head: str, taken: Iterable[str]) -> list[str]:
    """What a commit contains and none of those taken before it does, nearest first.

    Whatever contains the commit itself was taken back: what it brings is brought again.
    """
    after = set(history.containing(head))
    out = set(history.before(one for one in taken if one not in after))
    found: list[str] = []
    for commit in history.before([head], but=out):
        if len(found) == MOST_COMMITS:
            break
        found.append(commit)
    return found


def add_pulls(by_commit: Mapping[tuple[int, str], Iterable[Brought]]) -> None:
    """Add the pull requests that were merged as one of these commits, or proposed one of them."""
    names = list(by_commit)
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        repositories = {repository for repository, _ in some}
        commits = {commit for _, commit in some}
        of_these = PullRequest.objects.filter(repository__in=repositories, scope__parked=False)
        for column in ("merge_commit", "source_commit"):
            rows = of_these.filter(**{f"{column}__in": commits})
            for pk, repository, commit in rows.values_list("pk", "repository_id", column):
                for one in by_commit.get((repository, commit), ()):
                    one.pulls.add(pk)
