"""The page of proposals, for administrators, and what they decide there."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from apps.live.cursor import page_of
from apps.mirror.models import Scope
from apps.people.rights import is_administrator
from apps.projects.deeds import RefusedError
from apps.projects.models import Project

from . import deeds
from .counting import being_read
from .forms import TagForm, name_in
from .models import Adoption, Proposal, ProposedRow
from .shown import MOST, plural, shown, singular

PAGE = 20
# Single resources, and ignored proposals, on the page.
MANY = 50
# Projects that a proposal may be put into, in a list.
PROJECTS = 500


def _administrators_only(request: HttpRequest) -> None:
    if not is_administrator(request.user):
        raise Http404("There is no such page.")


@require_safe
def proposals(request: HttpRequest) -> HttpResponse:
    """All that is proposed."""
    _administrators_only(request)
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, form: Any = None) -> HttpResponse:
    adoption = Adoption.here()
    page = page_of(Proposal.objects.new(), ("name", "pk"), request.GET.get("after", ""), PAGE)
    alone = list(Proposal.objects.alone().order_by("name", "pk")[: MANY + 1])
    ignored = Proposal.objects.exclude(ignored_at=None).select_related("ignored_by")
    reading = being_read().count()
    near = Proposal.objects.of_projects().select_related("project").order_by("name", "pk")
    more = list(near[: PAGE + 1])
    left = [
        (plural(kind) if count != 1 else singular(kind), count)
        for kind, count in adoption.left_over.items()
    ]
    context: dict[str, Any] = {
        "shown": shown(page.rows),
        "near": shown(more[:PAGE]),
        "near_cut": len(more) > PAGE,
        "alone": shown(alone[:MANY], shared=False),
        "alone_cut": len(alone) > MANY,
        "ignored": ignored.order_by("-ignored_at", "pk")[:MANY],
        "count": Proposal.objects.new().count(),
        "projects": list(
            Project.objects.order_by("name", "pk").values_list("pk", "name")[:PROJECTS]
        ),
        "others": list(
            Proposal.objects.new().order_by("name", "pk").values_list("pk", "own_name", "name")
        )[:PROJECTS],
        "form": form or TagForm(initial={"tag_key": adoption.tag_key}),
        "adoption": adoption,
        "left_over": left,
        "connected": Scope.objects.filter(parked=False).exists(),
        "reading": reading,
        "following": page.following,
        "paged": not page.first,
        "reads": {},
    }
    return render(request, "adoption/proposals.html", context, status=status)


@require_POST
def tag(request: HttpRequest) -> HttpResponse:
    """Say which tag tells whose a resource is."""
    _administrators_only(request)
    form = TagForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, form=form)
    deeds.set_tag_key(form.cleaned_data["tag_key"])
    messages.success(request, "Saved. What is proposed is worked out anew now.")
    return redirect("adoption:proposals")


def _number(told: QueryDict, name: str) -> int:
    text = told.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise RefusedError("Choose one from the list.")
    return int(text)


def _chosen(told: QueryDict, pk: int) -> set[int]:
    """Return the ids of the rows that are ticked; what was too much to list goes with the rest."""
    ticked = {int(one) for one in told.getlist("row") if one.isascii() and one.isdigit()}
    certain = ProposedRow.objects.filter(proposal=pk, shared=[]).order_by("kind", "name", "pk")
    return ticked | set(list(certain.values_list("pk", flat=True))[MOST:])


def _linked(project: Project) -> SafeString:
    return format_html('<a class="link" href="{}">{}</a>', project.get_absolute_url(), project)


def _no_part(request: HttpRequest) -> None:
    """Refuse what is about the whole where a part was begun: Enter presses the first button."""
    if name_in(request.POST.get("split_name", "")) or request.POST.getlist("part"):
        raise RefusedError(
            "A part to split off was named or ticked. Press Split off for that, or leave it empty."
        )


def _accept(request: HttpRequest, pk: int, version: int) -> str:
    _no_part(request)
    name = name_in(request.POST.get("name", ""))
    project = deeds.accept(
        pk, request.user, version=version, name=name, chosen=_chosen(request.POST, pk)
    )
    messages.success(request, format_html("{} is a project now, and yours.", _linked(project)))
    return reverse("adoption:proposals")


def _put_into(request: HttpRequest, pk: int, version: int) -> str:
    _no_part(request)
    sort, _, number = request.POST.get("with", "").partition("-")
    told = QueryDict(mutable=True)
    told["number"] = number
    other = _number(told, "number")
    if sort == "proposal":
        one = deeds.merge(pk, other, request.user, version=version)
        messages.success(request, f"{one} is one proposal now.")
        return reverse("adoption:proposals")
    into = Project.objects.filter(pk=other).first()
    if sort != "project" or into is None:
        raise RefusedError("Choose a project or another proposal to put it together with.")
    deeds.accept(pk, request.user, version=version, chosen=_chosen(request.POST, pk), into=into)
    messages.success(request, format_html("{} holds these resources now.", _linked(into)))
    return reverse("adoption:proposals")


def _split(request: HttpRequest, pk: int, version: int) -> str:
    # Of what is not listed, nothing was ticked.
    ticked = {int(one) for one in request.POST.getlist("part") if one.isascii() and one.isdigit()}
    name = name_in(request.POST.get("split_name", ""))
    if not name:
        raise RefusedError("Say what the part that you split off is called.")
    other = deeds.split(pk, request.user, ticked, version=version, name=name)
    messages.success(request, f"{other} is a proposal of its own now.")
    return reverse("adoption:proposals")


def _rename(request: HttpRequest, pk: int, _version: int) -> str:
    deeds.rename(pk, name_in(request.POST.get("name", "")))
    messages.success(request, "The name is kept.")
    return reverse("adoption:proposals")


def _ignore(request: HttpRequest, pk: int, _version: int) -> str:
    one = deeds.ignore(pk, request.user)
    messages.success(request, f"{one} is ignored. It stands at the end of this page.")
    return reverse("adoption:proposals")


def _propose_again(request: HttpRequest, pk: int, _version: int) -> str:
    one = deeds.propose_again(pk, request.user)
    messages.success(request, f"{one} is proposed again.")
    return reverse("adoption:proposals")


def _unshape(request: HttpRequest, pk: int, _version: int) -> str:
    deeds.unshape(pk)
    messages.success(request, "It is proposed as it was found, in a moment.")
    return reverse("adoption:proposals")


def _decline(request: HttpRequest, pk: int, version: int) -> str:
    project = deeds.decline(pk, request.user, version=version)
    messages.success(request, f"These are not proposed to {project} again.")
    return reverse("adoption:proposals")


def _add(request: HttpRequest, pk: int, version: int) -> str:
    project = deeds.accept(pk, request.user, version=version, chosen=_chosen(request.POST, pk))
    messages.success(request, format_html("{} holds these resources now.", _linked(project)))
    return reverse("adoption:proposals")


DEEDS: dict[str, Callable[[HttpRequest, int, int], str]] = {
    "accept": _accept,
    "add": _add,
    "put": _put_into,
    "split": _split,
    "rename": _rename,
    "ignore": _ignore,
    "again": _propose_again,
    "unshape": _unshape,
    "decline": _decline,
}


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what the button said."""
    _administrators_only(request)
    deed = DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        raise Http404("There is no such deed.")
    try:
        return redirect(deed(request, pk, _number(request.POST, "version")))
    except RefusedError as error:
        messages.error(request, str(error))
        return redirect("adoption:proposals")
