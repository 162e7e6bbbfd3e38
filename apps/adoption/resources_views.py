"""The page of what a project holds: why, since when, by whom; linking and taking out by hand."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.live.cursor import asked, page_of
from apps.mirror.finding import place_of
from apps.mirror.linked import lineage_of
from apps.mirror.links import url_of
from apps.mirror.lists import live
from apps.mirror.resource import REGISTER
from apps.mirror.tail import newest_change
from apps.projects.access import Here, here
from apps.projects.models import Holding
from apps.projects.roles import Role

from . import deeds
from .counting import near
from .linkable import elsewhere, linkable
from .nameable import reasons_for
from .shown import Held, grouped, held, in_words, plural, singular

# Of one kind among what is found; a project's resources on one page.
FOUND, PAGE = 8, 300
SHORTEST = 2


@require_safe
def resources(request: HttpRequest, slug: str) -> HttpResponse:
    """What the project holds, by kind, and what may be added."""
    met = here(request, slug)
    project = met.project
    since = newest_change()
    held_here = Holding.objects.shown().filter(project=project)
    put = held_here.put().select_related("added_by__profile")
    page = page_of(put, ("kind", "pk"), request.GET.get("after", ""), PAGE)
    counts, follows = _counted(held_here)
    words = " ".join(asked(request, "q").split())[:200] if met.edits else ""
    context = {
        "here": met,
        "tab": "resources",
        "groups": [(group, counts[group.kind]) for group in grouped(_lines(met, page.rows))],
        "following": page.following,
        "paged": not page.first,
        "follows": [
            f"{count} {plural(kind) if count > 1 else singular(kind)}"
            for kind, count in sorted(follows.items())
        ],
        "q": words,
        "short": bool(words) and len(words) < SHORTEST,
        "found": _found(request, met, words) if len(words) >= SHORTEST else [],
        "near": near(project) if met.owns else 0,
        "reads": {"within": met.project.slug},
        "live": live([f"project:{project.pk}"], since),
    }
    return render(request, "adoption/resources.html", context)


def _counted(held_here: Any) -> tuple[Counter[str], Counter[str]]:
    """Return how much of each kind somebody put there, and how much goes with it; one query."""
    put: Counter[str] = Counter()
    follows: Counter[str] = Counter()
    rows = held_here.order_by().values_list("kind", "how").annotate(Count("pk"))
    for kind, how, number in rows:
        (follows if how == Holding.How.FOLLOWS else put)[kind] += number
    return put, follows


def _lines(met: Here, holdings: Sequence[Holding]) -> list[Held]:
    """What is held, for who looks after the project with how many others hold it, too."""
    others = {}
    if met.owns:
        others = elsewhere(met.project.pk, [(one.kind, one.row_id) for one in holdings])
    if met.administrator:
        return held(holdings, others, lambda one: in_words(one.why))
    return held(holdings, others, reasons_for(holdings).of)


def _found(request: HttpRequest, met: Here, words: str) -> list[dict[str, Any]]:
    """What the reader may link whose name has these words in it, and whether it is here."""
    have = set(Holding.objects.filter(project=met.project).values_list("kind", "row_id"))
    found: list[dict[str, Any]] = []
    for resource in REGISTER:
        if not resource.held:
            continue
        columns = {one.name for one in resource.model._meta.get_fields()} & {"key", "name"}
        rows = linkable(request.user, resource).filter(gone_at=None)
        some = rows.containing(words, *sorted(columns)).select_related(
            "scope", *lineage_of(resource)
        )
        found += [
            {
                "kind": resource.kind,
                "singular": singular(resource.kind),
                "row": row,
                "url": url_of(resource.kind, row),
                "place": place_of(row),
                "held": (resource.kind, row.pk) in have,
            }
            for row in some.order_by("key", "pk")[:FOUND]
        ]
    return found


def row_of(user: Any, kind: str, pk: str, *, to_link: bool = True) -> Any:
    """Return a row that this user may link, or else one that they see. Raises Http404."""
    resource = REGISTER.by_kind.get(kind)
    if (
        resource is None
        or not resource.held
        or not (pk.isascii() and pk.isdigit() and len(pk) < 18)
    ):
        raise Http404("There is no such resource.")
    rows = linkable(user, resource) if to_link else resource.model._default_manager.visible_to(user)
    found = rows.select_related("scope").filter(pk=int(pk)).first()
    if found is None:
        raise Http404("There is no such resource.")
    return found


def _back(request: HttpRequest, slug: str) -> HttpResponse:
    answer = redirect("adoption:resources", slug)
    words = request.POST.get("q", "")
    if words:
        answer["Location"] = f"{answer['Location']}?{urlencode({'q': words[:200]})}"
    return answer


@require_POST
def link(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the project hold something that the reader looks after elsewhere, too."""
    met = here(request, slug, Role.CONTRIBUTOR)
    kind = request.POST.get("kind", "")
    row = row_of(request.user, kind, request.POST.get("row", ""))
    made = deeds.link(met.project, request.user, [(kind, row)])
    told = "is in the project now" if made else "was in the project already"
    messages.success(request, f"{singular(kind).capitalize()} {row} {told}.")
    return _back(request, slug)


@require_POST
def unlink(request: HttpRequest, slug: str) -> HttpResponse:
    """Take something out of the project."""
    met = here(request, slug, Role.CONTRIBUTOR)
    kind, pk = request.POST.get("kind", ""), request.POST.get("row", "")
    gone = pk.isascii() and pk.isdigit() and len(pk) < 18
    if gone and deeds.unlink(met.project, request.user, kind, int(pk)):
        messages.success(request, "It is in the project no longer. Nothing in AWS was touched.")
    else:
        messages.error(request, "The project does not hold it any more.")
    return _back(request, slug)
