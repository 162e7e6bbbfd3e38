"""Projects in the API: what they say of themselves, their people, what they hold, what happened."""

from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.mirror.links import url_of
from apps.mirror.resource import REGISTER
from apps.people.models import profile_of
from apps.projects import activity
from apps.projects.models import Holding, Membership, Project

from .answers import PageOf, StateName, Words, absolute, answers, not_understood
from .paging import Paging, page_of

router = Router()


class NarrowProjects(Schema):
    """Which projects are wanted."""

    q: Words = Field("", description="Words that all occur, in the name or the description.")
    tag: Words = Field("", description="A tag that they have.")


class Labelled(Schema):
    """A link that the project shows."""

    label: str
    url: str


class TeamProjectItem(Schema):
    """A project that you may know of."""

    id: int
    slug: str = Field(description="Its place in addresses; it stays when the name changes.")
    name: str
    description: str
    links: list[Labelled]
    tags: list[str]
    role: str = Field(description="What you are in it: owner, contributor, viewer; empty: nothing.")
    created_at: datetime
    url: str


class Member(Schema):
    """Somebody who is in a project."""

    user: str = Field(description="The user name.")
    name: str
    role: str
    since: datetime


class TeamProjectDetail(TeamProjectItem):
    """A project with its people and how much it holds."""

    members: list[Member]
    holds: dict[str, int] = Field(description="How many rows of each kind; see its resources.")


class Held(Schema):
    """A mirrored row that a project holds; /rows/{kind} tells more of it."""

    kind: str
    id: int
    name: str
    account: str
    region: str
    status: str
    state: str
    how: str = Field(
        description="adopted (proposed and accepted), linked (by hand) or follows (goes with what "
        "is held)"
    )
    since: datetime
    url: str


class Happening(Schema):
    """One thing that happened in a project."""

    at: datetime
    group: str
    name: str
    told: str
    by: str
    status: str
    state: str
    url: str


class NarrowHappenings(Schema):
    """Which of what happened is wanted."""

    group: Words = Field("", description="One of the groups that the activity page offers.")
    state: StateName = Field("", description="Our word for how it fares.")
    after: str = Field("", max_length=200, description="`next_cursor` of the page before.")


@router.get("", response=answers(PageOf[TeamProjectItem]))
def list_projects(
    request: HttpRequest, narrow: Query[NarrowProjects], paging: Query[Paging]
) -> Any:
    """Projects by name."""
    rows = Project.objects.visible_to(request.user).with_role_of(request.user)
    rows = rows.matching(**narrow.dict())
    found, following = page_of(rows, paging, name="our_projects", by="name")
    return {"items": [_item(request, one) for one in found], "next_cursor": following}


@router.get("/{slug}", response=answers(TeamProjectDetail))
def one_project(request: HttpRequest, slug: str) -> Any:
    """A project."""
    found = _of(request, slug)
    members = Membership.objects.filter(project=found).for_list().select_related("user__profile")
    held = Holding.objects.shown().filter(project=found)
    holds = held.values_list("kind").annotate(Count("pk"))
    return {
        **_item(request, found),
        "members": [
            {
                "user": one.user.get_username(),
                "name": profile_of(one.user).name,
                "role": one.role,
                "since": one.since,
            }
            for one in members
        ],
        "holds": dict(holds.order_by("kind")),
    }


@router.get("/{slug}/resources", response=answers(PageOf[Held]))
def resources(request: HttpRequest, slug: str, paging: Query[Paging]) -> Any:
    """What a project holds, in the order in which it came."""
    rows = Holding.objects.shown().filter(project=_of(request, slug)).select_related("scope")
    found, following = page_of(rows, paging, name="holdings", by="added_at")
    by_kind: dict[str, list[int]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one.row_id)
    mirrored = {
        (kind, pk): row
        for kind, ids in by_kind.items()
        if kind in REGISTER.by_kind
        for pk, row in REGISTER.get(kind)
        .model._default_manager.select_related("scope")
        .in_bulk(ids)
        .items()
    }
    items = [
        _held(request, one, row)
        for one in found
        if (row := mirrored.get((one.kind, one.row_id))) is not None
    ]
    return {"items": items, "next_cursor": following}


@router.get("/{slug}/activity", response=answers(PageOf[Happening]))
def happenings(request: HttpRequest, slug: str, narrow: Query[NarrowHappenings]) -> Any:
    """What happened in a project, the newest first, fifty at a time."""
    project = _of(request, slug)
    groups = activity.groups()
    if narrow.group and narrow.group not in groups:
        told = f"is none; there are {', '.join(groups)}"
        return not_understood([{"parameter": "group", "message": told}])
    found = activity.stretch(project, **narrow.dict())
    items = [
        {
            "at": one.at,
            "group": one.group,
            "name": one.name,
            "told": one.told,
            "by": one.by,
            "status": one.status,
            "state": one.state,
            "url": absolute(request, one.url),
        }
        for one in found.entries
    ]
    return {"items": items, "next_cursor": found.following or None}


def _of(request: HttpRequest, slug: str) -> Project:
    rows = Project.objects.visible_to(request.user).with_role_of(request.user)
    found: Project = get_object_or_404(rows, slug=slug)
    return found


def _item(request: HttpRequest, one: Any) -> dict[str, Any]:
    return {
        "id": one.pk,
        "slug": one.slug,
        "name": one.name,
        "description": one.description,
        "links": one.links,
        "tags": one.tags,
        "role": one.role,
        "created_at": one.created_at,
        "url": absolute(request, one.get_absolute_url()),
    }


def _held(request: HttpRequest, one: Holding, row: Any) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "id": one.row_id,
        "name": str(row),
        "account": one.scope.account,
        "region": one.scope.region,
        "status": row.status,
        "state": row.state,
        "how": one.how,
        "since": one.added_at,
        "url": absolute(request, url_of(one.kind, row)),
    }
