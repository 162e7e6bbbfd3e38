"""Works out what goes with what projects hold: instances with their Auto Scaling group.

Kinds declare it (`Resource.goes_with`, `Resource.seen_with`). Such rows come and go by themselves,
so nobody is asked; each is a `Holding` of its own, so that seeing them costs no more than seeing
what was put there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from apps.mirror.linked import lineage
from apps.mirror.links import named
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER, Resource

from .generations import begin_another
from .models import Generation, Holding, Project
from .sight import holders

Row = tuple[str, int]
# Project id -> rows.
Held = dict[int, set[Row]]

# Of what goes with what goes with something, so far and no further.
ROUNDS = 3
# What history named longer ago is told by nobody any more.
LATELY = timedelta(days=30)
BATCH = 500
# Of so many rows links are asked for by name; of more it costs less to read them all.
FEW = 300
ROW = ("kind", "row_id")


class OvertakenError(Exception):
    """What is held was changed while it was worked out what follows: nothing was written."""


def follow() -> bool:
    """Bring what follows up to date in all projects; return whether it differed.

    Raises OvertakenError where somebody changed what is held meanwhile.
    """
    before = _generation()
    put = _held(Holding.objects.put())
    wanted = {(project, *row) for project, rows in _following(put).items() for row in rows}
    have = {
        (one.project_id, one.kind, one.row_id): one.pk
        for one in Holding.objects.filter(how=Holding.How.FOLLOWS).only(
            "project_id", "kind", "row_id"
        )
    }
    gone = [pk for name, pk in have.items() if name not in wanted]
    missing = sorted(wanted - have.keys())
    if not gone and not missing:
        return False
    scopes = _scopes_of({(kind, row_id) for _, kind, row_id in missing})
    fresh_ones = [
        Holding(
            project_id=project,
            kind=kind,
            row_id=row_id,
            scope_id=scopes[kind, row_id],
            how=Holding.How.FOLLOWS,
        )
        for project, kind, row_id in missing
        if (kind, row_id) in scopes
    ]
    with transaction.atomic():
        Generation.objects.get_or_create(pk=1)
        # From here on nobody else changes what is held.
        if Generation.objects.select_for_update().get(pk=1).number != before:
            raise OvertakenError
        for start in range(0, len(gone), BATCH):
            Holding.objects.filter(pk__in=gone[start : start + BATCH]).delete()
        # A person may have put it there in between.
        Holding.objects.bulk_create(fresh_ones, batch_size=BATCH, ignore_conflicts=True)
        begin_another()
    return True


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes with nothing any more once a project holds a row no longer.

    It is worked out before the transaction that takes the row out: there may be very many.
    """

    project: Project
    row: Row
    generation: int
    followers: Sequence[int]

    def go(self) -> None:
        """Take it out, in the transaction that took the row out."""
        gone = self.followers
        if _generation() != self.generation:
            # What is held was changed in between.
            gone = leaving(self.project, self.row).followers
        for start in range(0, len(gone), BATCH):
            Holding.objects.filter(pk__in=gone[start : start + BATCH]).delete()


def leaving(project: Project, row: Row) -> Leaving:
    """Return what leaves a project with a row, whether or not that is still there."""
    generation = _generation()
    followers = Holding.objects.filter(project=project, how=Holding.How.FOLLOWS)
    have = {(kind, row_id): pk for pk, kind, row_id in followers.values_list("pk", *ROW)}
    still: set[Row] = set()
    if have:
        put = _held(Holding.objects.put().filter(project=project))
        put.get(project.pk, set()).discard(row)
        still = _following(put).get(project.pk, set())
    gone = [pk for follower, pk in have.items() if follower not in still]
    return Leaving(project, row, generation, gone)


def _generation() -> int:
    return Generation.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def _following(put: Held) -> Held:
    """Return what goes with what was put into projects, without that itself."""
    reached = {project: set(rows) for project, rows in put.items()}
    fresh: Held = put
    for _ in range(ROUNDS):
        # What goes with what was reached before was found then.
        found = _next(fresh)
        fresh = {
            project: new for project, rows in found.items() if (new := rows - reached[project])
        }
        if not fresh:
            break
        for project, rows in fresh.items():
            reached[project] |= rows
    return {project: rows - put[project] for project, rows in reached.items()}


def _held(holdings: Any) -> Held:
    found: Held = {}
    for project, kind, row_id in holdings.values_list("project_id", "kind", "row_id"):
        found.setdefault(project, set()).add((kind, row_id))
    return found


def _next(reached: Held) -> Held:
    """Return what goes with what was reached."""
    by_row: dict[Row, frozenset[int]] = {}
    for project, rows in reached.items():
        for row in rows:
            by_row[row] = by_row.get(row, frozenset()) | {project}
    found: Held = {project: set() for project in reached}
    for resource in REGISTER:
        for row_id, projects in _goes_with(resource, by_row):
            for project in projects:
                found[project].add((resource.kind, row_id))
    return found


def _goes_with(
    resource: Resource, held: Mapping[Row, frozenset[int]]
) -> Iterable[tuple[int, frozenset[int]]]:
    """Yield (row id, projects) of the rows of a kind that go with rows that are held."""
    if resource.goes_with:
        yield from _by_links(resource, held)
    if resource.seen_with is not None:
        for kind in {kind for kind, _ in held}:
            ids = [pk for one, pk in held if one == kind]
            rows = REGISTER.get(kind).model._default_manager.filter(pk__in=ids)
            for row_id, found in resource.seen_with(kind, list(rows)).items():
                yield from ((pk, held[kind, row_id]) for pk in found)


def _by_links(
    resource: Resource, held: Mapping[Row, frozenset[int]]
) -> Iterable[tuple[int, frozenset[int]]]:
    links = Link.objects.filter(to_kind=resource.kind, relation__in=resource.goes_with)
    if len(held) <= FEW:
        links = _of_few(links, held)
    told: dict[str, dict[int, set[str]]] = {}
    for kind, row_id, arn in links.values_list("from_kind", "from_id", "to_arn").iterator():
        told.setdefault(kind, {}).setdefault(row_id, set()).add(arn)
    by_arn: dict[str, frozenset[int]] = {}
    for kind, rows in told.items():
        source = REGISTER.by_kind.get(kind)
        if source is None:
            continue
        ids = _of_late(source, rows)
        for (_, row_id), projects in holders(((kind, pk) for pk in ids), held).items():
            for arn in rows[row_id]:
                by_arn[arn] = by_arn.get(arn, frozenset()) | projects
    wanted = [arn for arn, projects in by_arn.items() if projects]
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        found = resource.model._default_manager.filter(named(some)).values_list("pk", "arn")
        for pk, arn in found:
            yield pk, by_arn.get(arn, frozenset())


def _of_few(links: Any, held: Iterable[Row]) -> Any:
    """Narrow links to those of these rows and of what belongs to them: of one project, mostly."""
    ids: dict[str, list[int]] = {}
    for kind, pk in held:
        ids.setdefault(kind, []).append(pk)
    which = Q(pk__in=[])
    for from_kind in links.order_by().values_list("from_kind", flat=True).distinct():
        source = REGISTER.by_kind.get(from_kind)
        if source is None:
            continue
        under = Q(pk__in=[])
        for path, kind in lineage(source):
            if kind in ids:
                under |= Q(**{f"{path}__in": ids[kind]})
        rows = source.model._default_manager.filter(under).order_by()
        which |= Q(from_kind=from_kind, from_id__in=rows.values("pk"))
    return links.filter(which)


def _of_late(source: Resource, ids: Iterable[int]) -> list[int]:
    if not source.history:
        return list(ids)
    rows = source.model._default_manager.filter(first_seen_at__gte=now() - LATELY)
    fresh = set(rows.values_list("pk", flat=True))
    return [pk for pk in ids if pk in fresh]


def _scopes_of(rows: Iterable[Row]) -> dict[Row, int]:
    by_kind: dict[str, list[int]] = {}
    for kind, pk in rows:
        by_kind.setdefault(kind, []).append(pk)
    return {
        (kind, pk): scope
        for kind, ids in by_kind.items()
        for pk, scope in REGISTER.get(kind)
        .model._default_manager.filter(pk__in=ids)
        .values_list("pk", "scope_id")
    }
