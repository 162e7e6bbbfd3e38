"""Who may do something to what projects hold: whoever works in a project that holds it.

Seeing a thing is not enough, and neither is reading everything: what is done is done in the name of
a project that has it.
"""

from typing import Any

from django.db.models import Q

from apps.mirror.linked import lineage
from apps.mirror.resource import REGISTER
from apps.people.rights import is_administrator, narrowed_to

from .models import Holding, Membership, Project
from .roles import Role


def working_in(user: Any, needed: Role = Role.CONTRIBUTOR) -> Any:
    """Return the projects in which somebody may do what takes a role: an administrator in all.

    Whose sign-in is narrowed to one project does nothing: it was made to read.
    """
    if not user.is_authenticated or not user.is_active or narrowed_to(user) is not None:
        return Project.objects.none()
    if is_administrator(user):
        return Project.objects.all()
    enough = [role for role in Role if role.rank >= needed.rank]
    mine = Membership.objects.filter(user=user.pk, role__in=enough)
    return Project.objects.filter(pk__in=mine.values("project"))


def project_for(user: Any, row: Any, needed: Role = Role.CONTRIBUTOR) -> Project | None:
    """Return the project in whose name somebody may act on a row; None where none.

    Where several hold it, the one that has held it longest.
    """
    held = held_by(row).filter(project__in=working_in(user, needed))
    first = held.select_related("project").order_by("added_at", "pk").first()
    return None if first is None else first.project


def holders_of(row: Any) -> set[int]:
    """Return the ids of the projects that hold a row, or what it belongs to."""
    return set(held_by(row).values_list("project", flat=True))


def held_by(row: Any) -> Any:
    """Return the holdings of a row and of what it belongs to."""
    found = Q(pk__in=[])
    for kind, above in belongs_to(row):
        if REGISTER.get(kind).in_projects:
            found |= Q(kind=kind, row_id=above)
    return Holding.objects.shown().filter(found)


def belongs_to(row: Any) -> list[tuple[str, int]]:
    """Return a row and all that it belongs to, as (kind, id)."""
    found = [
        (kind, _id_at(row, path)) for path, kind in lineage(REGISTER.get(REGISTER.kind_of(row)))
    ]
    return [(kind, above) for kind, above in found if above is not None]


def _id_at(row: Any, path: str) -> Any:
    """The id of what a row belongs to, by its column path: "execution__pipeline"."""
    if path == "pk":
        return row.pk
    *steps, last = path.split("__")
    for step in steps:
        row = getattr(row, step, None)
    return getattr(row, f"{last}_id", None)
