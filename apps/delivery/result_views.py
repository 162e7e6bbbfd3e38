"""Where a project's results are told: its owners switch it on, and see how it went."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST
from kombu.exceptions import OperationalError

from apps.adoption.deeds import link
from apps.adoption.linkable import linkable
from apps.audit.verbs import VERBS, Verb
from apps.mirror.lists import live
from apps.mirror.resource import REGISTER
from apps.mirror.tail import newest_change
from apps.projects import told
from apps.projects.access import here
from apps.projects.held import Held, held_by
from apps.projects.models import Project
from apps.projects.roles import Role
from apps.sites.models import Site

from .models import Results, Telling
from .seen import Seen, seen
from .tasks import catch_up
from .trackers import KIND, Named, named_by

SHOWN, LOOKED_AT, MOST_AGAIN = 40, 200, 1_000
TURNED = VERBS.add(
    Verb("project.results", "changed where results are told: {what}", told.TEAM, "send")
)
# What is told where: the switch's name, what people call it, what it does, whose sites.
SWITCHES = (
    (
        "github",
        "GitHub",
        "Each execution shows as a status at its commit, and each stage that deploys something as "
        "a deployment.",
    ),
    (
        "jira",
        "Jira",
        "Each issue that the commits of an execution name shows where these were deployed, and how "
        "that went: in its deployments panel where the Jira site was given OAuth credentials, else "
        "by a link to the execution.",
    ),
)


@require_http_methods(["GET", "HEAD", "POST"])
def results(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the switches and what was told lately; on POST turn them."""
    since = newest_change()
    met = here(request, slug, Role.OWNER)
    row = Results.objects.filter(project=met.project).first()
    if request.method == "POST":
        _turn(met.project, row, request)
        return redirect("results:results", slug)
    held = held_by(met.project, request.user)
    tellings = _tellings(held, request.user)
    return render(
        request,
        "delivery/results.html",
        {
            "here": met,
            "tab": "results",
            "switches": [_switch(name, label, says, row) for name, label, says in SWITCHES],
            "tellings": tellings[:SHOWN],
            "stuck": sum(one.row.given_up or one.row.is_told_in_part for one in tellings),
            "named": _linkable(request.user, met.project),
            "reads": {"within": slug},
            "live": live([], since, "codepipeline.execution"),
        },
    )


@require_POST
def link_tracker(request: HttpRequest, slug: str) -> HttpResponse:
    """Link a tracker that the project's commits name."""
    met = here(request, slug, Role.OWNER)
    wanted = request.POST.get("tracker", "")
    found = [one for one in _linkable(request.user, met.project) if str(one.tracker.pk) == wanted]
    if not found:
        raise Http404("No such tracker is named.")
    link(met.project, request.user, [(KIND, found[0].tracker)])
    messages.success(request, f"{found[0].tracker} is linked.")
    return redirect("results:results", slug)


def _linkable(user: Any, project: Project) -> list[Named]:
    """What the project's commits name, as far as the reader may link it."""
    named = named_by(project)
    may = linkable(user, REGISTER.get(KIND)).filter(pk__in=[one.tracker.pk for one in named])
    ids = set(may.values_list("pk", flat=True)) if named else set()
    return [one for one in named if one.tracker.pk in ids]


@require_POST
def again(request: HttpRequest, slug: str) -> HttpResponse:
    """Try again what was given up, or told in part."""
    met = here(request, slug, Role.OWNER)
    held = held_by(met.project, request.user)
    stuck = Telling.objects.stuck().filter(pipeline__in=held["codepipeline.pipeline"])
    rows = list(stuck.select_related("pipeline").order_by("-pk")[:MOST_AGAIN])
    mine = stuck.filter(pk__in=[one.row.pk for one in seen(request.user, rows)])
    count = mine.update(given_up=False, told_mark="", trouble="", attempts=0, due_at=now())
    messages.success(request, f"{count} of them {'is' if count == 1 else 'are'} tried again.")
    return redirect("results:results", slug)


def _tellings(held: Held, user: Any) -> list[Seen]:
    rows = Telling.objects.filter(pipeline__in=held["codepipeline.pipeline"])
    rows = rows.filter(scope__parked=False).select_related("pipeline", "execution", "scope")
    return list(seen(user, rows.order_by("-given_up", "-execution__started_at", "-pk")[:LOOKED_AT]))


def _switch(name: str, label: str, says: str, row: Results | None) -> dict[str, Any]:
    """A switch, and whether there is a site that may be written at all."""
    sites = Site.objects.filter(provider=name, removed_at=None, parked_at=None)
    return {
        "name": name,
        "label": label,
        "says": says,
        "on": bool(row and getattr(row, name)),
        "by_itself": bool(row and row.by_itself and getattr(row, name)),
        "connected": sites.exists(),
        "writable": sites.filter(may_write=True, paused=False).exists(),
    }


def _turn(project: Project, row: Results | None, request: HttpRequest) -> None:
    wanted = {name: request.POST.get(name) == "on" for name, _, _ in SWITCHES}
    known = {name: bool(row and getattr(row, name)) for name in wanted}
    if wanted == known:
        messages.info(request, "Nothing was changed.")
        return
    Results.objects.update_or_create(
        project=project,
        defaults={
            **wanted,
            "by_itself": False,
            "edited_at": now(),
            "edited_by": request.user,
        },
    )
    said = ", ".join(
        f"{label} {'on' if wanted[name] else 'off'}"
        for name, label, _ in SWITCHES
        if wanted[name] != known[name]
    )
    told.tell(project, TURNED, request.user, said)
    messages.success(request, f"Results: {said}.")
    if any(wanted[name] and not known[name] for name in wanted):
        try:
            catch_up.delay(project.pk)
        except OperationalError:
            messages.warning(
                request,
                "The workers' queue cannot be reached (REDIS_URL): what runs now is told only when "
                "it moves.",
            )
