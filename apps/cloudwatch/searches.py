"""What is read of a log group on demand: its tail, or what a search finds; each has a number."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils.timezone import now

from apps.mirror import loglines
from apps.mirror.linestore import KEPT_SECONDS, Contents, LineStore
from apps.mirror.looks import Follower

from .models import LogGroup

TAIL, SEARCH = "grouptail", "groupsearch"
# How far back a tail begins, and the spans that a search offers.
TAIL_BEGINS = timedelta(minutes=10)
SPANS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "3h": timedelta(hours=3),
    "12h": timedelta(hours=12),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
LONGEST_PATTERN = 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a group: which look, its number, and what is asked.

    `since` and `until` are milliseconds since the epoch; a tail has no end.
    """

    look: str
    number: int
    group: int
    pattern: str = ""
    since: int = 0
    until: int | None = None

    @property
    def name(self) -> str:
        """The stream's topic, "grouptail:12"."""
        return f"{self.look}:{self.number}"

    @property
    def element(self) -> str:
        """The id of the element that holds its lines."""
        return f"{self.look}-{self.number}"

    @property
    def store(self) -> LineStore:
        """Where its lines are kept."""
        return loglines.line_store(f"look:{self.name}", whole="CloudWatch Logs")

    @property
    def follower(self) -> Follower:
        """Who reads it."""
        return Follower(f"look:{self.name}")

    def contents(self) -> Contents | None:
        """What was read of it, None where nothing was."""
        return self.store.open()


def tail_of(group_id: int) -> Reading:
    """The newest events of a group."""
    since = now() - TAIL_BEGINS
    return Reading(TAIL, group_id, group_id, since=int(since.timestamp() * 1000))


def search_in(group_id: int, pattern: str, span: str) -> Reading:
    """A search for a pattern in a span of time up to now; the same one within a minute is one.

    Its words are kept in the cache, where the stream and the reader find them by its number.
    """
    until = now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    since = until - SPANS.get(span, SPANS["1h"])
    told = (group_id, pattern[:LONGEST_PATTERN], _milliseconds(since), _milliseconds(until))
    digest = hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).digest()
    # A number that JavaScript, a topic and a database's id can hold.
    number = int.from_bytes(digest[:6], "big")
    found = Reading(SEARCH, number, *told)
    cache.set(f"cloudwatch:search:{number}", told, timeout=KEPT_SECONDS)
    return found


def reading_of(look: str, number: int) -> Reading | None:
    """Return a reading by its look and number; None for a search that was forgotten."""
    if look == TAIL:
        return tail_of(number)
    told: Any = cache.get(f"cloudwatch:search:{number}")
    return Reading(SEARCH, number, *told) if told else None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def group_of(reading: Reading) -> LogGroup | None:
    """Return the group with its scope."""
    return LogGroup.objects.select_related("scope").filter(pk=reading.group).first()
