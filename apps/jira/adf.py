"""Turns Jira Cloud's documents (ADF) into Markdown; whatever is in them, and however deep.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/

The text is hostile until it is rendered (`apps/mirror/markdown.py`); here it is made to say what
its author saw: signs that Markdown would read are escaped, links lead to the web or to mail alone,
and a node that this version has not heard of is shown by its text. Nothing here knows Django.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

# Deeper than people nest, and longer than they write; what is beyond is left out and said so.
DEEPEST = 40
MOST_NODES = 20_000
MOST = 100_000
CUT = "\n\n*(The rest is left out: it is too long or nested too deep.)*"

SIGNS = re.compile(r"([\\`*_\[\]<>~|&])")
# What begins a heading, a list, a rule or a quotation stands at the beginning of a line.
BEGINS = re.compile(r"(?m)^(\s*)(#{1,6}(?=\s|$)|[-+](?=\s|$)|=+$|-+$)")
NUMBERS = re.compile(r"(?m)^(\s*\d{1,9})([.)])(?=\s|$)")
INDENT = re.compile(r"(?m)^[ \t]+")
WEB = re.compile(r"(?i)^(https?://|mailto:)[^\s<>]+$")

Mark = Callable[[int, Mapping[str, Any]], str]


def markdown_of(document: Any) -> str:
    """Return a document as Markdown; plain text (wiki markup of Data Center) as it is, escaped.

    None and what is no document are "".
    """
    if isinstance(document, str):
        return plain(document)
    if not isinstance(document, Mapping):
        return ""
    writer = _Writer()
    text = "\n\n".join(block for block in writer.blocks(document.get("content"), 0) if block)
    if len(text) > MOST:
        return text[:MOST] + CUT
    return text + CUT if writer.cut else text


def plain(text: str) -> str:
    """Return text as Markdown that shows it as it is, line by line."""
    short = text[:MOST].replace("\r\n", "\n").replace("\r", "\n")
    # Four spaces would begin a block of code.
    short = INDENT.sub(lambda found: "\u00a0" * len(found[0].expandtabs(4)), short)
    shown = re.sub(r"(?<!\n)\n(?!\n)", "\\\n", escaped(short).strip("\n"))
    return shown + (CUT if len(text) > MOST else "")


def escaped(text: str) -> str:
    """Return text in which Markdown reads no sign of its own."""
    text = SIGNS.sub(r"\\\1", text)
    text = BEGINS.sub(r"\1\\\2", text)
    return NUMBERS.sub(r"\1\\\2", text)


class _Writer:
    """Writes one document; knows how much of it there was."""

    def __init__(self) -> None:
        self.nodes = 0
        self.cut = False

    def _may(self, depth: int) -> bool:
        self.nodes += 1
        if depth > DEEPEST or self.nodes > MOST_NODES:
            self.cut = True
            return False
        return True

    # --- Blocks -----------------------------------------------------------------------------------

    def blocks(self, nodes: Any, depth: int) -> list[str]:
        """Return the blocks of a list of nodes; inline nodes among them make one of their own."""
        found: list[str] = []
        line: list[Any] = []
        for node in _nodes(nodes):
            if not self._may(depth):
                break
            if _type(node) in INLINE:
                line.append(node)
                continue
            if line:
                found.append(self.inline(line, depth))
                line = []
            found.append(self._block(node, depth + 1))
        if line:
            found.append(self.inline(line, depth))
        return [block for block in found if block.strip()]

    def _block(self, node: Mapping[str, Any], depth: int) -> str:
        kind, attrs = _type(node), _attrs(node)
        if kind in LISTS:
            return self._list(node, depth, _mark_of(kind, attrs))
        if kind in FRAMES:
            return self._framed(node, depth)
        match kind:
            case "paragraph":
                return self.inline(node.get("content"), depth).strip()
            case "heading":
                return self._heading(node, depth)
            case "codeBlock":
                return _fenced(self._raw(node, depth), str(attrs.get("language") or ""))
            case "rule":
                return "---"
            case "table":
                return self._table(node, depth)
            case "media":
                return _media(attrs)
            case "blockCard" | "embedCard":
                return _card(attrs)
            case _:
                return self._unknown(node, depth)

    def _heading(self, node: Mapping[str, Any], depth: int) -> str:
        level = _attrs(node).get("level")
        marks = "#" * min(6, max(1, level if isinstance(level, int) else 3))
        words = self.inline(node.get("content"), depth).replace("\\\n", " ")
        return f"{marks} {words.strip()}" if words.strip() else ""

    def _framed(self, node: Mapping[str, Any], depth: int) -> str:
        """Return what stands in a frame: a quotation, a panel, what can be folded, pictures."""
        kind, attrs = _type(node), _attrs(node)
        inner = self.blocks(node.get("content"), depth)
        if kind in ("mediaSingle", "mediaGroup"):
            return " ".join(inner)
        if kind == "blockquote":
            return _quoted("\n\n".join(inner))
        if kind == "panel":
            title = str(attrs.get("panelType") or "note").capitalize()
            return _quoted("\n\n".join([f"**{escaped(title)}**", *inner]))
        title = str(attrs.get("title") or "").strip()
        return "\n\n".join([f"**{escaped(title)}**", *inner] if title else inner)

    def _unknown(self, node: Mapping[str, Any], depth: int) -> str:
        """Show what this version has not heard of by the text in it."""
        own = node.get("text") or _attrs(node).get("text") or ""
        inner = self.blocks(node.get("content"), depth)
        said = escaped(own) if isinstance(own, str) else ""
        return "\n\n".join([*([said] if said.strip() else []), *inner])

    def _list(self, node: Mapping[str, Any], depth: int, mark: Mark) -> str:
        lines = []
        for at, item in enumerate(_nodes(node.get("content"))):
            if not self._may(depth):
                break
            begin = mark(at, item)
            if _type(item) in ("bulletList", "orderedList", "taskList"):
                inner = self._block(item, depth + 1)
            else:
                inner = "\n".join(self.blocks(item.get("content"), depth + 1))
            pad = " " * len(begin)
            first, *rest = inner.split("\n") if inner else [""]
            lines.append("\n".join([begin + first, *(pad + one if one else one for one in rest)]))
        return "\n".join(lines)

    def _table(self, node: Mapping[str, Any], depth: int) -> str:
        rows: list[list[str]] = []
        for row in _nodes(node.get("content")):
            if not self._may(depth):
                break
            cells = [
                " ".join(" ".join(self.blocks(cell.get("content"), depth + 2)).split())
                for cell in _nodes(row.get("content"))
            ]
            rows.append(cells)
        width = max((len(row) for row in rows), default=0)
        if not width:
            return ""
        lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
        return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])

    def _raw(self, node: Mapping[str, Any], depth: int) -> str:
        """Return the text in a node as it is."""
        if not self._may(depth):
            return ""
        own = node.get("text")
        inner = "".join(self._raw(child, depth + 1) for child in _nodes(node.get("content")))
        return (own if isinstance(own, str) else "") + inner

    # --- Within a line ----------------------------------------------------------------------------

    def inline(self, nodes: Any, depth: int) -> str:
        """Return inline nodes as one line (or several, where it is broken by hand)."""
        pieces = []
        for node in _nodes(nodes):
            if not self._may(depth):
                break
            pieces.append(self._inline(node, depth + 1))
        return "".join(pieces)

    def _inline(self, node: Mapping[str, Any], depth: int) -> str:
        attrs = _attrs(node)
        match _type(node):
            case "text":
                return _marked(node)
            case "hardBreak":
                return "\\\n"
            case "mention":
                name = str(attrs.get("text") or attrs.get("id") or "")
                return escaped(name if name.startswith("@") else f"@{name}")
            case "emoji":
                return escaped(str(attrs.get("text") or attrs.get("shortName") or ""))
            case "status":
                return f"**{escaped(str(attrs.get('text') or '').strip())}**"
            case "date":
                return _date(attrs.get("timestamp"))
            case "inlineCard":
                return _card(attrs)
            case "mediaInline" | "media":
                return _media(attrs)
            case _:
                own = node.get("text") or attrs.get("text") or ""
                inner = self.inline(node.get("content"), depth)
                return (escaped(own) if isinstance(own, str) else "") + inner


INLINE = frozenset(
    {
        *("text", "hardBreak", "mention", "emoji", "status", "date", "inlineCard", "mediaInline"),
        *("placeholder", "inlineExtension"),
    }
)


def _nodes(nodes: Any) -> Sequence[Mapping[str, Any]]:
    return [node for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []


def _type(node: Mapping[str, Any]) -> str:
    told = node.get("type")
    return told if isinstance(told, str) else ""


def _attrs(node: Mapping[str, Any]) -> Mapping[str, Any]:
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, Mapping) else {}


LISTS = frozenset({"bulletList", "decisionList", "orderedList", "taskList"})
FRAMES = frozenset({"blockquote", "panel", "expand", "nestedExpand", "mediaSingle", "mediaGroup"})


def _mark_of(kind: Any, attrs: Mapping[str, Any]) -> Mark:
    """Return what an item of a list begins with, by its number and itself."""
    if kind == "taskList":
        return _task
    if kind != "orderedList":
        return lambda _at, _item: "- "
    told = attrs.get("order")
    first = told if isinstance(told, int) and 0 <= told < 10**8 else 1
    return lambda at, _item: f"{first + at}. "


def _task(_at: int, item: Mapping[str, Any]) -> str:
    return "- \\[x\\] " if _attrs(item).get("state") == "DONE" else "- \\[ \\] "


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def _fenced(text: str, language: str) -> str:
    """Fence code by more backticks than there are in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{re.sub(r'[^A-Za-z0-9+#.-]', '', language)[:20]}\n{text.rstrip()}\n{fence}"


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}" if text.strip() else text


def _marked(node: Mapping[str, Any]) -> str:
    text = node.get("text")
    if not isinstance(text, str) or not text:
        return ""
    marks = {_type(mark): _attrs(mark) for mark in _nodes(node.get("marks"))}
    core = text.strip()
    if not core:
        return " "
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :]
    said = _code(core) if "code" in marks else escaped(core).replace("\n", " ")
    for mark, sign in (("strike", "~~"), ("em", "*"), ("strong", "**")):
        if mark in marks:
            said = f"{sign}{said}{sign}"
    if "link" in marks:
        said = _link(said, marks["link"].get("href"))
    return f"{' ' if lead else ''}{said}{' ' if tail else ''}"


def _link(said: str, address: Any) -> str:
    """Return a link to the web or to mail; of anything else what it said."""
    if not isinstance(address, str) or not WEB.match(address) or len(address) > 2_000:
        return said
    return f"[{said}](<{address}>)"


def _card(attrs: Mapping[str, Any]) -> str:
    address = attrs.get("url")
    data = attrs.get("data")
    if not isinstance(address, str) and isinstance(data, Mapping):
        address = data.get("url")
    return _link(escaped(address), address) if isinstance(address, str) else ""


def _media(attrs: Mapping[str, Any]) -> str:
    name = str(attrs.get("alt") or "").strip()
    return escaped(f"(attachment {name})" if name else "(attachment)")


def _date(timestamp: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(int(timestamp) / 1000, UTC):%Y-%m-%d}"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
