"""How pipelines and their executions are found."""

from typing import Any

from django.db.models import Max, Q

from apps.mirror.finding import FINDERS, ID, Finder, Found, place_of

from .models import WIDE, Execution, Pipeline

# No index helps to look into messages, so a long memory is read only so far back.
MESSAGES_READ = 200_000


def pipelines(user: Any, text: str, limit: int) -> list[Found]:
    """Pipelines by name."""
    rows = Pipeline.objects.visible_to(user).for_dashboard().present().containing(text, "key")
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows.defer(*WIDE)[:limit]
    ]


def executions(user: Any, text: str, limit: int) -> list[Found]:
    """Executions by id or commit, else by a commit's message."""
    if ID.fullmatch(text):
        matches = Q(key__istartswith=text) | Q(revision_id__istartswith=text)
    else:
        newest = Execution.objects.aggregate(newest=Max("pk"))["newest"] or 0
        matches = Q(summary__icontains=text, pk__gt=newest - MESSAGES_READ)
    rows = (
        Execution.objects.visible_to(user)
        .filter(matches)
        .select_related("scope", "pipeline")
        .defer("revisions", "variables", "pipeline__definition")
        .order_by("-started_at", "-pk")
    )
    return [
        Found(
            row.summary or row.key,
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            detail=row.pipeline.key,
            sha=row.revision_id,
            at=row.started_at,
        )
        for row in rows[:limit]
    ]


FINDERS.add(Finder(label="pipelines", by="name", find=pipelines, newest=False, rank=10))
FINDERS.add(Finder(label="executions", by="id, SHA or message", find=executions, rank=20))
