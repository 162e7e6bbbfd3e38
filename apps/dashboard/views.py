"""Home (all pipelines), health, and search."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.adoption.counting import waiting_version
from apps.codepipeline.fragments import PIPELINE_ROW
from apps.codepipeline.models import WIDE, Pipeline, PipelineQuerySet
from apps.codepipeline.rows import pipeline_rows
from apps.live.conditional import unchanged_page
from apps.live.cursor import asked, page_of
from apps.mirror.finding import FINDERS, SHORTEST
from apps.mirror.listener import number_in
from apps.mirror.lists import filters_of, gathered, of_project, pictures
from apps.mirror.models import Scope
from apps.mirror.places import places
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import progress
from .hindered import hindered_context

PAGE = 100
# What is broken comes first.
ORDER = ("urgency", "key", "pk")
# Found of a kind: under the field, and on the page.
FEW, MANY = 6, 30
# In the order of urgency, with the words of the chips.
STATES = [
    (State.FAILED, "Failed"),
    (State.WAITING, "Waiting"),
    (State.MOVING, "In progress"),
    (State.DONE, "Succeeded"),
    (State.STOPPED, "Stopped"),
    (State.UNKNOWN, "Unknown"),
]


def home_version(request: HttpRequest) -> str:
    """What the home page depends on: the house, and what waits to be decided."""
    return f"{house_version(request)} {waiting_version(request.user)}"


@require_safe
@unchanged_page(home_version)
def home(request: HttpRequest) -> HttpResponse:
    """All pipelines across accounts and regions, broken first, a hundred at a time."""
    part = request.GET.get("part", "")
    scopes = progress.house_of(request).scopes
    if part == "progress":
        return render(request, "dashboard/home.html#progress", {"sweeps": _sweeps(scopes)})
    chosen = filters_of(request)
    rows, project = of_project(request, Pipeline.objects.visible_to(request.user).present())
    if part == "counts":
        return render(request, "dashboard/home.html#counts", _counts(rows, chosen, project))
    since = newest_change()
    page = page_of(
        rows.matching(**chosen).for_dashboard().defer(*WIDE),
        ORDER,
        request.GET.get("after", ""),
        PAGE,
    )
    shown = page.rows
    provider = REGISTER.get("codepipeline.pipeline").provider
    holding = [scope for scope in scopes if scope.provider == provider]
    # A row that rises or falls in its order may leave this page, or come to it.
    partial = any(chosen.values()) or bool(project) or bool(page.following) or not page.first
    refresh_on = ["codepipeline.pipeline"] if partial else []
    if not shown:
        # An account that is connected, or a sweep that ends, has something to say here.
        refresh_on.append("scope")
    return render(
        request,
        "dashboard/home.html",
        {
            **_counts(rows, chosen, project),
            "chosen": {**chosen, "within": project},
            "projects": gathered(request),
            "filtered": any(chosen.values()) or bool(project),
            "paged": not page.first,
            "rows": list(pictures(PIPELINE_ROW, pipeline_rows(shown)).values()),
            "count": len(shown),
            "older": _address(chosen, within=project, after=page.following)
            if page.following
            else "",
            "first": _address(chosen, within=project),
            "accounts": places(holding, "account"),
            "regions": places(holding, "region"),
            "reads": {},
            "sweeps": _sweeps(scopes),
            "connected": bool(scopes),
            "live": {
                "stream": reverse("dashboard:stream"),
                "since": since,
                "refresh_on": " ".join(refresh_on),
                "topics": " ".join(
                    [f"{PIPELINE_ROW.name}:{row.pk}" for row in shown]
                    + [
                        "list:codepipeline.pipeline",
                        "touched:codepipeline.pipeline",
                        "touched:scope",
                    ]
                ),
            },
        },
    )


def _sweeps(scopes: Sequence[Scope]) -> progress.Progress | None:
    return progress.first_sweeps(scopes)


def _address(chosen: dict[str, str], **more: str) -> str:
    given = {name: value for name, value in {**chosen, **more}.items() if value}
    return f"?{urlencode(given)}" if given else reverse("dashboard:home")


def _counts(rows: PipelineQuerySet, chosen: dict[str, str], project: str) -> dict[str, Any]:
    """How many pipelines are in each state, among those the other filters leave."""
    others = {**chosen, "state": ""}
    per_state = dict(
        rows.matching(**others).order_by().values_list("state").annotate(count=Count("*"))
    )
    # Those that never ran have no state; they are in the sum alone.
    chips = [
        {
            "state": state,
            "label": label,
            "count": per_state.get(state, 0),
            "url": _address({**others, "state": state}, within=project),
            "current": chosen["state"] == state,
        }
        for state, label in STATES
        if per_state.get(state) or chosen["state"] == state
    ]
    query = QueryDict(mutable=True)
    told = {**chosen, "within": project, "part": "counts"}
    query.update({name: value for name, value in told.items() if value})
    return {
        "chips": chips,
        "total": sum(per_state.values()),
        "all_url": _address(others, within=project),
        "all_current": not chosen["state"],
        "counts_url": f"{reverse('dashboard:home')}?{query.urlencode()}",
    }


@require_safe
@unchanged_page(house_version)
def health(request: HttpRequest) -> HttpResponse:
    """How each kind fares in each account and region, trouble first, with what would cure it."""
    part, house = request.GET.get("part", ""), progress.house_of(request)
    if part == "troubles":
        return render(request, "dashboard/troubles.html#marks", {"troubled": house.causes})
    scopes = progress.health_of(house)
    context = {
        "scopes": scopes,
        "troubles": sum(len(scope.troubled) for scope in scopes),
        "flowing": sum(scope.events_flow for scope in scopes),
        "live": {
            "stream": reverse("dashboard:stream"),
            "since": newest_change(),
            "topics": "touched:scope",
        },
    }
    template = "dashboard/health.html#scopes" if part == "scopes" else "dashboard/health.html"
    return render(request, template, context)


@require_safe
@unchanged_page(house_version)
def ages(request: HttpRequest) -> HttpResponse:
    """How old a page is, and what of it cannot be read: its last line, for pages that are open."""
    scope = number_in(request.GET.get("scope", ""))
    house, within = progress.house_of(request), asked(request, "within")
    context = progress.ages_context(house, asked(request, "service"), scope, within)
    return render(request, "dashboard/ages.html#ages", context)


@require_safe
@unchanged_page(house_version)
def hindered(request: HttpRequest) -> HttpResponse:
    """What of a row's page cannot be read: its notice, for pages that are open."""
    kinds = [kind for kind in request.GET.get("kinds", "").split() if kind in REGISTER.by_kind]
    scope = number_in(request.GET.get("scope", "")) or 0
    context = hindered_context(progress.house_of(request), scope, kinds)
    return render(request, "dashboard/hindered.html#notices", context)


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """What was found, as a page, or as the list under the search field for htmx."""
    words = " ".join(asked(request, "q").split())
    quick = bool(request.headers.get("HX-Request"))
    found = FINDERS.find(request.user, words, FEW if quick else MANY)
    template = "dashboard/search.html#found" if quick else "dashboard/search.html"
    known = [f"{finder.label} by {finder.by}" for finder in FINDERS.ranked()]
    context = {"q": words, "found": found, "quick": quick, "known": known, "reads": {}}
    context |= {"short": len(words) < SHORTEST, "shortest": SHORTEST}
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "HX-Request"
    return response
