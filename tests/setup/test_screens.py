"""What `make screenshots` is told: pages that can be found, and pictures that README shows."""

import re
from string import Formatter

from screens.photograph import IMAGES, LARGEST
from screens.shots import LOOKS, PAGES, README, STATES


def test_each_picture_has_a_name_of_its_own():
    names = [f"{shot.name}-{look.name}" for shot in (*PAGES, *STATES) for look in LOOKS]
    assert len(names) == len(set(names))
    assert set(README) <= set(names)


def test_each_page_that_has_to_be_found_is(project_root):
    for shots, module in ((PAGES, "things"), (STATES, "states")):
        wanted = {name for shot in shots for _, name, _, _ in Formatter().parse(shot.path) if name}
        text = (project_root / "screens" / f"{module}.py").read_text(encoding="utf-8")
        assert wanted == set(re.findall(r'(?m)^        "(\w+)": ', text))


def test_readme_shows_the_two_and_they_are_small(project_root):
    shown = re.findall(r"!\[[^]]*\]\(docs/images/(\S+)\)", (project_root / "README.md").read_text())
    assert sorted(shown) == sorted(README.values())
    assert [name for name in shown if (IMAGES / name).stat().st_size >= LARGEST] == []
