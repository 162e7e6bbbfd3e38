"""Masks what may be a secret in appspec files and in the logs of deployment scripts; no Django.

Both are text that people wrote: an appspec is kept as its author wrote it, and a script may print
what it was given. Whatever stands behind a name that sounds secret is masked, wherever it is.
"""

import re

from apps.mirror.masking import MASK, masked, named_masked, sounds_secret

# An AppSpec is at most so long; what comes beyond is not looked at.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
MOST = 1_000_000
# `password: |` and what is indented below it. Names are taken whole: see mirror.masking.
BLOCK = re.compile(
    r"""^(?P<lead>[ \t]*+(?:-[ \t]++)*)["']?(?P<name>[\w.-]++)["']?[ \t]*+:[ \t]*+"""
    r"""[|>][+\d-]*+[ \t]*+$"""
)


def text(said: str) -> str:
    """Return a text with the values behind names that sound secret masked; `MOST` characters."""
    return "\n".join(_blocks(masked(said[:MOST]).split("\n")))


def _blocks(lines: list[str]) -> list[str]:
    kept: list[str] = []
    column: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip(" \t"))
        if column is not None and line.strip():
            if indent > column:
                kept.append(" " * indent + MASK)
                continue
            column = None
        found = BLOCK.match(line)
        if found and sounds_secret(found["name"]):
            column = len(found["lead"])
            kept.append(line)
        else:
            kept.append(named_masked(line))
    return kept
