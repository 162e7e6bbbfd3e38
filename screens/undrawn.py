"""The pages, with one project of which no tile can be drawn: to see what they say then."""

from dataclasses import replace
from typing import Any

import django

django.setup()

from apps.projects.held import Held  # noqa: E402
from apps.projects.tiles import TILES, Load  # noqa: E402
from codestar_dash.asgi import application  # noqa: E402
from screens.shots import UNDRAWN  # noqa: E402

__all__ = ["application"]


def _but_there(load: Load) -> Load:
    def drawn(held: Held) -> Any:
        if held.project.name == UNDRAWN:
            raise ValueError("no tile of this project is drawn, to see what its page says then")
        return load(held)

    return drawn


for tile in list(TILES):
    TILES.by_name[tile.name] = replace(tile, load=_but_there(tile.load))
