"""What people can do to build projects and builds, in the order in which it is offered."""

from apps.deeds.acts import ACTS, Part
from apps.mirror.state import UNFINISHED

from . import retry, start, stop  # noqa: F401 - declare their acts
from .models import WIDE_BUILD, Build, Project

# Builds that run at once in a project whose page offers to stop them.
MOST = 20


def _parts(project: Project) -> list[Part]:
    """What of a project is acted on: the builds that run."""
    running = Build.objects.filter(project=project, state__in=UNFINISHED)
    rows = running.select_related("scope", "project").defer(*WIDE_BUILD, "excerpt")
    return [
        Part("codebuild.build", one, f"Build {one.name}")
        for one in rows.order_by("-started_at", "-pk")[:MOST]
    ]


ACTS.add_parts("codebuild.project", _parts, "codebuild.build")
