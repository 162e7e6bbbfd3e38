"""What lists of issues are narrowed by besides words, state and place."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from apps.live.templatetags.live_tags import plain
from apps.mirror.lists import leave_out, of_project, scopes_of
from apps.mirror.models import Link, Scope
from apps.mirror.resource import REGISTER
from apps.mirror.state import State

from .kinds import ISSUES, TRACKERS
from .models import Category, Issue, Tracker

SITE = "site"
NAMES = (SITE, "tracker", "assignee", "type", "label")
# What an address says for whatever is not done.
OPEN = "open"
# What an address says for who has nobody.
NOBODY = "-"
# Choices that a filter offers.
MOST = 200
# What our states are called here.
ENDS = (
    (OPEN, "Open"),
    (State.WAITING.value, "To do"),
    (State.MOVING.value, "In progress"),
    (State.DONE.value, "Done"),
)


def in_tracker(tracker: Tracker) -> Q:
    """The condition on issues that a tracker keeps, or that it finds (a query's)."""
    if not tracker.query:
        return Q(tracker=tracker)
    holds = Link.objects.filter(
        from_kind__in=TRACKERS, from_id=tracker.pk, relation="holds", to_kind__in=ISSUES
    )
    return Q(tracker=tracker) | Q(arn__in=holds.values("to_arn"), scope=tracker.scope_id)


def narrowed(
    request: HttpRequest, rows: Any, filters: dict[str, str]
) -> tuple[Any, list[dict[str, Any]], list[dict[str, str]]]:
    """Narrow issues by state, site, tracker, assignee, type and label.

    Returns the rows, the filters that the form offers, and what it keeps from elsewhere. A tracker
    that the reader cannot know of is left out like one that does not exist.
    """
    # Of a project, only what is in it is offered.
    among, _ = of_project(request, Issue.objects.visible_to(request.user).present().told())
    trackers = list(Tracker.objects.visible_to(request.user).present().order_by("name", "pk"))
    if filters["state"] == OPEN:
        rows = rows.exclude(category=Category.DONE)
    elif filters["state"]:
        rows = rows.filter(state=filters["state"])
    rows, sites = of_site(request, rows, filters)
    if wanted := filters["tracker"]:
        chosen = next((one for one in trackers if str(one.pk) == wanted), None)
        if chosen is None:
            filters["tracker"] = ""
            leave_out(request, "There is no such tracker here.")
        else:
            rows = rows.filter(in_tracker(chosen))
    if name := filters["assignee"]:
        rows = rows.filter(assignee="" if name == NOBODY else name)
    if kind := filters["type"]:
        rows = rows.filter(type=kind)
    pinned = []
    if label := filters["label"]:
        rows = rows.labelled(label)
        pinned = [{"name": "label", "value": label, "label": f"label {label[:60]}"}]
    offered = [
        sites,
        _offer("tracker", "Tracker", "Every tracker", filters, _trackers(trackers)),
        _offer("assignee", "Assignee", "Anybody", filters, _assignees(among)),
        _offer("type", "Type", "Every type", filters, _named(among, "type")),
    ]
    return rows, [one for one in offered if one["choices"]], pinned


def sites_of(request: HttpRequest) -> list[Scope]:
    """Return the sites that keep issues, as far as the reader may know of them."""
    return scopes_of(request, [kind for kind in (*TRACKERS, *ISSUES) if kind in REGISTER.by_kind])


def of_site(request: HttpRequest, rows: Any, filters: dict[str, str]) -> tuple[Any, dict[str, Any]]:
    """Narrow rows to the site that the address names; returns them, and the filter that offers it.

    By its scope: two sites may lie at one host (an organisation each), and none has regions.
    """
    sites = {str(one.pk): one for one in sites_of(request)}
    chosen = sites.get(filters[SITE])
    if filters[SITE] and chosen is None:
        filters[SITE] = ""
        leave_out(request, "There is no such site here.")
    if chosen is not None:
        rows = rows.filter(scope=chosen)
    choices = [(value, one.label or one.account) for value, one in sites.items()]
    choices.sort(key=lambda choice: (choice[1].lower(), choice[0]))
    return rows, _offer(SITE, "Site", "Every site", filters, choices)


def _offer(
    name: str, label: str, every: str, filters: Mapping[str, str], choices: Sequence[Any]
) -> dict[str, Any]:
    value = filters[name]
    known = {one for one, _ in choices}
    # What an address asks for stays to be seen, also where nothing has it.
    more = [(value, value)] if value and value not in known else []
    useful = len(choices) > 1 or value
    return {
        "name": name,
        "label": label,
        "every": every,
        "value": value,
        "choices": [*choices, *more] if useful else [],
    }


def _trackers(trackers: Sequence[Tracker]) -> list[tuple[str, str]]:
    return [(str(one.pk), str(one)) for one in trackers[:MOST]]


def _assignees(among: Any) -> list[tuple[str, str]]:
    named = _named(among, "assignee")
    return [(NOBODY, "Nobody"), *named] if named else []


def _named(among: Any, column: str) -> list[tuple[str, str]]:
    found = among.exclude(**{column: ""}).order_by(column).values_list(column, flat=True)
    # What cannot be shown as it is cannot be chosen.
    return [(name, name) for name in found.distinct()[:MOST] if plain(name) == name]
