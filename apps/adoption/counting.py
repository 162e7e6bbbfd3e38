"""Counts what waits to be decided, for pages that lead to it."""

from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum

from apps.mirror.models import Scope
from apps.people.rights import is_administrator
from apps.projects.models import Project

from .models import Proposal

NOTHING = {
    "projects": 0,
    "resources": 0,
    "near": 0,
    "administers": False,
    "setting_up": 0,
    "reading": False,
}


def being_read() -> Any:
    """Return the places that were not read to the end yet: before, nobody knows what is shared."""
    return Scope.objects.filter(enabled=True, parked=False, paused=False, first_swept_at=None)


def waiting(user: Any) -> dict[str, Any]:
    """Return what this user may decide, nothing for who administers nothing.

    projects, near  how many projects are proposed, and how many of those that are there have
                    `resources` proposed to them.
    setting_up      how many projects are about to adopt themselves, which are not among these.
    reading         whether projects adopt themselves here, once all was read that is read now.
    One query; with ADOPT=auto two more.
    """
    if not user.is_authenticated or not is_administrator(user):
        return NOTHING
    auto = settings.ADOPT == "auto"
    waits = Proposal.objects.open()
    if auto:
        waits = waits.exclude(pk__in=Proposal.objects.adopt_themselves().order_by().values("pk"))
    told = waits.aggregate(
        projects=Count("pk", filter=Q(project=None, alone=False), distinct=True),
        resources=Sum("certain", filter=Q(project__isnull=False), default=0),
        near=Count("project", distinct=True),
    )
    return {
        **told,
        "administers": True,
        "setting_up": Proposal.objects.adopt_themselves().filter(project=None).count()
        if auto
        else 0,
        "reading": auto and being_read().exists(),
    }


def near(project: Project) -> int:
    """Return how many resources that are in no project seem to belong to this one; one query."""
    told = Proposal.objects.of_projects().filter(project=project)
    found: int = told.aggregate(number=Sum("certain", default=0))["number"]
    return found


def waiting_version(user: Any) -> str:
    """What changes with the counts, for pages that are answered from the browser's cache."""
    told = waiting(user)
    return "-".join(str(told[name]) for name in NOTHING if name != "administers")
