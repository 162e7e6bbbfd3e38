"""Markdown as Jira keeps it: what people read there is what was written here."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.jira.adf import markdown_of
from apps.jira.writing import document_of, wiki_escaped, wiki_of


def content(text: str) -> list[dict[str, Any]]:
    made = document_of(text)
    assert (made["version"], made["type"]) == (1, "doc")
    return made["content"]


def texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for one in node for text in texts(one)]
    return [node["text"]] if node.get("type") == "text" else texts(node.get("content") or [])


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "one **bold** and *soft* and ~~gone~~ and `code`",
        "[here](<https://example.com/a>)",
        "## Title\n\nbelow",
        "- a\n- b\n  - c",
        "1. a\n2. b",
        "> quoted",
        "```py\nx = 1\n```",
        "one\n\n---\n\ntwo",
        "one\\\ntwo",
    ],
)
def test_what_is_written_comes_back_as_it_was(text):
    assert markdown_of(document_of(text)) == text


def test_nothing_is_a_document_all_the_same():
    assert content("") == [{"type": "paragraph"}]
    assert content("\n\n  \n") == [{"type": "paragraph"}]
    assert wiki_of("") == ""


def test_code_bears_its_language_and_no_marks():
    (code,) = content("```python title\nx = '**'\n```")
    assert code["attrs"] == {"language": "python"}
    assert code["content"] == [{"type": "text", "text": "x = '**'"}]
    (empty,) = content("```\n```")
    assert "content" not in empty


def test_a_link_leads_to_the_web_or_is_its_text():
    for address in ("javascript:alert(1)", "data:text/html,x", "/inside", "#here"):
        made = json.dumps(content(f"[words]({address})"))
        assert "link" not in made
        assert "words" in made
        assert wiki_of(f"[words]({address})") in ("words", "\\[words\\](" + address + ")")


def test_what_may_not_stand_in_a_quotation_is_its_text():
    (quote,) = content("> # Title\n>\n> > inner\n>\n> ---")
    assert {block["type"] for block in quote["content"]} == {"paragraph"}
    assert texts(quote) == ["Title", "inner"]


def test_html_and_pictures_are_text():
    said = texts(content("<b>x</b> ![shot](https://example.com/x.png)"))
    assert "".join(said) == "<b>x</b> shot"


WIKI = [
    ("plain", "plain"),
    ("**b** *i* ~~s~~", "*b* _i_ -s-"),
    ("`a-b`", "{{a\\-b}}"),
    ("# Title", "h1. Title"),
    ("[x](https://example.com/a)", "[x|https://example.com/a]"),
    ("- a\n  - b\n- c", "* a\n** b\n* c"),
    ("1. a\n2. b", "# a\n# b"),
    ("> a", "{quote}\na\n{quote}"),
    ("```\na {noformat} b\n```", "{noformat}\na { noformat } b\n{noformat}"),
    ("a {color:red} [b] !c!", "a \\{color:red\\} \\[b\\] \\!c\\!"),
]


@pytest.mark.parametrize(("text", "wiki"), WIKI, ids=[text for text, _ in WIKI])
def test_wiki_markup_says_the_same(text, wiki):
    assert wiki_of(text) == wiki


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_whatever_is_written_makes_a_document_that_jira_takes(text):
    made = document_of(text)

    def check(node: dict[str, Any]) -> None:
        if node["type"] == "text":
            assert node["text"]
            marks = [mark["type"] for mark in node.get("marks", ())]
            assert len(marks) == len(set(marks))
            assert "code" not in marks or set(marks) <= {"code", "link"}
        for child in node.get("content") or ():
            check(child)

    check(made)
    assert isinstance(wiki_of(text), str)
    # Not one line of it is a macro of the author's.
    assert "{html}" not in wiki_of(text)


@given(st.text(alphabet="{}[]|!*_-+^~ab", max_size=30))
def test_escaped_text_has_no_sign_of_its_own(text):
    said = wiki_escaped(text)
    assert said.replace("\\", "") == text
    assert all(said[at - 1] == "\\" for at, sign in enumerate(said) if sign in "{}[]|!*_-+^~")
