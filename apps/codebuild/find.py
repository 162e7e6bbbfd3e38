"""How builds and build projects are found."""

from typing import Any

from django.db.models import Q

from apps.mirror.finding import FINDERS, ID, Finder, Found, place_of

from .load import WIDE
from .models import Build, Project


def builds(user: Any, text: str, limit: int) -> list[Found]:
    """Builds by id (people paste "<project>:<uuid>", the uuid or its beginning), or commit."""
    matches = Q(key__istartswith=text) | Q(key__icontains=f":{text}")
    if ID.fullmatch(text):
        matches |= Q(resolved_source_version__istartswith=text)
    rows = Build.objects.visible_to(user).for_list().filter(matches)
    return [
        Found(
            str(row),
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            sha=row.resolved_source_version,
            at=row.started_at,
        )
        for row in rows.order_by("-started_at", "-pk")[:limit]
    ]


def projects(user: Any, text: str, limit: int) -> list[Found]:
    """Build projects by name."""
    rows = Project.objects.visible_to(user).for_list().present().containing(text, "key")
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows.defer(*WIDE)[:limit]
    ]


FINDERS.add(Finder(label="builds", by="id or SHA", find=builds, rank=30))
FINDERS.add(Finder(label="build projects", by="name", find=projects, newest=False, rank=35))
