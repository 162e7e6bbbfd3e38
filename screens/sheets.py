"""Sheets: each tile in all of its states on one picture, to be compared at a glance."""

import html
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from screens.running import say
from screens.shots import Look, Shot

# Shots whose tiles are taken are called so: "state-stale".
STATE = "state-"
TILE = "tile-"
# Pictures side by side, each so wide at most, on the ground that pages have.
ACROSS, WIDEST = {"phone": 4}, 720
GROUND = {"light": ("#f5f6fa", "#161a26"), "dark": ("#0c0f17", "#e8ebf4")}
STYLE = (
    "body{{margin:0;padding:20px;background:{0};color:{1};font:600 15px sans-serif}}"
    "main{{display:grid;grid-template-columns:repeat({2},max-content);gap:24px;align-items:start}}"
    "figure{{margin:0}}figcaption{{padding-bottom:8px}}img{{max-width:{3}px;display:block}}"
)


@dataclass
class Sheets:
    """The pictures of tiles that were taken, by the tile and by how it was looked at."""

    folder: Path
    taken: dict[tuple[str, Look], list[tuple[str, bytes]]] = field(default_factory=dict)

    def take(self, page: Page, shot: Shot, look: Look) -> None:
        """Take every tile of a page that shows a state."""
        if not shot.name.startswith(STATE):
            return
        state = shot.name.removeprefix(STATE)
        for tile in page.locator("section.tile").all():
            name = (tile.get_attribute("id") or "").removeprefix(TILE)
            self.taken.setdefault((name, look), []).append((state, tile.screenshot()))

    def save(self, browser: Browser) -> None:
        """Put the states of each tile side by side."""
        for (name, look), pictures in self.taken.items():
            figures = "".join(
                f"<figure><figcaption>{html.escape(state)}</figcaption>"
                f'<img src="data:image/png;base64,{b64encode(picture).decode()}"></figure>'
                for state, picture in pictures
            )
            style = STYLE.format(*GROUND[look.scheme], ACROSS.get(look.name, 2), WIDEST)
            page = browser.new_page(viewport={"width": 1520, "height": 600})
            page.set_content(f"<style>{style}</style><main>{figures}</main>")
            target = self.folder / f"{TILE}{name}-{look.name}.png"
            page.screenshot(path=target, full_page=True)
            page.close()
            say(f"{target.name}: {', '.join(state for state, _ in pictures)}")
