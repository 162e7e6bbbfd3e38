"""CodeBuild in the API: build projects, and builds with their phases and why they failed."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.codebuild.models import Build, Project
from apps.live.moments import parsed

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, in_state, thing

builds = Router()
projects = Router()


class NarrowBuilds(Narrow):
    """Which builds are wanted."""

    q: Words = Field(
        "",
        description="Words that all occur, in the id, the commit, the source version or who "
        "started it.",
    )
    project: Words = Field("", description="The build project's name.")


class NarrowProjects(Narrow):
    """Which build projects are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the name, the description or the source."
    )


class BuildItem(Thing):
    """A build and how it fares."""

    build_id: str = Field(description="AWS's id: <project>:<uuid>.")
    number: int | None
    project: str
    current_phase: str
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int | None
    initiator: str
    source_version: str
    resolved_source_version: str


class Context(Schema):
    """What CodeBuild says of a phase."""

    code: str = ""
    message: str = ""


class Phase(Schema):
    """A phase of a build."""

    type: str
    status: str
    state: str
    start: datetime | None
    end: datetime | None
    seconds: int | None
    contexts: list[Context]


class Logs(Schema):
    """Where the log is."""

    group: str
    stream: str
    s3_location: str = Field(description="Bucket and folder that the project's logs go to.")
    s3_object: str = Field(description="Bucket and key of this log in S3; empty where it has none.")
    console_url: str


class BuildDetail(BuildItem):
    """A build with its phases, the place of its log, and why it failed."""

    image: str
    compute_type: str
    source_type: str
    source_location: str
    phases: list[Phase]
    logs: Logs
    failing_phase: str


class ProjectItem(Thing):
    """A build project and its newest build, whose status and state it has."""

    name: str
    description: str
    latest_build: int | None = Field(description="See /builds/{id}.")
    latest_started_at: datetime | None
    failing_since: datetime | None
    source_type: str
    source_location: str
    image: str


@builds.get("", response=answers(PageOf[BuildItem]))
def list_builds(request: HttpRequest, narrow: Query[NarrowBuilds], paging: Query[Paging]) -> Any:
    """Builds, the newest first, as far back as the mirror remembers."""
    wanted = narrow.dict()
    project = wanted.pop("project")
    rows = Build.objects.for_why().visible_to(request.user).matching(**wanted)
    if project:
        rows = rows.filter(project_name=project)
    found, following = page_of(rows, paging, name="builds", by="-started_at")
    return {"items": [_build(request, row) for row in found], "next_cursor": following}


@builds.get("/{int:build_id}", response=answers(BuildDetail))
def one_build(request: HttpRequest, build_id: int) -> Any:
    """A build with its phases."""
    rows = Build.objects.visible_to(request.user).select_related("scope", "project")
    row = get_object_or_404(rows, pk=build_id)
    logs = row.logs
    return {
        **_build(request, row),
        "image": row.image,
        "compute_type": row.compute_type,
        "source_type": row.source_type,
        "source_location": row.source_location,
        "phases": [_phase(phase) for phase in row.phases],
        "logs": {
            "group": logs.get("group") or "",
            "stream": logs.get("stream") or "",
            "s3_location": logs.get("s3_location") or "",
            "s3_object": row.s3_log if logs.get("s3_arn") else "",
            "console_url": logs.get("url") or "",
        },
        "failing_phase": row.failing_phase,
    }


@projects.get("", response=answers(PageOf[ProjectItem]))
def list_projects(
    request: HttpRequest, narrow: Query[NarrowProjects], paging: Query[Paging]
) -> Any:
    """Build projects by name."""
    rows = (
        Project.objects.select_related("scope", "latest_build").present().visible_to(request.user)
    )
    wanted = narrow.dict()
    rows = in_state(rows, "codebuild.project", wanted.pop("state"))
    found, following = page_of(rows.matching(**wanted), paging, name="build_projects", by="key")
    return {"items": [_project(request, row) for row in found], "next_cursor": following}


@projects.get("/{int:project_id}", response=answers(ProjectItem))
def one_project(request: HttpRequest, project_id: int) -> Any:
    """A build project."""
    rows = Project.objects.select_related("scope", "latest_build").visible_to(request.user)
    return _project(request, get_object_or_404(rows, pk=project_id))


def _build(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "codebuild.build", row),
        "build_id": row.key,
        "number": row.build_number,
        "project": row.project_name,
        **columns(
            row,
            "current_phase",
            "started_at",
            "ended_at",
            "seconds",
            "initiator",
            "source_version",
            "resolved_source_version",
        ),
    }


def _phase(phase: dict[str, Any]) -> dict[str, Any]:
    seconds = phase.get("seconds")
    return {
        **{name: str(phase.get(name) or "") for name in ("type", "status", "state")},
        "start": parsed(phase.get("start")),
        "end": parsed(phase.get("end")),
        "seconds": None if seconds is None else int(seconds),
        "contexts": [
            {name: str(context.get(name) or "") for name in ("code", "message")}
            for context in phase.get("contexts") or ()
        ],
    }


def _project(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "codebuild.project", row),
        "name": row.key,
        "latest_build": row.latest_build_id,
        **columns(
            row,
            "description",
            "latest_started_at",
            "failing_since",
            "source_type",
            "source_location",
            "image",
        ),
    }
