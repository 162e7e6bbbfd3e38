"""The house's rooms: none without a place in the layers, none too large, none without a sign."""

import ast
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
MODULES = sorted(
    path
    for room in ("apps", "codestar_dash")
    for path in (ROOT / room).rglob("*.py")
    if "migrations" not in path.parts
)
# What a module says in its first sentence is what it owns; an empty one owns nothing.
WITH_CODE = [path for path in MODULES if path.read_text().strip()]
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "misc", "core", "tools"}
LONGEST = 450


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def contract(beginning: str) -> dict[str, list[str]]:
    (found,) = [one for one in CONTRACTS if one["name"].startswith(beginning)]
    return found


def test_each_app_of_ours_has_its_place_in_the_layers():
    placed = {room.strip() for line in contract("layers")["layers"] for room in line.split("|")}
    ours = {config.name for config in apps.get_app_configs() if config.name.startswith("apps.")}
    assert ours - {"apps.sandbox"} <= placed


def test_the_sandbox_and_the_house_are_blind_to_each_other():
    house = {
        config.name
        for config in apps.get_app_configs()
        if config.name.startswith("apps.") and config.name != "apps.sandbox"
    }
    assert house <= set(contract("the sandbox imports nothing")["forbidden_modules"])
    assert house <= set(contract("nothing of the house imports")["source_modules"])


@pytest.mark.parametrize("path", WITH_CODE, ids=name)
def test_a_module_opens_with_a_sentence_saying_what_it_owns(path):
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc
    assert doc.split("\n\n")[0].rstrip().endswith((".", "!", ":", '"'))


def test_no_room_is_a_drawer_for_everything():
    rooms = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not rooms & VAGUE


def test_no_module_grows_past_what_one_can_hold_in_the_head():
    grown = {
        name(path): lines
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert grown == {}
