"""How deployments and deployment groups are found."""

from typing import Any

from django.db.models import Q

from apps.mirror.finding import FINDERS, ID, Finder, Found, place_of

from .models import Deployment, DeploymentGroup, OnPremisesInstance


def deployments(user: Any, text: str, limit: int) -> list[Found]:
    """Deployments by id, or by the commit or version that they deploy."""
    matches = Q(key__istartswith=text)
    if ID.fullmatch(text):
        matches |= Q(revision_id__istartswith=text)
    rows = Deployment.objects.visible_to(user).for_list().filter(matches)
    return [
        Found(
            row.key,
            row.get_absolute_url(),
            row.state,
            row.status,
            place_of(row),
            detail=f"{row.application_name} / {row.group_name}",
            sha=str(row.revision.get("commit_id") or ""),
            at=row.created_at,
        )
        for row in rows[:limit]
    ]


def groups(user: Any, text: str, limit: int) -> list[Found]:
    """Deployment groups by their own or their application's name."""
    rows = DeploymentGroup.objects.visible_to(user).for_list().present().containing(text, "key")
    return [
        Found(str(row), row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows[:limit]
    ]


def on_premises(user: Any, text: str, limit: int) -> list[Found]:
    """On-premises instances by name or tag."""
    rows = OnPremisesInstance.objects.visible_to(user).for_list().present()
    return [
        Found(row.key, row.get_absolute_url(), row.state, row.status, place_of(row))
        for row in rows.containing(text, "key", "tags")[:limit]
    ]


FINDERS.add(Finder(label="deployments", by="id or revision", find=deployments, rank=40))
FINDERS.add(Finder(label="deployment groups", by="name", find=groups, newest=False, rank=42))
FINDERS.add(
    Finder(
        label="on-premises instances",
        by="name or tag",
        find=on_premises,
        newest=False,
        rank=43,
    )
)
