"""What names an issue, and which issues it names, as far as a reader may know of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.mirror.linked import lineage_of
from apps.mirror.links import url_of
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER

from .meant import Meant, meant_by
from .models import Issue

# Of each sort; what an issue is named by may be very much.
MOST = 30
# What things are called that may name an issue, by the last part of their kind.
SORTS = {"commit": "Commits", "pullrequest": "Pull requests", "branch": "Branches"}


@dataclass(frozen=True, slots=True)
class Naming:
    """What of one sort names an issue; `more` says that some are left out."""

    label: str
    lines: list[dict[str, Any]]
    more: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Another issue that this one names: with its title only for who may see it."""

    relation: str
    key: str
    url: str
    row: Any = None


def linked_with(user: Any, issue: Issue) -> list[Named]:
    """Return the issues that an issue names; in two queries.

    What the keeper tells of another issue's title is told only to who may see that issue here.
    """
    told = [one for one in issue.related if isinstance(one, dict) and one.get("key")]
    keys = {str(one["key"]) for one in told} | {issue.parent_key} - {""}
    if not keys:
        return []
    # GitHub's are named in small letters.
    wanted = keys | {key.lower() for key in keys}
    rows = Issue.objects.visible_to(user).for_list().filter(scope=issue.scope_id, arn__in=wanted)
    seen = {row.arn: row for row in rows}
    found = [
        Named(str(one.get("relation") or "relates to"), str(one["key"]), str(one.get("url") or ""))
        for one in told
    ]
    if issue.parent_key:
        found.insert(0, Named("part of", issue.parent_key, ""))
    return [replace(one, row=seen.get(one.key) or seen.get(one.key.lower())) for one in found]


def naming(user: Any, kind: str, issue: Issue) -> list[Naming]:
    """Return what names an issue, by any key that it has or had, by sort; a query a kind."""
    wanted = meant_by(kind, issue)
    links = wanted.links(Link.objects.order_by("pk"))
    by_kind: dict[str, dict[int, str]] = {}
    for link in links:
        by_kind.setdefault(link.from_kind, {}).setdefault(link.from_id, link.relation)
    sorts: dict[str, list[dict[str, Any]]] = {}
    for from_kind, relations in by_kind.items():
        label = SORTS.get(from_kind.rpartition(".")[2])
        if label is not None:
            rows = _visible(user, from_kind, relations, wanted)
            sorts.setdefault(label, []).extend(
                {
                    "row": row,
                    "url": url_of(from_kind, row),
                    "relation": relations[row.pk],
                    # What a commit is called is its id; its first line says more.
                    "text": (label == "Commits" and getattr(row, "title", "")) or str(row),
                    "of": getattr(getattr(row, "repository", None), "key", ""),
                }
                for row in rows
            )
    return [
        Naming(label, sorts[label][:MOST], len(sorts[label]) > MOST)
        for label in SORTS.values()
        if sorts.get(label)
    ]


def _visible(user: Any, kind: str, relations: Mapping[int, str], wanted: Meant) -> list[Any]:
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        return []
    rows: Any = resource.model._default_manager
    rows = rows.visible_to(user).select_related("scope", *lineage_of(resource))
    # In the order of their own lists: the newest commits first.
    return list(wanted.written(rows.filter(pk__in=list(relations)))[: MOST + 1])
