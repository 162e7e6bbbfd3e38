"""The tile of builds on a project's page: a strip of the newest, and a row for some of them."""

from collections.abc import Sequence
from typing import Any

from apps.mirror.state import UNFINISHED, State
from apps.projects.held import Held
from apps.projects.tiles import TILES, Area, Tile

from . import load
from .digest import RECENT
from .models import Build

KIND = "codebuild.project"
# Rows below the strip.
ROWS = 8
FINISHED = (State.DONE, State.FAILED)


def builds(held: Held) -> dict[str, Any]:
    """What the tile shows: the newest builds of all of the project's build projects."""
    wide = [f"project__{name}" for name in load.WIDE]
    rows = Build.objects.for_list().select_related("project").defer(*wide, "project__recent")
    newest = list(rows.filter(project__in=held[KIND], started_at__isnull=False)[:RECENT])
    contexts = {
        one.pk: {"build": one, "share": load.share_of(one.seconds, _usual(one))}
        for one in newest[:ROWS]
    }
    return {
        "rows": load.draw_rows(contexts),
        "bars": load.bars([_bar(one) for one in reversed(newest)]),
        "told": _told(newest),
        "one_project": len(held[KIND]) == 1,
        "topics": [f"build-row:{pk}" for pk in contexts],
    }


def _usual(build: Build) -> int | None:
    usual: int | None = build.project.median_seconds if build.project else None
    return usual


def _bar(build: Build) -> dict[str, Any]:
    return {
        "id": build.pk,
        "name": str(build),
        "url": build.get_absolute_url(),
        "state": build.state,
        "status": build.status,
        "seconds": None if build.state in UNFINISHED else build.seconds or 0,
    }


def _told(newest: Sequence[Build]) -> dict[str, Any] | None:
    """How long they take and how many work, of those that are over."""
    over = [one for one in newest if one.state in FINISHED]
    took = sorted(one.seconds for one in over if one.seconds)
    if not over or not took:
        return None
    green = sum(one.state == State.DONE for one in over)
    return {"usual": took[len(took) // 2], "green": round(100 * green / len(over))}


TILES.add(
    Tile(
        name="builds",
        label="Builds",
        icon="hammer",
        says="The newest builds: how long each took, and how it ended.",
        size=Area.WIDE,
        place=30,
        kinds=(KIND,),
        load=builds,
        template="codebuild/tiles.html#builds",
        heard=("codebuild.build",),
    )
)
