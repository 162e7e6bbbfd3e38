"""Markdown as HTML that may stand in a page, whoever wrote it.

CommonMark with tables and strikethrough, no HTML of the author's own. What comes out is cleaned
once more by an allow-list. Pictures from elsewhere are links: a page fetches nothing of others.
"""

import re
from collections.abc import Sequence
from html import escape

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {
    *("p", "br", "hr", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "a"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
# What is wider than the page scrolls within itself: keys must reach it.
SCROLLED = {"pre": {"tabindex": "0"}, "table": {"tabindex": "0"}}
SCHEMES = {"http", "https", "mailto"}
# An address that says its scheme; which schemes may be is asked besides.
WHOLE = re.compile(r"[a-z]+:", re.IGNORECASE)
# A place in this wiki: "runbook", without scheme, host or anchor.
PAGE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
# What was written elsewhere has comments in it that nobody is to read there.
_ELSEWHERE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def rendered(text: str, wiki: str = "") -> SafeString:
    """Return Markdown as HTML.

    wiki  path of the wiki whose other pages links may name by their place alone ("runbook");
          without one, such links lead nowhere: the text was written elsewhere.
    """
    parser = _PARSER if wiki else _ELSEWHERE
    tokens = parser.parse(text)
    for token in tokens:
        _lower(token)
        _as_text(token)
        if token.children:
            token.children = _linked(token.children, wiki)
    html = nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        set_tag_attribute_values=SCROLLED,
        attribute_filter=None if wiki else _leading,
        url_schemes=SCHEMES,
        link_rel="noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308 - cleaned by an allow-list


def _leading(_tag: str, attribute: str, value: str) -> str | None:
    """Keep of addresses those that say whole where they lead."""
    if attribute == "href" and not WHOLE.match(value):
        return None
    return value


def _as_text(token: Token) -> None:
    """Turn HTML of the author's own into the text that it is, without comments."""
    for one in (token, *(token.children or ())):
        if one.type in ("html_block", "html_inline"):
            text = escape(COMMENT.sub("", one.content).strip("\n"))
            one.content = f"<p>{text}</p>\n" if text and one.type == "html_block" else text


def _lower(token: Token) -> None:
    """The page's title is its first heading: the text's begin below it."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + 1)}"


def _linked(tokens: Sequence[Token], wiki: str) -> list[Token]:
    """Return inline tokens with pictures as links and pages of the wiki by their address."""
    told: list[Token] = []
    for token in tokens:
        if token.type == "image":
            address = str(token.attrGet("src") or "")
            opens = Token("link_open", "a", 1, attrs={"href": address})
            words = Token("text", "", 0, content=token.content or address)
            told += [opens, words, Token("link_close", "a", -1)]
            continue
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
            if wiki and PAGE.fullmatch(address):
                token.attrSet("href", f"{wiki}{address}/")
        told.append(token)
    return told


def beginning(text: str, most: int = 1_200) -> tuple[str, bool]:
    """Return the beginning of a text, cut between paragraphs, and whether there is more."""
    if len(text) <= most:
        return text, False
    cut = text.rfind("\n\n", 0, most)
    kept = text[: cut if cut > 0 else most]
    # What a fence has opened would swallow the rest of the page.
    if kept.count("```") % 2:
        kept += "\n```"
    return kept, True
