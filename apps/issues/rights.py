"""Who may do something to issues: whoever works in a project that has them.

Seeing an issue is not enough, and neither is reading everything: what is written stands in somebody
else's tracker, in the name of a project that has it.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from apps.mirror.linked import lineage
from apps.mirror.resource import REGISTER
from apps.people.rights import is_administrator, narrowed_to
from apps.projects.models import Holding, Membership, Project
from apps.projects.roles import Role

from .acting import KEEPERS
from .kinds import TRACKERS
from .models import Issue, Tracker

EDITORS = (Role.CONTRIBUTOR, Role.OWNER)
# Trackers that one may choose from.
MOST = 300


def working_in(user: Any) -> Any:
    """Return the projects in which somebody may act: an administrator in all."""
    if not user.is_authenticated or not user.is_active or narrowed_to(user) is not None:
        return Project.objects.none()
    if is_administrator(user):
        return Project.objects.all()
    mine = Membership.objects.filter(user=user.pk, role__in=EDITORS)
    return Project.objects.filter(pk__in=mine.values("project"))


def project_for(user: Any, row: Issue | Tracker) -> Project | None:
    """Return the project in whose name somebody may act on an issue or tracker; None where none.

    Where several have it, the one that has had it longest. Asks the database, and no memory of it:
    who was taken out a moment ago acts no more.
    """
    held = _held(row).filter(project__in=working_in(user))
    first = held.select_related("project").order_by("added_at", "pk").first()
    return None if first is None else first.project


def holders_of(row: Any) -> set[int]:
    """Return the ids of the projects that hold a row, or what it belongs to."""
    return set(_held(row).values_list("project", flat=True))


def _held(row: Any) -> Any:
    """The holdings of a row and of what it belongs to."""
    found = Q(pk__in=[])
    for path, kind in lineage(REGISTER.get(REGISTER.kind_of(row))):
        above = _id_at(row, path)
        if above is not None and REGISTER.get(kind).in_projects:
            found |= Q(kind=kind, row_id=above)
    return Holding.objects.shown().filter(found)


def _id_at(row: Any, path: str) -> Any:
    """The id of what a row belongs to, by its column path: "execution__pipeline"."""
    if path == "pk":
        return row.pk
    *steps, last = path.split("__")
    for step in steps:
        row = getattr(row, step, None)
    return getattr(row, f"{last}_id", None)


def trackers_for(user: Any, within: Project | None = None) -> list[tuple[Project, Tracker]]:
    """Return where somebody may make issues, by project and name; two queries.

    Trackers of places in which nothing may be written are left out.
    """
    projects = working_in(user)
    if within is not None:
        projects = projects.filter(pk=within.pk)
    kinds = [kind for kind in TRACKERS if kind in REGISTER.by_kind]
    held = Holding.objects.shown().filter(kind__in=kinds, project__in=projects)
    pairs = held.select_related("project").order_by("project__name", "project", "pk")[:MOST]
    rows = Tracker.objects.select_related("scope").in_bulk({one.row_id for one in pairs})
    found = [(one.project, rows[one.row_id]) for one in pairs if one.row_id in rows]
    return [pair for pair in found if pair[1].takes_issues and pair[1] in _open(rows.values())]


def _open(trackers: Iterable[Tracker]) -> set[Tracker]:
    told: dict[int, str] = {}
    for one in trackers:
        if one.scope_id not in told:
            told[one.scope_id] = KEEPERS.why_not(one.scope)
    return {one for one in trackers if not told[one.scope_id]}
