"""Which issues commits and pull requests name, as far as a reader may know of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from apps.issues.meant import GITHUB, JIRA, compound_prefixes, meant_of
from apps.issues.models import Issue
from apps.mirror.models import Link

from .brought import Brought
from .reading import COMMITS, PULLS

Named = tuple[Sequence[str], int]


def issues_of(user: Any, came: Iterable[Brought]) -> list[list[Issue]]:
    """Return the issues that each of these names, by key; in a number of queries that they keep."""
    told = list(came)
    keys: dict[Named, list[tuple[str, str]]] = {}
    for kinds, what in ((COMMITS, "commits"), (PULLS, "pulls")):
        keys |= _keys(kinds, {pk for one in told for pk in getattr(one, what)})
    rows = _issues(user, {name for some in keys.values() for name in some})
    found: list[list[Issue]] = []
    for one in told:
        names = {
            name
            for kinds, ids in ((COMMITS, one.commits), (PULLS, one.pulls))
            for pk in ids
            for name in keys.get((kinds, pk), ())
        }
        mine = {row.pk: row for name in names for row in rows.get(name, ())}
        found.append(sorted(mine.values(), key=lambda row: (row.key, row.pk)))
    return found


def _keys(kinds: Sequence[str], ids: Collection[int]) -> dict[Named, list[tuple[str, str]]]:
    """(kind, key) of the issues that rows of these kinds name, by row."""
    jira: dict[int, list[str]] = defaultdict(list)
    found: dict[Named, list[tuple[str, str]]] = defaultdict(list)
    links = Link.objects.filter(
        from_kind__in=kinds, from_id__in=list(ids), to_kind__in=(JIRA, GITHUB)
    )
    for pk, kind, key in links.values_list("from_id", "to_kind", "to_arn"):
        if kind == JIRA:
            jira[pk].append(key)
        else:
            found[kinds, pk].append((kind, key))
    prefixes = compound_prefixes() if jira else ()
    for pk, some in jira.items():
        found[kinds, pk] += [(JIRA, key) for key in meant_of(some, prefixes)]
    return found


def _issues(user: Any, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], list[Issue]]:
    """The issues of these keys that the user may know of; also by a key that they had before."""
    if not names:
        return {}
    wanted = {key for _, key in names}
    seen = Issue.objects.visible_to(user).filter(gone_at=None).select_related("scope")
    narrow = seen.only("key", "arn", "was", "title", "state", "status", "category", "scope")
    found: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for row in narrow.filter(arn__in=wanted):
        found[_kind_of(row), row.arn].append(row)
    # Few were ever moved.
    for row in narrow.exclude(was=[]):
        for key in {str(one) for one in row.was} & wanted - {row.arn}:
            found[_kind_of(row), key].append(row)
    return found


def _kind_of(row: Issue) -> str:
    return GITHUB if row.scope.provider == "github" else JIRA
