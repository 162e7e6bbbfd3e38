"""Loads what pages and fragments of issues show, in a number of queries that rows don't change."""

from collections.abc import Iterable, Sequence
from typing import Any

from .models import Issue, Tracker

# Comments of an issue that its page shows: the newest of them.
COMMENTS_SHOWN = 100


def tracker_rows(rows: Iterable[Tracker]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of trackers."""
    return {row.pk: {"tracker": row} for row in rows}


def tracker_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return tracker_rows(Tracker.objects.for_list().filter(pk__in=ids))


def issue_rows(rows: Iterable[Issue]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of issues."""
    return {row.pk: {"issue": row} for row in rows}


def issue_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return issue_rows(Issue.objects.for_list().filter(pk__in=ids))


def issue_page(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Issues with everything, and the newest of their comments."""
    rows = Issue.objects.select_related("scope", "tracker").filter(pk__in=ids)
    return {
        row.pk: {
            "issue": row,
            "comments": row.comments[-COMMENTS_SHOWN:],
            "older": max(0, len(row.comments) - COMMENTS_SHOWN),
        }
        for row in rows
    }
