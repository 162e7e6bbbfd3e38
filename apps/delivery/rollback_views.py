"""The page on which a rollback of a stage is planned."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.codepipeline.models import Stage
from apps.codepipeline.views import reads, visible_pipeline
from apps.deeds.acts import ACTS
from apps.deeds.offers import ask_url
from apps.deeds.rights import Leave, leave_of
from apps.deeds.versions import acting_version
from apps.live.conditional import unchanged_page
from apps.mirror.lists import live
from apps.mirror.tail import newest_change

from .rollback import plan

HEARD = (
    "codepipeline.pipeline",
    "codepipeline.stage",
    "codepipeline.execution",
    "codepipeline.action",
)


@require_safe
@unchanged_page(acting_version)
def planner(request: HttpRequest, pk: int, stage: str) -> HttpResponse:
    """The executions that a stage can be rolled back to, and what would go back with each."""
    since = newest_change()
    pipeline = visible_pipeline(request, pk)
    found = plan(request.user, pipeline, stage)
    if found is None:
        raise Http404("The pipeline has no such stage.")
    row = Stage.objects.filter(pipeline=pipeline, name=stage, gone_at=None)
    url, read_only = _offered(request.user, row.select_related("pipeline", "scope").first())
    return render(
        request,
        "delivery/rollback.html",
        {
            "plan": found,
            "rolls_back": url,
            "read_only": read_only,
            "pipeline": pipeline,
            "reads": reads(pipeline),
            "live": live([], since, " ".join(HEARD)),
        },
    )


def _offered(user: Any, stage: Stage | None) -> tuple[str, str]:
    """The page that asks before it is rolled back, and why a reader may not whose role would do."""
    act = ACTS.by_name["codepipeline.rollback"]
    if stage is None or act.offered(stage) is None:
        return "", ""
    given: Leave = leave_of(user, act, stage)
    return ask_url(act, stage) if given.standing is not None else "", given.why
