"""Pages that ask before something is done, and tell what became of it; they never call AWS."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.live.partial import render_part
from apps.mirror.lists import heed
from apps.mirror.resource import REGISTER
from apps.projects.told import called

from . import asking, things
from .acts import ACTS, Act
from .forms import LONGEST_WHY, ActForm, written
from .models import Deed
from .offers import about, decides, deeds_on, offers_on
from .rights import Leave, leave_of, standings

OVER = "It moved since you opened this page, and nothing was done. Look at it anew."
NOT_OFFERED = "There is nothing to do of this kind here, or not any more: somebody was quicker."
ANOTHER = "This form was sent by somebody else. Open it anew."


def _of(request: HttpRequest, name: str, row_id: int) -> tuple[Act, Any, Leave]:
    """Return the act, the thing and whether this reader may do it.

    Raises Http404 for what they cannot know of, or that takes another role.
    """
    act = ACTS.by_name.get(name)
    if act is None:
        raise Http404("There is no such act.")
    row = things.for_reader(request.user, act.kind, row_id)
    given = leave_of(request.user, act, row)
    if given.standing is None and not given.why:
        raise Http404("This takes another role.")
    return act, row, given


def _form(act: Act, row: Any, data: Any = None, begun: Mapping[str, Any] | None = None) -> ActForm:
    kind: type[ActForm] = act.form or ActForm
    form = kind(data, row=row, act=act)
    form.begin_with(begun or {})
    return form


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, name: str, row_id: int) -> HttpResponse:
    """Ask before an act is done: what will happen, and why they want it. POST lets it be done.

    Whatever is wrong with what was sent, nothing of it is lost. An address may choose already
    (`?to=…`), and say where one comes from and goes back to (`?next=/approvals/`).
    """
    posted = request.method == "POST"
    act, row, given = _of(request, name, row_id)
    onward = ours(request, "next")
    known = _sent_before(request) if posted else None
    if known is not None:
        # Sent twice: the first one may have changed the thing by now.
        return redirect(onward or known)
    if act.offered(row) is None:
        return _over(request, act, row, onward)
    form = _form(act, row, request.POST if posted else None, request.GET)
    heed(request, "next", *form.fields)
    status = 200
    if posted:
        status = 422
        valid = form.is_valid()
        if valid and given.standing is not None:
            if form.overtaken:
                form.look_again()
                form.add_error(None, "It moved since you opened this page. Look at it, then again.")
                status = 409
            elif why_not := act.offered(row):
                form.add_error(None, why_not)
                status = 409
            else:
                deed = _let(request, act, row, given, form)
                if deed is not None:
                    if onward:
                        # There it is not seen otherwise that something was asked for.
                        messages.success(request, f"{act.label}: {deed.name} is on its way.")
                    return redirect(onward or deed)
    context = {
        "act": act,
        "thing": row,
        "called": act.called(row),
        "form": form,
        "effect": ACTS.effect(request.user, act, row, form.meant()),
        "back": onward or things.url(act.kind, row),
        "thing_url": things.url(act.kind, row),
        "place": asking.place_of(row.scope),
        "why_not": given.why or act.offered(row),
        "project": given.standing.project if given.standing else None,
        "reads": _reads(act.kind, row),
    }
    return render(request, "deeds/ask.html", context, status=status)


def _sent_before(request: HttpRequest) -> Deed | None:
    """Return the deed that this very form became when the same person sent it before."""
    try:
        mark = UUID(request.POST.get("mark", ""))
    except ValueError:
        return None
    return Deed.objects.filter(mark=mark, who=request.user.pk).first()


def _over(request: HttpRequest, act: Act, row: Any, onward: str) -> HttpResponse:
    """Say that the thing moved so far that there is nothing to do any more; keep what was said."""
    thing_url = things.url(act.kind, row)
    context = {
        "act": act,
        "thing": row,
        "called": act.called(row),
        "back": onward or thing_url,
        "thing_url": thing_url,
        "place": asking.place_of(row.scope),
        "why_not": OVER if request.method == "POST" else NOT_OFFERED,
        "over": True,
        "said": written(request.POST.get("why", ""))[:LONGEST_WHY],
    }
    # An address from an old page or from somebody else leads to what became of it.
    status = 409 if request.method == "POST" else 404
    return render(request, "deeds/ask.html", context, status=status)


def ours(request: HttpRequest, name: str) -> str:
    """Return a path of ours that an address names; "" where it names none."""
    path = request.GET.get(name, "")
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, None):
        return ""
    return path


def _let(request: HttpRequest, act: Act, row: Any, given: Leave, form: ActForm) -> Deed | None:
    assert given.standing is not None
    try:
        return asking.ask(
            act,
            row,
            who=request.user,
            who_name=called(request.user),
            standing=given.standing,
            said=form.said(),
            seen=act.seen(row),
            why=form.cleaned_data["why"],
            mark=form.cleaned_data["mark"],
        )
    except asking.MarkTakenError:
        form.add_error(None, ANOTHER)
    except asking.OnItsWayError as error:
        who = error.deed.who_name or "Somebody"
        form.add_error(
            None, f"{who} asked for the same, and it is on its way. Wait for how that ends."
        )
    return None


def _reads(kind: str, row: Any) -> dict[str, Any] | None:
    resource = REGISTER.by_kind.get(kind)
    if resource is None or row.scope is None:
        return None
    return {"service": resource.app_label, "scope": row.scope_id}


@never_cache
@require_POST
def effect(request: HttpRequest, name: str, row_id: int) -> HttpResponse:
    """What would happen by what is chosen so far; nothing is kept."""
    act, row, _given = _of(request, name, row_id)
    if act.offered(row) is None:
        raise Http404("It is not offered on this.")
    told = ACTS.effect(request.user, act, row, _form(act, row, request.POST).meant())
    return render(request, "deeds/ask.html#effect", {"effect": told, "act": act})


@require_safe
def on(request: HttpRequest, kind: str, row_id: int) -> HttpResponse:
    """What this reader can do to a thing, and what became of what was asked for."""
    if not ACTS.of(kind) and kind not in ACTS.parts:
        raise Http404("Nothing is done to such things.")
    row = things.for_reader(request.user, kind, row_id)
    found = standings(request.user, kind, row)
    context = {
        "kind": kind,
        "thing": row,
        "id": panel_id(kind, row_id),
        "title": str(row),
        "back": things.url(kind, row),
        "here": request.path,
        "wakes": ACTS.heard_by(kind),
        "reads": _reads(kind, row),
        **offers_on(request.user, kind, row, found),
        **deeds_on(request.user, kind, row, found),
    }
    return render_part(request, "deeds/on.html", context)


def panel_id(kind: str, row_id: int) -> str:
    """The id of the element that holds what can be done to a thing."""
    return f"acts-{kind.replace('.', '-')}-{row_id}"


def deed_of(request: HttpRequest, pk: int) -> Deed:
    """Return a deed that a reader may know of: of their projects, their own, or of what they see.

    Raises Http404 for any other.
    """
    rows = Deed.objects.for_list().told_to(request.user)
    mine = rows.visible_to(request.user).filter(pk=pk).first()
    if mine is not None:
        found: Deed = mine
        return found
    found = get_object_or_404(rows, pk=pk)
    things.for_reader(request.user, found.kind, found.row_id)
    return found


@require_safe
def deed(request: HttpRequest, pk: int) -> HttpResponse:
    """How a deed stands, and what a person can do where nobody knows how it ended."""
    found = deed_of(request, pk)
    if found.declared is not None and found.declared.page is not None:
        return found.declared.page(request, found)
    row = things.load(found.kind, found.row_id)
    context = {
        "deed": found,
        "chosen": about(found),
        "back": things.url_for(request.user, found.kind, found.row_id),
        "made_url": made_url(request.user, found),
        "decides": found.outcome == Deed.Outcome.UNKNOWN and decides(request.user, found, row),
        "reads": _reads(found.kind, row) if row is not None else None,
    }
    return render_part(request, "deeds/deed.html", context)


def made_url(user: Any, deed: Deed) -> str:
    """Return our page of what came of a deed; "" as long as it is not read."""
    resource = REGISTER.by_kind.get(deed.made.get("kind", ""))
    if resource is None or resource.url is None or deed.scope_id is None:
        return ""
    rows: Any = resource.model._default_manager.visible_to(user)
    row = rows.filter(scope=deed.scope_id, key=deed.made["key"]).first()
    return "" if row is None else resource.url(row)


DECISIONS = ("look", "again", "done", "dropped")


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how an unknown deed goes on: look again, send it again, or how it ended."""
    found = deed_of(request, pk)
    row = things.load(found.kind, found.row_id)
    if not decides(request.user, found, row):
        raise Http404("This takes another role.")
    do = request.POST.get("do", "")
    if do not in DECISIONS:
        messages.error(request, "Choose one of the buttons.")
    elif do in ("look", "again"):
        go_on = asking.do_again if do == "again" else asking.look_again
        taken = go_on(found, request.user)
        if not taken:
            messages.info(request, "It is decided already, or the same is on its way anew.")
    elif not asking.settle(found, done=do == "done", by=called(request.user)):
        messages.info(request, "It is decided already.")
    return redirect(found)
