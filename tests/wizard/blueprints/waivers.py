"""What waivers.toml allows, by the kind of rule."""

import tomllib
from pathlib import Path

WAIVERS = tomllib.loads(Path(__file__).with_name("waivers.toml").read_text(encoding="utf-8"))


def checks() -> set[tuple[str, str]]:
    """Return the checks of checkov that are waived, with the resource they are waived for."""
    return {(one["check"], one["resource"]) for one in WAIVERS["checkov"]}


def statements(kind: str) -> set[str]:
    """Return the statements of IAM policies that may be so wide (`any_resource`, `any_action`)."""
    return {one["statement"] for one in WAIVERS[kind]}
