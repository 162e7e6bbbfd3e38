"""Forms by which people make issues and act on them, and the page that tells what became of it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.deeds import things
from apps.deeds.models import Deed
from apps.deeds.offers import decides
from apps.deeds.views import deed_of
from apps.live.partial import render_part
from apps.mirror.links import url_of
from apps.mirror.lists import heed
from apps.mirror.markdown import rendered
from apps.mirror.panels import panel_id, row_for
from apps.mirror.state import State
from apps.people.accounts import site_address
from apps.projects.acting import holders_of, project_for

from . import asking
from .acting import KEEPERS
from .acting_forms import people_of
from .doing import ASSIGN, COMMENT, CREATE, MOVE
from .failures import FAILURES, draft_of, failed
from .forms import LONGEST_TEXT, AssignForm, CommentForm, IssueForm, MoveForm
from .models import FormerDeed, Issue
from .panels import OF_FAILURE
from .rights import trackers_for
from .views import issue_of, issue_page, reads

# Issues that were made of one failure.
MOST = 10


# --- Making an issue ------------------------------------------------------------------------------


def _about(request: HttpRequest) -> tuple[str, Any] | None:
    """Return (kind, row) of what failed, as the address names it: "codebuild.build:12".

    None where it names nothing. Raises Http404 for what the reader cannot know of.
    """
    heed(request, "about")
    kind, _, pk = request.GET.get("about", "").partition(":")
    if not kind:
        return None
    if kind not in FAILURES.by_kind or not (pk.isascii() and pk.isdigit() and len(pk) < 18):
        raise Http404("There is no such failure.")
    _, row = row_for(request.user, kind, int(pk))
    return kind, row


def _name(kind: str, row: Any) -> str:
    """What people call it that failed."""
    return FAILURES.by_kind[kind].name(row)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make an issue, of what failed where the address says so; the form says it and can be changed.

    Whatever is wrong with what was sent, nothing of it is lost.
    """
    about = _about(request)
    trackers = trackers_for(request.user)
    if not trackers and request.method != "POST":
        raise Http404("There is nowhere that you may make one.")
    begin = {}
    if about is not None and failed(*about):
        address = site_address(request, url_of(*about))
        begin = draft_of(request.user, *about, address)
    near = None if about is None else holders_of(about[1])
    form = IssueForm(request.POST or None, trackers=trackers, near=near, initial=begin)
    if request.method == "POST" and form.is_valid():
        project, tracker, _kind = form.place
        named = None if about is None else (about[0], about[1].pk, _name(*about))
        try:
            deed = asking.ask(
                CREATE,
                tracker,
                form.said(),
                who=request.user,
                project=project,
                mark=form.cleaned_data["mark"],
                about=named,
            )
        except ValueError:
            form.add_error(None, "This form was sent by somebody else. Open it anew.")
        else:
            return redirect(deed)
    context = {
        "form": form,
        "about": "" if about is None else _name(*about),
        "back": url_of(*about) if about else reverse("issues:issues"),
        "failed": about is not None and failed(*about),
        "known": _made_of(request.user, [about])[0] if about else [],
        "nowhere": not trackers,
        "reads": reads(),
    }
    return render(request, "issues/new.html", context, status=422 if form.errors else 200)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What a text would look like; nothing is kept."""
    if not trackers_for(request.user):
        raise Http404("There is nowhere that you may make one.")
    html = rendered(request.POST.get("text", "")[:LONGEST_TEXT])
    return render(request, "wiki/preview.html", {"html": html})


# --- Acting on one --------------------------------------------------------------------------------


def _act(
    request: HttpRequest, pk: int, what: str, name: str, make: Callable[[Issue], Any]
) -> HttpResponse:
    found = issue_of(request, pk)
    if request.method != "POST":
        # A page that was refused is loaded again, or come back to after the sign-in.
        return redirect(found)
    project = project_for(request.user, found)
    if project is None or found.scope.provider not in KEEPERS.by_provider:
        raise Http404("This takes another role.")
    form = make(found)
    if why_not := KEEPERS.why_not(found.scope):
        form.is_valid()
        form.add_error(None, why_not)
    elif form.is_valid():
        if _stale(form, found, what):
            form.add_error(None, _overtaken(found, what))
            _as_it_is(form, found, what)
            return issue_page(request, found, status=409, **{name: form})
        try:
            asking.ask(
                what,
                found,
                _said(form),
                who=request.user,
                project=project,
                mark=form.cleaned_data["mark"],
            )
        except ValueError:
            form.add_error(None, "This form was sent by somebody else. Open the page anew.")
        else:
            messages.success(request, "It is on its way; this page says how it ends.")
            return redirect(f"{found.get_absolute_url()}#deeds")
    return issue_page(request, found, status=422, **{name: form})


def _said(form: Any) -> Mapping[str, Any]:
    return form.said() if hasattr(form, "said") else {"text": form.cleaned_data["text"]}


def _stale(form: Any, found: Issue, what: str) -> bool:
    """Whether the issue stands otherwise by now than the person saw it."""
    if what == MOVE:
        return bool(form.cleaned_data["before"] != found.status)
    if what == ASSIGN:
        return bool(form.cleaned_data["before"] != found.assignee_id)
    return False


def _as_it_is(form: Any, found: Issue, what: str) -> None:
    """Let the form, sent again, go by what the person sees now."""
    form.data = form.data.copy()
    form.data["before"] = found.status if what == MOVE else found.assignee_id


def _overtaken(found: Issue, what: str) -> str:
    if what == MOVE:
        return f"It is “{found.word}” by now. Look at it, and choose again."
    return f"{found.assignee or 'Nobody'} has it by now. Look at it, and choose again."


@require_http_methods(["GET", "HEAD", "POST"])
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Say something on an issue."""
    make = lambda _found: CommentForm(request.POST, auto_id="id_comment_%s")  # noqa: E731
    return _act(request, pk, COMMENT, "comment", make)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an issue's state, as its workflow allows."""
    make = lambda found: MoveForm(request.POST, issue=found, auto_id="id_move_%s")  # noqa: E731
    return _act(request, pk, MOVE, "move", make)


@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an issue to somebody, or take it from who has it."""

    def make(found: Issue) -> AssignForm:
        people = people_of(found.tracker)
        return AssignForm(request.POST, issue=found, people=people, auto_id="id_assign_%s")

    return _act(request, pk, ASSIGN, "assign", make)


# --- What became of it ----------------------------------------------------------------------------


@require_safe
def former(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead from where a deed was to where it is, whoever may know of it."""
    return redirect(deed_of(request, get_object_or_404(FormerDeed, pk=pk).deed_id))


def deed_page(request: HttpRequest, found: Deed) -> HttpResponse:
    """How a deed on an issue stands, and what a person can do where nobody knows how it ended.

    The reader may know of it: `apps.deeds` saw to that.
    """
    made = None
    if key := found.made.get("key", ""):
        rows = Issue.objects.visible_to(request.user).filter(scope=found.scope_id)
        made = rows.filter(key=key).first()
    row = things.load(found.kind, found.row_id)
    context = {
        "deed": found,
        "made": made,
        "back": things.url_for(request.user, found.kind, found.row_id),
        "about_url": _about_url(request.user, found),
        "decides": decides(request.user, found, row),
        "reads": reads(found.scope_id),
    }
    return render_part(request, "issues/deed.html", context)


def _about_url(user: Any, found: Deed) -> str:
    if not found.about_kind or found.about_id is None:
        return ""
    try:
        return url_of(found.about_kind, row_for(user, found.about_kind, found.about_id)[1])
    except Http404:
        return ""


# --- On pages of what failed ----------------------------------------------------------------------


def _made_of(user: Any, about: Sequence[tuple[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return of each failure the deeds that made issues of it, with these as far as they are seen.

    As many queries for several failures as for one.
    """
    wanted = Q(pk__in=[])
    for kind, row in about:
        wanted |= Q(about_kind=kind, about_id=row.pk)
    rows = Deed.objects.for_list().filter(wanted, act=CREATE)
    found = list(rows[: MOST * len(about)])
    seen = Issue.objects.visible_to(user).for_list()
    seen = seen.filter(key__in=[one.made["key"] for one in found if one.made.get("key")])
    by_place = {(one.scope_id, one.key): one for one in seen}
    told: dict[tuple[str, int | None], list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        issue = by_place.get((one.scope_id, one.made.get("key", "")))
        # Who cannot know of the tracker is not told that there is one.
        if issue is not None or one.who_id == user.pk:
            told[one.about_kind, one.about_id].append({"deed": one, "issue": issue})
    return [told[kind, row.pk][:MOST] for kind, row in about]


def _runs(row: Any) -> bool:
    return bool(row.state in (State.MOVING, State.WAITING))


@require_safe
def of_failure(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The issues that were made of what failed and of its parts, and buttons that make one."""
    resource, row = row_for(request.user, kind, pk)
    parts = list(FAILURES.parts_of(kind, row))[:MOST]
    known, *of_parts = _made_of(request.user, [(kind, row), *parts])
    works = bool(trackers_for(request.user))
    lines = [
        {"kind": at, "row": part, "name": _name(at, part), "known": made}
        for (at, part), made in zip(parts, of_parts, strict=True)
        if works or made
    ]
    context = {
        "id": panel_id(OF_FAILURE.name, kind, pk),
        "title": str(row),
        "back": url_of(kind, row),
        "kind": kind,
        "pk": pk,
        "known": known,
        "may": failed(kind, row) and works,
        "works": works,
        "parts": lines,
        # What still runs, or runs again and again, may fail while somebody looks at it.
        "here": request.path if works and (kind in FAILURES.within or _runs(row)) else "",
        "reads": {"service": resource.app_label, "scope": row.scope_id},
    }
    return render_part(request, "issues/of_failure.html", context)
