"""What people wrote stands in a project's activity."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from apps.people.models import profile_of
from apps.projects.activity import SOURCES, Entry, Source
from apps.projects.models import Project

from .models import Revision


def _written(project: Project, before: datetime | None, limit: int) -> Iterator[Entry]:
    rows = Revision.objects.filter(page__project=project, page__removed_at=None).defer("text")
    if before is not None:
        rows = rows.filter(at__lte=before)
    for one in rows.select_related("page", "author__profile").order_by("-at", "-pk")[:limit]:
        yield Entry(
            at=one.at,
            key=f"wiki:{one.pk:020}",
            group="Wiki",
            icon="notebook-pen",
            name=one.title,
            told=one.said or ("written anew" if one.number > 1 else "written"),
            by=profile_of(one.author).name if one.author else "",
            url=reverse("wiki:revision", args=[project.slug, one.page.slug, one.number]),
        )


SOURCES.append(Source("Wiki", _written))
