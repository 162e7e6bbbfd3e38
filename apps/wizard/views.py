"""The wizard's pages: choose, answer, see everything, make it, watch it, undo it."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.deeds.permits import account_of
from apps.live.cursor import page_of
from apps.live.partial import render_part

from . import advancing, choices, tasks
from .act import for_reader, may_make
from .blueprints.answers import BadAnswersError
from .blueprints.register import BLUEPRINTS
from .courses import DROP, LOOK, MAKE, PLAN, UNDO
from .forms import NetworkForm, PlaceForm, SourceForm, TeamForm
from .models import GONE, KIND, Bootstrap, taken_by
from .permitted import lacking, owned_by, permit_page, places_for
from .removing import repository_of
from .shown import LABELS, STEPS, counts_of, left_by, preview_of, steps_of, undone_of
from .undo_form import UndoForm

STATE = Bootstrap.State
# Of what was made, so many stand on a page; before it, of what waits for somebody.
MOST, MOST_OPEN = 20, 100
NEWEST = ("-begun_at", "-pk")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """The templates to choose from, and what is in the making. POST begins with one."""
    if not may_make(request.user):
        raise Http404("This takes another role.")
    if request.method == "POST":
        chosen = BLUEPRINTS.get(request.POST.get("blueprint", ""))
        if chosen is not None:
            who: Any = request.user
            # Who begins with it once more goes on with what they have not answered anything in.
            own = Bootstrap.objects.untouched().filter(blueprint=chosen.id, maker=who, project=None)
            made = own.first() or Bootstrap.objects.create(blueprint=chosen.id, who=who)
            Bootstrap.objects.filter(pk=made.pk).update(begun_at=now())
            return redirect("wizard:step", pk=made.pk, name=STEPS[0])
        messages.error(request, "Choose one of the templates.")
    untouched = Bootstrap.objects.untouched().values("pk")
    mine = Bootstrap.objects.visible_to(request.user).exclude(pk__in=untouched)
    mine = mine.select_related("scope", "project")
    page = page_of(mine.filter(state=STATE.MADE), NEWEST, request.GET.get("after", ""), MOST)
    # What waits for somebody comes first, whatever was made since.
    waits = mine.exclude(state__in=(STATE.MADE, STATE.UNDONE))[:MOST_OPEN] if page.first else ()
    context = {
        "blueprints": list(BLUEPRINTS.values()),
        "mine": [*waits, *page.rows],
        "following": page.following,
        "paged": not page.first,
        "onward": "More",
        "nowhere": not places_for(request.user, [None, *owned_by(request.user)]),
    }
    return render(request, "wizard/begin.html", context)


def _mine(request: HttpRequest, pk: int) -> Bootstrap:
    return for_reader(request.user, pk)


def _lacking(found: Bootstrap) -> str:
    """Return what has still to be allowed in its account before it goes on; "" for nothing."""
    account = account_of(found.scope) if found.scope else None
    return lacking(account, found.project) if account else ""


def _held_up(request: HttpRequest, found: Bootstrap) -> bool:
    """Whether nothing is begun, because its first deed would be refused; they are told so."""
    if why := _lacking(found):
        messages.error(request, f"{why} Nothing was begun.")
    return bool(why)


def _gone(request: HttpRequest, found: Bootstrap) -> bool:
    """Whether nothing can be made of it, because its template is no more; they are told so."""
    if not found.is_known:
        messages.error(request, GONE.format(blueprint=found.blueprint))
    return not found.is_known


def _form(request: HttpRequest, bootstrap: Bootstrap, name: str, data: Any) -> Any:
    given: dict[str, Any] = {"bootstrap": bootstrap, "user": request.user}
    match name:
        case "source":
            return SourceForm(data, **given)
        case "place":
            return PlaceForm(data, **given)
        case "network":
            known = choices.choices_of(bootstrap.scope) if bootstrap.scope else None
            return NetworkForm(data, choices=known, **given)
        case "team":
            return TeamForm(data, **given)
    raise Http404("There is no such step.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One step of the answers; what is entered is kept, whatever comes of it."""
    bootstrap = _mine(request, pk)
    if name not in STEPS:
        raise Http404("There is no such step.")
    if bootstrap.state not in (STATE.DRAFT, STATE.READY) or bootstrap.takes:
        messages.info(request, "Drop the plan before you choose anew.")
        return redirect(bootstrap)
    if _gone(request, bootstrap):
        return redirect(bootstrap)
    if bootstrap.scope is not None and choices.choices_of(bootstrap.scope) is None:
        _read_choices(bootstrap)
    form = _form(request, bootstrap, name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if not _keep(bootstrap, name, form):
            messages.info(
                request, "It was planned meanwhile. Drop the plan before you choose anew."
            )
            return redirect(bootstrap)
        at = STEPS.index(name) + 1
        if at < len(STEPS):
            return redirect("wizard:step", pk=pk, name=STEPS[at])
        return redirect(bootstrap)
    context = {
        "bootstrap": bootstrap,
        "form": form,
        "step": name,
        "label": LABELS[name],
        "steps": [(one, LABELS[one]) for one in STEPS],
        "number": STEPS.index(name) + 1,
        "nowhere": name == "place" and not form.places,
        "trouble": _trouble(bootstrap) if name == "network" else "",
        "reading": name == "network" and choices.choices_of(bootstrap.scope) is None,
    }
    status = 422 if form.is_bound else 200
    return render(request, "wizard/step.html", context, status=status)


def _trouble(bootstrap: Bootstrap) -> str:
    known = choices.choices_of(bootstrap.scope)
    if known is None:
        return "What there is in the account is being read; it shows here in a moment."
    return known.trouble


def _read_choices(bootstrap: Bootstrap) -> None:
    if bootstrap.scope is not None and choices.should_ask(bootstrap.scope):
        tasks.read_choices.delay(bootstrap.scope.pk)


def _keep(bootstrap: Bootstrap, name: str, form: Any) -> bool:
    """Keep what was answered; False where it is planned by now."""
    told = form.answered()
    kept = {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
    bootstrap.answers = {**bootstrap.answers, **kept}
    if name == "place":
        bootstrap.title, bootstrap.scope = form.cleaned_data["title"], form.place.scope
        bootstrap.name, bootstrap.project = told["project"], form.belongs_to
    if name == "team":
        bootstrap.members = form.members()
    # What was found out holds for what was answered before. Who plans it meanwhile in another
    # window plans what they saw: nothing is written over that.
    kept_now = Bootstrap.objects.filter(
        pk=bootstrap.pk, state__in=(STATE.DRAFT, STATE.READY), takes=False
    ).update(
        answers=bootstrap.answers,
        title=bootstrap.title,
        name=bootstrap.name,
        scope=bootstrap.scope,
        project=bootstrap.project,
        members=bootstrap.members,
        preview=bootstrap.forgotten,
        state=STATE.DRAFT,
        trouble="",
        cure="",
    )
    if name == "place":
        _read_choices(bootstrap)
    return bool(kept_now)


@never_cache
@require_safe
def bootstrap(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything before it is made, how far it is while it is, and what came of it."""
    found = _mine(request, pk)
    moving = found.state == STATE.MOVING
    context = {
        "bootstrap": found,
        "kind": KIND,
        "moving": moving,
        "steps": steps_of(found),
        "place": _place(found),
        "left": list(left_by(found)) if found.state == STATE.UNDONE else [],
        "creations": found.creations.all() if found.state in (STATE.MADE, STATE.UNDONE) else [],
        "deed": found.deed if found.deed and found.deed.open else None,
        "counts": counts_of(found),
        **(preview_of(found) if found.state in (STATE.DRAFT, STATE.READY) else {}),
    }
    return render_part(request, "wizard/bootstrap.html", context)


@never_cache
@require_safe
def files(request: HttpRequest, pk: int) -> HttpResponse:
    """The repository's files as a ZIP, for whoever puts them there by hand."""
    found = _mine(request, pk)
    if _gone(request, found):
        return redirect(found)
    try:
        body = found.rendered.code_zip()
    except BadAnswersError as error:
        raise Http404("Something is still to be answered.") from error
    answer = HttpResponse(body, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{found.name}.zip"'
    return answer


def _place(found: Bootstrap) -> str:
    scope = found.scope
    return f"{scope.label or scope.account} · {scope.region}" if scope else ""


@require_POST
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Look whether it can be made, and plan the stack; the id is taken from here on."""
    found = _mine(request, pk)
    try:
        _ = found.rendered
    except BadAnswersError as error:
        messages.error(request, " ".join(one.sentence for one in error.refusals))
        return redirect(found)
    try:
        with transaction.atomic():
            begun = advancing.begin(found, PLAN, takes=True, who=request.user)
    except IntegrityError:
        messages.error(request, taken_by(found))
        return redirect(found)
    if begun:
        tasks.advance.delay(found.pk)
    return redirect(found)


@require_POST
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """Make it: what was planned, and nothing else."""
    found = _mine(request, pk)
    if _gone(request, found):
        return redirect(found)
    if found.state == STATE.READY and request.POST.get("plan") != found.change_set:
        messages.error(
            request,
            "Somebody planned it anew meanwhile. Look at what is planned now, then make it.",
        )
    elif found.state == STATE.READY and _held_up(request, found):
        pass
    elif advancing.begin(found, MAKE, who=request.user):
        tasks.advance.delay(found.pk)
    elif found.state == STATE.DRAFT:
        messages.error(request, "Plan it first: nothing is made that was not seen before.")
    return redirect(found)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again from the step that failed, in the name of whoever says so.

    Where that was to put files into a repository, it may go on without them.
    """
    found = _mine(request, pk)
    if found.course in (PLAN, MAKE) and _gone(request, found):
        return redirect(found)
    if request.POST.get("without") == "files" and found.step == "push":
        found.preview = {**found.preview, "push": None}
    if advancing.again(found, request.user):
        tasks.advance.delay(found.pk)
    return redirect(found)


@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a plan: the answers stay, what was planned in AWS goes."""
    found = _mine(request, pk)
    if not found.is_at_its_plan:
        messages.info(request, "More than a plan was made: undo it.")
    elif not found.takes:
        # Whoever plans it in this moment has something made in AWS that only the row tells of.
        if Bootstrap.objects.only_answers().filter(pk=pk).delete()[0]:
            messages.success(request, "It is thrown away. Nothing was made.")
            return redirect("wizard:begin")
        messages.info(request, "It is being planned by now: drop the plan when it is worked out.")
    elif not _held_up(request, found) and advancing.begin(found, DROP, who=request.user):
        tasks.advance.delay(found.pk)
    return redirect(found)


def _look_first(request: HttpRequest, found: Bootstrap) -> HttpResponse:
    """What was edited since is looked for before one says what goes; AWS takes a moment for it."""
    if request.method == "POST":
        if advancing.begin(found, LOOK, who=request.user):
            tasks.advance.delay(found.pk)
        return redirect("wizard:undo", pk=found.pk)
    looks = found.state == STATE.MOVING
    context = {"bootstrap": found, "looks": looks, "first": True, "place": _place(found)}
    return render(request, "wizard/undo.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what goes and what stays, and take it away once the id was typed."""
    found = _mine(request, pk)
    looks = found.state == STATE.MOVING and found.course == LOOK
    rests = found.state in (STATE.MADE, STATE.FAILED) and found.creations.exists()
    if rests and found.is_only_planned:
        messages.info(request, "Nothing but its plan was made: drop the plan.")
        return redirect(found)
    if not looks and not rests:
        messages.info(request, "There is nothing to undo, or it is under way.")
        return redirect(found)
    seen = found.course == UNDO or found.preview.get("looked")
    if looks or not seen or request.POST.get("do") == "look":
        return _look_first(request, found)
    repository = repository_of(found)
    data = request.POST if request.method == "POST" else None
    form = UndoForm(data, bootstrap=found, has_repository=bool(repository))
    why = _lacking(found)
    if data is not None and form.is_valid() and not why:
        wanted = bool(form.cleaned_data.get("with_repository"))
        found.preview["despite"] = bool(form.cleaned_data.get("despite"))
        found.preview["why"] = form.cleaned_data["why"]
        if advancing.begin(found, UNDO, with_repository=wanted, who=request.user):
            tasks.advance.delay(found.pk)
        return redirect(found)
    context = {
        "bootstrap": found,
        "form": form,
        **undone_of(found),
        "repository": repository,
        "place": _place(found),
        "lacking": why,
        "permit": permit_page(request.user, found.scope) if why else "",
    }
    return render(request, "wizard/undo.html", context, status=422 if form.is_bound else 200)
