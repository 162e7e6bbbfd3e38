"""Pages of stacks, their events, templates and drift; they read rows and the cache, never AWS."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.cursor import page_of
from apps.live.partial import render_part
from apps.mirror.asking import hint
from apps.mirror.lists import Listing, filters_of, live, one_of, picture
from apps.mirror.loglines import first_line, panel
from apps.mirror.resource import Names
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load, looks
from .lines import What, draw_note
from .models import Event, Stack

# Whose health the foot of these pages tells.
READS = {"service": "cloudformation"}
# What belongs to a stack, and the columns that say of which version of it that was read.
CHILDREN = {
    "cloudformation.event": "events_stamp",
    "cloudformation.resource": "resources_stamp",
    "cloudformation.changeset": "change_sets_stamp",
}
STAMPS = ("stamp", *CHILDREN.values())
PARTS = (
    fragments.STACK_HEAD,
    fragments.STACK_TIMELINE,
    fragments.STACK_CHANGE_SETS,
    fragments.STACK_RESOURCES,
    fragments.STACK_FACTS,
)
STACKS = Listing(
    kind="cloudformation.stack",
    fragment=fragments.STACK_ROW,
    contexts=load.stack_rows,
    order=("urgency", "name", "pk"),
    # In the order of urgency.
    states=(
        State.FAILED,
        State.WAITING,
        State.MOVING,
        State.DONE,
        State.STOPPED,
        State.UNKNOWN,
    ),
)


@require_safe
@unchanged_page(house_version)
def stacks(request: HttpRequest) -> HttpResponse:
    """All stacks, what is broken first; those that are nested stand below their root."""
    since = newest_change()
    filters = filters_of(request)
    rows = Stack.objects.for_list().present().visible_to(request.user).matching(**filters)
    if not (filters["q"] or filters["state"]):
        rows = rows.filter(parent_id="")
    context = STACKS.context(request, since, rows, filters)
    return render(request, "cloudformation/stacks.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def stack(request: HttpRequest, pk: int) -> HttpResponse:
    """A stack: why it failed, what happened in it, what it would change, and what it made.

    What was not read of it, or has moved since, is asked for by opening the page.
    """
    since = newest_change()
    rows = Stack.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows.only("pk", "name", "key", "scope", "gone_at", *STAMPS), pk=pk)
    reading = _ask(found)
    pictures = {
        part.name.removeprefix("stack-"): picture(part, part.load([pk]), pk) for part in PARTS
    }
    return render(
        request,
        "cloudformation/stack.html",
        {
            "stack": found,
            "reading": reading,
            **pictures,
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{part.name}:{pk}" for part in PARTS], since),
        },
    )


@require_safe
@unchanged_page(house_version)
def events(request: HttpRequest, pk: int) -> HttpResponse:
    """All events of a stack that are remembered, the newest first."""
    since = newest_change()
    rows = Stack.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    reading = _ask(found)
    told = Event.objects.filter(stack=found)
    failed = bool(one_of(request, "failed", ["1"]))
    if failed:
        told = told.filter(status__endswith="_FAILED")
    page = page_of(told, ("-at", "-pk"), request.GET.get("after", ""))
    return render(
        request,
        "cloudformation/events.html",
        {
            "stack": found,
            "reading": reading,
            "events": page.rows,
            "marked": {failure["event"] for failure in found.failures},
            "failed": failed,
            "following": page.following,
            "paged": not page.first,
            "filters": {"failed": "1" if failed else ""},
            "reads": {**READS, "scope": found.scope_id},
            "live": live([], since, "cloudformation.stack"),
        },
    )


def _ask(found: Stack) -> bool:
    """Have read what is not known of a stack as it is now; return whether there is any."""
    unread = [kind for kind, stamp in CHILDREN.items() if getattr(found, stamp) != found.stamp]
    if not unread or found.gone_at is not None:
        return False
    hint(found.scope, [Names(kind=kind, parent=found.key) for kind in unread])
    return True


@require_safe
def template(request: HttpRequest, pk: int) -> HttpResponse:
    """A stack's template as far as it was read; opening this page makes somebody read it.

    It has no ETag, because a template is no mirrored row.
    """
    return _looked_at(request, pk, "template")


@require_safe
def drift(request: HttpRequest, pk: int) -> HttpResponse:
    """What the last drift detection found: expected and actual values; read as a template is."""
    return _looked_at(request, pk, "drift")


def _looked_at(request: HttpRequest, pk: int, what: What) -> HttpResponse:
    since = newest_change()
    rows = Stack.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    shown = _panel(found, first_line(request), what)
    return render_part(
        request,
        f"cloudformation/{what}.html",
        {
            "stack": found,
            "panel": shown,
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{what}:{pk}@{shown['next']}"], since),
        },
    )


def _panel(found: Stack, first: int, what: What) -> dict[str, Any]:
    """Return what the panel shows, and let somebody read on."""
    looks.watch(found.pk, what)
    contents = looks.contents_of(found.pk, what)
    drawn = partial(looks.drawn_of, found.pk, first=first, what=what)
    return panel(contents, first, drawn, draw_note(found.pk, contents, what))
