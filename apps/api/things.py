"""What every mirrored thing tells, whichever service it is of: where, how it fares, and why."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from pydantic import Field

from apps.mirror.links import explain_of, url_of
from apps.mirror.state import State

from .answers import Place, absolute


class Thing(Place):
    """A mirrored thing, by what all of them have."""

    id: int
    arn: str = Field(description="AWS's ARN, or its own id where there is no ARN.")
    status: str = Field(description="The service's own word; empty where it has none.")
    word: str = Field(
        description="What our pages call it: that word, or ours where it says too little."
    )
    state: str = Field(description="Ours: done, moving, waiting, failed, stopped or unknown.")
    why: str = Field(description="Why it failed, in a few lines; empty where it did not.")
    gone_at: datetime | None = Field(description="Since when AWS has not listed it any more.")
    url: str = Field(description="Our page; empty where it has none.")
    console_url: str = Field(description="AWS's page; empty where there is none.")


def thing(request: HttpRequest, kind: str, row: Any) -> dict[str, Any]:
    """Return what `Thing` tells of a row of `kind`; its scope must be loaded.

    Its `explain` must not ask the database, or a list would ask once for each row.
    """
    return {
        "id": row.pk,
        "arn": row.arn,
        "account": row.scope.account,
        "region": row.scope.region,
        "status": getattr(row, "own_status", row.status),
        "word": row.status,
        "state": row.state,
        "why": explain_of(kind, row) if row.state == State.FAILED else "",
        "gone_at": row.gone_at,
        "url": absolute(request, url_of(kind, row)),
        "console_url": getattr(row, "console_url", ""),
    }


def columns(row: Any, *names: str) -> dict[str, Any]:
    """Return these columns of a row by name."""
    return {name: getattr(row, name) for name in names}
