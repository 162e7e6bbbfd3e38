"""The page of what happened in a project."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.live.templatetags.live_tags import word_of
from apps.mirror.lists import live, one_of
from apps.mirror.state import State
from apps.mirror.tail import newest_change

from . import activity as told
from .access import here

# The states that one looks for, the most urgent first.
STATES = (State.FAILED, State.WAITING, State.MOVING, State.DONE, State.STOPPED)


@require_safe
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that happened, the newest first, by group and state."""
    met = here(request, slug)
    since = newest_change()
    groups = told.groups()
    group, state = one_of(request, "group", groups), one_of(request, "state", STATES)
    after = request.GET.get("after", "")
    found = told.stretch(met.project, group=group, state=state, after=after)
    refresh_on = "" if after else " ".join(told.kinds_of(group))
    context = {
        "here": met,
        "tab": "activity",
        "entries": found.entries,
        "following": found.following,
        "later": bool(after),
        "groups": groups,
        "group": group,
        "state": state,
        "states": [(one.value, word_of(one)) for one in STATES],
        "path": reverse("projects:activity", args=[slug]),
        "reads": {"within": met.project.slug},
        "live": live([f"project:{met.project.pk}"], since, refresh_on),
    }
    return render(request, "projects/activity.html", context)
