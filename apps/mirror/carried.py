"""Which commit a thing carries: told by what started it, for services that know only the thing.

A deployment names a bundle, not a commit; the pipeline's action that began it knows of which
execution it is. Services are blind to each other, so whoever starts things says here what it took.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .links import linked_from
from .visibility import VISIBILITY


@dataclass(frozen=True, slots=True)
class Carried:
    """A commit, and the first line of its message ("" where nobody told)."""

    commit: str
    title: str = ""

    def __str__(self) -> str:
        return f"{self.commit[:7]} {self.title}".strip()


# (ids of rows that start things) -> what each took, by id; in a number of queries that rows don't
# change. By the kind of what starts.
Takes = Callable[[Sequence[int]], Mapping[int, Carried]]
TAKES: dict[str, Takes] = {}


def carried_by(kind: str, rows: Iterable[Any]) -> dict[str, Carried]:
    """Return what rows of a kind carry, by their ARN; what nobody knows is left out.

    What not all readers of a row may know of is left out, too (see `links.started_by`).
    """
    by_arn = {row.arn: row.pk for row in rows if row.arn}
    links = [
        link
        for found in linked_from(kind, by_arn).values()
        for link in found
        if link.relation == "runs" and link.from_kind in TAKES
    ]
    pairs = {link: ((kind, by_arn[link.to_arn]), (link.from_kind, link.from_id)) for link in links}
    tells = VISIBILITY.rule.tells(pairs.values())
    by_kind: dict[str, list[int]] = {}
    for link in links:
        if tells[pairs[link]]:
            by_kind.setdefault(link.from_kind, []).append(link.from_id)
    took = {one: TAKES[one](ids) for one, ids in by_kind.items()}
    found: dict[str, Carried] = {}
    for link in links:
        if tells[pairs[link]] and (one := took[link.from_kind].get(link.from_id)):
            found[link.to_arn] = one
    return found
