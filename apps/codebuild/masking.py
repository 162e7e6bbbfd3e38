"""Drops what may be a secret from CodeBuild's answers before anything else sees it; no Django.

A buildspec is kept as its author wrote it, except for the values under any `variables` key: those
are plaintext environment variables, and people do put passwords there. The text is masked by lines
and not parsed and written anew, because a buildspec that AWS would refuse must still be shown, and
because comments and order are half of what one reads it for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.mirror.masking import MASK, sounds_secret

# `variables:` as a block key, perhaps after "- ", quoted, with an anchor or tag as its only value.
BLOCK = re.compile(
    r"""^(?P<lead>[ \t]*(?:-[ \t]+)*)(?:variables|"variables"|'variables')[ \t]*:"""
    r"""[ \t]*(?:[&!][^\s#]*(?:[ \t]+|$))*(?:\#.*)?$"""
)
ANCHORED = re.compile(r"""^(?P<lead>[ \t]*(?:-[ \t]+)*)[^#\s][^#]*?:[ \t]*&(?P<name>[^\s,\]}]+)""")
ALIAS = re.compile(r"\*([^\s,\]}]+)")
FLOW = re.compile(r"""["']?\bvariables["']?[ \t]*:\s*(?:[&!]\S*\s+)*\{""")
FLOW_TOKEN = re.compile(
    r"""\s+|"(?:[^"\\]|\\.)*"?|'[^']*'?|[{}\[\],:]|[^\s"'{}\[\],:][^{}\[\],:]*"""
)
ENTRY = re.compile(
    r"""^(?P<key>[ \t]*(?:\?[ \t]+)?(?:"(?:[^"\\]|\\.)*"[ \t]*:|'[^']*'[ \t]*:|[^\s#'":][^:]*:))"""
    r"""(?P<rest>[ \t].*|)$"""
)


def secret_values(variables: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return values of plaintext variables that sound secret, longest first; never stored."""
    found = {
        str(variable.get("value", ""))
        for variable in variables
        if variable.get("type", "PLAINTEXT") == "PLAINTEXT"
        and sounds_secret(variable.get("name", ""))
    }
    return tuple(sorted((value for value in found if len(value) >= 6), key=len, reverse=True))


def buildspec(text: str) -> str:
    """Return a buildspec with the values of its plaintext variables masked.

    Understands block and flow YAML (so JSON too), `variables` at any depth (batch builds have their
    own), multi-line values, list values, and blocks that come in through an anchor.
    """
    if "variables" not in text:
        return text
    masked_flow = _mask_flow(text)
    lines = masked_flow.splitlines()
    named = _aliases(lines)
    return "\n".join(_mask_blocks(lines, named)) + ("\n" if masked_flow.endswith("\n") else "")


def _aliases(lines: list[str]) -> frozenset[str]:
    """Return the names of anchors that `variables` blocks pull in."""
    found: set[str] = set()
    column: int | None = None
    for line in lines:
        if column is not None and line.strip() and _indent(line) <= column:
            column = None
        opens = re.match(r"""^([ \t]*(?:-[ \t]+)*)["']?variables["']?[ \t]*:(.*)$""", line)
        if opens:
            column = len(opens.group(1))
            found.update(ALIAS.findall(opens.group(2)))
        elif column is not None:
            found.update(ALIAS.findall(line))
    return frozenset(found)


def _mask_blocks(lines: list[str], named: frozenset[str]) -> Iterator[str]:
    """Yield the lines, values of `variables` blocks (and of anchors they use) masked."""
    column: int | None = None
    children: int | None = None
    quote = ""
    masked_so_far = False
    for line in lines:
        bare = line.strip()
        if quote:
            # A quoted value that goes on over lines, whatever their indent.
            quote = "" if _closes(bare, quote) else quote
            continue
        if column is None or not bare:
            yield line
        elif bare.startswith("#"):
            if children is None or _indent(line) <= children:
                yield _mask_comment(line)
            continue
        elif _indent(line) <= column:
            column = children = None
            yield line
        else:
            children = min(_indent(line), _indent(line) if children is None else children)
            if _indent(line) == children and not (bare == "-" or bare.startswith("- ")):
                entry = _mask_entry(line)
                quote = _left_open(line)
                masked_so_far = entry.endswith(MASK)
                yield entry
            elif not masked_so_far:
                # A value that begins below its name (a list); the rest of it is left out.
                masked_so_far = True
                yield " " * _indent(line) + MASK
            continue
        opens = BLOCK.match(line) or _anchored(line, named)
        if column is None and opens:
            column, children = len(opens.group("lead")), None


def _mask_comment(line: str) -> str:
    """Keep words, mask a variable that was commented out."""
    head, sign, _ = line.partition(":") if ":" in line else line.partition("=")
    return f"{head}{sign} {MASK}" if sign else line


def _left_open(line: str) -> str:
    """Return the quote that a value opens and does not close on its line, "" for none."""
    entry = ENTRY.match(line)
    rest = entry.group("rest").strip() if entry else ""
    if rest[:1] in ("'", '"') and not _closes(rest[1:], rest[0]):
        return rest[0]
    return ""


def _closes(text: str, quote: str) -> bool:
    if quote == '"':
        return re.search(r'(?<!\\)(?:\\\\)*"', text) is not None
    return text.replace("''", "").find("'") >= 0


def _anchored(line: str, named: frozenset[str]) -> re.Match[str] | None:
    found = ANCHORED.match(line)
    return found if found and found.group("name") in named else None


def _mask_entry(line: str) -> str:
    entry = ENTRY.match(line)
    if entry is None:
        return " " * _indent(line) + MASK
    rest = entry.group("rest").strip()
    if not rest or ALIAS.fullmatch(rest):
        return line
    return f"{entry.group('key')} {MASK}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _mask_flow(text: str) -> str:
    """Mask the values of `variables: {…}`, on one line or over several."""
    pieces: list[str] = []
    at = 0
    while (opening := FLOW.search(text, at)) is not None:
        pieces.append(text[at : opening.end()])
        names, at = _flow_names(text, opening.end())
        pieces.append(", ".join(f'"{name}": "{MASK}"' for name in names) + "}")
    pieces.append(text[at:])
    return "".join(pieces)


def _flow_names(text: str, start: int) -> tuple[list[str], int]:
    """Return the keys of the flow mapping whose "{" ends at `start`, and where its "}" ends."""
    names: list[str] = []
    depth = 0
    key_next = True
    for token in FLOW_TOKEN.finditer(text, start):
        word = token.group().strip()
        if word in ("{", "["):
            depth += 1
        elif word in ("}", "]"):
            if depth == 0:
                return names, token.end()
            depth -= 1
        elif depth == 0 and word in (",", ":"):
            key_next = word == ","
        elif depth == 0 and key_next and word:
            names.append(word.strip("\"'"))
            key_next = False
    return names, len(text)
