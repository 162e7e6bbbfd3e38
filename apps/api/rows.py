"""Every mirrored kind, from the declarations: what a service has before it has a router."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from apps.mirror.links import url_of
from apps.mirror.resource import REGISTER

from .answers import PageOf, Place, absolute, answers
from .paging import Paging, page_of, slice_of

router = Router()


class KindItem(Schema):
    """A kind of thing that is mirrored."""

    kind: str
    label: str
    provider: str
    history: bool = Field(description="Whether rows stay when the outside forgets them.")
    rows: str = Field(description="Where its rows are.")


class RowItem(Place):
    """What every mirrored row has."""

    id: int
    kind: str
    key: str = Field(description="The name or id that the service itself uses.")
    arn: str
    status: str
    state: str
    first_seen_at: datetime
    changed_at: datetime
    gone_at: datetime | None
    url: str


@router.get("", response=answers(PageOf[KindItem]))
def list_kinds(request: HttpRequest, paging: Query[Paging]) -> Any:
    """The kinds that are mirrored."""
    kinds = list(enumerate(REGISTER))
    found, following = slice_of(
        kinds, paging, name="kinds", key=lambda item: (item[0], item[1].kind)
    )
    items = [
        {
            "kind": resource.kind,
            "label": resource.label,
            "provider": resource.provider,
            "history": resource.history,
            "rows": absolute(request, f"/api/v1/rows/{resource.kind}"),
        }
        for _, resource in found
    ]
    return {"items": items, "next_cursor": following}


@router.get("/{kind}", response=answers(PageOf[RowItem]))
def list_rows(request: HttpRequest, kind: str, paging: Query[Paging]) -> Any:
    """The rows of a kind, in the order in which they were first seen; gone ones too."""
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        raise Http404
    rows = resource.model._default_manager.visible_to(request.user)
    # Several providers may share a table.
    rows = rows.filter(scope__provider=resource.provider)
    parents = [resource.parent[1]] if resource.parent else []
    found, following = page_of(
        rows.select_related("scope", *parents), paging, name=f"rows-{kind}", by="id"
    )
    items = [
        {
            "kind": kind,
            "account": row.scope.account,
            "region": row.scope.region,
            **{
                name: getattr(row, name)
                for name in (
                    "id",
                    "key",
                    "arn",
                    "status",
                    "state",
                    "first_seen_at",
                    "changed_at",
                    "gone_at",
                )
            },
            "url": absolute(request, url_of(kind, row)),
        }
        for row in found
    ]
    return {"items": items, "next_cursor": following}
