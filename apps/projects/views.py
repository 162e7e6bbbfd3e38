"""The list of projects, and for administrators what was done to them."""

from collections import Counter

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.models import Record
from apps.live import cursor
from apps.live.cursor import asked, page_of
from apps.mirror.lists import heed, live, one_of
from apps.mirror.resource import REGISTER
from apps.mirror.state import URGENCY, State, urgency_of
from apps.mirror.tail import newest_change
from apps.people.rights import is_administrator

from .models import Project
from .overview import TELLING, WORDS, Fares, tell, weigh
from .roles import Role
from .told import SUBJECT

PAGE = 60
# Behind whatever has a state.
LAST = max(URGENCY.values()) + 1
# What a project's state is made of.
HEARD = [resource.kind for resource in REGISTER if resource.held]

# Where a project stands in the list: urgency, name, id.
Place = tuple[int, str, int]


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """All projects that the reader may know of, a page at a time: what is broken first."""
    since = newest_change()
    q, tag = asked(request, "q"), asked(request, "tag")
    heed(request, "q", "tag", "state", "after")
    state = one_of(request, "state", TELLING)
    rows = Project.objects.visible_to(request.user).with_role_of(request.user)
    every = weigh(rows.matching(q=q, tag=tag))
    counts = Counter(told for one in every for told in one.states)
    shown = sorted((one for one in every if not state or state in one.states), key=_place)
    after = _read(request.GET.get("after", ""))
    page = [one for one in shown if after is None or _place(one) > after]
    context = {
        "rows": tell(page[:PAGE]),
        "following": cursor.written(_place(page[PAGE - 1])) if len(page) > PAGE else "",
        "paged": after is not None,
        "counts": [(one.value, WORDS[one], counts[one]) for one in TELLING if counts[one]],
        "total": len(every),
        "q": q,
        "tag": tag,
        "state": state,
        "filtered": bool(q or tag or state),
        "any": bool(every) or Project.objects.visible_to(request.user).exists(),
        "administers": is_administrator(request.user),
        # Whoever owns a project may make others from templates.
        "makes": is_administrator(request.user)
        or any(
            one.project.role == Role.OWNER  # type: ignore[attr-defined]
            for one in every
        ),
        "reads": {},
        "live": live([], since, " ".join(HEARD)),
    }
    return render(request, "projects/projects.html", context)


def _place(one: Fares) -> Place:
    """Of equals in the order of their names."""
    urgency = urgency_of(State(one.state)) if one.state else LAST
    return urgency, one.project.name.lower(), one.project.pk


def _read(after: str) -> Place | None:
    """Return the place that a cursor tells of; None for one that nobody gave out."""
    try:
        urgency, name, pk = cursor.told(after)
    except (ValueError, TypeError):
        return None
    right = type(urgency) is int and type(name) is str and type(pk) is int
    return (urgency, name, pk) if right else None


# What records are about, and what pages call it.
ABOUT = {
    SUBJECT: "Projects",
    "proposal": "Proposals",
    "account": "AWS accounts",
    "site": "GitHub and Jira",
}


@require_safe
def deeds(request: HttpRequest) -> HttpResponse:
    """What people changed in the dashboard itself, of what is gone, too; for administrators."""
    if not is_administrator(request.user):
        raise Http404("There is no such page.")
    heed(request, "after")
    about = one_of(request, "about", ABOUT) or SUBJECT
    page = page_of(Record.objects.about(about), ("-at", "-pk"), request.GET.get("after", ""))
    there = {}
    if about == SUBJECT:
        there = Project.objects.in_bulk({one.subject_id for one in page.rows})
    context = {
        "lines": [(one, there.get(one.subject_id)) for one in page.rows],
        "about": about,
        "choices": ABOUT.items(),
        "following": page.following,
        "paged": not page.first,
        "reads": {},
    }
    return render(request, "projects/deeds.html", context)
