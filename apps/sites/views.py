"""Pages for those who connect sites. They read and store; workers make every call to a site."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.mirror.models import Change
from apps.people.rights import is_administrator

from . import connect as connecting
from . import purge, tasks, trial
from .connect import AlreadyConnectedError
from .forms import RemoveForm, SiteForm, entered, given_of
from .kinds import SITES, SiteKind
from .models import Site
from .overview import cards

if TYPE_CHECKING:
    from django.db.models import QuerySet

View = Callable[..., HttpResponse]


def for_staff(view: View) -> View:
    """Let staff and administrators in; to everybody else the page does not exist."""

    @never_cache
    @sensitive_post_parameters("secret", "client_secret")
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_administrator(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return inner


@for_staff
@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Every connected site and how it fares."""
    part = "#list" if request.GET.get("part") == "list" else ""
    context = {"cards": cards(_sites()), "kinds": list(SITES), "live": _live()}
    return render(request, f"sites/sites.html{part}", context)


@for_staff
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest, provider: str) -> HttpResponse:
    """The form for a new site; `from` is a test whose entries to begin with."""
    kind = SITES.by_name.get(provider)
    if kind is None:
        raise Http404
    return _entered(request, kind, None)


@for_staff
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The same form for a site that exists."""
    site = get_object_or_404(Site, pk=pk, removed_at=None)
    return _entered(request, SITES.get(site.provider), site)


@for_staff
@require_safe
def site(request: HttpRequest, pk: int) -> HttpResponse:
    """One site: what is read, how that fares, its webhooks."""
    return _page(request, get_object_or_404(_sites(), pk=pk))


@for_staff
@require_POST
@sensitive_variables("secret")
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a new secret for a site's webhooks and show it this once."""
    found = get_object_or_404(_sites(), pk=pk, removed_at=None)
    secret = connecting.rotate_webhook_secret(found, by=request.user)
    return _page(request, found, secret=secret)


@for_staff
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Test a site as it is stored."""
    found = get_object_or_404(Site, pk=pk, removed_at=None)
    return _tried(
        request,
        trial.Draft(
            name=found.name,
            provider=found.provider,
            given=given_of(found),
            site=found.pk,
            stored=True,
        ),
    )


@for_staff
@require_safe
def trial_page(request: HttpRequest, token: str) -> HttpResponse:
    """A connection test while it runs and afterwards; htmx asks for the report alone."""
    draft, report = _draft(request, token), trial.report_of(token)
    if draft is None or report is None:
        messages.warning(
            request, "That test is over half an hour old, or was saved. Begin a new one."
        )
        if request.headers.get("HX-Request"):
            gone = HttpResponse()
            gone["HX-Redirect"] = reverse("sites:sites")
            return gone
        return redirect("sites:sites")
    part = "#report" if request.headers.get("HX-Request") else ""
    context = {"token": token, "draft": draft, "report": report, "kind": SITES.get(draft.provider)}
    return render(request, f"sites/trial.html{part}", context)


@for_staff
@require_POST
def trial_save(request: HttpRequest, token: str) -> HttpResponse:
    """Store what was tested."""
    draft = _draft(request, token)
    if draft is None:
        messages.error(request, "What was entered is gone (kept for half an hour). Enter it again.")
        return redirect("sites:sites")
    stored = _stored(request, draft)
    if stored is None:
        return redirect("sites:trial", token=token)
    trial.forget_draft(token)
    return redirect("sites:site", pk=stored.pk)


@for_staff
@require_POST
def sweep(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop sweeping a site, or begin again."""
    found = get_object_or_404(Site, pk=pk, removed_at=None)
    if request.POST.get("on") == "yes":
        connecting.resume(found, by=request.user)
        messages.success(request, f"{found.name} is swept again.")
    else:
        connecting.pause(found, by=request.user)
        messages.success(request, f"{found.name} is not swept any more. What was read stays.")
    return redirect("sites:site", pk=pk)


@for_staff
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop sweeping, or delete everything; asks for the name."""
    found = get_object_or_404(Site, pk=pk, removed_at=None)
    form = RemoveForm(request.POST or None, site=found)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["how"] == RemoveForm.STOP:
            connecting.pause(found, by=request.user)
            messages.success(request, f"{found.name} is not swept any more. What was read stays.")
            return redirect("sites:site", pk=pk)
        purge.announce(found, by=request.user)
        _ask_worker(request, tasks.purge, found.pk)
        messages.success(request, f"{found.name} is being deleted with everything read of it.")
        return redirect("sites:sites")
    return render(
        request,
        "sites/remove.html",
        {"site": found, "form": form, "lost": purge.what_is_lost(found)},
        status=422 if form.is_bound else 200,
    )


def _page(request: HttpRequest, found: Site, *, secret: str = "") -> HttpResponse:
    kind = SITES.by_name.get(found.provider)
    chosen = [
        (
            one.label,
            [
                (entry["name"], entry[one.named]) if one.named else (entry, "")
                for entry in found.selection.get(one.name) or ()
            ],
        )
        for one in (kind.chosen if kind else ())
    ]
    path = reverse("hook", args=[found.provider, found.pk])
    address = f"{settings.SITE_URL.rstrip('/')}{path}" if settings.SITE_URL else ""
    context = {
        "site": found,
        "card": cards([found])[0],
        "kind": kind,
        "chosen": chosen,
        "hook_address": address or request.build_absolute_uri(path),
        "hook_secret": secret,
        "live": _live(),
    }
    return render(request, "sites/site.html", context)


def _entered(request: HttpRequest, kind: SiteKind, own: Site | None) -> HttpResponse:
    """Show the form; on POST test what was entered, or store it at once."""
    token = request.GET.get("from", "")
    earlier = _draft(request, token)
    if earlier is not None and (earlier.provider, earlier.site) != (kind.name, own and own.pk):
        earlier = None
    initial = entered(kind, earlier.given, earlier.name) if earlier is not None else {}
    form = SiteForm(request.POST or None, kind=kind, site=own, initial=initial)
    if request.method == "POST" and form.is_valid():
        draft = form.draft()
        if request.POST.get("do") != "save":
            return _tried(request, draft)
        stored = _stored(request, draft)
        if stored is not None:
            return redirect("sites:site", pk=stored.pk)
    report = trial.report_of(token) if earlier is not None and not form.is_bound else None
    context = {
        "form": form,
        "kind": kind,
        "site": own,
        "secrets_again": request.method == "POST" and bool(request.POST.get("secret")),
        "chosen": [
            (form[f"chosen_{one.name}"], report.of_field(one.name) if report else [])
            for one in kind.chosen
            if f"chosen_{one.name}" in form.fields
        ],
        "credentials": [
            (form[name], " ".join(f"part-{method}" for method in _needing(kind, name)))
            for name in form.credentials
            if name in form.fields
        ],
    }
    return render(request, "sites/connect.html", context, status=422 if form.is_bound else 200)


def _needing(kind: SiteKind, name: str) -> list[str]:
    """Return the ways in that need a field, [] where all do."""
    found = [
        method.name for method in kind.methods if name in {field.name for field in method.fields}
    ]
    return [] if len(found) == len(kind.methods) else found


def _tried(request: HttpRequest, draft: trial.Draft) -> HttpResponse:
    token = trial.begin(draft, user_id=int(request.user.pk or 0))
    _ask_worker(request, tasks.trial, token)
    return redirect("sites:trial", token=token)


def _stored(request: HttpRequest, draft: trial.Draft) -> Site | None:
    """Write a draft into rows; None, with a message, where that is not possible."""
    by = request.user
    try:
        with transaction.atomic():
            if draft.site is None:
                stored = connecting.connect(
                    provider=draft.provider, name=draft.name, given=draft.given, by=by
                )
            else:
                rows = Site.objects.select_for_update(of=("self",))
                stored = get_object_or_404(rows, pk=draft.site, removed_at=None)
                connecting.rename(stored, draft.name, by=by)
                connecting.change(stored, draft.given, by=by)
    except AlreadyConnectedError as error:
        messages.error(request, str(error))
        return None
    begun = "It is not swept until you let it." if stored.paused else "It is being read."
    messages.success(request, f"{stored.name} is saved. {begun}")
    return stored


def _ask_worker(request: HttpRequest, task: Any, *args: Any) -> None:
    """Hand a task to the workers; say so where their queue cannot be reached."""
    try:
        task.delay(*args)
    except OperationalError:
        messages.error(
            request, "The workers' queue cannot be reached. Check Redis (REDIS_URL), then repeat."
        )


def _draft(request: HttpRequest, token: str) -> trial.Draft | None:
    return trial.draft_of(token, user_id=int(request.user.pk or 0)) if token else None


def _sites() -> "QuerySet[Site]":
    return Site.objects.select_related("scope")


def _live() -> dict[str, object]:
    """Return what lets a page hear of scopes: what moved, and how old what is shown is."""
    return {
        "stream": reverse("dashboard:stream"),
        "since": Change.objects.aggregate(newest=Max("pk"))["newest"] or 0,
        "topics": "touched:scope",
    }
