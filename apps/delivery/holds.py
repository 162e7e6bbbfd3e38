"""Why a change is not where it is to be."""

from dataclasses import dataclass
from datetime import datetime

from apps.mirror.state import State


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a change is not where it is to be.

    text   one sentence.            why   the cause in its own words, "" for none.
    by     who did it, "" for nobody.
    what   what stands in its place, "" where nothing does.
    """

    state: str
    text: str
    url: str
    since: datetime | None = None
    why: str = ""
    by: str = ""
    what: str = ""


def replaced(where: str, url: str, since: datetime | None, *, what: str, why: str = "") -> Hold:
    """Return that something else stands now where a change was."""
    text = f"It was in {where}; what runs there now does not contain it"
    return Hold(state=State.STOPPED, text=text, url=url, since=since, why=why, what=what)
