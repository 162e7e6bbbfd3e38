"""Markdown becomes HTML in which nobody's trick does anything."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.mirror.markdown import beginning, rendered

WIKI = "/projects/checkout/wiki/"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title\n\ntext", "<h2>Title</h2>\n<p>text</p>"),
        ("###### Deep", "<h6>Deep</h6>"),
        ("a\n\n- b\n- c", "<ul>\n<li>b</li>\n<li>c</li>\n</ul>"),
        ("~~old~~ **new**", "<s>old</s> <strong>new</strong>"),
        ("|a|b|\n|-|-|\n|1|2|", "<td>1</td>"),
        ("```sh\nmake up <x>\n```", '<pre tabindex="0"><code>make up &lt;x&gt;\n</code></pre>'),
        ("[Runbook](runbook)", f'<a href="{WIKI}runbook/" rel="noreferrer nofollow">Runbook</a>'),
        ("[x](https://example.com)", '<a href="https://example.com" rel="noreferrer nofollow">'),
    ],
)
def test_what_people_write_is_shown(text: str, html: str):
    assert html in rendered(text, WIKI)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&colon;alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        '[x](https://example.com "onmouseover=alert(1)")',
        '<a href="javascript:alert(1)">x</a>',
        "<svg/onload=alert(1)>",
        "<iframe src=//example.com></iframe>",
        "[ref]\n\n[ref]: javascript:alert(1)",
        '<https://example.com/"onclick=alert(1)>',
        "<style>*{display:none}</style>",
        "`<b onclick=x>`",
    ],
)
def test_no_trick_does_anything(text: str):
    html = rendered(text, WIKI)
    tags = re.findall(r"<(/?[a-z0-9]+)([^>]*)>", html)
    for name, attributes in tags:
        assert name.strip("/") in {"p", "a", "code", "pre", "h2"}, html
        assert not re.search(r"\bon\w+\s*=\s*[\"']?alert", re.sub(r'"[^"]*"', "", attributes)), html
    for address in re.findall(r'<[a-z0-9]+[^>]* href="([^"]*)"', html):
        assert address.startswith(("https://", "/projects/")), html


def test_a_picture_from_elsewhere_is_a_link():
    html = rendered("![the plan](https://example.com/plan.png)", WIKI)
    assert "<img" not in html
    assert 'href="https://example.com/plan.png"' in html
    assert ">the plan</a>" in html


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("<>[]()!`*_#\"'=:/\\|-\n abjs&;~")), max_size=300))
def test_whatever_is_written_only_allowed_tags_come_out(text: str):
    html = rendered(text, WIKI)
    assert "<script" not in html.lower()
    for attributes in re.findall(r"<[a-z0-9]+([^>]*)>", html):
        for name in re.findall(r"([a-z-]+)=\"", attributes):
            assert name in {"href", "title", "rel", "start", "tabindex"}, html


@pytest.mark.parametrize("piece", ["[", "> ", "*a ", "![](", "`", "|-", "- ", "<a ", "\\", "[a](b"])
def test_hostile_text_is_rendered_in_no_time(piece: str):
    began = time.process_time()
    rendered((piece * 100_000)[:100_000], WIKI)
    # A bound against what grows with the square, not a measurement.
    assert time.process_time() - began < 20


def test_a_beginning_is_cut_between_paragraphs_and_closes_what_it_opens():
    assert beginning("short") == ("short", False)
    text, more = beginning("first\n\n" + "x" * 2_000)
    assert (text, more) == ("first", True)
    text, more = beginning("```\n" + "code\n" * 500)
    assert (text.count("```"), more) == (2, True)


# --- What was written elsewhere -------------------------------------------------------------------


def test_comments_of_what_was_written_elsewhere_are_not_shown():
    text = "Before\n\n<!-- mark-1\nsecond line -->\n\nAfter <!-- inline --> it\n\n<!-- open"
    html = rendered(text)
    assert "mark-1" not in html
    assert "inline" not in html
    assert "open" not in html
    assert "<p>Before</p>" in html
    assert "After" in html


def test_comments_in_code_are_code():
    assert "&lt;!-- kept --&gt;" in rendered("```\n<!-- kept -->\n```")
    assert "&lt;!-- kept --&gt;" in rendered("`<!-- kept -->`")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<div onclick=alert(1)>\n**bold**\n</div>",
        "Say <b onmouseover=alert(1)>it</b>",
        "<img src=x onerror=alert(1)>",
        "<!-- a --><script>alert(1)</script>",
        "<!-- <!-- --><script>alert(1)</script> -->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php <script>alert(1)</script> ?>",
        "<scr<!-- x -->ipt>alert(1)</scr<!-- x -->ipt>",
        "<style>*{}</style>",
    ],
)
def test_html_of_what_was_written_elsewhere_is_the_text_that_it_is(text: str):
    html = rendered(text)
    assert not re.search(r"<(?!/?(?:p|em|strong|br)\b)", html), html
    assert "alert(1)" in html or "style" in html


def test_links_of_what_was_written_elsewhere_say_whole_where_they_lead():
    html = rendered("[a](runbook) [b](/x) [c](//x.example.com) [d](https://x.example.com) [e](#f)")
    assert html.count("href=") == 1
    assert 'href="https://x.example.com"' in html
