"""Reads lists that begin with what was done last, down to where they were read once; no Django."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.mirror.ask import Ask
from apps.sites.newest import Mark

from .listing import items
from .records import moment

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Newest:
    """What is news in a list, by number, the last done first.

    upto      up to what it was read.     seen  how many it told, those that are no news among them.
    at_first  whether only the first page was looked at, because it was never read before.
    """

    told: dict[Any, Told]
    upto: str
    seen: int
    at_first: bool


def newest(pages: Iterable[Any], ask: Ask, parent: str, known: Callable[[Told], bool]) -> Newest:
    """Return what is news on the pages of a list; of one that was never read, what its first has.

    known  item -> whether it was read as it is.
    """
    mark = Mark("" if parent in ask.unended else ask.upto.get(parent, ""))
    told: dict[Any, Told] = {}
    seen = 0
    for page in pages:
        found = items(page)
        news = {item["number"]: item for item in found if not known(item)}
        seen += len(found)
        told |= news
        for item in found:
            mark.saw(moment(item.get("updated_at")))
        last = moment(found[-1].get("updated_at")) if found else None
        if mark.at_first or mark.is_reached(last, news=bool(news)):
            break
    return Newest(told, mark.upto, seen, mark.at_first)
