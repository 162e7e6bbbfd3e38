"""Whether what names a key means this very issue: keys of two trackers or hosts look alike.

"OPS_EU-7" ends like "EU-7", as "JD_EU-7" does, where JD are somebody's initials: which of these is
meant is known by the trackers that there are. And `owner/name#7` may be at github.com and at an
Enterprise, of which a link does not tell: what was written at one means the one there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.mirror.models import Link

from .models import Issue, Tracker

JIRA, GITHUB = "jira.issue", "github.issue"


@dataclass(frozen=True, slots=True)
class Meant:
    """An issue as it is meant.

    keys    what it is called, and was called before it was moved.
    longer  keys of trackers that are known, which end with one of these: who names them means them.
    host    where it is, where others elsewhere may be called the same; "" for wherever.
    """

    kind: str
    keys: Collection[str]
    longer: Collection[str] = ()
    host: str = ""

    def links(self, links: QuerySet[Link]) -> QuerySet[Link]:
        """Narrow links to those that mean it."""
        found = links.filter(to_kind=self.kind, to_arn__in=self.keys)
        if not self.longer:
            return found
        others = Link.objects.filter(
            from_kind=OuterRef("from_kind"), from_id=OuterRef("from_id"), to_kind=self.kind
        )
        return found.exclude(Exists(others.filter(to_arn__in=self.longer)))

    def written(self, rows: Any) -> Any:
        """Narrow commits, branches or pull requests to those by which it can be meant."""
        if not self.host:
            return rows
        return rows.filter(~Q(scope__provider="github") | Q(scope__account=self.host))


def meant_by(kind: str, issue: Issue) -> Meant:
    """Return an issue as it is meant; in a query of Jira's."""
    keys = [issue.arn, *(str(key) for key in issue.was)]
    if kind == GITHUB:
        return Meant(kind, keys, host=issue.scope.account)
    return Meant(kind, keys, longer=_longer(keys) if kind == JIRA else ())


def meant_of(keys: Collection[str], prefixes: Collection[str]) -> list[str]:
    """Return which of one row's keys are meant, by the prefixes of trackers that are known."""
    known = {key for key in keys if key.rpartition("-")[0] in prefixes}
    return [key for key in keys if not any(one.endswith(f"_{key}") for one in known)]


def compound_prefixes() -> frozenset[str]:
    """Return the prefixes of trackers that end like another's might: those with a "_" in them."""
    rows = Tracker.objects.filter(prefix__contains="_").order_by()
    return frozenset(rows.values_list("prefix", flat=True))


def _longer(keys: Iterable[str]) -> list[str]:
    """The keys of known trackers that end with one of these."""
    parts = [key.rpartition("-") for key in keys]
    return [
        f"{prefix}-{number}"
        for prefix in compound_prefixes()
        for own, _, number in parts
        if prefix.endswith(f"_{own}")
    ]
