"""How environments, and versions by their label, are found."""

from typing import Any

from apps.mirror.finding import FINDERS, Finder, Found, place_of

from .models import Environment, Version


def environments(user: Any, text: str, limit: int) -> list[Found]:
    """Environments by name, application, address or id."""
    rows = Environment.objects.visible_to(user).for_list().present().matching(q=text)
    return [
        Found(
            row.key,
            row.get_absolute_url(),
            row.state,
            row.word,
            place_of(row),
            detail=row.application_name,
        )
        for row in rows[:limit]
    ]


def versions(user: Any, text: str, limit: int) -> list[Found]:
    """Application versions by label or description."""
    rows = Version.objects.visible_to(user).select_related("scope").exclude(application=None)
    found = rows.containing(text, "version_label", "description").newest()
    return [
        Found(
            f"{row.application_name} {row.version_label}",
            row.page_url,
            row.state,
            row.status,
            place_of(row),
            detail=row.description,
            at=row.date_created,
        )
        for row in found[:limit]
    ]


FINDERS.add(
    Finder(
        label="environments",
        by="name or address",
        find=environments,
        newest=False,
        rank=40,
    )
)
FINDERS.add(Finder(label="application versions", by="label", find=versions, rank=45))
