"""Who may do something alone, told by a column of the row it is about.

A claim is a conditional UPDATE whose count is checked, so any number of processes may try. The
column's value is the holder's token: who lost a lease to another can neither renew nor free it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.timezone import now


def free(column: str, at: datetime) -> Q:
    """Return the condition on a row whose lease, in `column`, nobody has at that time."""
    return Q(**{column: None}) | Q(**{f"{column}__lt": at})


class Lease:
    """The right to work on one row for `length` at a time.

    rows    a queryset of that row; what else it filters by must hold for a lease to be had.
    column  its column that says until when somebody has the right.
    held    the column's value where the caller holds it already.
    """

    def __init__(
        self, rows: Any, column: str, length: timedelta, *, held: datetime | None = None
    ) -> None:
        self._rows = rows
        self._column = column
        self._length = length
        self.until = held

    def take(self, **values: Any) -> bool:
        """Claim it and set columns of the row; True for exactly one of those who try."""
        at = now()
        until = at + self._length
        if not self._rows.filter(free(self._column, at)).update(**{self._column: until}, **values):
            return False
        self.until = until
        return True

    def renew(self) -> None:
        """Hold it for longer, where half of the time is over; cheap to call often."""
        if self.until is not None and self.until - now() < self._length / 2:
            self.update()

    def update(self, **values: Any) -> bool:
        """Set columns of the row and hold it for longer; False where another has it now."""
        until = now() + self._length
        if not self._mine().update(**{self._column: until}, **values):
            return False
        self.until = until
        return True

    def free(self, **values: Any) -> bool:
        """Give it back and set columns of the row; False where another has it now."""
        return bool(self._mine().update(**{self._column: None}, **values))

    def _mine(self) -> Any:
        return self._rows.filter(**{self._column: self.until})
