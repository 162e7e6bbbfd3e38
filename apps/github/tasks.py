"""Celery's side of GitHub: reading what a commit or pull request changes."""

from functools import partial
from typing import Any

from celery import shared_task

from apps.source import looked
from apps.source.models import Commit, PullRequest

from .differences import read

MODELS: dict[str, type[Any]] = {
    looked.look_name("github", model): model for model in (Commit, PullRequest)
}


@shared_task(name="github.read_changes")
def read_changes(look: str, pk: int, ticket: str) -> None:
    """Read what a row changes, where nobody else does; it is read once and then kept a while."""
    rows = MODELS[look].objects.select_related("scope", "repository")
    row = rows.filter(pk=pk).first()
    if row is None:
        return
    follower = looked.follower_of(row)
    if not follower.take(ticket):
        return
    try:
        read(look, row, partial(follower.take, ticket))
    finally:
        follower.leave(ticket)
