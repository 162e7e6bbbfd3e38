"""Loads what pages and fragments of builds show, in a number of queries that rows don't change."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import now

from apps.live.cursor import PAGE
from apps.live.fragment import FRAGMENTS
from apps.mirror.links import started_by
from apps.mirror.state import UNFINISHED, State

from .digest import RECENT
from .lines import draw_excerpt
from .models import Build, Project

# Columns of a project that only its page shows.
WIDE = (
    "buildspec",
    "source",
    "secondary_sources",
    "environment",
    "environment_variables",
    "artifacts",
    "secondary_artifacts",
    "cache",
    "vpc_config",
    "file_system_locations",
    "logs_config",
    "build_batch_config",
    "webhook",
    "tags",
)
BAR_WIDTH, BAR_HEIGHT = 12, 46
# In the order of https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html
PHASES = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
)


def project_rows(projects: Iterable[Project]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of projects."""
    at = now()
    return {
        project.pk: {"project": project, "bars": bars(project.recent, _so_far(project, at))}
        for project in projects
    }


def _so_far(project: Project, at: datetime) -> int | None:
    """How many seconds the newest build has been running; None where it does not."""
    if project.state not in UNFINISHED or project.latest_started_at is None:
        return None
    return max(0, int((at - project.latest_started_at).total_seconds()))


def project_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return project_rows(Project.objects.for_list().filter(pk__in=ids).defer(*WIDE))


def project_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Projects with scope, newest build and strip."""
    return project_rows(Project.objects.select_related("scope", "latest_build").filter(pk__in=ids))


def bars(recent: Sequence[Mapping[str, Any]], so_far: int | None = None) -> list[dict[str, Any]]:
    """Return the strip of a project's newest builds: x, y and height of each bar, in its viewBox.

    Height is duration. The newest, where it runs, is as tall as it took `so_far`; of an older one
    that still runs only the state is known, and it stands as tall as the middle one.
    """
    told = [dict(build) for build in recent]
    took = sorted(build["seconds"] for build in told if build.get("seconds"))
    usual = took[len(took) // 2] if took else 1
    for build in told:
        build["runs"] = build.get("seconds") is None and build.get("state") in UNFINISHED
    if told and told[-1]["runs"]:
        told[-1]["seconds"] = so_far
    most = max([*took, so_far or 1])
    start = (RECENT - len(told)) * BAR_WIDTH
    strip = []
    for at, build in enumerate(told):
        seconds = build.get("seconds")
        known = usual if build["runs"] and seconds is None else seconds or 0
        height = max(3.0, known / most * BAR_HEIGHT)
        strip.append(
            {
                **build,
                "x": start + at * BAR_WIDTH,
                "y": round(BAR_HEIGHT - height, 1),
                "height": round(height, 1),
            }
        )
    return strip


def build_rows(builds: Sequence[Build]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of builds; `share` is how full its bar is, in per cent."""
    ids = {build.project_id for build in builds if build.project_id}
    usual = dict(Project.objects.filter(pk__in=ids).values_list("pk", "median_seconds"))
    return {
        build.pk: {"build": build, "share": share_of(build.seconds, usual.get(build.project_id))}
        for build in builds
    }


def share_of(seconds: int | None, usual: int | None) -> int:
    """A build that took as long as its project's builds do fills half of the bar."""
    if not seconds:
        return 0
    return min(100, max(2, round(50 * seconds / (usual or seconds))))


def build_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return build_rows(list(Build.objects.for_list().filter(pk__in=ids)))


def build_head(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Builds with their phases, why they failed, and who started them."""
    builds = _builds(ids)
    starters = started_by("codebuild.build", builds)
    return {
        build.pk: {
            "build": build,
            "phases": phases(build),
            "excerpt": draw_excerpt(build) if build.state == State.FAILED else "",
            "starters": starters.get(build.arn, []),
        }
        for build in builds
    }


def build_alone(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Builds with their scope: what the bar above a log and the facts below it tell of."""
    return {build.pk: {"build": build} for build in _builds(ids)}


def _builds(ids: Sequence[int]) -> list[Build]:
    rows = Build.objects.select_related("scope", "project").filter(pk__in=ids)
    return list(rows.defer(*(f"project__{name}" for name in WIDE), "project__recent"))


def project_builds(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Projects with the rows of their newest builds."""
    contexts = {}
    for project in Project.objects.filter(pk__in=ids).only("pk", "key", "version"):
        newest = Build.objects.for_list().filter(project=project, started_at__isnull=False)
        contexts[project.pk] = {
            "project": project,
            "rows": draw_rows(build_rows(list(newest[:PAGE]))),
        }
    return contexts


def draw_rows(contexts: Mapping[int, Mapping[str, Any]]) -> list[SafeString]:
    """Return the pictures of builds in order; templates escape what they hold."""
    pictures = FRAGMENTS.by_name["build-row"].render_loaded(contexts)
    return [mark_safe(pictures[pk]) for pk in contexts]  # noqa: S308


def phases(build: Build) -> list[dict[str, Any]]:
    """Return the timeline: each phase with its share of the whole in per cent, and where it begins.

    COMPLETED has no duration and says nothing that the build's status does not. While a build runs,
    the phases to come are there, too, so that what stands below does not move as it is read.
    """
    shown = [phase for phase in build.phases if phase["type"] != "COMPLETED"]
    if build.unfinished:
        begun = {phase["type"] for phase in shown}
        shown += [_to_come(name) for name in PHASES if name not in begun]
    whole = sum(phase["seconds"] or 0 for phase in shown) or 1
    before = 0.0
    timeline = []
    for phase in shown:
        share = (phase["seconds"] or 0) / whole * 100
        timeline.append({**phase, "offset": round(before, 2), "share": round(max(share, 0.6), 2)})
        before += share
    return timeline


def _to_come(name: str) -> dict[str, Any]:
    return {"type": name, "status": "", "state": "", "seconds": None, "contexts": []}
