"""How tiles are arranged on a project's page: the project's way, or a person's own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import now

from .deeds import OvertakenError
from .models import Layout, Project
from .tiles import Area, Tile

OFF = "off"
# Where a tile may be sent: to an area, away, or one step along its own.
UP, DOWN = "up", "down"
WAYS = (UP, DOWN, *Area, OFF)
# A layout names each tile once; what was sent by hand is no longer than that.
MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Tiles by area, in order, and those that were taken away.

    mine  whether it is the reader's own, and not the project's.
    """

    areas: Mapping[Area, Sequence[Tile]]
    off: Sequence[Tile]
    mine: bool = False

    @property
    def shown(self) -> list[Tile]:
        """The tiles that stand on the page."""
        return [tile for area in Area for tile in self.areas[area]]

    def names(self) -> dict[str, list[str]]:
        """As it is kept."""
        told = {str(area): [tile.name for tile in tiles] for area, tiles in self.areas.items()}
        return {**told, OFF: [tile.name for tile in self.off]}


def arranged(stored: Any, tiles: Iterable[Tile], *, mine: bool = False) -> Arrangement:
    """Arrange tiles as a stored layout says.

    What it names and is none (any more) is left out; a tile that it does not name stands at the end
    of where it would stand by itself. Whatever was stored, this ends with every tile in one place.
    """
    known = {tile.name: tile for tile in tiles}
    told = stored if isinstance(stored, Mapping) else {}
    areas: dict[Area, list[Tile]] = {area: [] for area in Area}
    off: list[Tile] = []
    for place in (*Area, OFF):
        names = told.get(str(place))
        for name in names if isinstance(names, list) else ():
            tile = known.pop(name, None) if isinstance(name, str) else None
            if tile is not None:
                (off if place == OFF else areas[Area(place)]).append(tile)
    for tile in known.values():
        areas[tile.size].append(tile)
    return Arrangement(areas, off, mine)


def moved(arrangement: Arrangement, name: str, way: str) -> Arrangement:
    """Return it with one tile moved a step along its area, to another area, or away.

    A way or a tile that is none changes nothing.
    """
    told = arrangement.names()
    by_name = {tile.name: tile for tile in (*arrangement.shown, *arrangement.off)}
    if name not in by_name or way not in WAYS:
        return arrangement
    where = next(place for place, names in told.items() if name in names)
    if way in (UP, DOWN):
        names = told[where]
        at = names.index(name)
        to = min(max(at + (1 if way == DOWN else -1), 0), len(names) - 1)
        names.insert(to, names.pop(at))
    elif way != where:
        told[where].remove(name)
        told[str(way)].append(name)
    return arranged(told, by_name.values(), mine=arrangement.mine)


def layouts_of(project: Project, user: Any) -> tuple[Layout | None, Layout | None]:
    """Return the project's layout and the user's own, None for what nobody made; one query."""
    rows = list(Layout.objects.filter(Q(user=None) | Q(user=user.pk), project=project))
    of_all = next((row for row in rows if row.user_id is None), None)
    own = next((row for row in rows if row.user_id is not None), None)
    return of_all, own


def current(project: Project, user: Any, tiles: Iterable[Tile]) -> Arrangement:
    """Return how the page stands for a user: their own way, else the project's."""
    of_all, own = layouts_of(project, user)
    chosen = own or of_all
    return arranged(chosen.tiles if chosen else {}, tiles, mine=own is not None)


def stamp_of(layout: Layout | None) -> str:
    """What tells one version of a layout from the next, "" where nobody made one."""
    return "" if layout is None else layout.edited_at.isoformat()


def keep(
    project: Project, user: Any, wanted: Mapping[str, Sequence[str]], *, base: str | None = None
) -> str:
    """Keep a layout, a person's own or with None for `user` the project's; return its stamp.

    base  the stamp of what was seen; None where nobody else lays it out. Raises OvertakenError
          where it is another one by now; nothing is kept then.
    """
    names = {place: list(names)[:MOST_NAMES] for place, names in wanted.items()}
    try:
        with transaction.atomic():
            row = _locked(project, user, base)
            if row is None:
                row = Layout(project=project, user=user)
            row.tiles, row.edited_at = names, now()
            row.save()
    except IntegrityError:
        # Another one was made at this moment, where there was none.
        raise OvertakenError(Layout.objects.get(project=project, user=user)) from None
    return stamp_of(row)


def _locked(project: Project, user: Any, base: str | None) -> Layout | None:
    row = Layout.objects.select_for_update().filter(project=project, user=user).first()
    if base is not None and stamp_of(row) != base:
        raise OvertakenError(row)
    return row


def forget(project: Project, user: Any, *, base: str | None = None) -> None:
    """Drop a layout: the page stands the project's way again, or as services declare it.

    Raises OvertakenError as `keep` does.
    """
    with transaction.atomic():
        row = _locked(project, user, base)
        if row is not None:
            row.delete()
