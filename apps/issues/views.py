"""Pages of issues and of what keeps them; they read rows, never a keeper."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.partial import render_part
from apps.mirror.lists import Listing, filters_of, live, picture
from apps.mirror.resource import REGISTER
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load
from .acting_forms import acts_on, deeds_on
from .models import Issue, Tracker
from .named import linked_with, naming
from .narrow import ENDS, NAMES, OPEN, SITE, in_tracker, narrowed, of_site, sites_of
from .rights import trackers_for

NEWEST = ("-updated", "-pk")
# Issues that a tracker's page shows of it.
SHOWN = 25

ISSUES = Listing(
    kind=fragments.ISSUE_ROW.of,
    also=fragments.ISSUE_ROW.also,
    fragment=fragments.ISSUE_ROW,
    contexts=load.issue_rows,
    order=NEWEST,
)
TRACKERS = Listing(
    kind=fragments.TRACKER_ROW.of,
    also=fragments.TRACKER_ROW.also,
    fragment=fragments.TRACKER_ROW,
    contexts=load.tracker_rows,
    order=("-state", "name", "pk"),
)


def reads(scope: int | None = None) -> dict[str, Any]:
    """Whose age and troubles the foot tells: those of every keeper, or of one scope's."""
    kinds = (*REGISTER.kinds_in(Tracker), *REGISTER.kinds_in(Issue))
    services = {REGISTER.get(kind).app_label for kind in kinds}
    told: dict[str, Any] = {"service": " ".join(sorted(services))}
    return told if scope is None else {**told, "scope": scope}


@require_safe
@unchanged_page(house_version)
def issues(request: HttpRequest) -> HttpResponse:
    """Issues of every tracker, what moved last first."""
    since = newest_change()
    filters = filters_of(request, *NAMES, states=[OPEN])
    words = {name: filters[name] for name in ("q", "account", "region")}
    rows = Issue.objects.for_list().present().told().visible_to(request.user).matching(**words)
    rows, offered, pinned = narrowed(request, rows, filters)
    context = ISSUES.context(request, since, rows, filters)
    # Our states by what they mean here.
    context["states"] = ENDS
    more = {
        "offered": offered,
        "pinned": pinned,
        "connected": bool(sites_of(request)),
        "may_make": bool(trackers_for(request.user)),
        "reads": reads(),
    }
    return render(request, "issues/issues.html", {**context, **_without_places(context), **more})


@require_safe
@unchanged_page(house_version)
def trackers(request: HttpRequest) -> HttpResponse:
    """What keeps issues: those that cannot be read first."""
    since = newest_change()
    filters = filters_of(request, SITE)
    words = {name: filters[name] for name in ("q", "state", "account", "region")}
    rows = Tracker.objects.for_list().present().visible_to(request.user).matching(**words)
    rows, sites = of_site(request, rows, filters)
    context = TRACKERS.context(request, since, rows, filters)
    more = {
        "offered": [sites] if sites["choices"] else [],
        "connected": bool(sites_of(request)),
        "reads": reads(),
    }
    return render(request, "issues/trackers.html", {**context, **_without_places(context), **more})


def _without_places(context: Mapping[str, Any]) -> dict[str, Any]:
    """Offer neither accounts nor regions where sites are offered, but for what an address asks."""
    filters = context["filters"]
    return {
        "accounts": context["accounts"] if filters["account"] else [],
        "regions": context["regions"] if filters["region"] else [],
    }


@require_safe
@unchanged_page(house_version)
def tracker(request: HttpRequest, pk: int) -> HttpResponse:
    """A tracker: how it fares, what it asks for, and what moved in it last."""
    since = newest_change()
    rows = Tracker.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    theirs = Issue.objects.for_list().present().told().visible_to(request.user)
    newest = list(theirs.filter(in_tracker(found))[:SHOWN])
    drawn = fragments.ISSUE_ROW.render_loaded(load.issue_rows(newest))
    parts = [f"{fragments.TRACKER_HEAD.name}:{pk}"]
    parts += [f"{fragments.ISSUE_ROW.name}:{one.pk}" for one in newest]
    return render(
        request,
        "issues/tracker.html",
        {
            "tracker": found,
            "kind": REGISTER.kind_of(found),
            "issue_kinds": REGISTER.kinds_in(Issue),
            "head": picture(fragments.TRACKER_HEAD, load.tracker_rows([found]), pk),
            "rows": [drawn[one.pk] for one in newest],
            "full": len(newest) == SHOWN,
            "reads": reads(found.scope_id),
            "live": live(parts, since, " ".join(REGISTER.kinds_in(Issue))),
        },
    )


def issue_of(request: HttpRequest, pk: int) -> Issue:
    """Return an issue that the reader may know of, with scope and tracker. Raises Http404."""
    rows = Issue.objects.visible_to(request.user).select_related("scope", "tracker")
    found: Issue = get_object_or_404(rows, pk=pk)
    return found


@require_safe
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """An issue: how it stands, what is said, what names it, and what can be done about it.

    It has no ETag: what people asked for is no mirrored row.
    """
    return issue_page(request, issue_of(request, pk))


def issue_page(request: HttpRequest, found: Issue, status: int = 200, **forms: Any) -> HttpResponse:
    """Draw an issue's page, with forms that were sent and not taken in place of new ones."""
    since = newest_change()
    pk = found.pk
    contexts = load.issue_page([pk])
    kind = REGISTER.kind_of(found)
    parts = (
        fragments.ISSUE_HEAD,
        fragments.ISSUE_BODY,
        fragments.ISSUE_TALK,
        fragments.ISSUE_FACTS,
    )
    context = {
        "issue": found,
        "kind": kind,
        "head": picture(fragments.ISSUE_HEAD, contexts, pk),
        "body": picture(fragments.ISSUE_BODY, contexts, pk),
        "talk": picture(fragments.ISSUE_TALK, contexts, pk),
        "facts": picture(fragments.ISSUE_FACTS, contexts, pk),
        "linked": linked_with(request.user, found),
        "naming": naming(request.user, kind, found),
        "acts": {**acts_on(request.user, found), **forms},
        **deeds_on(request.user, found),
        "reads": reads(found.scope_id),
        # What the workflow allows follows the state: the forms are fetched anew with it.
        "live": live([*(f"{part.name}:{pk}" for part in parts), f"touched:{kind}"], since),
    }
    return render(request, "issues/issue.html", context, status=status)


@require_safe
def named_by(request: HttpRequest, pk: int) -> HttpResponse:
    """What names an issue, and the issues that it names, alone."""
    found = issue_of(request, pk)
    kind = REGISTER.kind_of(found)
    context = {
        "issue": found,
        "linked": linked_with(request.user, found),
        "naming": naming(request.user, kind, found),
        "reads": reads(found.scope_id),
    }
    return render_part(request, "issues/named.html", context)
