"""What pages show of proposals and of what projects hold: by kind, with reasons in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.mirror.finding import place_of
from apps.mirror.linked import lineage_of
from apps.mirror.links import url_of
from apps.mirror.resource import REGISTER
from apps.mirror.ties import REPOSITORY
from apps.projects.models import Holding

from .models import Proposal, ProposedRow
from .ways import PIPELINE

# Of one proposal on the list; the rest is told by its number and goes where these go.
MOST = 200


def singular(kind: str) -> str:
    """Return what people call one of a kind: "build project"."""
    if kind == REPOSITORY:
        return "repository"
    resource = REGISTER.by_kind.get(kind)
    label = resource.label if resource is not None else kind.rpartition(".")[2]
    if label.endswith("ies"):
        return f"{label[:-3]}y"
    # Branches, aliases.
    return label.removesuffix("es" if label.endswith(("ches", "iases")) else "s")


def plural(kind: str) -> str:
    """Return what people call several of a kind."""
    resource = REGISTER.by_kind.get(kind)
    return resource.label if resource is not None else kind


def in_words(why: Any, may: Callable[[str, str], bool] = lambda _kind, _name: True) -> str:
    """Return the path by which a thing belongs: "watches function x, which is made by …".

    may  whether a thing (kind, name) may be named; one that may not is "a function".
    """
    parts = []
    for step in why if isinstance(why, list) else ():
        if isinstance(step, list) and len(step) == 3:
            words, kind, name = map(str, step)
            if kind and name and not may(kind, name):
                parts.append(f"{words} {_one_of(singular(kind))}".strip())
            else:
                told = (words, kind and singular(kind), name)
                parts.append(" ".join(part for part in told if part))
    return ", which ".join(parts)


def _one_of(word: str) -> str:
    return f"an {word}" if word[:1] in "aeiouAEIOU" else f"a {word}"


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind."""

    kind: str
    label: str
    lines: Sequence[Any]


def grouped(lines: Iterable[Any]) -> list[Group]:
    """Return lines that have a `kind` by kind, in the order in which kinds are declared."""
    # What people look for first, then as it is declared.
    order = {kind: place for place, kind in enumerate(REGISTER.by_kind)}
    order[PIPELINE] = -1
    by_kind: dict[str, list[Any]] = {}
    for line in lines:
        by_kind.setdefault(line.kind, []).append(line)
    kinds = sorted(by_kind, key=lambda kind: (order.get(kind, len(order)), kind))
    return [Group(kind, plural(kind), by_kind[kind]) for kind in kinds]


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as a page shows it.

    counts  what is its alone, in words: "2 pipelines".
    more    how many of these are not listed.
    """

    proposal: Proposal
    counts: Sequence[str]
    groups: Sequence[Group]
    shared: Sequence[ProposedRow]
    more: int
    places: Sequence[str]


def shown(proposals: Sequence[Proposal], *, shared: bool = True) -> list[Shown]:
    """Return proposals with their resources, in one query."""
    rows: dict[int, list[ProposedRow]] = {one.pk: [] for one in proposals}
    found = ProposedRow.objects.filter(proposal__in=list(rows)).select_related("scope")
    for row in found.order_by("kind", "name", "pk"):
        rows[row.proposal_id].append(row)
    told = []
    for one in proposals:
        certain = [row for row in rows[one.pk] if not row.shared]
        told.append(
            Shown(
                one,
                [
                    f"{len(group.lines)} "
                    f"{group.label if len(group.lines) > 1 else singular(group.kind)}"
                    for group in grouped(certain)
                ],
                grouped(certain[:MOST]),
                [row for row in rows[one.pk] if row.shared][:MOST] if shared else [],
                max(0, len(certain) - MOST),
                sorted({place_of(row) for row in certain}),
            )
        )
    return told


@dataclass(frozen=True, slots=True)
class Held:
    """Something that a project holds; `row` is None for what is in no mirror any more.

    others  how many other projects hold it, too.
    """

    kind: str
    holding: Holding
    row: Any
    url: str
    why: str
    others: int = 0


def held(
    holdings: Sequence[Holding],
    others: Mapping[tuple[str, int], int],
    why: Callable[[Holding], str],
) -> list[Held]:
    """Return what holdings hold, a query a kind.

    others  how many projects hold each row besides; `why` says of a holding why it is there.
    """
    by_kind: dict[str, list[int]] = {}
    for one in holdings:
        by_kind.setdefault(one.kind, []).append(one.row_id)
    rows: Mapping[tuple[str, int], Any] = {
        (kind, pk): row
        for kind, ids in by_kind.items()
        if (resource := REGISTER.by_kind.get(kind)) is not None
        for pk, row in resource.model._default_manager.select_related(
            "scope", *lineage_of(resource)
        )
        .in_bulk(ids)
        .items()
    }
    told = []
    for one in holdings:
        row = rows.get((one.kind, one.row_id))
        url = url_of(one.kind, row) if row is not None else ""
        many = others.get((one.kind, one.row_id), 0)
        told.append(Held(one.kind, one, row, url, why(one), many))
    return sorted(told, key=lambda line: str(line.row or "").lower())
