"""How projects are found."""

from typing import Any

from django.db.models import Q

from apps.mirror.finding import FINDERS, Finder, Found

from .models import Project, as_kept
from .overview import weigh


def projects(user: Any, text: str, limit: int) -> list[Found]:
    """Projects by name, description or tag."""
    rows = Project.objects.visible_to(user)
    for word in text.split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(description__icontains=word)
            | Q(tags__icontains=_in_tags(word))
        )
    return [
        Found(
            one.project.name,
            one.project.get_absolute_url(),
            one.state,
            one.word,
            "project",
            detail=one.project.description[:120],
        )
        for one in weigh(rows[:limit])
    ]


def _in_tags(word: str) -> str:
    """Return what of a tag is looked for; what may stand between tags only as a whole one."""
    kept = as_kept(word)
    return kept[1:-1] if word.strip("[],") else kept


FINDERS.add(Finder(label="projects", by="name or tag", find=projects, newest=False, rank=5))
