"""How reading fares: one item per scope and kind, with the error and its cure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now
from ninja import Query, Router, Schema
from pydantic import Field

from apps.mirror.health import KindHealth, events_flow, kind_health, visible_scopes
from apps.mirror.provider import Health
from apps.mirror.resource import REGISTER

from .answers import PageOf, Place, answers
from .paging import Paging, slice_of

router = Router()


class EventsTrouble(Schema):
    """Why events cannot be listened to, so that everything is polled."""

    operation: str
    state: str = Field(description="As an item's state.")
    error: str
    code: str
    cure: str
    statement: Mapping[str, Any] | None = Field(
        description="The IAM statement that would cure a denial."
    )


class Events(Schema):
    """Whether events tell of a kind in an account and region, or it is polled alone."""

    flowing: bool = Field(description="Whether one named this kind within the hour.")
    newest_at: datetime | None = Field(description="When one named this kind last.")
    listened_at: datetime | None = Field(
        description="When the account and region's source of events last answered."
    )
    trouble: EventsTrouble | None


class ScopeItem(Place):
    """How one kind fares in one account and region, told by its gravest operation."""

    scope: int
    provider: str
    kind: str
    swept: bool = Field(description="False while it is paused or waits for its account's number.")
    state: str = Field(
        description="ok, not_tried, denied, throttled, credentials, not_opted_in, unsupported, "
        "unreachable, failing, gone"
    )
    operation: str
    error: str
    code: str
    cure: str
    statement: Mapping[str, Any] | None = Field(
        description="The IAM statement that would cure a denial."
    )
    last_success: datetime | None
    last_error: datetime | None = Field(description="When one of its operations failed last.")
    events: Events | None = Field(description="None for a kind that no event tells of.")


@router.get("", response=answers(PageOf[ScopeItem]))
def list_scopes(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every scope and kind."""
    order = {kind: place for place, kind in enumerate(REGISTER.by_kind)}
    found, following = slice_of(
        kind_health(visible_scopes(request.user)),
        paging,
        name="scopes",
        key=lambda item: (item.scope.pk, f"{order[item.kind]:04d}"),
    )
    items = [
        {
            "scope": item.scope.pk,
            "provider": item.scope.provider,
            "account": item.scope.account,
            "region": item.scope.region,
            "swept": item.scope.enabled,
            **{
                name: getattr(item, name)
                for name in (
                    "kind",
                    "state",
                    "operation",
                    "error",
                    "code",
                    "cure",
                    "statement",
                    "last_success",
                )
            },
            "last_error": max(
                (one.last_error for one in item.operations if one.last_error), default=None
            ),
            "events": _events_of(item),
        }
        for item in found
    ]
    return {"items": items, "next_cursor": following}


def _events_of(item: KindHealth) -> dict[str, Any] | None:
    if not REGISTER.get(item.kind).events:
        return None
    newest = item.sweep.events_at if item.sweep else None
    told = item.scope.events_trouble
    trouble = {name: told.get(name) or "" for name in ("operation", "error", "code", "cure")}
    return {
        "flowing": events_flow(newest, now()),
        "newest_at": newest,
        "listened_at": item.scope.heard_at,
        "trouble": {
            **trouble,
            "state": told.get("health") or Health.FAILING.value,
            "statement": told.get("statement"),
        }
        if told.get("code")
        else None,
    }
