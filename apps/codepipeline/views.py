"""Pages of one pipeline, its executions, and one execution."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.cursor import page_of
from apps.mirror.lists import live, picture
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load
from .models import Execution, Pipeline

NEWEST = ("-started_at", "-pk")


def reads(row: Pipeline | Execution) -> dict[str, Any]:
    """Whose health the foot of the page tells."""
    return {"service": "codepipeline", "scope": row.scope_id}


def visible_pipeline(request: HttpRequest, pk: int) -> Pipeline:
    """The pipeline, or 404 for one this user may not know of."""
    rows = Pipeline.objects.visible_to(request.user).select_related("scope", "latest_execution")
    pipeline: Pipeline | None = rows.filter(pk=pk).first()
    if pipeline is None:
        raise Http404("There is no such pipeline.")
    return pipeline


@require_safe
@unchanged_page(house_version)
def pipeline(request: HttpRequest, pk: int) -> HttpResponse:
    """A pipeline: its board, its newest executions, its definition."""
    since = newest_change()
    row = visible_pipeline(request, pk)
    known = {pk: {"pipeline": row}}
    parts = (fragments.PIPELINE_HEAD, fragments.PIPELINE_BOARD, fragments.PIPELINE_RECENT)
    topics = [f"{part.name}:{pk}" for part in (*parts, fragments.PIPELINE_DEFINITION)]
    boards, recent = load.pipeline_board([pk]), load.pipeline_recent([pk])
    without = {
        "board": not (boards[pk]["board"] or boards[pk]["beside"]),
        "recent": not recent[pk]["executions"],
    }
    return render(
        request,
        "codepipeline/pipeline.html",
        {
            "pipeline": row,
            "head": picture(fragments.PIPELINE_HEAD, known, pk),
            "board": picture(fragments.PIPELINE_BOARD, boards, pk),
            "recent": picture(fragments.PIPELINE_RECENT, recent, pk),
            "without": without,
            "definition": picture(fragments.PIPELINE_DEFINITION, known, pk),
            "reads": reads(row),
            # Why something is missing is told by the page, and may change without any row.
            "live": live(topics, since, "scope" if any(without.values()) else ""),
        },
    )


@require_safe
@unchanged_page(house_version)
def executions(request: HttpRequest, pk: int) -> HttpResponse:
    """Executions of a pipeline, newest first; the first page is live, the others are history."""
    since = newest_change()
    row = visible_pipeline(request, pk)
    page = page_of(load.executions_of(pk), NEWEST, request.GET.get("after", ""), load.PAGE)
    rows = page.rows
    if page.first:
        context = {pk: {**load.pipeline_head([pk])[pk], "executions": rows}}
        body = picture(fragments.PIPELINE_EXECUTIONS, context, pk)
        topics = [f"{fragments.PIPELINE_EXECUTIONS.name}:{pk}"]
    else:
        html = fragments.EXECUTION_ROW.render_loaded(load.execution_rows(rows))
        body = mark_safe(  # noqa: S308 - rendered templates
            "<tbody>" + "".join(html[one.pk] for one in rows) + "</tbody>"
        )
        topics = [f"{fragments.EXECUTION_ROW.name}:{one.pk}" for one in rows]
    return render(
        request,
        "codepipeline/executions.html",
        {
            "pipeline": row,
            "body": body,
            "empty": not rows,
            "paged": not page.first,
            "older": page.following,
            "reads": reads(row),
            "live": live(topics, since, "" if rows else "codepipeline.execution scope"),
        },
    )


@require_safe
@unchanged_page(house_version)
def execution(request: HttpRequest, pk: int) -> HttpResponse:
    """One execution: what started it, what it ran with, what each action did, why it failed."""
    since = newest_change()
    visible = Execution.objects.visible_to(request.user).filter(pk=pk).exists()
    context = load.execution_detail([pk]) if visible else {}
    if pk not in context:
        raise Http404("There is no such execution.")
    return render(
        request,
        "codepipeline/execution.html",
        {
            **context[pk],
            "detail": picture(fragments.EXECUTION_DETAIL, context, pk),
            "reads": reads(context[pk]["execution"]),
            "live": live(
                [f"{fragments.EXECUTION_DETAIL.name}:{pk}"],
                since,
                "" if context[pk]["board"] else "scope",
            ),
        },
    )
