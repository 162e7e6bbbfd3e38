"""What a row is linked with, both ways, as far as a reader may know of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from .links import by_name, has_pages, linked_from, links_of, named, names_of, url_of
from .resource import REGISTER, Resource

if TYPE_CHECKING:
    from .models import Link

# Of one relation and kind; a bucket may be named by very many.
MOST = 50
# Of these, what shows before one unfolds the rest.
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One linked thing: `row` is None for what is named and not mirrored."""

    kind: str
    text: str
    url: str = ""
    row: Any = None


@dataclass(frozen=True, slots=True)
class Linked:
    """Linked things of one relation and kind, in order; `more` says that some are left out."""

    relation: str
    label: str
    lines: tuple[Line, ...]
    more: bool = False

    @property
    def first(self) -> tuple[Line, ...]:
        """What shows at once; the rest is folded."""
        return self.lines[:SHOWN]

    @property
    def rest(self) -> tuple[Line, ...]:
        """What is shown when somebody unfolds it."""
        return self.lines[SHOWN:]


def names(user: Any, kind: str, row: Any) -> list[Linked]:
    """Return what a row names, by relation and kind; what is not mirrored by its ARN alone."""
    links = links_of(kind, [row.pk]).get(row.pk, [])
    arns: dict[str, set[str]] = {}
    for link in links:
        arns.setdefault(link.to_kind, set()).add(link.to_arn)
    rows = {
        (to_kind, arn): found
        for to_kind, wanted in arns.items()
        for arn, found in by_name(
            # Of two that have one name (at two hosts) the one beside it is meant: it comes last.
            sorted(
                _visible(user, to_kind, named(wanted)),
                key=lambda found: found.scope_id == row.scope_id,
            ),
            wanted,
        ).items()
    }
    lines = []
    for link in links:
        found = rows.get((link.to_kind, link.to_arn))
        lines.append((link.relation, link.to_kind, _line(link.to_kind, found, link.to_arn)))
    return _grouped(lines)


def named_by(user: Any, kind: str, row: Any) -> list[Linked]:
    """Return what names a row and this user may see, by relation and kind."""
    arns = names_of(row.arn)
    by_source: dict[tuple[str, int], list[Link]] = {}
    for links in linked_from(kind, arns).values():
        for link in links:
            by_source.setdefault((link.from_kind, link.from_id), []).append(link)
    # In the order of their own lists (builds: the newest first), which links know nothing of.
    rows = {
        (from_kind, found.pk): found
        for from_kind in dict.fromkeys(from_kind for from_kind, _ in by_source)
        if has_pages(from_kind)
        for found in _visible(user, from_kind, _naming(from_kind, kind, arns))[: MOST + 1]
    }
    return _grouped(
        (link.relation, link.from_kind, _line(link.from_kind, found))
        for (from_kind, pk), found in rows.items()
        for link in by_source.get((from_kind, pk), ())
    )


def both_ways(user: Any, kind: str, row: Any) -> tuple[list[Linked], list[Linked]]:
    """Return what a row names and what names it.

    Two of one kind that name each other (what rolls back, and what is rolled back) are told once,
    as this one says it.
    """
    named_here = names(user, kind, row)
    said = {line for group in named_here for line in group.lines if line.kind == kind}
    naming = [
        replace(group, lines=tuple(line for line in group.lines if line not in said))
        for group in named_by(user, kind, row)
    ]
    return named_here, [group for group in naming if group.lines]


def _naming(from_kind: str, kind: str, arns: Iterable[str]) -> Q:
    """Return the condition on rows that name one of these targets, however many they are."""
    from .models import Link

    wanted = [arn for arn in arns if arn]
    links = Link.objects.filter(from_kind=from_kind, to_kind=kind, to_arn__in=wanted)
    return Q(pk__in=links.values("from_id"))


def _visible(user: Any, kind: str, which: Q) -> Any:
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        return []
    rows = resource.model._default_manager.visible_to(user).filter(which)
    return rows.select_related("scope", *lineage_of(resource))


def lineage(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield (column path, kind) of what rows of a kind are seen with, beginning with "pk"."""
    yield "pk", resource.kind
    path: list[str] = []
    while resource.parent is not None:
        kind, field = resource.parent
        path.append(field)
        yield "__".join(path), kind
        resource = REGISTER.get(kind)


def lineage_of(resource: Resource) -> list[str]:
    """Return the path to the topmost row that one of a kind belongs to, as `select_related` wants.

    What a row is called, and where its page is, may hang on any of them.
    """
    *_, (path, _kind) = lineage(resource)
    return [] if path == "pk" else [path]


def _line(kind: str, row: Any, arn: str = "") -> Line:
    if row is None:
        return Line(kind, arn)
    return Line(kind, str(row), url_of(kind, row), row)


def _grouped(lines: Iterable[tuple[str, str, Line]]) -> list[Linked]:
    groups: dict[tuple[str, str], dict[Line, None]] = {}
    for relation, kind, line in lines:
        groups.setdefault((relation, kind), {})[line] = None
    return [
        Linked(relation, _label(kind), tuple(found)[:MOST], len(found) > MOST)
        for (relation, kind), found in groups.items()
    ]


def _label(kind: str) -> str:
    """What people call a kind; of what is not mirrored, AWS's words: "iam.role" is "IAM role"."""
    resource = REGISTER.by_kind.get(kind)
    if resource is not None:
        return resource.label
    service, _, thing = kind.partition(".")
    return f"{service.upper()} {thing}"
