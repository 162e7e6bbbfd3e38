"""What follows from branches, commits and pull requests for their repository's columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q

from apps.mirror.state import State

from .models import Branch, Commit, Repository

# The newest commits of a repository that are mirrored without holes once somebody opened it.
DEPTH = 120


def from_branches(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what its branches tell of each repository."""
    heads: dict[int, dict[str, str]] = {pk: {} for pk in ids}
    rows = Branch.objects.filter(repository__in=ids, gone_at=None).order_by("name")
    for pk, name, commit_id in rows.values_list("repository_id", "name", "commit_id"):
        heads[pk][name] = commit_id
    latest = _latest(ids, heads)
    return {
        pk: {
            # Its order is none of the database's.
            "heads": {name: head for name, head in found.items() if head},
            "branch_count": len(found),
            "latest_commit_id": latest.get(pk),
        }
        for pk, found in heads.items()
    }


def from_commits(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what its commits tell of each repository."""
    rows = list(Repository.objects.filter(pk__in=ids).values_list("pk", "heads", "depth"))
    latest = _latest(ids, {pk: heads for pk, heads, _ in rows})
    return {
        pk: {"unread": unread(pk, depth), "latest_commit_id": latest.get(pk)}
        for pk, _, depth in rows
    }


def from_pull_requests(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return how many pull requests are open in each repository."""
    waiting = Q(pull_requests__state=State.WAITING, pull_requests__gone_at=None)
    rows = Repository.objects.filter(pk__in=ids).order_by()
    counts = rows.annotate(found=Count("pull_requests", filter=waiting))
    return {pk: {"open_pull_requests": found} for pk, found in counts.values_list("pk", "found")}


def _latest(ids: Iterable[int], heads: Mapping[int, Mapping[str, str]]) -> dict[int, int]:
    """Return the id of the row of each default branch's head, where that is mirrored."""
    defaults = Repository.objects.filter(pk__in=list(ids)).values_list("pk", "default_branch")
    wanted = {pk: heads.get(pk, {}).get(name, "") for pk, name in defaults}
    rows = Commit.objects.filter(
        repository__in=list(wanted), commit_id__in=[one for one in wanted.values() if one]
    )
    return {
        repository: pk
        for pk, repository, commit_id in rows.values_list("pk", "repository_id", "commit_id")
        if wanted[repository] == commit_id
    }


def unread(repository: int, depth: int) -> list[str]:
    """Return the parents of the newest `depth` commits that are not mirrored yet."""
    if not depth:
        return []
    newest = Commit.objects.filter(repository=repository).order_by("-committed_at", "-pk")
    parents = {one for found in newest.values_list("parents", flat=True)[:depth] for one in found}
    have = Commit.objects.filter(repository=repository, commit_id__in=list(parents))
    return sorted(parents - set(have.values_list("commit_id", flat=True)))
