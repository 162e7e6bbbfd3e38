"""The tile of issues on a project's page: open ones that matter, and what changed lately."""

from datetime import timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.utils.timezone import now

from apps.mirror.lists import pictures
from apps.projects.held import Held, rows_in
from apps.projects.tiles import TILES, Area, Tile

from . import fragments, load
from .kinds import ISSUES, TRACKERS
from .models import Category, Issue, Tracker

# Rows of what is open, and of what changed lately.
OPEN, LATELY = 6, 4
WEEK = timedelta(days=7)
# What keepers call what comes first; the rest is told apart by when it moved.
URGENT = ("blocker", "highest", "critical", "urgent", "p0", "p1", "high")


def _urgency() -> Case:
    """What is urgent first, then what somebody works on."""
    whens = [When(priority__iexact=word, then=Value(rank)) for rank, word in enumerate(URGENT)]
    doing = When(category=Category.DOING, then=Value(len(URGENT)))
    return Case(*whens, doing, default=Value(len(URGENT) + 1), output_field=IntegerField())


def issues(held: Held) -> dict[str, Any]:
    """What the tile shows: counts by category, the open ones that matter, what changed lately."""
    mine = rows_in(held.project, Issue).present().told()
    week = now() - WEEK
    counts = mine.order_by().aggregate(
        todo=Count("pk", filter=Q(category=Category.TODO)),
        doing=Count("pk", filter=Q(category=Category.DOING)),
        done=Count("pk", filter=Q(category=Category.DONE, resolved__gte=week)),
    )
    is_open = mine.for_list().exclude(category=Category.DONE)
    matter = list(
        is_open.annotate(urgency=_urgency()).order_by("urgency", "-updated", "-pk")[:OPEN]
    )
    shown = {row.pk for row in matter}
    lately = list(mine.for_list().filter(updated__gte=week).exclude(pk__in=shown)[:LATELY])
    ids = [pk for kind in TRACKERS for pk in held[kind]]
    trackers = Tracker.objects.present().filter(pk__in=ids)
    troubled = list(trackers.exclude(state="").order_by("name", "pk")[:3])
    drawn = pictures(fragments.ISSUE_ROW, load.issue_rows([*matter, *lately]))
    return {
        "counts": counts,
        "open_issues": counts["todo"] + counts["doing"],
        "matter": [drawn[row.pk] for row in matter],
        "lately": [drawn[row.pk] for row in lately],
        "troubled": troubled,
        "topics": [f"{fragments.ISSUE_ROW.name}:{pk}" for pk in drawn],
    }


TILES.add(
    Tile(
        name="issues",
        label="Issues",
        icon="circle-dot",
        says="Open issues that matter, how many there are, and what changed lately.",
        size=Area.WIDE,
        place=45,
        kinds=TRACKERS,
        load=issues,
        template="issues/tiles.html#issues",
        heard=(*ISSUES, *TRACKERS),
    )
)
