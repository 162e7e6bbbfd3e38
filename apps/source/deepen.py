"""Asks for the older commits of a repository once somebody wants to see them."""

from typing import Any

from apps.mirror.asking import hint
from apps.mirror.resource import REGISTER, Names

from .digest import DEPTH, unread
from .models import Commit, Repository


def deepen(repository: Repository) -> None:
    """Have the newest `DEPTH` commits of a repository mirrored without holes, from now on.

    Hosts that list no commits tell one step of a history a call: nobody makes those calls for what
    nobody looks at. The scope of `repository` must be loaded. Asking again asks for nothing.
    """
    if repository.depth >= DEPTH:
        return
    left = unread(repository.pk, DEPTH)
    rows = Repository.objects.filter(pk=repository.pk, depth__lt=DEPTH)
    if rows.update(depth=DEPTH, unread=left) and left:
        kinds = REGISTER.kinds_in(Commit)
        mine = [one for one in kinds if REGISTER.get(one).provider == repository.scope.provider]
        hint(repository.scope, [Names(kind=kind, parent=repository.key) for kind in mine])


def deepen_all(repositories: Any) -> None:
    """Do so for each of these rows; one query where all of them are deep."""
    for repository in repositories.filter(depth__lt=DEPTH).select_related("scope"):
        deepen(repository)
