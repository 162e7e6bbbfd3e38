"""How stacks are found."""

from typing import Any

from apps.mirror.finding import FINDERS, Finder, Found, place_of

from .models import Stack


def stacks(user: Any, text: str, limit: int) -> list[Found]:
    """Stacks by name, or by the id that people paste."""
    rows = Stack.objects.visible_to(user).for_list().present().containing(text, "name", "key")
    return [
        Found(
            row.name,
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            detail=row.description,
            at=row.moved_at,
        )
        for row in rows[:limit]
    ]


FINDERS.add(Finder(label="stacks", by="name or id", find=stacks, newest=False, rank=40))
