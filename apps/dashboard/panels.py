"""What a row is linked with, as a panel on whatever page the row has."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.mirror.linked import both_ways, lineage_of
from apps.mirror.links import url_of
from apps.mirror.panels import PANELS, Panel, panel_id
from apps.mirror.resource import REGISTER

NAME = "linked"


@require_safe
def linked(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """What names a row and what it names; the panel alone for htmx and for what fetches it anew."""
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        raise Http404("There is no such kind.")
    rows: Any = resource.model._default_manager
    row = get_object_or_404(
        rows.visible_to(request.user).select_related("scope", *lineage_of(resource)), pk=pk
    )
    alone = bool(request.headers.get("HX-Request") or request.headers.get("X-Live"))
    names, named_by = both_ways(request.user, kind, row)
    response = render(
        request,
        "dashboard/linked.html#panel" if alone else "dashboard/linked.html",
        {
            "id": panel_id(NAME, kind, pk),
            "here": request.path,
            "title": str(row),
            "back": url_of(kind, row),
            "names": names,
            "named_by": named_by,
            "reads": {"service": resource.app_label, "scope": row.scope_id},
        },
    )
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "HX-Request, X-Live"
    return response


PANELS.add(
    Panel(
        name=NAME,
        label="Linked with",
        shows=lambda _kind: True,
        url=lambda kind, pk: reverse("dashboard:linked", args=[kind, pk]),
    )
)
