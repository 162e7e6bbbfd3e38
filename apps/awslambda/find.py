"""How functions are found."""

from typing import Any

from apps.mirror.finding import FINDERS, Finder, Found, place_of

from .models import Function


def functions(user: Any, text: str, limit: int) -> list[Found]:
    """Functions by name."""
    rows = Function.objects.visible_to(user).for_list().present().containing(text, "key")
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row), row.runtime)
        for row in rows[:limit]
    ]


FINDERS.add(Finder(label="functions", by="name", find=functions, newest=False, rank=60))
