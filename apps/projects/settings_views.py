"""Making a project, changing what it says of itself, and deleting it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from . import deeds
from .access import here
from .forms import DeleteForm, ProjectForm
from .goes import GOES, STAYS, hindered
from .models import Holding, Invitation, Membership, Project
from .roles import Role


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a project; whoever makes it owns it."""
    form = ProjectForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            project = deeds.create(request.user, form.cleaned_data)
        except deeds.RefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"{project} is there. Link what belongs to it.")
            return redirect(project)
    status = 422 if form.errors else 200
    return render(request, "projects/new.html", {"form": form, "reads": {}}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """What the project says of itself."""
    met = here(request, slug, Role.OWNER)
    begin = None if request.method == "POST" else ProjectForm.of(met.project)
    form = ProjectForm(request.POST or None, user=request.user, initial=begin, project=met.project)
    base = request.POST.get("base", "") if request.method == "POST" else deeds.stamp_of(met.project)
    theirs: list[tuple[str, str]] = []
    overtaken = False
    if request.method == "POST" and form.is_valid():
        try:
            deeds.edit(met.project, form.cleaned_data, base=base, by=request.user)
        except deeds.OvertakenError as error:
            # What was sent stays in the form, to be saved over theirs once that was read.
            overtaken, base = True, deeds.stamp_of(error.newest)
            theirs = _theirs(form, error.newest)
        except deeds.RefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, "The project is changed.")
            return redirect("projects:settings", slug)
    status = 409 if overtaken else 422 if form.errors else 200
    context = {
        "here": met,
        "tab": "settings",
        "form": form,
        "base": base,
        "overtaken": overtaken,
        "theirs": theirs,
        "reads": {"within": slug},
    }
    return render(request, "projects/settings.html", context, status=status)


def _theirs(form: ProjectForm, newest: Project) -> list[tuple[str, str]]:
    """Return (what, what the other wrote) where it is not what was sent."""
    return [
        (name, said)
        for name, said in ProjectForm.of(newest).items()
        if getattr(newest, name) != form.cleaned_data.get(name)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what goes with the project and what stays, and delete it once its name was typed."""
    met = here(request, slug, Role.OWNER)
    project = met.project
    form = DeleteForm(request.POST or None, project=project)
    held_up = hindered(project)
    if request.method == "POST" and form.is_valid() and not held_up:
        deeds.delete(project, by=request.user)
        messages.success(request, f"{project} is deleted. Nothing in AWS was touched.")
        return redirect("projects:projects")
    held = Holding.objects.shown().put().filter(project=project)
    elsewhere = Holding.objects.exclude(project=project).values_list("kind", "row_id")
    only_here = set(held.values_list("kind", "row_id")) - set(elsewhere)
    context = {
        "here": met,
        "tab": "settings",
        "form": form,
        "members": Membership.objects.filter(project=project).count(),
        "invitations": Invitation.open().filter(project=project).count(),
        "held": held.count(),
        "only_here": len(only_here),
        "goes": [told for one in GOES for told in one(project)],
        "stays": [told for one in STAYS for told in one(project)],
        "hindered": held_up,
        "reads": {"within": slug},
    }
    status = 422 if form.errors else 409 if held_up and form.is_bound else 200
    return render(request, "projects/delete.html", context, status=status)
