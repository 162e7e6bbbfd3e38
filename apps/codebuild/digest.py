"""What follows from builds for their project, and why a build failed, in a few lines."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from apps.mirror.ansi import plain
from apps.mirror.state import State, failing_since, urgency_of

from .models import Build

# Builds that a project's strip shows, and how far back "failing since" looks.
RECENT = 30
EXPLAINED_LINES = 8


def projects(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the denormalised columns of projects, from their newest builds.

    One small indexed query a project: as one query for all, databases read every build there is.
    """
    return {pk: _project(pk) for pk in ids}


def _project(pk: int) -> dict[str, Any]:
    newest = list(
        Build.objects.filter(project=pk, started_at__isnull=False)
        .only("key", "build_number", "status", "state", "seconds", "started_at", "project")
        .order_by("-started_at", "-pk")[:RECENT]
    )
    if not newest:
        return {}
    latest = newest[0]
    took = [build.seconds for build in newest if build.seconds is not None]
    return {
        "latest_build_id": latest.pk,
        "latest_started_at": latest.started_at,
        "latest_seconds": took[0] if took else None,
        "median_seconds": round(median(took)) if took else None,
        "status": latest.status,
        "state": latest.state,
        "failing_since": failing_since((one.state, one.started_at) for one in newest),
        "urgency": urgency_of(latest.state),
        "recent": [
            {
                "id": build.pk,
                "name": build.name,
                "state": build.state,
                "status": build.status,
                "seconds": build.seconds,
            }
            for build in reversed(newest)
        ],
    }


def why_build(build: Build) -> str:
    """Return why a build failed: phase, what CodeBuild says, the log's first lines of the error."""
    if build.state != State.FAILED:
        return ""
    said = build.failing_message.split("\n", 1)[0]
    phase = build.failing_phase
    head = ": ".join(filter(None, (phase, said))) or f"{build.status}, and CodeBuild says no more"
    lines = [plain(line) for line in build.excerpt.split("\n")] if build.excerpt else []
    start = build.excerpt_mark or 0
    return "\n".join([head, *lines[start : start + EXPLAINED_LINES]]).rstrip()


def why_project(project: Any) -> str:
    """Return why the newest build failed."""
    return why_build(project.latest_build) if project.latest_build else ""
