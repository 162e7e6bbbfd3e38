"""Pages of build projects, builds and their logs; they read rows and the cache, never AWS."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.cursor import page_of
from apps.live.partial import render_part
from apps.mirror.lists import Listing, filters_of, live, picture
from apps.mirror.loglines import first_line
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load, looks
from .lines import as_text, draw, draw_note, marked_line
from .models import Build, Project

NEWEST = ("-started_at", "-pk")
# Whose health the foot of these pages tells.
READS = {"service": "codebuild"}
# In the order of urgency; no build waits for a person.
STATES = (State.FAILED, State.MOVING, State.DONE, State.STOPPED, State.UNKNOWN)


PROJECTS = Listing(
    kind="codebuild.project",
    fragment=fragments.PROJECT_ROW,
    contexts=load.project_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)
BUILDS = Listing(
    kind="codebuild.build",
    fragment=fragments.BUILD_ROW,
    contexts=load.build_rows,
    order=NEWEST,
    states=STATES,
    moves=False,
)


@require_safe
@unchanged_page(house_version)
def projects(request: HttpRequest) -> HttpResponse:
    """All build projects, what is broken first."""
    since = newest_change()
    filters = filters_of(request)
    rows = Project.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = PROJECTS.context(request, since, rows.defer(*load.WIDE), filters)
    return render(request, "codebuild/projects.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """A project: what it builds and how, and its builds."""
    since = newest_change()
    rows = Project.objects.visible_to(request.user).select_related("scope", "latest_build")
    found = get_object_or_404(rows, pk=pk)
    page = page_of(
        Build.objects.for_list().filter(project=found, started_at__isnull=False),
        NEWEST,
        request.GET.get("after", ""),
    )
    drawn = load.draw_rows(load.build_rows(page.rows))
    parts = [f"project-head:{pk}", f"project-facts:{pk}"]
    topics = [*parts, *(f"build-row:{row.pk}" for row in page.rows)]
    context = load.project_rows([found])
    if not page.first:
        body = mark_safe(f"<tbody>{''.join(drawn)}</tbody>")  # noqa: S308
    else:
        # Builds that begin come in from above.
        topics.append(f"project-builds:{pk}")
        newest = {pk: {"project": found, "rows": drawn}}
        body = picture(fragments.PROJECT_BUILDS, newest, pk)
    return render(
        request,
        "codebuild/project.html",
        {
            "project": found,
            "head": picture(fragments.PROJECT_HEAD, context, pk),
            "facts": picture(fragments.PROJECT_FACTS, context, pk),
            "rows": drawn,
            "body": body,
            "following": page.following,
            "paged": not page.first,
            "reads": {**READS, "scope": found.scope_id},
            "live": live(topics, since, "" if page.rows else "codebuild.build scope"),
        },
    )


@require_safe
@unchanged_page(house_version)
def builds(request: HttpRequest) -> HttpResponse:
    """Builds of all projects, the newest first."""
    since = newest_change()
    filters = filters_of(request, "project")
    project = filters["project"]
    words = {name: value for name, value in filters.items() if name != "project"}
    rows = Build.objects.for_list().visible_to(request.user).matching(**words)
    if project:
        rows = rows.filter(project_name=project)
    context = BUILDS.context(request, since, rows.filter(started_at__isnull=False), filters)
    pinned = [{"name": "project", "value": project, "label": f"project {project}"}]
    return render(
        request,
        "codebuild/builds.html",
        {**context, "reads": READS, "pinned": pinned if project else []},
    )


@require_safe
def build(request: HttpRequest, pk: int) -> HttpResponse:
    """A build: why it failed, its phases, what it ran on, and its log as far as it was read.

    It has no ETag, because the log is no mirrored row: what was read of it stands in the page.
    """
    since = newest_change()
    get_object_or_404(Build.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.build_head([pk])
    found = contexts[pk]["build"]
    panel = _panel(found)
    parts = (fragments.BUILD_HEAD, fragments.BUILD_LOG_BAR, fragments.BUILD_FACTS)
    topics = [f"{part.name}:{pk}" for part in parts]
    return render(
        request,
        "codebuild/build.html",
        {
            "build": found,
            "head": picture(fragments.BUILD_HEAD, contexts, pk),
            "facts": picture(fragments.BUILD_FACTS, contexts, pk),
            "log_bar": picture(fragments.BUILD_LOG_BAR, contexts, pk),
            "log": panel,
            "reads": {**READS, "scope": found.scope_id},
            "live": live([*topics, f"log:{pk}@{panel['next']}"], since),
        },
    )


@require_safe
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """The log panel alone, from line `first` on (counted from 0); a page where scripts are off."""
    rows = Build.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    panel = _panel(found, first_line(request))
    bar = picture(fragments.BUILD_LOG_BAR, {pk: {"build": found}}, pk)
    reads = {**READS, "scope": found.scope_id}
    context = {"build": found, "log_bar": bar, "log": panel, "reads": reads}
    return render_part(request, "codebuild/log.html", context)


def _panel(found: Build, first: int = 0) -> dict[str, Any]:
    """Return what the log panel shows, and let somebody read on."""
    looks.watch(found.pk)
    contents = looks.contents_of(found.pk)
    if contents is None:
        return {"html": "", "next": first, "done": False, "more": False, "note": "", "lines": 0}
    drawn = draw(found.pk, contents, first, marked_line(found))
    return {
        "html": mark_safe(drawn.html),  # noqa: S308 - made by ansi, which escapes
        "next": drawn.next,
        "done": contents.done and not drawn.more,
        "more": drawn.more,
        "note": mark_safe(draw_note(found.pk, contents)),  # noqa: S308
        "lines": contents.next,
    }


@require_safe
def log_download(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole log as plain text; where it is still being read, a page that waits for it."""
    rows = Build.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    looks.watch(pk)
    contents = looks.contents_of(pk)
    ready = contents is not None and (contents.done or (found.unfinished and contents.next > 0))
    if contents is None or not ready or not contents.next:
        note = contents.note if contents else None
        waits = not (contents and contents.done) and (note or {}).get("state") != "failed"
        response = render(
            request,
            "codebuild/log_wait.html",
            {"build": found, "contents": contents, "note": note, "waits": waits},
            # For programs: to be asked again, or nothing to be had.
            status=202 if waits else 404,
        )
        if waits:
            response["Refresh"] = response["Retry-After"] = "2"
        response["Cache-Control"] = "no-store"
        return response
    # At most what the look keeps (8 MB); ASGI would read a plain generator to its end anyway.
    text = HttpResponse(
        "".join(as_text(pk, contents)).encode("utf-8", "replace"),
        content_type="text/plain; charset=utf-8",
    )
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", found.key)[:150]
    text["Content-Disposition"] = f'attachment; filename="{name}.log.txt"'
    text["X-Content-Type-Options"] = "nosniff"
    text["Cache-Control"] = "no-store"
    return text
