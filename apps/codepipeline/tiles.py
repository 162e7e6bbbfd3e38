"""The tiles of pipelines on a project's page: how well changes come out, boards, commits."""

from functools import partial
from typing import Any

from apps.live.fragment import FRAGMENTS
from apps.mirror.lists import pictures
from apps.projects.held import Held
from apps.projects.offers import OFFERS, Teller
from apps.projects.tiles import TILES, Area, Tile

from . import commits, figures, of_project, standings
from .of_project import HEARD, KIND

# Pipelines that stand in a line each; the others are counted.
LINES = 8

_of_pipeline = partial(FRAGMENTS.picture, KIND)
BOARD = _of_pipeline("project-board", "tiles.html#board", of_project.boards)
LINE = _of_pipeline("project-line", "tiles.html#line", of_project.line)


def pipelines(held: Held) -> dict[str, Any]:
    """What the tile of pipelines shows: boards of what is loud, a line for each of the rest."""
    found = of_project.of(held)
    open_ones = found.unfolded
    rest = [row for row in found.rows if row not in open_ones]
    drawn = pictures(BOARD, found.boards(open_ones))
    lines = pictures(LINE, of_project.lines(found, rest[:LINES]))
    return {
        "boards": list(drawn.values()),
        "lines": list(lines.values()),
        "more": max(0, len(rest) - LINES),
        "count": len(found.rows),
        "topics": [
            *(f"{BOARD.name}:{pk}" for pk in drawn),
            *(f"{LINE.name}:{pk}" for pk in lines),
        ],
    }


OFFERS.add(
    Teller(
        kinds=(KIND,),
        heard=HEARD,
        standings=standings.standings,
        failing="failing_since",
        change=standings.change,
        origins=standings.origins,
    )
)
OFFERS.starts.append(standings.starts)
OFFERS.moments.append(standings.moments)

TILES.add(
    Tile(
        name="delivery",
        label="Delivery",
        icon="trending-up",
        says="How often, how fast and how safely changes come out, over 30 days.",
        size=Area.FULL,
        place=10,
        kinds=(KIND,),
        load=figures.figures,
        template="codepipeline/tiles.html#delivery",
        heard=HEARD,
        bare=True,
    )
)
TILES.add(
    Tile(
        name="pipelines",
        label="Pipelines",
        icon="workflow",
        says="The board of what moves or failed, and a line for each of the others.",
        size=Area.FULL,
        place=20,
        kinds=(KIND,),
        load=pipelines,
        template="codepipeline/tiles.html#pipelines",
        heard=HEARD,
    )
)
TILES.add(
    Tile(
        name="commits",
        label="Latest commits",
        icon="git-commit-horizontal",
        says="The newest changes, and how far each has come.",
        size=Area.SIDE,
        place=20,
        kinds=(KIND, *commits.REPOSITORIES),
        load=commits.journeys,
        template="codepipeline/tiles.html#commits",
        heard=(*HEARD, "codecommit.commit", "github.commit"),
    )
)
