"""Reads lists that are sorted by what was done last, down to where they were read once; no Django.

A row that is as it was proves nothing of those behind it: a webhook or a deed may have had it read
alone, or a reading that broke off. So each list has a mark of its own, `Ended.upto`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.mirror.ask import Ask

from .listing import items
from .records import moment

# GitHub answers from several machines, of which one may trail: what a list told late is still seen
# where something beside it moved.
TRAILS = timedelta(minutes=5)
# Of a list that is empty all is new that comes.
NOTHING = "1970-01-01T00:00:00Z"
Told = Mapping[str, Any]


@dataclass(slots=True)
class Newest:
    """What is news in a list, by number, the last done first.

    upto  up to what it was read.     seen  how many it told, those that are no news among them.
    """

    told: dict[Any, Told] = field(default_factory=dict)
    upto: str = NOTHING
    seen: int = 0


def newest(pages: Iterable[Any], ask: Ask, parent: str, *, known: Any) -> Newest:
    """Return what is news on the pages of a list; of one that was never read, what its first has.

    known  item -> whether it was read as it is.
    """
    before = ask.upto.get(parent, "")
    at_first = parent in ask.unended or not before
    found = Newest(upto=NOTHING if at_first else before)
    for page in pages:
        news = False
        for item in items(page):
            found.seen += 1
            found.upto = _later(found.upto, str(item.get("updated_at") or ""))
            if not known(item):
                news = True
                found.told[item["number"]] = item
        if at_first or _is_known_from_here(items(page), before, news=news):
            break
    return found


def is_first(ask: Ask, parent: str) -> bool:
    """Whether a list was never read to where it may be begun from."""
    return parent in ask.unended or not ask.upto.get(parent)


def _is_known_from_here(page: list[Told], before: str, *, news: bool) -> bool:
    last, mark = moment(page[-1].get("updated_at")) if page else None, moment(before)
    if last is None or mark is None:
        return not page
    return last < mark - TRAILS or (last <= mark and not news)


def _later(one: str, other: str) -> str:
    """Return the later of two moments, both as GitHub writes them."""
    first, second = moment(one), moment(other)
    return other if second is not None and (first is None or second > first) else one
