"""Turns a log's lines, with the escape sequences that tools write for terminals, into safe HTML.

Colours and weights (SGR) become classes; every other sequence and control character is dropped;
all text is escaped. Nothing in a log can write markup: only this module's own spans come out.
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape

LONGEST = 10_000
# How much of a line that redraws itself (progress bars) is looked at, from its end.
REDRAWN = 100_000

# One escape sequence: CSI, a string sequence (OSC, DCS, …) up to its end, or a two-byte one. Each
# alternative is linear, and matches a sequence that is cut off too.
SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)(?P<params>[0-?]*)[ -/]*(?P<final>[@-~])?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Controls that show nothing, and the marks that reorder text so that it reads unlike what it is.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\n]")
LONELY = re.compile("[\ud800-\udfff]")

BASIC = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0),
    (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
)  # fmt: skip
STEPS = (0, 95, 135, 175, 215, 255)


@dataclass(frozen=True, slots=True)
class Style:
    """How the next character looks; colours are 0 to 15 or None for the terminal's own."""

    ink: int | None = None
    ground: int | None = None
    marks: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        """CSS classes, space separated: a-31 (ink), a-41 (ground), a-b, a-d, a-i, a-u, a-s, a-v."""
        names = sorted(f"a-{mark}" for mark in self.marks)
        ink, ground = self.ink, self.ground
        if "v" in self.marks:
            ink, ground = ground, ink
        if ink is not None:
            names.append(f"a-{30 + ink if ink < 8 else 82 + ink}")
        if ground is not None:
            names.append(f"a-{40 + ground if ground < 8 else 92 + ground}")
        return " ".join(names)


PLAIN = Style()
ON = {1: "b", 2: "d", 3: "i", 4: "u", 7: "v", 9: "s", 21: "u"}
OFF = {22: "bd", 23: "i", 24: "u", 27: "v", 29: "s"}


def lines_to_html(lines: Iterable[str], style: Style = PLAIN) -> Iterator[tuple[str, Style]]:
    """Yield each line's HTML and the style in force after it."""
    for line in lines:
        html, style = line_to_html(line, style)
        yield html, style


def line_to_html(line: str, style: Style = PLAIN) -> tuple[str, Style]:
    """Return one line as HTML and the style that the next one begins with."""
    line = LONELY.sub("\ufffd", line.rstrip("\r\n"))
    if "\r" in line or "\b" in line:
        return _redrawn(line, style)
    if "\x1b" not in line and "\x9b" not in line:
        return _cut(_span(UNSEEN.sub("", line[:LONGEST]), style), len(line) - LONGEST), style
    shown, rest = line[:LONGEST], line[LONGEST:]
    pieces: list[str] = []
    at = 0
    for found in SEQUENCE.finditer(shown):
        pieces.append(_span(UNSEEN.sub("", shown[at : found.start()]), style))
        style = _after_sequence(style, found)
        at = found.end()
    pieces.append(_span(UNSEEN.sub("", shown[at:]), style))
    return _cut("".join(pieces), len(rest)), style_after((rest,), style)


def style_after(lines: Iterable[str], style: Style = PLAIN) -> Style:
    """Return the style in force after these lines."""
    for line in lines:
        if "\x1b" in line or "\x9b" in line:
            for found in SEQUENCE.finditer(line):
                style = _after_sequence(style, found)
    return style


def plain(line: str) -> str:
    """Return a line as it reads, without sequences and controls, redrawn parts resolved."""
    line = LONELY.sub("\ufffd", line.rstrip("\r\n"))
    if "\r" in line or "\b" in line:
        cells, _ = _screen(line[-REDRAWN:], PLAIN)
        return "".join(char for char, _ in cells)
    return UNSEEN.sub("", SEQUENCE.sub("", line) if "\x1b" in line or "\x9b" in line else line)


def _redrawn(line: str, style: Style) -> tuple[str, Style]:
    """Render a line that moves its cursor back, as a terminal would leave it."""
    cells, after = _screen(line[-REDRAWN:], style)
    pieces: list[str] = []
    run: list[str] = []
    now: Style = style
    for char, look in cells[:LONGEST]:
        if look != now and run:
            pieces.append(_span("".join(run), now))
            run = []
        now = look
        run.append(char)
    pieces.append(_span("".join(run), now))
    return _cut("".join(pieces), len(cells) - LONGEST), after


def _screen(line: str, style: Style) -> tuple[list[tuple[str, Style]], Style]:
    """Play a line on a screen one line high; return its cells and the style at the end."""
    row = Row()
    at = 0
    while at < len(line):
        char = line[at]
        if char in "\x1b\x90\x98\x9b\x9d\x9e\x9f":
            found = SEQUENCE.match(line, at)
            if found is None:
                at += 1
                continue
            style = _after_sequence(style, found)
            if found.group("final") == "K":
                row.erase(found.group("params"), at)
            at = found.end()
            continue
        if char == "\r":
            row.cursor = 0
        elif char == "\b":
            row.cursor = max(0, row.cursor - 1)
        elif not UNSEEN.match(char):
            row.write(char, style, at)
        at += 1
    return row.shown(), style


@dataclass(slots=True)
class Row:
    """One line of a screen; any number of writes and erasures costs a few steps each.

    Nothing is erased where it stands: who erases 50,000 cells 12,000 times would never end. Cells
    and erasures know `at` which place in the text they happened, and meet in `shown` only.

    cells   (character, style, at); no shorter than any place the cursor was at.
    end     how many of them there are to show.
    wiped   (how many cells from the beginning, at), longer and older ones before shorter, newer
            ones: what each newer one hides of an older one is forgotten.
    """

    cells: list[tuple[str, Style, int]] = field(default_factory=list)
    cursor: int = 0
    end: int = 0
    wiped: list[tuple[int, int]] = field(default_factory=list)

    def write(self, char: str, style: Style, at: int) -> None:
        """Put a character where the cursor is, and move on."""
        if self.cursor < len(self.cells):
            self.cells[self.cursor] = (char, style, at)
        else:
            self.cells.append((char, style, at))
        self.cursor += 1
        self.end = max(self.end, self.cursor)

    def erase(self, params: str | None, at: int) -> None:
        """Erase in line: to its end, to its beginning (1), or all of it (2)."""
        match params or "0":
            case "0":
                self.end = min(self.end, self.cursor)
            case "1":
                self._wipe(self.cursor, at)
            case "2":
                self._wipe(len(self.cells), at)
                self.end = 0

    def _wipe(self, count: int, at: int) -> None:
        while self.wiped and self.wiped[-1][0] <= count:
            self.wiped.pop()
        self.wiped.append((count, at))

    def shown(self) -> list[tuple[str, Style]]:
        """Return what is left to see; the row is of no use afterwards."""
        left: list[tuple[str, Style]] = []
        for place, (char, style, at) in enumerate(self.cells):
            if place == self.end:
                break
            while self.wiped and self.wiped[-1][0] <= place:
                self.wiped.pop()
            gone = bool(self.wiped) and at < self.wiped[-1][1]
            left.append((" ", PLAIN) if gone else (char, style))
        return left


def _span(text: str, style: Style) -> str:
    if not text:
        return ""
    safe = escape(text)
    return f'<span class="{style.classes}">{safe}</span>' if style != PLAIN else safe


def _cut(html: str, left: int) -> str:
    if left <= 0:
        return html
    return f'{html}<span class="log-cut">… {left:,} more characters</span>'


def _after_sequence(style: Style, found: re.Match[str]) -> Style:
    if found.group("final") != "m":
        return style
    params = found.group("params")
    if params and params[0] in "<=>?":
        return style
    return _after_sgr(style, params)


@cache
def _after_codes(style: Style, params: str) -> Style:
    codes = [_numbers(part) for part in params.split(";")]
    at = 0
    while at < len(codes):
        first, *rest = codes[at]
        at += 1
        if first in (38, 48):
            if not rest:
                kind = codes[at][0] if at < len(codes) else 0
                take = {5: 2, 2: 4}.get(kind, 1)
                rest = [part[0] for part in codes[at : at + take]]
                at += take
            colour = _extended(rest)
            if colour is not None and first == 38:
                style = replace(style, ink=colour)
            elif colour is not None:
                style = replace(style, ground=colour)
        else:
            style = _after_code(style, first, rest)
    return style


def _after_sgr(style: Style, params: str) -> Style:
    """Apply "1;31"; remembered, since a log says the same few again and again."""
    if len(params) > 64:
        return style
    if _after_codes.cache_info().currsize > 4096:
        _after_codes.cache_clear()
    return _after_codes(style, params)


def _after_code(style: Style, code: int, rest: list[int]) -> Style:
    if code == 0:
        return PLAIN
    if code == 4 and rest == [0]:
        return replace(style, marks=style.marks - {"u"})
    if code in ON:
        return replace(style, marks=style.marks | {ON[code]})
    if code in OFF:
        return replace(style, marks=style.marks - set(OFF[code]))
    if 30 <= code <= 37 or 90 <= code <= 97:
        return replace(style, ink=code - 30 if code < 40 else code - 82)
    if 40 <= code <= 47 or 100 <= code <= 107:
        return replace(style, ground=code - 40 if code < 50 else code - 92)
    if code == 39:
        return replace(style, ink=None)
    if code == 49:
        return replace(style, ground=None)
    return style


def _numbers(part: str) -> list[int]:
    """Read "38:2::1:2:3": ints, an empty or unreadable one as 0."""
    return [int(piece) if piece.isdecimal() else 0 for piece in part.split(":")]


def _extended(rest: list[int]) -> int | None:
    """Read what follows 38 or 48: 5;n out of 256, or 2;r;g;b (2::r:g:b with a colour space)."""
    if len(rest) >= 2 and rest[0] == 5:
        return _of_256(rest[1])
    if len(rest) >= 4 and rest[0] == 2:
        red, green, blue = rest[-3:]
        return _nearest(min(red, 255), min(green, 255), min(blue, 255))
    return None


def _of_256(number: int) -> int | None:
    if number < 16:
        return number
    if number < 232:
        red, rest = divmod(number - 16, 36)
        green, blue = divmod(rest, 6)
        return _nearest(STEPS[red], STEPS[green], STEPS[blue])
    if number < 256:
        level = 8 + 10 * (number - 232)
        return _nearest(level, level, level)
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    """Return which of the sixteen is closest, so that themes decide how colours look."""
    return min(
        range(16),
        key=lambda n: sum((a - b) ** 2 for a, b in zip(BASIC[n], (red, green, blue), strict=True)),
    )
