"""Pages on events for those who connect accounts: whether they arrive, and how to set them up."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import connect as connecting
from . import queue_trial, tasks
from .console import console
from .event_template import (
    as_file,
    deploy_command,
    event_template,
    head_of,
    principal_for,
    stack_for,
)
from .forms import QueueForm
from .hearing import Hearing, hearings, listened_places
from .models import Place
from .policy import as_text, listen_statement
from .queues import queue_of
from .views import ask_worker, for_staff, live

FORMS = {"yaml": "application/yaml", "json": "application/json"}


@for_staff
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Every account and region, and whether its events arrive."""
    part = "#list" if request.GET.get("part") == "list" else ""
    context = {"hearings": hearings(listened_places()), "live": live()}
    return render(request, f"aws/events.html{part}", context)


@for_staff
@require_safe
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """One account and region: what arrives, and how to set it up."""
    found = _place(pk)
    part = request.GET.get("part", "")
    if part == "test":
        return _test_alone(request, found)
    return _page(request, found, part="#state" if part == "state" else "")


@for_staff
@require_http_methods(["GET", "POST"])
def queue(request: HttpRequest, pk: int) -> HttpResponse:
    """Listen to another queue."""
    found = _place(pk)
    if request.method != "POST":
        return redirect("aws:place_events", pk=pk)
    form = QueueForm(request.POST, place=found)
    if not form.is_valid():
        return _page(request, found, form=form)
    connecting.set_queue(found, form.cleaned_data["queue"], by=request.user)
    found = _place(pk)
    messages.success(
        request, f"Events of {found.region} are taken from the queue {queue_of(found)}."
    )
    return redirect("aws:place_events", pk=pk)


@for_staff
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Find out whether the queue answers."""
    found = _place(pk)
    token = queue_trial.begin(found)
    ask_worker(request, tasks.queue_trial, found.pk, token)
    return redirect(f"{reverse('aws:place_events', args=[pk])}?test={token}#test")


@for_staff
@require_safe
def template(_request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The CloudFormation template as a file."""
    found = _place(pk)
    if form not in FORMS or _file(found, form) is None:
        raise Http404
    response = HttpResponse(_file(found, form), content_type=FORMS[form])
    name = f"{queue_of(found)}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(
    request: HttpRequest, found: Place, *, form: QueueForm | None = None, part: str = ""
) -> HttpResponse:
    (hearing,) = hearings([found])
    token = request.GET.get("test", "")
    context = {
        "hearing": hearing,
        "account": found.account,
        "form": form or QueueForm(place=found),
        "token": token,
        "report": queue_trial.report_of(found.pk, token) if token else None,
        "live": live(),
        **({} if part else _setting_up(found, hearing)),
    }
    status = 422 if form is not None else 200
    return render(request, f"aws/place_events.html{part}", context, status=status)


def _test_alone(request: HttpRequest, found: Place) -> HttpResponse:
    """The test while it runs, which htmx asks for again and again."""
    token = request.GET.get("test", "")
    report = queue_trial.report_of(found.pk, token)
    if report is None:
        gone = HttpResponse()
        gone["HX-Redirect"] = reverse("aws:place_events", args=[found.pk])
        return gone
    context = {"hearing": hearings([found])[0], "token": token, "report": report}
    return render(request, "aws/place_events.html#test", context)


def _setting_up(found: Place, hearing: Hearing) -> dict[str, object]:
    """What the page shows to copy."""
    name = f"{hearing.queue}.yaml"
    return {
        "template": _file(found, "yaml"),
        "command": _command(found, name),
        "principal": principal_for(found.account),
        "statement": as_text(listen_statement(hearing.queue_arn)) if hearing.queue_arn else "",
        "create_stack": console(
            found.region, f"cloudformation/home?region={found.region}#/stacks/create"
        ),
    }


def _file(found: Place, form: str) -> str | None:
    """Return the template as text; None where the queue is none a template can make."""
    try:
        made = event_template(queue_of(found), principal=principal_for(found.account))
    except ValueError:
        return None
    command = _command(found, f"{queue_of(found)}.{form}")
    return as_file(made, form=form, head=head_of(found.account.account_id, found.region, command))


def _command(found: Place, file: str) -> str:
    return deploy_command(found.region, file=file, stack=stack_for(queue_of(found)))


def _place(pk: int) -> Place:
    return get_object_or_404(
        Place.objects.select_related("account", "scope").filter(account__removed_at=None), pk=pk
    )
