"""The tiles that are no single service's: what runs where, where it answers, who is in it."""

from typing import Any

from .held import Held
from .models import Membership
from .offers import OFFERS
from .running import deployments, endpoints
from .tiles import TILES, Area, Tile

# People that the tile of the team shows; the others are counted.
TEAM = 8


def _team(held: Held) -> dict[str, Any]:
    members = held.once("members", members_of)
    return {"members": members[:TEAM], "more": len(members) - TEAM}


def members_of(held: Held) -> list[Membership]:
    """Return who is in the project, owners first; the head of the page asks, too."""
    rows = Membership.objects.filter(project=held.project)
    return list(rows.for_list().select_related("user__profile"))


def declare() -> None:
    """Declare them, when the services have said what runs in theirs."""
    answering = [one.kind for one in OFFERS.runs if one.endpoints is not None]
    heard = sorted({kind for one in OFFERS.runs for kind in (one.kind, *one.heard)})
    TILES.add(
        Tile(
            name="deployments",
            label="Deployments",
            icon="rocket",
            says="What runs where: version, state, since when, by which execution.",
            size=Area.WIDE,
            place=10,
            kinds=[one.kind for one in OFFERS.runs if one.places],
            load=deployments,
            template="projects/tiles.html#deployments",
            heard=heard,
        )
    )
    TILES.add(
        Tile(
            name="endpoints",
            label="Endpoints",
            icon="globe",
            says="Addresses at which the application answers.",
            size=Area.SIDE,
            place=40,
            kinds=answering,
            load=endpoints,
            template="projects/tiles.html#endpoints",
            heard=answering,
        )
    )
    TILES.add(
        Tile(
            name="team",
            label="Team",
            icon="users",
            says="Who is in the project, and as what.",
            size=Area.SIDE,
            place=50,
            load=_team,
            template="projects/tiles.html#team",
        )
    )
