"""The register of tiles: what the page of a project shows, declared by the services.

A service declares its tiles in its own `tiles.py`, which is discovered as `panels` are; projects
knows none of them by name. See docs/tiles.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .held import Held

# What a tile shows: None where it has nothing to say of this project.
Load = Callable[[Held], Mapping[str, Any] | None]


class Area(StrEnum):
    """Where on the page a tile stands."""

    FULL = "full"
    WIDE = "wide"
    SIDE = "side"

    @property
    def label(self) -> str:
        """As people read it."""
        return {"full": "Across the page", "wide": "Wide column", "side": "Narrow column"}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One tile.

    name      unique; part of the element's id and of its address.
    label     its heading.
    icon      beside it where tiles are laid out.
    says      what it shows, in a sentence for who lays tiles out.
    size      where it stands until somebody moves it.
    place     among the others there: the lower comes first.
    kinds     held kinds that make it meaningful: without any of them there is no such tile. Empty:
              it is always there.
    meant     whether it is about this project at all, where no kind says so.
    load      what its template is drawn from. Rows of which there are many are bounded here.
    template  "codepipeline/tiles.html#pipelines"; a partial of that name and "-head" stands beside
              the heading.
    heard     kinds whose changes make it be fetched anew; fragments in it move by themselves.
    every     seconds after which it is fetched anew, where time itself moves what it shows.
    bare      it draws its own cards.
    """

    name: str
    label: str
    icon: str
    says: str
    size: Area
    place: int
    kinds: Sequence[str] = ()
    load: Load
    template: str
    heard: Sequence[str] = ()
    every: int | None = None
    bare: bool = False
    meant: Callable[[Held], bool] = lambda _: True

    @property
    def element_id(self) -> str:
        """The id of its element in the page."""
        return f"tile-{self.name}"

    def fits(self, held: Held) -> bool:
        """Whether the project holds what it is about."""
        return (not self.kinds or held.any(self.kinds)) and self.meant(held)


@dataclass(slots=True)
class Tiles:
    """The register of tiles, in the order in which pages show them."""

    by_name: dict[str, Tile] = field(default_factory=dict)

    def add(self, tile: Tile) -> Tile:
        """Add one."""
        if tile.name in self.by_name:
            raise ValueError(f"tile {tile.name} is declared twice")
        self.by_name[tile.name] = tile
        return tile

    def __iter__(self) -> Iterator[Tile]:
        return iter(sorted(self.by_name.values(), key=lambda tile: (tile.place, tile.name)))

    def of(self, held: Held) -> list[Tile]:
        """Tiles that are about something the project holds."""
        return [tile for tile in self if tile.fits(held)]


TILES = Tiles()
