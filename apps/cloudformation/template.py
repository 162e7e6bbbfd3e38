"""Makes a template fit to be shown: as lines, without what it holds that may be secret; no Django.

boto3 gives JSON templates parsed, so those are written out anew; of others the text is kept as it
is, comments and all. Either is read for where its secrets stand, and only these places are masked.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.mirror.masking import MASK, REFERENCE, masked, named_masked, sounds_secret

from . import tree
from .tree import Node

# A template is at most 1 MB: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST = 1_500_000
# What a line shows at most: no person reads one that is longer.
LONGEST_LINE = 20_000
# In a list of settings one member says what it is called, another what it is.
NAMES = frozenset({"name", "optionname", "key", "parameterkey", "variablename", "headername"})
VALUES = frozenset(
    {"value", "values", "optionvalue", "parametervalue", "headervalue", "stringvalue", "default"}
)
# Functions whose arguments are the value itself; others say where it comes from.
WRITTEN_OUT = frozenset({"Sub", "Join", "Base64"})
_PLURAL = re.compile(r"(?i)(?:secret|password|token|credential|key)s$")
_FUNCTION = re.compile(r"^(?:!|Fn::|)(\w+)$")
_RESOLVED = re.compile(r"^\s*\{\{resolve:")
_VARIABLE = re.compile(r"\$\{[^{}]*+\}")
# The end of a piece of a script whose next piece is the value: `["export TOKEN=", "abc"]`.
_OPEN_NAME = re.compile(r"""(?<![\w.-])([\w.-]++)["']?[ \t]*+[=:][ \t]*+["']?$""")
_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#.*$")
# Of a text that is no YAML: a key and what follows it on its line.
_ENTRY = re.compile(
    r"""^(?P<lead>[ \t]*+(?:-[ \t]++)*[{\[]?[ \t]*+["']?(?P<name>[\w./-]++(?::[\w./-]++)*)"""
    r"""["']?[ \t]*+[:=][ \t]*+)"""
    r"""(?P<value>\S.*)?$"""
)
_POINTS = re.compile(r"^(?:!(?:Ref|GetAtt|ImportValue|FindInMap|Select)\b|\{\{resolve:)")


def lines_of(body: Any) -> list[str]:
    """Return a template's lines, of at most `MOST` characters of it, each as long as is read."""
    if isinstance(body, Mapping | list):
        text = json.dumps(body, indent=2, default=str, ensure_ascii=False)
    else:
        text = str(body)[:MOST].replace("\r\n", "\n")
    try:
        shown = _without(text, _Secrets(tree.read(text)).spans())
    except tree.UnreadableError:
        shown = "\n".join(_masked_lines(text.split("\n")))
    return [_line(line) for line in shown[:MOST].split("\n")]


def _line(line: str) -> str:
    told = masked(line)
    return told if len(told) <= LONGEST_LINE else f"{told[:LONGEST_LINE]} …"


class _Secrets:
    """Finds the scalars of a template that nobody is to see."""

    def __init__(self, roots: Iterable[Node]) -> None:
        self.roots = list(roots)
        self.anchored: dict[str, Node] = {}
        # By where they begin: hidden as a whole, and all others, which may hold some.
        self.hidden: dict[int, Node] = {}
        self.scalars: list[Node] = []

    def spans(self) -> list[tuple[Node, bool]]:
        """Return every scalar in order, and whether all of it is hidden."""
        self._know_anchors()
        for root in self.roots:
            self._parameters(root)
        pending = list(self.roots)
        while pending:
            node = pending.pop()
            if node.kind == "mapping":
                self._mapping(node)
            elif node.kind == "sequence":
                self._sequence(node)
            elif node.kind == "scalar":
                self.scalars.append(node)
            pending.extend(node.children)
        self.scalars.sort(key=lambda node: node.start)
        return [(node, node.start in self.hidden) for node in self.scalars]

    def _know_anchors(self) -> None:
        pending = list(self.roots)
        while pending:
            node = pending.pop()
            if node.anchor:
                self.anchored[node.anchor] = node
            pending.extend(node.children)

    def _parameters(self, root: Node) -> None:
        """Hide the defaults of parameters that are not echoed, or are called like a secret."""
        for section, parameters in root.pairs if root.kind == "mapping" else ():
            if section.value != "Parameters" or parameters.kind != "mapping":
                continue
            for name, told in parameters.pairs:
                parts = {key.value: part for key, part in self._meant(told).pairs}
                echo = self._meant(parts["NoEcho"]).value if "NoEcho" in parts else ""
                if "Default" in parts and (
                    echo.lower() not in ("", "false", "no", "off") or sounds_secret(name.value)
                ):
                    self._hide(parts["Default"])

    def _meant(self, node: Node) -> Node:
        """Return what an alias means."""
        return self.anchored.get(node.value, node) if node.kind == "alias" else node

    def _mapping(self, node: Node) -> None:
        for key, value in node.pairs:
            if sounds_secret(key.value):
                self._hide_under(key.value, value)
        members = [(key.value.lower(), value) for key, value in node.pairs]
        named = any(
            name in NAMES and sounds_secret(self._meant(value).value) for name, value in members
        )
        for name, value in members if named else ():
            if name in VALUES:
                self._hide(value)

    def _hide_under(self, name: str, value: Node) -> None:
        meant = self._meant(value)
        if meant.kind != "mapping" or _function(meant):
            self._hide(meant)
        elif _PLURAL.search(name) and "Type" not in {key.value for key, _ in meant.pairs}:
            # Passwords by user, tokens by place; anything else says by its own names what it is.
            for _, one in meant.pairs:
                if self._meant(one).kind == "scalar":
                    self._hide(one)

    def _sequence(self, node: Node) -> None:
        """Hide what a script that is joined from pieces has behind a name."""
        for before, after in zip(node.children, node.children[1:], strict=False):
            ends = _OPEN_NAME.search(before.value[-200:]) if before.kind == "scalar" else None
            if ends and sounds_secret(ends[1]) and after.kind == "scalar":
                self._hide(after)

    def _hide(self, node: Node) -> None:
        """Hide a value: a scalar, those of a list, those that a function puts together."""
        pending, seen = [node], set()
        while pending:
            one = self._meant(pending.pop())
            if id(one) in seen:
                continue
            seen.add(id(one))
            function = _function(one)
            if function and function not in WRITTEN_OUT:
                continue
            if one.kind == "scalar":
                if not _points(one):
                    self.hidden[one.start] = one
            elif one.kind == "sequence":
                # A dynamic reference may be put together from pieces.
                if not any(_RESOLVED.match(piece.value) for piece in one.children):
                    pending.extend(one.children)
            elif function:
                pending.extend(value for _, value in one.pairs)


def _function(node: Node) -> str:
    """Return the name of the intrinsic function that a node is, "" for none."""
    name = node.tag
    if not name and node.kind == "mapping" and len(node.children) == 2:
        name = node.children[0].value
        if name not in ("Ref", "Condition") and not name.startswith("Fn::"):
            return ""
    found = _FUNCTION.match(name) if name and not name.startswith("tag:") else None
    return found[1] if found else ""


def _points(node: Node) -> bool:
    """Whether a scalar says where a value comes from, and no letter of what it is."""
    value = node.value
    if _RESOLVED.match(value):
        return True
    return not re.search(r"\w", _VARIABLE.sub("", value)) if "${" in value else not value


def _without(text: str, spans: Iterable[tuple[Node, bool]]) -> str:
    """Return the text, the hidden places masked; its lines stay as many as they were."""
    pieces: list[str] = []
    at = 0
    for node, hidden in spans:
        if node.start < at:
            continue
        pieces.append(_COMMENT.sub(_comment, text[at : node.start]))
        written = text[node.start : node.end]
        pieces.append(_mask(node, written) if hidden else _script(node, written))
        at = node.end
    pieces.append(_COMMENT.sub(_comment, text[at:]))
    return "".join(pieces)


def _script(node: Node, written: str) -> str:
    """Return a scalar without the secrets that a script in it names; its quotes are not its own."""
    if node.style not in ("'", '"'):
        return named_masked(written)
    head, quote, rest = written.partition(node.style)
    return f"{head}{quote}{named_masked(rest[:-1])}{quote}"


def _comment(found: re.Match[str]) -> str:
    return named_masked(found[0])


def _mask(node: Node, written: str) -> str:
    tag = f"{node.tag} " if node.tag.startswith("!") and written.startswith(node.tag) else ""
    if node.style in ("|", ">"):
        # What begins the block stays, with its tag.
        head, line, rest = written.partition("\n")
        return head + line + "\n".join(_lines_masked(rest))
    quote = node.style if node.style in ("'", '"') else ""
    first, *further = written.split("\n")
    return "\n".join([f"{tag}{quote}{MASK}{quote}" if first else first, *_lines_masked(further)])


def _lines_masked(lines: str | list[str]) -> Iterator[str]:
    for line in lines.split("\n") if isinstance(lines, str) else lines:
        yield line[: len(line) - len(line.lstrip(" "))] + MASK if line.strip() else line


def _masked_lines(lines: Iterable[str]) -> Iterator[str]:
    """Mask a text that cannot be read, more than may be needed.

    The value of whatever sounds secret or is called a value, and all that is further in than it.
    """
    inside: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if inside is not None and (not line.strip() or indent > inside):
            yield " " * indent + MASK if line.strip() else line
            continue
        inside = None
        found = _ENTRY.match(line)
        name = found["name"] if found else ""
        if found is None or not (sounds_secret(name) or name.lower() in VALUES):
            yield named_masked(line)
            continue
        inside = indent
        value = found["value"] or ""
        shown = not value or _POINTS.match(value) or REFERENCE.match(value)
        yield line if shown else f"{found['lead']}{MASK}"
