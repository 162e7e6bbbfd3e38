"""Keeps whom an issue may be assigned to for a few minutes, and what of it the mirror knows."""

from collections.abc import Sequence

from django.core.cache import cache

from .acting import Person
from .models import Issue, Tracker

KEPT = 600
# What a form offers.
MOST = 1_000


def keep_people(tracker: Tracker, people: Sequence[Person]) -> None:
    """Keep what the keeper said."""
    told = [(one.id, one.name) for one in people if one.id][:MOST]
    cache.set(f"issues:people:{tracker.pk}", told, timeout=KEPT)


def kept_people(tracker: Tracker) -> list[tuple[str, str]] | None:
    """Return (id, name) of whom the keeper named lately, None where it was not asked."""
    found: list[tuple[str, str]] | None = cache.get(f"issues:people:{tracker.pk}")
    return found


def known_people(tracker: Tracker) -> list[tuple[str, str]]:
    """Return (id, name) of whom issues of a tracker are assigned to now."""
    rows = Issue.objects.filter(tracker=tracker).exclude(assignee_id="").order_by()
    return list(rows.values_list("assignee_id", "assignee").distinct()[:MOST])
