"""On-premises instances in the API: machines outside AWS that are registered with CodeDeploy."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from apps.codedeploy.models import OnPremisesInstance
from apps.codedeploy.on_premises import groups_of

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, thing

on_premises_instances = Router()


class NarrowOnPremises(Narrow):
    """Which on-premises instances are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the name, the IAM identity or the tags."
    )


class OnPremisesItem(Thing):
    """An on-premises instance; its status is Registered, Deregistered or, unread, Unknown."""

    name: str
    iam_user_arn: str
    iam_session_arn: str = Field(description="Of a role's session, where it is no user.")
    registered_at: datetime | None
    deregistered_at: datetime | None
    tags: dict[str, str] = Field(
        description="Empty, too, where they were not read yet: its status is Unknown then."
    )


class OnPremisesDetail(OnPremisesItem):
    """An on-premises instance with the groups that deploy to it."""

    deployment_groups: list[int] | None = Field(
        description="See /deployment-groups/{id}; null where its tags were not read yet."
    )


@on_premises_instances.get("", response=answers(PageOf[OnPremisesItem]))
def list_on_premises_instances(
    request: HttpRequest, narrow: Query[NarrowOnPremises], paging: Query[Paging]
) -> Any:
    """On-premises instances by name, those that were deregistered too."""
    rows = OnPremisesInstance.objects.for_list().present().visible_to(request.user)
    rows = rows.matching(**narrow.dict())
    found, following = page_of(rows, paging, name="on-premises-instances", by="key")
    return {"items": [_instance(request, row) for row in found], "next_cursor": following}


@on_premises_instances.get("/{int:instance_id}", response=answers(OnPremisesDetail))
def one_on_premises_instance(request: HttpRequest, instance_id: int) -> Any:
    """An on-premises instance."""
    rows = OnPremisesInstance.objects.visible_to(request.user).select_related("scope")
    row = get_object_or_404(rows, pk=instance_id)
    groups = [group.pk for group in groups_of(row, request.user)] if row.is_read else None
    return {**_instance(request, row), "deployment_groups": groups}


def _instance(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **thing(request, "codedeploy.on_premises_instance", row),
        "name": row.key,
        **columns(
            row, "iam_user_arn", "iam_session_arn", "registered_at", "deregistered_at", "tags"
        ),
    }
