"""`make screenshots`: every page of `screens.shots` as PNG into var/screenshots.

With names (`home project`) only those; with `--readme` README's two are copied to docs/images. Of
pages in a made state each tile is taken, too, and all states of a tile stand on one sheet.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from screens.running import COOKIE, Dashboard, on_made_states, on_the_sandbox, say
from screens.sheets import Sheets
from screens.shots import LOOKS, PAGES, README, STATES, Look, Shot
from tests.browser import FLAGS, chromium

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "screenshots"
IMAGES = ROOT / "docs" / "images"
# For what a page fetches by itself, and for what moves on it to come to rest.
REST = 1_500
# For the page to stand as another width and scheme ask.
TURN = 400
LARGEST = 250_000
# Answers that a page may give: what is not there has a page, too.
GOOD = (200, 404)
SIZES = """[document.documentElement.scrollWidth, innerWidth,
  document.documentElement.scrollHeight]"""


def opened(browser: Browser, dashboard: Dashboard, shot: Shot) -> BrowserContext:
    """A context with the page of a shot in it."""
    context = browser.new_context(
        reduced_motion="reduce", locale="en-GB", timezone_id="Europe/Berlin"
    )
    if not shot.door:
        context.add_cookies([{"name": COOKIE, "value": dashboard.cookie, "url": dashboard.address}])
    page = context.new_page()
    turn(page, LOOKS[0])
    answer = page.goto(dashboard.url(shot.path.format(**dashboard.paths)))
    assert answer is not None, shot.name
    assert answer.status in GOOD, f"{shot.name}: {answer.status}"
    page.wait_for_timeout(REST)
    return context


def turn(page: Page, look: Look) -> None:
    """Look at a page so wide, and in this scheme."""
    page.set_viewport_size({"width": look.width, "height": look.height})
    page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light")
    page.wait_for_timeout(TURN)


def photograph(browser: Browser, dashboard: Dashboard, shot: Shot, sheets: Sheets) -> None:
    """Take a page in every look, as far as it goes, and its tiles where it shows a state."""
    context = opened(browser, dashboard, shot)
    page = context.pages[0]
    for look in LOOKS:
        turn(page, look)
        target = FOLDER / f"{shot.name}-{look.name}.png"
        if f"{shot.name}-{look.name}" in README:
            page.screenshot(path=FOLDER / f"readme-{shot.name}-{look.name}.png")
        width, seen, height = page.evaluate(SIZES)
        # What stays at the edges of the window stands at the edges of the picture.
        page.set_viewport_size({"width": look.width, "height": max(height, look.height)})
        page.wait_for_timeout(TURN)
        page.screenshot(path=target)
        say(f"{target.relative_to(ROOT)}{' SCROLLS SIDEWAYS' if width > seen else ''}")
        sheets.take(page, shot, look)
    context.close()


def main(arguments: list[str]) -> int:
    """Take the pictures; those of before are replaced."""
    names = [name for name in arguments if not name.startswith("--")]
    if "--readme" in arguments and not names:
        names = [name.rpartition("-")[0] for name in README]
    FOLDER.mkdir(parents=True, exist_ok=True)
    runs = ((STATES, on_made_states), (PAGES, on_the_sandbox))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for shots, running in runs:
            wanted = [shot for shot in shots if not names or shot.name in names]
            if not wanted:
                continue
            sheets = Sheets(FOLDER)
            with running() as dashboard:
                for shot in wanted:
                    photograph(browser, dashboard, shot, sheets)
            sheets.save(browser)
        browser.close()
    if "--readme" in arguments:
        for name, file in README.items():
            taken = FOLDER / f"readme-{name}.png"
            assert taken.stat().st_size < LARGEST, f"{taken} is too large for README"
            shutil.copyfile(taken, IMAGES / file)
            say(f"README: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
