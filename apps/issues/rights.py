"""Where somebody may make issues: in trackers that a project of theirs has."""

from collections.abc import Iterable
from typing import Any

from apps.mirror.resource import REGISTER
from apps.projects.acting import working_in
from apps.projects.models import Holding, Project

from .acting import KEEPERS
from .kinds import TRACKERS
from .models import Tracker

# Trackers that one may choose from.
MOST = 300


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
