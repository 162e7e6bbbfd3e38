"""Jira's documents as Markdown: what their authors saw, whatever they wrote."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.jira.adf import CUT, DEEPEST, MOST, escaped, markdown_of, plain
from apps.mirror.markdown import rendered


def doc(*nodes: Any) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(nodes)}


def text(words: str, *marks: Any) -> dict[str, Any]:
    return {
        "type": "text",
        "text": words,
        "marks": [m if isinstance(m, dict) else {"type": m} for m in marks],
    }


def p(*nodes: Any) -> dict[str, Any]:
    return {"type": "paragraph", "content": list(nodes)}


def item(*nodes: Any) -> dict[str, Any]:
    return {"type": "listItem", "content": list(nodes)}


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (p(text("plain")), "plain"),
        (p(text("a "), text("bold", "strong"), text(" c")), "a **bold** c"),
        (p(text(" spaced ", "strong")), "**spaced**"),
        (p(text("x", "code")), "`x`"),
        (p(text("a`b", "code")), "``a`b``"),
        (p(text("gone", "strike"), text("soft", "em")), "~~gone~~*soft*"),
        (p(text("here", {"type": "link", "attrs": {"href": "https://example.com/a b"}})), "here"),
        (
            p(text("here", {"type": "link", "attrs": {"href": "https://example.com/a"}})),
            "[here](<https://example.com/a>)",
        ),
        (p(text("one"), {"type": "hardBreak"}, text("two")), "one\\\ntwo"),
        (
            p({"type": "mention", "attrs": {"id": "5b10", "text": "@checkout-developer"}}),
            "@checkout-developer",
        ),
        (p({"type": "emoji", "attrs": {"shortName": ":grinning:", "text": "😀"}}), "😀"),
        (
            p({"type": "status", "attrs": {"text": "In progress", "color": "blue"}}),
            "**In progress**",
        ),
        (p({"type": "date", "attrs": {"timestamp": "1582152559000"}}), "2020-02-19"),
        (
            p({"type": "inlineCard", "attrs": {"url": "https://example.com/x"}}),
            "[https://example.com/x](<https://example.com/x>)",
        ),
        ({"type": "heading", "attrs": {"level": 3}, "content": [text("Title")]}, "### Title"),
        ({"type": "rule"}, "---"),
        (
            {"type": "codeBlock", "attrs": {"language": "py"}, "content": [text("a = '```'")]},
            "````py\na = '```'\n````",
        ),
        (
            {
                "type": "bulletList",
                "content": [
                    item(p(text("a"))),
                    item(p(text("b")), {"type": "bulletList", "content": [item(p(text("c")))]}),
                ],
            },
            "- a\n- b\n  - c",
        ),
        (
            {
                "type": "orderedList",
                "attrs": {"order": 3},
                "content": [item(p(text("a"))), item(p(text("b")))],
            },
            "3. a\n4. b",
        ),
        (
            {
                "type": "taskList",
                "content": [
                    {"type": "taskItem", "attrs": {"state": "DONE"}, "content": [text("a")]},
                    {"type": "taskItem", "attrs": {"state": "TODO"}, "content": [text("b")]},
                ],
            },
            "- \\[x\\] a\n- \\[ \\] b",
        ),
        ({"type": "blockquote", "content": [p(text("a")), p(text("b"))]}, "> a\n>\n> b"),
        (
            {"type": "panel", "attrs": {"panelType": "warning"}, "content": [p(text("a"))]},
            "> **Warning**\n>\n> a",
        ),
        (
            {"type": "expand", "attrs": {"title": "More"}, "content": [p(text("a"))]},
            "**More**\n\na",
        ),
        (
            {
                "type": "mediaSingle",
                "content": [{"type": "media", "attrs": {"id": "1", "alt": "shot.png"}}],
            },
            "(attachment shot.png)",
        ),
        (
            {
                "type": "table",
                "content": [
                    {
                        "type": "tableRow",
                        "content": [
                            {"type": "tableHeader", "content": [p(text("a"))]},
                            {"type": "tableHeader", "content": [p(text("b|c"))]},
                        ],
                    },
                    {
                        "type": "tableRow",
                        "content": [{"type": "tableCell", "content": [p(text("1"))]}],
                    },
                ],
            },
            "| a | b\\|c |\n| --- | --- |\n| 1 |  |",
        ),
        (
            {"type": "somethingNew", "attrs": {"text": "shown"}, "content": [p(text("and this"))]},
            "shown\n\nand this",
        ),
        (p({"type": "inlineNew", "text": "also"}), "also"),
    ],
)
def test_each_kind_of_node_is_shown_as_its_author_saw_it(node, said):
    assert markdown_of(doc(node)) == said


@pytest.mark.parametrize("nothing", [None, 7, [], {}, {"content": "x"}, {"content": [1, None, []]}])
def test_what_is_no_document_is_nothing(nothing):
    assert markdown_of(nothing) == ""


HOSTILE = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://example.com/pixel.png)",
    "# no title\n- no list\n1. none\n> none",
    "**not bold** `not code` ~~not struck~~",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt;",
    "| a | b |\n|---|---|",
    "    four spaces",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_text_that_looks_like_markup_is_text(words):
    html = rendered(markdown_of(doc(p(text(words)))), "/wiki/")
    for tag in (
        "<script",
        "<img",
        "<a",
        "<h",
        "<ul",
        "<ol",
        "<strong",
        "<code",
        "<blockquote",
        "<table",
        "<pre",
    ):
        assert tag not in html
    # Wiki markup of Data Center is shown as it is, too.
    html = rendered(plain(words), "/wiki/")
    for tag in ("<script", "<img", "<a", "<ul", "<ol", "<strong", "<code", "<table"):
        assert tag not in html


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com",
        "https://a\n.example.com",
        "",
        None,
        7,
        "vbscript:x",
    ],
)
def test_a_link_leads_to_the_web_or_is_its_text(address):
    link = {"type": "link", "attrs": {"href": address}}
    assert markdown_of(doc(p(text("words", link)))) == "words"
    assert "](" not in markdown_of(doc({"type": "blockCard", "attrs": {"url": address}}))


def test_what_is_nested_too_deep_is_cut_and_says_so():
    node: Any = p(text("deep"))
    for _ in range(5_000):
        node = {"type": "blockquote", "content": [node]}
    said = markdown_of(doc(p(text("first")), node))
    assert said.startswith("first")
    assert said.endswith(CUT)
    assert said.count(">") <= DEEPEST * 2 + 4


def test_what_is_too_long_is_cut_and_says_so():
    said = markdown_of(doc(*[p(text("x" * 1_000)) for _ in range(300)]))
    assert len(said) <= MOST + len(CUT)
    assert said.endswith(CUT)
    many = markdown_of(doc(p(*[text("y")] * 50_000)))
    assert many.endswith(CUT)
    assert len(plain("z" * 300_000)) <= MOST + len(CUT)


NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "content",
                    "text",
                    "marks",
                    "attrs",
                    "url",
                    "href",
                    "level",
                    "order",
                    "timestamp",
                ]
            ),
            inner
            | st.sampled_from(
                [
                    "doc",
                    "paragraph",
                    "text",
                    "table",
                    "tableRow",
                    "taskList",
                    "link",
                    "code",
                    "panel",
                    "heading",
                    "date",
                ]
            ),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=150, deadline=None)
@given(NODES)
def test_whatever_comes_is_text_that_renders_to_something_harmless(node):
    said = markdown_of(doc(node))
    assert isinstance(said, str)
    html = rendered(said, "/wiki/")
    assert "<script" not in html
    assert "javascript:" not in html


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_escaped_text_is_shown_as_it_is(words):
    html = rendered(escaped(words.replace("\n", " ").replace("\t", " ")), "/wiki/")
    for tag in ("<em", "<strong", "<code>", "<a ", "<h2", "<ul", "<ol", "<s>", "<blockquote"):
        assert tag not in html
