"""Tells CodeBuild which commit a branch of a repository is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codebuild.model import COMMITS
from apps.sandbox.codecommit.model import SourceStore

if TYPE_CHECKING:
    from apps.sandbox.world import Place


def _commit(place: Place, location: str, version: str | None) -> str | None:
    """The commit of a version, of the default branch without one; None where there is none."""
    name = location.rstrip("/").rpartition("/")[2]
    repository = place.of(SourceStore).repositories.get(name)
    if repository is None:
        return None
    commit = repository.commit(version or repository.default_branch or "")
    return commit.id if commit is not None else None


COMMITS["CODECOMMIT"] = _commit
