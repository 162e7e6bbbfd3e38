"""In which projects a resource is: a panel on its page, which puts it there or takes it out."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.live.partial import render_part
from apps.mirror.linked import lineage
from apps.mirror.links import url_of
from apps.mirror.panels import PANELS, Panel, panel_id, row_for
from apps.mirror.resource import REGISTER
from apps.people.rights import is_administrator
from apps.projects.access import here
from apps.projects.models import Holding, Membership, Project
from apps.projects.roles import Role

from . import deeds
from .linkable import EDITORS, linkable
from .nameable import reasons_for
from .resources_views import row_of
from .shown import in_words, singular

NAME = "projects"
# Projects that one may choose from.
MOST = 500


@require_safe
def in_projects(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The projects that hold a row, or what it belongs to, as far as the reader knows of them."""
    resource, row = row_for(request.user, kind, pk)
    user = request.user
    mine = Project.objects.visible_to(user)
    every = _holdings(resource, row)
    holdings = list(
        every.filter(project__in=mine).select_related("project").order_by("project__name", "pk")
    )
    reasons = reasons_for(holdings)
    lines = [
        {
            "project": one.project,
            "itself": one.kind == kind and one.row_id == pk,
            "follows": one.how == Holding.How.FOLLOWS,
            "why": in_words(one.why) if is_administrator(user) else reasons.of(one),
            "since": one.added_at,
            "by": singular(one.kind),
        }
        for one in holdings
    ]
    owned = edited = mine
    if not is_administrator(user):
        roles = Membership.objects.filter(user=user.pk)
        edited = mine.filter(memberships__in=roles.filter(role__in=EDITORS))
        owned = mine.filter(memberships__in=roles.filter(role=Role.OWNER))
    chosen = list(edited.order_by("name", "pk")[:MOST]) if resource.held else []
    able = {one.pk for one in chosen}
    links = bool(chosen) and linkable(user, resource).filter(pk=pk).exists()
    # Whose it is learns that others see it, too, and not who they are.
    others = every.exclude(project__in=mine).values("project").distinct()
    looks_after = owned.filter(pk__in=[line["project"].pk for line in lines]).exists()
    there = {line["project"].pk for line in lines if line["itself"] and not line["follows"]}
    context = {
        "id": panel_id(NAME, kind, pk),
        "title": str(row),
        "back": url_of(kind, row),
        "kind": kind,
        "singular": singular(kind),
        "pk": pk,
        "lines": [{**line, "able": line["project"].pk in able} for line in lines],
        "choice": [one for one in chosen if one.pk not in there] if links else [],
        "others": others.count() if looks_after else 0,
        "reads": {"service": resource.app_label, "scope": row.scope_id},
    }
    return render_part(request, "adoption/in_projects.html", context)


def _holdings(resource: Any, row: Any) -> Any:
    """What projects hold of a row's lineage."""
    found = Holding.objects.shown().none()
    for path, kind in lineage(resource):
        value = row
        for step in path.split("__") if path != "pk" else ():
            value = getattr(value, step, None)
        if value is not None and REGISTER.get(kind).in_projects:
            found |= Holding.objects.shown().filter(kind=kind, row_id=value.pk)
    return found


@require_POST
def change(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Put a row into a project, or take it out."""
    removes = request.POST.get("do") == "remove"
    row = row_of(request.user, kind, str(pk), to_link=not removes)
    met = here(request, request.POST.get("project", ""), Role.CONTRIBUTOR)
    if removes:
        gone = deeds.unlink(met.project, request.user, kind, pk)
        told = "no longer" if gone else "not there"
        messages.success(request, f"{row} is {told} in {met.project}.")
    else:
        deeds.link(met.project, request.user, [(kind, row)])
        messages.success(request, f"{row} is in {met.project} now.")
    resource = REGISTER.get(kind)
    seen = resource.model._default_manager.visible_to(request.user).filter(pk=pk).exists()
    # Whoever saw it by that project alone does not see it now.
    return redirect(
        (url_of(kind, row) or reverse("adoption:in_projects", args=[kind, pk]))
        if seen
        else reverse("adoption:resources", args=[met.project.slug])
    )


PANELS.add(
    Panel(
        name=NAME,
        label="In projects",
        shows=lambda kind: kind in REGISTER.by_kind and REGISTER.get(kind).in_projects,
        url=lambda kind, pk: reverse("adoption:in_projects", args=[kind, pk]),
    )
)
