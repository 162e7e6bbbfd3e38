"""Atlassian documents: made from plain text, and read as plain text.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from typing import Any

#: Deeper than this nothing is read.
_DEEPEST = 300
_BLOCKS = frozenset(
    [
        "paragraph",
        "heading",
        "listItem",
        "codeBlock",
        "tableRow",
        "rule",
        "panel",
        "blockquote",
        "mediaSingle",
    ]
)


def document(text: str) -> dict[str, Any]:
    """A document with a paragraph per blank line; lines that begin with ``- `` become a list."""
    content: list[dict[str, Any]] = []
    for part in text.split("\n\n"):
        lines = part.splitlines()
        if lines and all(line.startswith("- ") for line in lines):
            items = [{"type": "listItem", "content": [_paragraph(line[2:])]} for line in lines]
            content.append({"type": "bulletList", "content": items})
        elif part.startswith("    "):
            code = "\n".join(line[4:] for line in lines)
            text_node = {"type": "text", "text": code}
            content.append(
                {"type": "codeBlock", "attrs": {"language": "python"}, "content": [text_node]}
            )
        elif part.strip():
            content.append(_paragraph(part))
    return {"type": "doc", "version": 1, "content": content}


def _paragraph(text: str) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            nodes.append({"type": "hardBreak"})
        if line:
            nodes.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": nodes}


def plain(node: Any, depth: int = 0) -> str:
    """The text of a document; what is no document is itself."""
    if isinstance(node, str):
        return node
    if not isinstance(node, dict) or depth > _DEEPEST:
        return ""
    match node.get("type"):
        case "text":
            return str(node.get("text", ""))
        case "hardBreak":
            return "\n"
        case "mention" | "emoji" | "status":
            return str(node.get("attrs", {}).get("text", ""))
        case "inlineCard":
            return str(node.get("attrs", {}).get("url", ""))
    inside = "".join(plain(one, depth + 1) for one in node.get("content", ()))
    return f"{inside}\n" if node.get("type") in _BLOCKS else inside


def is_document(value: Any) -> bool:
    """Whether Jira takes it as a document."""
    return (
        isinstance(value, dict)
        and value.get("type") == "doc"
        and value.get("version") == 1
        and isinstance(value.get("content"), list)
    )
