"""Loads what pages and fragments of source show, in a number of queries that rows don't change."""

from collections.abc import Iterable, Sequence
from typing import Any

from apps.live.fragment import FRAGMENTS
from apps.mirror.links import explain_of
from apps.mirror.lists import pictures
from apps.mirror.resource import REGISTER

from .models import Branch, Commit, PullRequest, Repository

# The newest commits of a repository among which those of a branch are looked for.
LOOK_BACK = 2_000
# Open pull requests shown beside the commits.
OPEN_SHOWN = 20


def why(row: Any) -> list[str]:
    """Return why a row is as it is, line by line, as its host's declaration explains it."""
    return explain_of(REGISTER.kind_of(row), row).splitlines()


def repository_rows(rows: Iterable[Repository]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of repositories."""
    return {row.pk: {"repository": row, "why": why(row)} for row in rows}


def repository_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return repository_rows(Repository.objects.for_list().filter(pk__in=ids))


def repository_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Repositories with scope and everything."""
    rows = Repository.objects.select_related("scope").filter(pk__in=ids)
    return repository_rows(rows)


def repository_pulls(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Repositories with the rows of their open pull requests."""
    contexts = {}
    for repository in Repository.objects.filter(pk__in=ids).only("pk", "key", "version"):
        rows = PullRequest.objects.for_list().filter(repository=repository, state="waiting")
        drawn = pictures(FRAGMENTS.by_name["pull-row"], pull_rows(rows[:OPEN_SHOWN]))
        contexts[repository.pk] = {"repository": repository, "rows": list(drawn.values())}
    return contexts


def commit_rows(rows: Iterable[Commit]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of commits."""
    return {row.pk: {"commit": row} for row in rows}


def commit_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return commit_rows(Commit.objects.for_list().filter(pk__in=ids))


def commit_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Commits with their repository, and their parents as far as they are mirrored."""
    rows = list(Commit.objects.select_related("scope", "repository").filter(pk__in=ids))
    wanted = {parent for row in rows for parent in row.parents}
    repositories = {row.repository_id for row in rows}
    found = Commit.objects.filter(repository__in=repositories, commit_id__in=wanted)
    known = {(one.repository_id, one.commit_id): one for one in found.only(*_NAMED)}
    return {
        row.pk: {
            "commit": row,
            "parents": [
                {"id": parent, "row": known.get((row.repository_id, parent))}
                for parent in row.parents
            ],
        }
        for row in rows
    }


_NAMED = ("pk", "commit_id", "repository_id", "message")


def pull_rows(rows: Iterable[PullRequest]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of pull requests."""
    return {row.pk: {"pull": row, "why": why(row)} for row in rows}


def pull_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return pull_rows(PullRequest.objects.for_list().filter(pk__in=ids))


def pull_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Pull requests with everything, and the commits they name as far as they are mirrored."""
    rows = list(PullRequest.objects.select_related("scope", "repository").filter(pk__in=ids))
    wanted = {name for row in rows for name in (row.source_commit, row.merge_commit) if name}
    repositories = {row.repository_id for row in rows}
    found = Commit.objects.filter(repository__in=repositories, commit_id__in=wanted)
    known = {(one.repository_id, one.commit_id): one for one in found.only(*_NAMED)}
    return {
        row.pk: {
            "pull": row,
            "why": why(row),
            "source": known.get((row.repository_id, row.source_commit)),
            "merged": known.get((row.repository_id, row.merge_commit)),
        }
        for row in rows
    }


def branches(repository: Repository) -> list[Branch]:
    """Return a repository's branches, its default first."""
    rows = list(repository.branches.present().order_by("name", "pk"))
    return sorted(rows, key=lambda branch: branch.name != repository.default_branch)


def of_branch(repository: Repository, head: str) -> list[int]:
    """Return the ids of the rows of a branch's commits: its head and all that came before it.

    Looks among the newest of the repository; two queries' worth of ids, whatever the branch.
    """
    newest = Commit.objects.filter(repository=repository).order_by("-committed_at", "-pk")
    rows = {
        commit_id: (pk, parents)
        for pk, commit_id, parents in newest.values_list("pk", "commit_id", "parents")[:LOOK_BACK]
    }
    seen: set[str] = set()
    ahead = [head]
    while ahead:
        current = ahead.pop()
        if current not in seen and current in rows:
            seen.add(current)
            ahead += rows[current][1]
    return [rows[commit_id][0] for commit_id in seen]
