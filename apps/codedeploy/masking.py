"""Masks what may be a secret in appspec files and in the logs of deployment scripts; no Django.

Both are text that people wrote: an appspec is kept as its author wrote it, and a script may print
what it was given. Whatever stands behind a name that sounds secret is masked, wherever it is.
"""

import re

from apps.mirror.masking import MASK, masked

# Keys of YAML and JSON, variables of shells, options of commands.
NAMED = re.compile(
    r"""(?P<name>["']?(?<![\w.-])-{0,2}[\w.-]*"""
    r"""(?i:secret|token|passw|pwd|credential|api[_-]?key|private[_-]?key|authorization)[\w.-]*"""
    r"""["']?[ \t]*(?:=|:(?=[ \t]|["']|$))[ \t]*|(?<!\S)--[\w-]*"""
    r"""(?i:secret|token|passw|pwd|credential|api[_-]?key)[\w-]*[ \t]+)"""
    r"""(?P<value>"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,}\]"']+)"""
)
# `password: |` and what is indented below it.
BLOCK = re.compile(
    r"""^(?P<lead>[ \t]*(?:-[ \t]+)*)["']?[\w.-]*"""
    r"""(?i:secret|token|passw|pwd|credential|api[_-]?key|private[_-]?key|authorization)[\w.-]*"""
    r"""["']?[ \t]*:[ \t]*[|>][+\d-]*[ \t]*$"""
)


def text(said: str) -> str:
    """Return a text with the values behind names that sound secret masked."""
    return "\n".join(_blocks(masked(said).split("\n")))


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
        if found := BLOCK.match(line):
            column = len(found["lead"])
            kept.append(line)
        else:
            kept.append(NAMED.sub(_mask, line))
    return kept


def _mask(found: re.Match[str]) -> str:
    quote = found["value"][:1] if found["value"][:1] in "\"'" else ""
    return f"{found['name']}{quote}{MASK}{quote}"
