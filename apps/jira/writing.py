"""Turns Markdown into what Jira keeps: a document (ADF) for Cloud, wiki markup for Data Center.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
What Markdown has and Jira has not (tables, HTML, pictures) is written as its text.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

if TYPE_CHECKING:
    from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough"])
WEB = re.compile(r"(?i)^(https?://|mailto:)\S+$")
# What wiki markup would read in a text of ours.
WIKI = re.compile(r"([\\{}\[\]*_+^~|!?#-])")
MARKS = {"strong": "strong", "em": "em", "s": "strike"}
SIGNS = {"strong": "*", "em": "_", "s": "-"}

Node = dict[str, Any]


def document_of(text: str) -> Node:
    """Return Markdown as a document of Cloud; one without text has an empty paragraph."""
    content = [node for child in _tree(text).children for node in _blocks(child)]
    return {"version": 1, "type": "doc", "content": content or [{"type": "paragraph"}]}


def wiki_of(text: str) -> str:
    """Return Markdown as wiki markup."""
    blocks = [_wiki_block(child, "") for child in _tree(text).children]
    return "\n\n".join(block for block in blocks if block)


def _tree(text: str) -> SyntaxTreeNode:
    tokens: Sequence[Token] = _PARSER.parse(text)
    return SyntaxTreeNode(tokens)


# --- Cloud ----------------------------------------------------------------------------------------


def _blocks(node: SyntaxTreeNode) -> list[Node]:
    match node.type:
        case "paragraph":
            return [{"type": "paragraph", "content": found}] if (found := _line(node)) else []
        case "heading":
            level = int(node.tag[1])
            return [{"type": "heading", "attrs": {"level": level}, "content": _line(node)}]
        case "bullet_list" | "ordered_list":
            kind = "bulletList" if node.type == "bullet_list" else "orderedList"
            items = [{"type": "listItem", "content": _inside(item)} for item in node.children]
            return [{"type": kind, "content": items}]
        case "blockquote":
            # Neither headings nor quotations stand in one.
            return [{"type": "blockquote", "content": _inside(node)}]
        case "fence" | "code_block":
            return [_code(node)]
        case "hr":
            return [{"type": "rule"}]
        case _:
            return [_plain(node.content)] if node.content.strip() else []


def _inside(node: SyntaxTreeNode) -> list[Node]:
    """Return what may stand in an item or a quotation: anything else as its text."""
    found = [block for child in node.children for block in _blocks(child)]
    kept = [
        block
        if block["type"] in ("paragraph", "bulletList", "orderedList", "codeBlock")
        else {"type": "paragraph", "content": _texts(block)}
        for block in found
        if block["type"] != "rule"
    ]
    return kept or [{"type": "paragraph"}]


def _texts(node: Node) -> list[Node]:
    if node["type"] == "text":
        return [node]
    return [text for child in node.get("content") or () for text in _texts(child)]


def _plain(text: str) -> Node:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def _code(node: SyntaxTreeNode) -> Node:
    made: Node = {"type": "codeBlock"}
    language = node.info.split()[0] if node.info.strip() else ""
    if language:
        made["attrs"] = {"language": language[:40]}
    if text := node.content.rstrip("\n"):
        made["content"] = [{"type": "text", "text": text}]
    return made


def _line(node: SyntaxTreeNode) -> list[Node]:
    return [
        part for inline in node.children for child in inline.children for part in _inline(child, ())
    ]


def _inline(node: SyntaxTreeNode, marks: tuple[Node, ...]) -> list[Node]:
    match node.type:
        case "text":
            return _text(node.content, marks)
        case "code_inline":
            links = tuple(mark for mark in marks if mark["type"] == "link")
            return _text(node.content, (*links, {"type": "code"}))
        case "softbreak":
            return _text(" ", marks)
        case "hardbreak":
            return [{"type": "hardBreak"}]
        case "strong" | "em" | "s":
            return _within(node, (*marks, {"type": MARKS[node.type]}))
        case "link":
            address = str(node.attrs.get("href") or "")
            link: Node = {"type": "link", "attrs": {"href": address}}
            return _within(node, (*marks, link) if WEB.match(address) else marks)
        case "image":
            return _text(node.content or str(node.attrs.get("src") or ""), marks)
        case _:
            return _text(node.content, marks)


def _within(node: SyntaxTreeNode, marks: tuple[Node, ...]) -> list[Node]:
    return [part for child in node.children for part in _inline(child, marks)]


def _text(text: str, marks: Iterable[Node]) -> list[Node]:
    if not text:
        return []
    unique = {mark["type"]: mark for mark in marks}
    return [{"type": "text", "text": text, **({"marks": list(unique.values())} if unique else {})}]


# --- Data Center ----------------------------------------------------------------------------------


def _wiki_block(node: SyntaxTreeNode, bullets: str) -> str:
    match node.type:
        case "paragraph":
            return _wiki_line(node)
        case "heading":
            return f"h{node.tag[1]}. {_wiki_line(node)}"
        case "bullet_list" | "ordered_list":
            sign = bullets + ("*" if node.type == "bullet_list" else "#")
            return "\n".join(_wiki_item(item, sign) for item in node.children)
        case "blockquote":
            inner = "\n\n".join(_wiki_block(child, "") for child in node.children)
            return f"{{quote}}\n{inner}\n{{quote}}"
        case "fence" | "code_block":
            # Whatever is in it, it must not end it.
            text = node.content.rstrip("\n").replace("{noformat}", "{ noformat }")
            return f"{{noformat}}\n{text}\n{{noformat}}"
        case "hr":
            return "----"
        case _:
            return wiki_escaped(node.content)


def _wiki_item(item: SyntaxTreeNode, sign: str) -> str:
    lines: list[str] = []
    for child in item.children:
        text = _wiki_block(child, sign)
        nested = child.type in ("bullet_list", "ordered_list")
        lines.append(text if nested or lines else f"{sign} {text}")
    return "\n".join(lines)


def _wiki_line(node: SyntaxTreeNode) -> str:
    return "".join(_wiki_inline(child) for inline in node.children for child in inline.children)


def _wiki_inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "code_inline":
            return f"{{{{{wiki_escaped(node.content)}}}}}"
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "strong" | "em" | "s":
            return f"{SIGNS[node.type]}{_wiki_within(node, _wiki_inline)}{SIGNS[node.type]}"
        case "link":
            address, said = str(node.attrs.get("href") or ""), _wiki_within(node, _wiki_inline)
            safe = WEB.match(address) and not re.search(r"[|\]\[{}]", address)
            return f"[{said}|{address}]" if safe else said
        case _:
            return wiki_escaped(node.content)


def _wiki_within(node: SyntaxTreeNode, say: Callable[[SyntaxTreeNode], str]) -> str:
    return "".join(say(child) for child in node.children)


def wiki_escaped(text: str) -> str:
    """Return text in which wiki markup reads no sign of its own."""
    return WIKI.sub(r"\\\1", text)
