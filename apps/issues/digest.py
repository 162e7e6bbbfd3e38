"""What follows from issues for their tracker's columns, and how they stand in the activity."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Q

from apps.mirror.resource import Happened

from .models import Category, Issue, Tracker


def trackers(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return how many issues of each tracker are open."""
    is_open = Q(issues__gone_at=None) & ~Q(issues__category=Category.DONE)
    rows = Tracker.objects.filter(pk__in=ids).order_by()
    counts = rows.annotate(found=Count("issues", filter=is_open))
    return {pk: {"open_issues": found} for pk, found in counts.values_list("pk", "found")}


def _told(issue: Issue) -> str:
    return f"{issue.title} ({issue.type})" if issue.type else issue.title


# An issue is told when it was made; what people here did to it is told besides.
HAPPENED = Happened(
    at="created",
    group="Issues",
    icon="circle-dot",
    name=lambda row: row.key,
    told=_told,
    by=lambda row: row.reporter,
    wide=("body", "comments", "transitions"),
)
