"""What an issue about a failure begins with: what failed, why, by which lines, of which commit.

Services say in their `failing.py` of what people make issues. Only what the person sees goes into
the text, and what looks like a secret is masked once more: it leaves the house.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.mirror.ansi import plain
from apps.mirror.linked import lineage_of
from apps.mirror.links import explain_of
from apps.mirror.masking import masked, named_masked
from apps.mirror.resource import REGISTER
from apps.mirror.state import State

# So much of it; a tracker takes more, nobody reads it.
MOST_LINES, LONGEST_LINE = 40, 300
LONGEST_TITLE = 200
FENCE = re.compile(r"`{3,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """That people make issues of rows of a kind that failed.

    name    row -> what it is, in words: "Build #12 of checkout".
    at      row -> when it failed, as far as is known.
    commit  row -> (its id, its message), ("", "") where nobody tells.
    lines   row -> the lines of the log that say why; "" for none.
    below   row -> (kind, row) of what failed and brought it to fail, the first first.
    parts   row -> (kind, row) of what failed in it and has no page of its own: issues about these
            are made, and listed, where it shows.
    """

    kind: str
    name: Callable[[Any], str]
    at: Callable[[Any], datetime | None] = lambda _row: None
    commit: Callable[[Any], tuple[str, str]] = lambda _row: ("", "")
    lines: Callable[[Any], str] = lambda _row: ""
    below: Callable[[Any], Iterator[tuple[str, Any]]] = lambda _row: iter(())
    parts: Callable[[Any], Iterable[tuple[str, Any]]] = lambda _row: ()


@dataclass(slots=True)
class Failures:
    """The register of them by kind.

    within  kinds about which none is made, on whose pages what failed in them is offered.
    """

    by_kind: dict[str, Failure] = field(default_factory=dict)
    within: dict[str, Callable[[Any], Iterable[tuple[str, Any]]]] = field(default_factory=dict)

    def add(self, failure: Failure) -> Failure:
        """Add one. Raises ValueError for a kind that has one."""
        if failure.kind in self.by_kind:
            raise ValueError(f"how {failure.kind} fails is said twice")
        self.by_kind[failure.kind] = failure
        return failure

    def show(self, kind: str, parts: Callable[[Any], Iterable[tuple[str, Any]]]) -> None:
        """Offer on pages of a kind what failed in it: row -> (kind, row) of each."""
        self.within[kind] = parts

    def offered_at(self, kind: str) -> bool:
        """Whether pages of a kind offer issues about it, or about what failed in it."""
        return kind in self.by_kind or kind in self.within

    def parts_of(self, kind: str, row: Any) -> Iterable[tuple[str, Any]]:
        """Return what failed in a row and is offered on its page."""
        own = self.by_kind.get(kind)
        return own.parts(row) if own is not None else self.within.get(kind, lambda _row: ())(row)


FAILURES = Failures()


def failed(kind: str, row: Any) -> bool:
    """Whether people may make an issue of it."""
    return kind in FAILURES.by_kind and row.state == State.FAILED


def draft_of(user: Any, kind: str, row: Any, address: str) -> dict[str, str]:
    """Return {title, text} of an issue about a row that failed; `address` leads back to it."""
    failure = FAILURES.by_kind[kind]
    name, why = failure.name(row), _clean(explain_of(kind, row))
    chain = [(failure, row), *_seen_below(user, failure, row)]
    lines = next((told for one, at in chain if (told := _clean(one.lines(at)))), "")
    commits = (one.commit(at) for one, at in chain)
    sha, message = next((told for told in commits if told[0]), ("", ""))
    at = failure.at(row)
    place = " · ".join(filter(None, (row.scope.label or row.scope.account, row.scope.region)))
    head = f"**{_one_line(name)}** failed"
    if at is not None:
        head += f" on {at:%-d %b %Y at %H:%M} UTC"
    parts = [f"{head} ({_one_line(place)})."]
    first = _one_line(why.split("\n", 1)[0])
    # What the log says is not said twice.
    why = "\n".join(line for line in why.splitlines() if line not in lines.splitlines())
    if why:
        parts.append(f"Why it failed:\n\n{fenced(why)}")
    if lines:
        parts.append(f"The log:\n\n{fenced(lines)}")
    if sha:
        said = _one_line(message.split("\n", 1)[0])
        parts.append(f"Commit: `{_one_line(sha)}`{f' {said}' if said else ''}")
    parts.append(f"Where it is: {address}")
    title = _one_line(name) + (f" failed: {first}" if first else " failed")
    return {"title": _cut(title, LONGEST_TITLE), "text": "\n\n".join(parts)}


def _seen_below(user: Any, failure: Failure, row: Any) -> Iterator[tuple[Failure, Any]]:
    """What brought it to fail, as far as this person may see it."""
    for kind, found in failure.below(row):
        resource = REGISTER.by_kind.get(kind)
        below = FAILURES.by_kind.get(kind)
        if resource is None or below is None:
            continue
        rows: Any = resource.model._default_manager
        rows = rows.visible_to(user).select_related("scope", *lineage_of(resource))
        seen = rows.filter(pk=found.pk).first()
        if seen is not None:
            yield below, seen
            yield from _seen_below(user, below, seen)


def _clean(text: str) -> str:
    """Return the first lines of a text without escapes and without what may be a secret."""
    shown = "\n".join(plain(line) for line in text.splitlines())
    told = named_masked(masked(shown)).strip("\n").splitlines()
    lines = [_cut(line.rstrip(), LONGEST_LINE) for line in told[:MOST_LINES]]
    if len(told) > MOST_LINES:
        lines.append("…")
    return "\n".join(lines)


def fenced(text: str) -> str:
    """Return text as a block of code that nothing in it ends."""
    longest = max((len(found) for found in FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
