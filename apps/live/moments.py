"""Reads moments: JSON columns hold them as ISO text, rows and answers as datetimes; no Django."""

from datetime import UTC, datetime
from typing import Any


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; AWS gives none without a zone, but a template may."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def parsed(moment: Any) -> datetime | None:
    """Return a datetime in UTC from a datetime or an ISO text; None for whatever is neither."""
    if isinstance(moment, datetime):
        return utc(moment)
    if isinstance(moment, str) and moment:
        try:
            return utc(datetime.fromisoformat(moment))
        except (ValueError, OverflowError):
            return None
    return None
