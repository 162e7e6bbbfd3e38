"""Finds the line of a build log that says what went wrong first, and what to quote around it.

Knows CodeBuild's own lines; the shapes in which tools report errors are `mirror.errorlines`'. No
Django, no AWS.

CodeBuild runs a phase's commands in turn and says "Running command …" before each and "Command did
not exit successfully … exit status N" after the one that failed. POST_BUILD runs even after BUILD
failed, so of several failed commands the first is the cause. Within its output the first line that
a tool marks as an error counts; lines that only report that something below failed ("npm ERR!",
"make: ***") count where nothing better is there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.mirror.ansi import plain
from apps.mirror.errorlines import WAYS, reports

BEFORE = 8
AFTER = 14
LONGEST_LINE = 500
# How far above a failed command's end its error is looked for.
REGION = 4000

CONTAINER = re.compile(r"^\[Container\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? ")
RUNNING = re.compile(r"^Running command (?P<command>.*)")
ENTERING = re.compile(r"^Entering phase (?P<phase>[A-Z_]+)")
NOT_SUCCESSFUL = re.compile(r"^Command did not (?:execute|exit) successfully (?P<command>.*)")
PHASE_FAILED = re.compile(r"^Phase complete: (?P<phase>[A-Z_]+) State: (?P<state>(?!SUCCEEDED)\w+)")
CONTEXT = re.compile(
    r"^Phase context status code: +(?P<code>[A-Z_]+)[^:]*Message: (?P<message>.*\S)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What to quote of the lines given: `first` ≤ `mark` < `last`, positions counted from 0.

    sure   False where nothing said an error and the end of the output is quoted instead.
    whole  the failed command's output was seen from its beginning, so nothing older matters.
    """

    first: int
    mark: int
    last: int
    sure: bool
    whole: bool


def find(lines: Sequence[str]) -> Found | None:
    """Return where the first error stands in a log, raw lines as CloudWatch holds them.

    None for a log without a line that says anything.
    """
    texts = [plain(line) for line in lines]
    own = [_own_words(text) for text in texts]
    start, end, whole = _failed_command(own)
    mark = None
    for pattern in WAYS:
        mark = _first(pattern, texts, own, start, end)
        if mark is not None:
            break
    sure = mark is not None
    if mark is None:
        mark = _closing_line(own, texts, end)
        if mark is None:
            return None
    first = max(start if mark >= start else 0, mark - BEFORE - (0 if sure else AFTER))
    # Where nothing else is said, what CodeBuild says after its verdict is worth reading.
    last = min(len(texts), mark + 3) if not sure else max(mark + 1, min(mark + 1 + AFTER, end))
    return Found(first, mark, last, sure, whole)


def quote(lines: Sequence[str], found: Found) -> str:
    """Return the excerpt: raw lines joined, overlong ones cut, without what no database takes."""
    return "\n".join(_short(line) for line in lines[found.first : found.last])


def _short(line: str) -> str:
    line = re.sub("[\x00\ud800-\udfff]", "\ufffd", line.rstrip("\r\n"))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


def _own_words(text: str) -> str | None:
    """Return what CodeBuild itself says in a line, None where a command speaks."""
    found = CONTAINER.match(text)
    return text[found.end() :] if found else None


def _failed_command(own: Sequence[str | None]) -> tuple[int, int, bool]:
    """Return the output of the first failed command: its first line, its end, seen as a whole."""
    end = _said(own, NOT_SUCCESSFUL)
    if end is None:
        end = _said(own, PHASE_FAILED)
    if end is None:
        return max(0, len(own) - REGION), len(own), False
    for at in range(end - 1, max(-1, end - 1 - REGION), -1):
        words = own[at]
        if words is not None and (RUNNING.match(words) or ENTERING.match(words)):
            return at + 1, end, True
    return max(0, end - REGION), end, False


def _said(own: Sequence[str | None], *patterns: re.Pattern[str], start: int = 0) -> int | None:
    """Return the first line in which CodeBuild says one of these."""
    for at in range(start, len(own)):
        words = own[at]
        if words is not None and any(pattern.match(words) for pattern in patterns):
            return at
    return None


def _first(
    pattern: re.Pattern[str],
    texts: Sequence[str],
    own: Sequence[str | None],
    start: int,
    end: int,
) -> int | None:
    for at in range(start, end):
        if own[at] is None and reports(pattern, texts[at]):
            return at
    return None


def _closing_line(own: Sequence[str | None], texts: Sequence[str], end: int) -> int | None:
    """Return the line that says that it failed, else the last one with words."""
    closing = _said(own, NOT_SUCCESSFUL, CONTEXT, PHASE_FAILED, start=min(end, len(own)))
    if closing is not None:
        return closing
    return next((at for at in reversed(range(len(texts))) if texts[at].strip()), None)
