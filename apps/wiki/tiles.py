"""The tile of the wiki on a project's page: the beginning of its README."""

from typing import Any

from django.urls import reverse

from apps.mirror.markdown import beginning, rendered
from apps.projects.held import Held
from apps.projects.tiles import TILES, Area, Tile

from .models import README, Page

# So many characters of it are shown.
MOST = 700


def readme(held: Held) -> dict[str, Any]:
    """What the tile shows: the README's beginning, or that nobody wrote one."""
    pages = Page.objects.shown().filter(project=held.project, slug=README).select_related("newest")
    page = pages.first()
    if page is None or page.newest is None or not page.newest.text.strip():
        return {"page": None}
    text, more = beginning(page.newest.text, MOST)
    wiki = reverse("wiki:readme", args=[held.project.slug])
    return {"page": page, "html": rendered(text, wiki), "more": more, "wiki": wiki}


TILES.add(
    Tile(
        name="wiki",
        label="Wiki",
        icon="book-open",
        says="The beginning of the README.",
        size=Area.SIDE,
        place=60,
        load=readme,
        template="wiki/tiles.html#readme",
    )
)
