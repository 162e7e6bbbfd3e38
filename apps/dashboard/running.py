"""The page of what runs where, over every service, account and region."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.mirror.lists import choices_of, filters_of, live, project_of
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.projects import everywhere

from .progress import house_of

STATES = (State.FAILED, State.MOVING, State.DONE, State.STOPPED, State.UNKNOWN)


@require_safe
def running(request: HttpRequest) -> HttpResponse:
    """Every place in which something runs: what, since when, how far; what is broken first."""
    filters = {**filters_of(request), "within": project_of(request)}
    since = newest_change()
    page = everywhere.page(request.user, filters, request.GET.get("after", ""))
    scopes = {scope.pk: scope for scope in house_of(request).scopes}
    context = {
        "lines": [(row, one, scopes.get(row.scope)) for row, one in page.lines],
        "following": page.following,
        "paged": not page.first,
        "filters": filters,
        "filtered": any(filters.values()),
        "listed_kinds": everywhere.kinds(),
        **choices_of(request, STATES, everywhere.kinds()),
        "reads": {"within": filters["within"]},
        "live": live([], since, " ".join(everywhere.heard())),
    }
    return render(request, "dashboard/running.html", context)
