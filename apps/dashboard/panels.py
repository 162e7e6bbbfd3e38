"""What a row is linked with, as a panel on whatever page the row has."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.issues.kinds import ISSUES
from apps.live.partial import render_part
from apps.mirror.linked import both_ways
from apps.mirror.links import url_of
from apps.mirror.panels import PANELS, Panel, panel_id, row_for

NAME = "linked"


@require_safe
def linked(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """What names a row and what it names; the panel alone for htmx and for what fetches it anew."""
    resource, row = row_for(request.user, kind, pk)
    names, named_by = both_ways(request.user, kind, row)
    return render_part(
        request,
        "dashboard/linked.html",
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


PANELS.add(
    Panel(
        name=NAME,
        label="Linked with",
        # The page of an issue says so itself: commits by their first line, former keys too.
        shows=lambda kind: kind not in ISSUES,
        url=lambda kind, pk: reverse("dashboard:linked", args=[kind, pk]),
    )
)
