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


def replaced(  # noqa: PLR0913 - what stands there, and how it came there
    where: str, url: str, since: datetime | None, *, what: str, why: str = "", known: bool = True
) -> Hold:
    """Return that something else stands now where a change was.

    known  whether it is known that what stands there does not contain the change; where its commit
           was not read, it may.
    """
    text = f"It was in {where}; what runs there now does not contain it"
    if not known:
        text = f"It was in {where}; whether what runs there now contains it is not known"
    state = State.STOPPED if known else State.UNKNOWN
    return Hold(state=state, text=text, url=url, since=since, why=why, what=what)
