"""What every mirrored thing tells, whichever service it is of: where, how it fares, and why."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from pydantic import Field

from apps.mirror.links import explain_of, url_of
from apps.mirror.state import State

from .answers import Place, absolute


class Thing(Place):
    """A mirrored thing, by what all of them have."""

    id: int
    arn: str = Field(description="AWS's ARN, or its own id where there is no ARN.")
    status: str = Field(
        description="The service's own word; Available, or Unknown, where it has none."
    )
    word: str = Field(
        description="What our pages call it: that word, or ours where it says too little."
    )
    state: str = Field(description="Ours: done, moving, waiting, failed, stopped or unknown.")
    why: str = Field(description="Why it failed, in a few lines; empty where it did not.")
    gone_at: datetime | None = Field(description="Since when AWS has not listed it any more.")
    url: str = Field(description="Our page; empty where it has none.")
    console_url: str = Field(description="AWS's page; empty where there is none.")


# What is there and does nothing that could fail has no word of AWS's: in ours, by kind.
SETTLED = {
    "repository": "Available",
    "branch": "Available",
    "commit": "Available",
    "tracker": "Available",
}
UNTOLD = "Unknown"


def fares(kind: str, row: Any) -> dict[str, str]:
    """Return {status, word, state} of a row, none empty: what never ran is unknown."""
    settled = SETTLED.get(kind.partition(".")[2]) or UNTOLD
    return {
        "status": getattr(row, "own_status", row.status) or settled,
        "word": row.status or settled,
        "state": row.state or (State.UNKNOWN if settled == UNTOLD else State.DONE).value,
    }


def in_state(rows: Any, kind: str, state: str) -> Any:
    """Narrow rows by the state that `fares` tells of them; "" narrows nothing."""
    if not state:
        return rows
    settled = kind.partition(".")[2] in SETTLED
    without = State.DONE if settled else State.UNKNOWN
    wanted = Q(state=state)
    return rows.filter(wanted | Q(state="") if state == without else wanted)


def thing(request: HttpRequest, kind: str, row: Any) -> dict[str, Any]:
    """Return what `Thing` tells of a row of `kind`; its scope must be loaded.

    Its `explain` must not ask the database, or a list would ask once for each row.
    """
    return {
        "id": row.pk,
        "arn": row.arn,
        "account": row.scope.account,
        "region": row.scope.region,
        **fares(kind, row),
        "why": explain_of(kind, row) if row.state == State.FAILED else "",
        "gone_at": row.gone_at,
        "url": absolute(request, url_of(kind, row)),
        "console_url": getattr(row, "console_url", ""),
    }


def columns(row: Any, *names: str) -> dict[str, Any]:
    """Return these columns of a row by name."""
    return {name: getattr(row, name) for name in names}
