"""Terminal output as HTML: coloured, escaped, and nothing else."""

import re
import time
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mirror import ansi
from apps.mirror.ansi import PLAIN, Style, line_to_html, lines_to_html, plain, style_after


def html(line: str) -> str:
    return line_to_html(line)[0]


@pytest.mark.parametrize(
    ("line", "drawn"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m not", '<span class="a-31">red</span> not'),
        ("\x1b[1;4;92mok\x1b[m", '<span class="a-b a-u a-92">ok</span>'),
        ("\x1b[41mground\x1b[49m", '<span class="a-41">ground</span>'),
        ("\x1b[104mground\x1b[0m", '<span class="a-104">ground</span>'),
        ("\x1b[38;5;9mbright\x1b[0m", '<span class="a-91">bright</span>'),
        ("\x1b[38;5;196mcube\x1b[0m", '<span class="a-91">cube</span>'),
        ("\x1b[38;5;244mgrey\x1b[0m", '<span class="a-90">grey</span>'),
        ("\x1b[38;2;0;200;0mtrue\x1b[0m", '<span class="a-32">true</span>'),
        ("\x1b[38:2::0:200:0mcolon\x1b[0m", '<span class="a-32">colon</span>'),
        ("\x1b[48;5;4;1mboth\x1b[0m", '<span class="a-b a-44">both</span>'),
        ("\x1b[7;31mswapped\x1b[27m back\x1b[0m", '<span class="a-v a-41">swapped</span>'),
        ("\x1b[1;2mx\x1b[22my", '<span class="a-b a-d">x</span>y'),
        ("\x1b[38;5;999mno colour", "no colour"),
        ("\x1b[38mno colour", "no colour"),
        ("\x1b[?25l\x1b[2J\x1b[10;10Hmoves are dropped", "moves are dropped"),
        ("\x1b]0;title\x07\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$q\x1b\\\x1b(Bdevice", "device"),
        ("bell\x07 null\x00 tab\t", "bell null tab\t"),
        ("\u202eright to left", "right to left"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("<script>alert('&')</script>", "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;"),
        ("cut off \x1b[3", "cut off "),
        ("cut off \x1b", "cut off "),
    ],
)
def test_a_line_is_drawn(line: str, drawn: str):
    assert html(line).startswith(drawn)


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("10 %\r50 %\r100 %", "100 %"),
        ("downloading 9 of 10\rdone", "doneloading 9 of 10"),
        ("downloading 9 of 10\r\x1b[Kdone", "done"),
        ("downloading\x1b[2K\rdone", "done"),
        ("abc\b\bX", "aXc"),
        ("line\r\n", "line"),
        ("a\rb\x1b[1Kc", " c"),
    ],
)
def test_a_line_that_redraws_itself_shows_what_a_terminal_would(line: str, seen: str):
    assert html(line) == seen
    assert plain(line) == seen


def test_colours_survive_a_redraw():
    assert html("\x1b[31mold\r\x1b[32mnew\x1b[0m") == '<span class="a-32">new</span>'


def test_a_style_goes_on_until_it_is_ended_on_a_later_line():
    drawn = list(lines_to_html(["\x1b[31mone", "two", "three\x1b[0m", "four"]))
    assert [line for line, _ in drawn] == [
        '<span class="a-31">one</span>',
        '<span class="a-31">two</span>',
        '<span class="a-31">three</span>',
        "four",
    ]
    assert drawn[-1][1] == PLAIN


def test_an_endless_line_is_cut_and_says_by_how_much():
    drawn, after = line_to_html("x" * 100_000 + "\x1b[31m")
    assert drawn == "x" * 10_000 + '<span class="log-cut">… 90,005 more characters</span>'
    assert after == Style(ink=1)


text = st.text(
    st.one_of(
        st.sampled_from("\x1b\x9b[]();:m0123456789KJH\r\b\n\t<>&\"'=/ \x07\x00\u202e\ud800"),
        st.characters(),
    ),
    max_size=200,
)
OWN = re.compile(r'<span class="(?:a-[a-z0-9]+(?: a-[a-z0-9]+)*|log-cut)">|</span>')


@given(st.lists(text, max_size=5))
def test_nothing_but_our_own_spans_ever_comes_out(lines: list[str]):
    style = PLAIN
    for line in lines:
        drawn, style = line_to_html(line, style)
        rest = OWN.sub("", drawn)
        assert not set(rest) & set("<>\"'\x00\x1b\x9b\r\n\u202e\ud800")
        assert drawn.count("<span") == drawn.count("</span>")
        drawn.encode()


@given(text)
def test_plain_is_what_the_html_reads_as(line: str):
    assert unescape(OWN.sub("", html(line))) == plain(line)


@given(st.lists(text, max_size=4), text)
def test_the_style_of_a_line_does_not_depend_on_how_it_was_reached(before: list[str], line: str):
    """A chunk in the cache starts with `style_after` of what came before it."""
    before = [one for one in before if "\r" not in one and "\b" not in one]
    walked = PLAIN
    for one in before:
        _, walked = line_to_html(one, walked)
    assert line_to_html(line, walked) == line_to_html(line, style_after(before))


@pytest.mark.parametrize(
    "hostile",
    ["\x1b]" * 50_000, "\x1b[" * 50_000, "a\r" * 50_000, "\x1b[31ma" * 20_000, "\x1b[1;" * 40_000],
)
def test_a_hostile_line_costs_little(hostile: str):
    began = time.perf_counter()
    ansi.line_to_html(hostile)
    ansi.plain(hostile)
    assert time.perf_counter() - began < 2


class Counted(list[Any]):
    """A list that counts how many of its items are looked at, written, copied or dropped."""

    steps = 0

    def _span(self, key: Any) -> int:
        return len(range(*key.indices(len(self)))) if isinstance(key, slice) else 1

    def __getitem__(self, key: Any) -> Any:
        Counted.steps += self._span(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        Counted.steps += self._span(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        Counted.steps += self._span(key)
        super().__delitem__(key)

    def __iter__(self) -> Any:
        for item in super().__iter__():
            Counted.steps += 1
            yield item

    def append(self, item: Any) -> None:
        Counted.steps += 1
        super().append(item)

    def pop(self, *where: Any) -> Any:
        Counted.steps += 1
        return super().pop(*where)


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 5_000 + "\x1b[1K" * 1_200,
        "a" * 5_000 + "\x1b[2Kb\b" * 1_200,
        "a" * 5_000 + "\x1b[K\x1b[1Kb" * 1_200,
        "a" * 5_000 + "\b\x1b[1K" * 1_200,
    ],
)
def test_erasing_again_and_again_touches_no_more_cells_than_the_line_has_letters(
    hostile: str, monkeypatch: pytest.MonkeyPatch
):
    class CountedRow(ansi.Row):
        def __init__(self) -> None:
            super().__init__(cells=Counted(), wiped=Counted())

    monkeypatch.setattr(ansi, "Row", CountedRow)
    monkeypatch.setattr(Counted, "steps", 0)
    ansi.plain("\r" + hostile)
    assert 5_000 <= Counted.steps <= 10 * len(hostile)


class Naive:
    """The same screen, erased where it stands: right, however long it takes."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.cursor = 0

    def play(self, text: str) -> str:
        for piece in re.findall(r"\x1b\[[012]?K|.", text, re.DOTALL):
            if piece == "\r":
                self.cursor = 0
            elif piece == "\b":
                self.cursor = max(0, self.cursor - 1)
            elif piece in ("\x1b[K", "\x1b[0K"):
                self.cells = self.cells[: self.cursor]
            elif piece == "\x1b[1K":
                count = min(self.cursor, len(self.cells))
                self.cells = [" "] * count + self.cells[count:]
            elif piece == "\x1b[2K":
                self.cells = []
            else:
                self.cells += [" "] * (self.cursor + 1 - len(self.cells))
                self.cells[self.cursor] = piece
                self.cursor += 1
        return "".join(self.cells)


pieces = st.sampled_from(["a", "b", "c", "\r", "\b", "\x1b[K", "\x1b[0K", "\x1b[1K", "\x1b[2K"])


@given(st.lists(pieces, max_size=60).map("".join))
def test_a_redrawn_line_reads_as_one_erased_where_it_stands(text: str):
    assert plain("\r" + text + ".") == Naive().play("\r" + text + ".")
