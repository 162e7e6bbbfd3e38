"""Says where to stop in a list that begins with what was done last; nothing here knows Django.

A row that is as it was proves nothing of those behind it: a webhook or a deed may have had it read
alone, or a reading broke off behind it. So each list has a mark of its own: up to what it was read.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

# A site answers from several machines and searches in an index, which may trail: what a list told
# late is still seen where something beside it moved.
TRAILS = timedelta(minutes=5)
# In an empty list all is new that comes.
NOTHING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Mark:
    """Up to what a list was read, before and by now.

    before  as `Ended.upto` said it last, "" where it was never read to its end.
    """

    before: str = ""
    _then: datetime | None = field(init=False)
    _newest: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Read what was kept."""
        try:
            self._then = datetime.fromisoformat(self.before)
        except ValueError:
            self._then = None
        self._newest = self._then or NOTHING

    @property
    def at_first(self) -> bool:
        """Whether the list was never read to its end."""
        return self._then is None

    @property
    def upto(self) -> str:
        """What to keep once it was read that far, see `Ended.upto`."""
        return self._newest.astimezone(UTC).isoformat()

    def saw(self, at: datetime | None) -> None:
        """Take in when one of the list was done to."""
        if at is not None and at > self._newest:
            self._newest = at

    def is_reached(self, last: datetime | None, *, news: bool) -> bool:
        """Whether what is behind a page was read before.

        last  when the last on it was done to.     news  whether it had any that was not known.
        """
        if self._then is None or last is None:
            return False
        return last < self._then - TRAILS or (last <= self._then and not news)
