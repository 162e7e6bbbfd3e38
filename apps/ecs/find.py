"""How services are found."""

from typing import Any

from apps.mirror.finding import FINDERS, Finder, Found, place_of

from .models import Service


def services(user: Any, text: str, limit: int) -> list[Found]:
    """Services by name, cluster or task definition."""
    rows = Service.objects.visible_to(user).for_list().present()
    return [
        Found(
            row.name,
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            f"cluster {row.cluster.key}",
        )
        for row in rows.containing(text, "key", "task_definition")[:limit]
    ]


FINDERS.add(Finder(label="services", by="name", find=services, newest=False, rank=61))
