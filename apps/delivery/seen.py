"""Which of what sites are told a reader may know of: a pipeline may be of several projects.

Each of them tells at its own repositories and its own trackers, which are nothing to the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.codepipeline.models import Pipeline
from apps.issues.models import Issue
from apps.source.models import Repository

from .models import CHANNELS_OF, Channel, Telling

# Of the issues that a deployment brings, so many are named.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """One of them as a reader may see it: nothing in it names what they may not know of.

    about  what is told of: a commit and a stage, an issue, or a stage and the issues in it.
    """

    row: Telling
    about: str
    trouble: str


def seen(user: Any, told_of: Iterable[Telling]) -> Iterator[Seen]:
    """Yield those of these rows, with their pipelines, that a user may know of; two queries."""
    rows = list(told_of)
    at_github = [row for row in rows if row.channel in CHANNELS_OF["github"]]
    repositories = {(row.scope_id, str(row.wanted.get("repository"))) for row in at_github}
    issues = {(row.scope_id, key) for row in rows for key in _issues(row)}
    known = _visible(user, Repository, repositories)
    told = _visible(user, Issue, issues)
    for row in rows:
        if row.channel in CHANNELS_OF["github"]:
            name = str(row.wanted.get("repository"))
            if (row.scope_id, name) in known or name.lower() in _taken(row.pipeline):
                yield Seen(row, row.about, row.trouble)
            continue
        keys = _issues(row)
        mine = [key for key in keys if (row.scope_id, key) in told]
        if mine:
            yield Seen(row, _about(row, mine), row.trouble if mine == keys else "")


def _about(row: Telling, keys: list[str]) -> str:
    if row.channel != Channel.PANEL:
        return row.about
    named = ", ".join(keys[:MOST_NAMED])
    others = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    stage = row.about.rpartition(" by ")[0]
    return f"{stage}: {named}{others}"


def _issues(row: Telling) -> list[str]:
    one = row.wanted.get("issue")
    return [str(key) for key in row.wanted.get("issues") or ([one] if one else [])]


def _visible(user: Any, model: Any, names: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Which of these (scope, key) a user may know of."""
    if not names:
        return set()
    which = Q(scope__in={scope for scope, _ in names}, key__in={key for _, key in names})
    return set(model.objects.visible_to(user).filter(which).values_list("scope", "key"))


def _taken(pipeline: Pipeline) -> set[str]:
    """The repositories that a pipeline's own definition names: who sees it sees them."""
    found = set()
    for stage in pipeline.definition:
        for action in stage.get("actions") or ():
            told = action.get("configuration") or {}
            names = str(told.get("Owner") or ""), str(told.get("Repo") or "")
            found.add(str(told.get("FullRepositoryId") or "/".join(names)).lower())
    return found
