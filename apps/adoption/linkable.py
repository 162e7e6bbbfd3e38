"""Which rows somebody may link by hand: what they only read is not theirs to carry elsewhere.

Whoever links a row lets everybody of another project see it. So it takes Contributor in a project
that holds the row, or what it belongs to; administrators link whatever there is.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from apps.mirror.linked import lineage
from apps.mirror.resource import REGISTER, Resource
from apps.people.rights import is_administrator
from apps.projects.generations import MEMO
from apps.projects.models import Holding
from apps.projects.roles import Role
from apps.projects.sight import holders

EDITORS = (Role.CONTRIBUTOR, Role.OWNER)


def linkable(user: Any, resource: Resource) -> Any:
    """Return the rows of a kind that this user may link: of what they see, what they look after."""
    rows: Any = resource.model._default_manager.visible_to(user)
    # Several providers may share a table.
    rows = rows.filter(scope__provider=resource.provider)
    if is_administrator(user):
        return rows
    theirs = Holding.objects.filter(
        project__memberships__user=user, project__memberships__role__in=EDITORS
    )
    found = Q(pk__in=[])
    for path, kind in lineage(resource):
        if REGISTER.get(kind).in_projects:
            found |= Q(**{f"{path}__in": theirs.filter(kind=kind).values("row_id")})
    return rows.filter(found)


def elsewhere(project_id: int, rows: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return of (kind, id) how many other projects hold that, too, or what it belongs to.

    It says no project's name: who owns one of them need not know of the others.
    """
    found = holders(rows, MEMO.held())
    return {row: len(projects - {project_id}) for row, projects in found.items()}
