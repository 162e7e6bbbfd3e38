"""Pages for those who connect accounts. They read and store; workers make every call to AWS."""

import json
from collections.abc import Callable, Iterable
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
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.mirror.models import Change

from . import connect as connecting
from . import purge, tasks, trial
from .forms import ConnectForm, RemoveForm, known_regions
from .models import Account
from .overview import cards, events_of, places_of
from .places import AlreadyConnectedError, wanted_regions
from .policy import as_text, policy_of, read_policy
from .queues import queues_of
from .trust import partition_of_arn, principal_of, trust_policy

if TYPE_CHECKING:
    from django.db.models import QuerySet

View = Callable[..., HttpResponse]


def for_staff(view: View) -> View:
    """Let staff and administrators in; to everybody else the page does not exist."""

    @never_cache
    @sensitive_post_parameters("secret_access_key", "session_token")
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        if not user.is_active or not (user.is_staff or user.is_superuser):
            raise Http404
        return view(request, *args, **kwargs)

    return inner


@for_staff
@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """Every connected account, its regions and how it fares."""
    part = "#list" if request.GET.get("part") == "list" else ""
    context = {"cards": cards(_accounts()), "live": live()}
    return render(request, f"aws/accounts.html{part}", context)


@for_staff
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """The form for a new account; `from` is a test whose entries to begin with."""
    earlier = _draft(request, request.GET.get("from", ""))
    return _entered(request, None, earlier)


@for_staff
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The same form for an account that exists."""
    account = get_object_or_404(Account, pk=pk)
    return _entered(request, account, _draft(request, request.GET.get("from", "")))


@for_staff
@require_safe
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: credentials, regions, policies to copy."""
    found = get_object_or_404(_accounts(), pk=pk)
    return render(
        request,
        "aws/account.html",
        {
            "account": found,
            "regions": places_of(found),
            "live": live(),
            "last_event": events_of(found),
            "purging": purge.is_being_purged(found),
            **_policies(
                found.external_id if found.method == Account.Method.ROLE else "",
                found.base,
                partition_of_arn(found.role_arn),
                queues_of(found),
                account=found,
            ),
        },
    )


@for_staff
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Test an account as it is stored."""
    found = get_object_or_404(Account, pk=pk)
    fields = connecting.Credentials.__dataclass_fields__
    draft = trial.Draft(
        name=found.name,
        regions=wanted_regions(found),
        credentials=connecting.Credentials(**{name: getattr(found, name) for name in fields}),
        account=found.pk,
        stored=True,
    )
    return _tried(request, draft)


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
            gone["HX-Redirect"] = reverse("aws:accounts")
            return gone
        return redirect("aws:accounts")
    template = "aws/trial.html#report" if request.headers.get("HX-Request") else "aws/trial.html"
    return render(request, template, {"token": token, "draft": draft, "report": report})


@for_staff
@require_POST
def trial_save(request: HttpRequest, token: str) -> HttpResponse:
    """Store what was tested."""
    draft, report = _draft(request, token), trial.report_of(token)
    if draft is None or report is None:
        messages.error(request, "What was entered is gone (kept for half an hour). Enter it again.")
        return redirect("aws:connect")
    if report.wrong_account:
        messages.error(request, f"{report.identity.error} {report.identity.cure}")
        return redirect("aws:trial", token=token)
    if report.taken:
        where = ", ".join(report.taken)
        messages.error(request, f"Account {report.account} is connected in {where} already.")
        return redirect("aws:trial", token=token)
    if report.account:
        draft.credentials.account_id = report.account
    stored = _stored(request, draft, report.caller_arn)
    if stored is None:
        return redirect("aws:trial", token=token)
    trial.forget_draft(token)
    return redirect("aws:account", pk=stored.pk)


@for_staff
@require_POST
def sweep(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop sweeping an account, or begin again."""
    found = get_object_or_404(Account, pk=pk)
    if request.POST.get("on") == "yes":
        connecting.resume(found, by=request.user)
        # Nobody asked while it was paused.
        ask_worker(request, tasks.identify)
        messages.success(request, f"{found.name} is swept again.")
    else:
        connecting.pause(found, by=request.user)
        messages.success(request, f"{found.name} is not swept any more. What was read stays.")
    return redirect("aws:account", pk=pk)


@for_staff
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop sweeping, or delete everything; asks for the name."""
    found = get_object_or_404(Account, pk=pk)
    users = list(found.opens.values_list("name", flat=True))
    form = RemoveForm(request.POST or None, account=found)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["how"] == RemoveForm.STOP:
            connecting.pause(found, by=request.user)
            messages.success(request, f"{found.name} is not swept any more. What was read stays.")
            return redirect("aws:account", pk=pk)
        if users:
            form.add_error("how", f"First give {', '.join(users)} other credentials.")
        else:
            purge.announce(found, by=request.user)
            ask_worker(request, tasks.purge, found.pk)
            messages.success(request, f"{found.name} is being deleted with everything read of it.")
            return redirect("aws:accounts")
    return render(
        request,
        "aws/remove.html",
        {"account": found, "form": form, "lost": purge.what_is_lost(found), "users": users},
        status=422 if form.is_bound else 200,
    )


@for_staff
@require_safe
def policy(_request: HttpRequest) -> HttpResponse:
    """The least policy for reading, as a file."""
    document = as_text(read_policy(settings.EVENT_QUEUE_NAME))
    response = HttpResponse(document + "\n", content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="codestar-dash-policy.json"'
    return response


def _entered(
    request: HttpRequest, own: Account | None, earlier: trial.Draft | None
) -> HttpResponse:
    """Show the form; on POST test what was entered, or store it at once."""
    form = ConnectForm(request.POST or None, account=own, initial=_again(earlier))
    if request.method == "POST" and form.is_valid():
        draft = form.draft()
        if request.POST.get("do") != "save":
            return _tried(request, draft)
        stored = _stored(request, draft)
        if stored is not None:
            return redirect("aws:account", pk=stored.pk)
    return render(
        request,
        "aws/connect.html",
        {
            "form": form,
            "account": own,
            "secrets_again": request.method == "POST"
            and any(request.POST.get(name) for name in ("secret_access_key", "session_token")),
            **_policies(
                _entry(form, "external_id"),
                _base_entered(form),
                partition_of_arn(_entry(form, "role_arn").strip()),
            ),
        },
        status=422 if form.is_bound else 200,
    )


def _tried(request: HttpRequest, draft: trial.Draft) -> HttpResponse:
    token = trial.begin(draft, user_id=int(request.user.pk or 0))
    ask_worker(request, tasks.trial, token)
    return redirect("aws:trial", token=token)


def _stored(request: HttpRequest, draft: trial.Draft, caller_arn: str = "") -> Account | None:
    """Write a draft into rows; None, with a message, where that is not possible."""
    given, by = draft.credentials, request.user
    try:
        with transaction.atomic():
            if draft.account is None:
                fields = {name: getattr(given, name) for name in given.__dataclass_fields__}
                stored = connecting.connect(
                    name=draft.name, regions=draft.regions, caller_arn=caller_arn, by=by, **fields
                )
            else:
                stored = get_object_or_404(
                    Account.objects.select_for_update(of=("self",)), pk=draft.account
                )
                connecting.rename(stored, draft.name, by=by)
                if not stored.managed:
                    connecting.change_credentials(stored, given, by=by)
                connecting.set_regions(stored, draft.regions, by=by)
    except AlreadyConnectedError as error:
        messages.error(request, str(error))
        return None
    if not caller_arn:
        ask_worker(request, tasks.identify)
    if stored.paused:
        begun = "It is not swept until you let it."
    elif stored.identified_at is None and not caller_arn:
        begun = "AWS is being asked whose credentials these are."
    else:
        begun = "Its first sweep has begun."
    messages.success(request, f"{stored.name} is saved. {begun}")
    return stored


def ask_worker(request: HttpRequest, task: Any, *args: Any) -> None:
    """Hand a task to the workers; say so where their queue cannot be reached."""
    try:
        task.delay(*args)
    except OperationalError:
        messages.error(
            request, "The workers' queue cannot be reached. Check Redis (REDIS_URL), then repeat."
        )


def _draft(request: HttpRequest, token: str) -> trial.Draft | None:
    return trial.draft_of(token, user_id=int(request.user.pk or 0)) if token else None


def _again(draft: trial.Draft | None) -> dict[str, Any]:
    """Return what was entered before, without its secrets."""
    if draft is None:
        return {}
    known = known_regions()
    fields = ("method", "account_id", "profile", "access_key_id", "role_arn", "external_id", "base")
    return {
        "name": draft.name,
        **{name: getattr(draft.credentials, name) for name in fields},
        "endpoint_url": draft.credentials.endpoint_url,
        "regions": [region for region in draft.regions if region in known],
        "other_regions": ", ".join(region for region in draft.regions if region not in known),
    }


def _entry(form: ConnectForm, name: str) -> str:
    """Return what stands in a field of the form; "" where there is none."""
    return str(form[name].value() or "") if name in form.fields else ""


def _base_entered(form: ConnectForm) -> Account | None:
    """Return the account that is chosen to assume the role from, stored or not."""
    value = form["base"].value() if "base" in form.fields else None
    if isinstance(value, Account):
        return value
    number = str(value or "")
    return Account.objects.filter(pk=int(number)).first() if number.isdecimal() else None


def _policies(
    external_id: str,
    base: Account | None,
    partition: str,
    queues: Iterable[str] = (),
    account: Account | None = None,
) -> dict[str, str]:
    """Return the policies a page shows to copy; no trust policy without an external id.

    `queues` are the ARNs of those that are listened to, where that is known; with an `account` the
    policy is for what is allowed to be done there, too.
    """
    principal = principal_of(base)
    statement = trust_policy(external_id, principal, partition=partition or "aws")
    trust = json.dumps(statement, indent=2) if external_id else ""
    document = (
        read_policy(settings.EVENT_QUEUE_NAME, queues)
        if account is None
        else policy_of(account, settings.EVENT_QUEUE_NAME, queues, partition or "aws")
    )
    return {
        "trust": trust,
        "principal": principal,
        "policy": as_text(document),
    }


def _accounts() -> "QuerySet[Account]":
    return Account.objects.select_related("base").prefetch_related("places__scope")


def live() -> dict[str, object]:
    """Return what lets a page hear of scopes: what moved, and how old what is shown is."""
    return {
        "stream": reverse("dashboard:stream"),
        "since": Change.objects.aggregate(newest=Max("pk"))["newest"] or 0,
        "topics": "touched:scope",
    }
