"""Pages of environments and applications; they read rows, never AWS."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.cursor import page_of
from apps.mirror.lists import Listing, filters_of, live, one_of, picture
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load
from .models import Application, Environment, Version

# Whose health the foot of these pages tells.
READS = {"service": "beanstalk"}
# In the order of urgency; no environment waits for a person.
STATES = (State.FAILED, State.MOVING, State.UNKNOWN, State.STOPPED, State.DONE)

ENVIRONMENTS = Listing(
    kind="beanstalk.environment",
    fragment=fragments.ENVIRONMENT_ROW,
    contexts=load.environment_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)
APPLICATIONS = Listing(
    kind="beanstalk.application",
    fragment=fragments.APPLICATION_ROW,
    contexts=load.application_rows,
    order=("key", "pk"),
    states=STATES,
    moves=False,
)


@require_safe
@unchanged_page(house_version)
def environments(request: HttpRequest) -> HttpResponse:
    """All environments, what is broken first."""
    since = newest_change()
    filters = filters_of(request)
    rows = Environment.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = ENVIRONMENTS.context(request, since, rows, filters)
    return render(request, "beanstalk/environments.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def environment(request: HttpRequest, pk: int) -> HttpResponse:
    """An environment: how it fares and why, what was said of it, its instances and versions."""
    since = newest_change()
    rows = Environment.objects.visible_to(request.user).select_related("scope", "application")
    found = get_object_or_404(rows, pk=pk)
    severity = one_of(request, "severity", [name for name in load.SEVERITIES if name]).upper()
    events = load.events_of(pk, severity)
    page = page_of(events, load.NEWEST_EVENTS, request.GET.get("after", ""), load.FEW_EVENTS)
    context = {"environment": found, "events": page.rows, "severity": severity}
    newest = fragments.EVENTS[severity]
    # Events that come are put above the newest; older pages stay as they are.
    body = (
        picture(newest, {pk: context}, pk)
        if page.first
        else render_to_string("beanstalk/environment.html#events", {**context, "older": True})
    )
    parts = (
        fragments.ENVIRONMENT_HEAD,
        fragments.ENVIRONMENT_INSTANCES,
        fragments.ENVIRONMENT_FACTS,
        fragments.ENVIRONMENT_MANAGED,
    )
    topics = [f"{part.name}:{pk}" for part in (*parts, *([newest] if page.first else []))]
    head, instances, facts, managed = (picture(part, part.load([pk]), pk) for part in parts)
    return render(
        request,
        "beanstalk/environment.html",
        {
            "environment": found,
            "head": head,
            "instances": instances,
            "facts": facts,
            "managed": managed,
            "events": page.rows,
            "body": body,
            "severity": severity,
            "severities": _severities(severity),
            "filters": {"severity": severity},
            "following": page.following,
            "paged": not page.first,
            "versions": load.versions_beside(found),
            "reads": {**READS, "scope": found.scope_id},
            "live": live(topics, since),
        },
    )


def _severities(chosen: str) -> list[dict[str, Any]]:
    words = {"": "All", "WARN": "Warnings and errors", "ERROR": "Errors"}
    return [{"value": one, "label": words[one], "chosen": one == chosen} for one in words]


@require_safe
@unchanged_page(house_version)
def applications(request: HttpRequest) -> HttpResponse:
    """All applications by name, with their environments."""
    since = newest_change()
    filters = filters_of(request)
    rows = Application.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = APPLICATIONS.context(request, since, rows, filters)
    return render(request, "beanstalk/applications.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """An application: its environments, and its versions with who serves them."""
    since = newest_change()
    rows = Application.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    page = page_of(
        Version.objects.filter(application=found),
        load.NEWEST_VERSIONS,
        request.GET.get("after", ""),
    )
    parts = (fragments.APPLICATION_HEAD, fragments.APPLICATION_ENVIRONMENTS)
    head, environments = (picture(part, part.load([pk]), pk) for part in parts)
    topics = [f"{part.name}:{pk}" for part in parts]
    return render(
        request,
        "beanstalk/application.html",
        {
            "application": found,
            "head": head,
            "environments": environments,
            "versions": list(load.version_rows(page.rows).values()),
            "filters": {},
            "following": page.following,
            "paged": not page.first,
            "reads": {**READS, "scope": found.scope_id},
            # A version that appears is a row more.
            "live": live(topics, since, "beanstalk.version"),
        },
    )
