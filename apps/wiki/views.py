"""Pages of a project's wiki: reading, writing, and every earlier text."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.mirror.lists import live
from apps.mirror.markdown import rendered
from apps.mirror.tail import newest_change
from apps.projects.access import Here, here
from apps.projects.models import Project
from apps.projects.roles import Role

from . import writing
from .compare import compared
from .forms import LONGEST_TEXT, PageForm
from .models import README, Page, Revision

NEWEST = 100


def _context(met: Here, **more: Any) -> dict[str, Any]:
    topics = [f"project:{met.project.pk}"]
    return {
        "here": met,
        "tab": "wiki",
        "reads": {"within": met.project.slug},
        "live": live(topics, newest_change()),
        **more,
    }


def _wiki(project: Project) -> str:
    return reverse("wiki:readme", args=[project.slug])


def _page(met: Here, slug: str, *, removed: bool = False) -> Page:
    """Return a page, the README also where nobody wrote it yet. Raises Http404 for another."""
    if slug == README:
        return writing.readme_of(met.project)
    rows = Page.objects.filter(project=met.project, slug=slug).select_related("newest__author")
    return get_object_or_404(rows if removed or met.edits else rows.shown())


@require_safe
def readme(request: HttpRequest, slug: str) -> HttpResponse:
    """The page that the wiki begins with."""
    return page(request, slug, README)


@require_safe
def page(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """A page as it is now, beside the list of all."""
    met = here(request, slug)
    found = _page(met, page)
    pages = Page.objects.filter(project=met.project).for_list()
    every = list(pages if met.edits else pages.shown())
    context = _context(
        met,
        page=found,
        pages=[one for one in every if one.removed_at is None],
        removed=[one for one in every if one.removed_at],
        html=rendered(found.newest.text, _wiki(met.project)) if found.newest else "",
    )
    return render(request, "wiki/page.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Write a page that is not there yet."""
    met = here(request, slug, Role.CONTRIBUTOR)
    form = PageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(writing.make(met.project, request.user, form.values()))
    status = 422 if form.errors else 200
    return render(request, "wiki/edit.html", _context(met, form=form), status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """Write a page anew. Whoever was overtaken keeps the text, and sees what the other wrote."""
    met = here(request, slug, Role.CONTRIBUTOR)
    found = _page(met, page, removed=True)
    newest = found.newest
    begin = {
        "title": newest.title if newest else found.title,
        "text": newest.text if newest else "",
        "base": newest.number if newest else 0,
    }
    form = PageForm(request.POST if request.method == "POST" else None, initial=begin)
    told: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            if found.pk is None:
                found, _ = Page.objects.get_or_create(
                    project=met.project, slug=README, defaults={"title": form.values()["title"]}
                )
            writing.write(found, request.user, form.values(), form.cleaned_data["base"])
        except writing.OvertakenError as error:
            told = _overtaken(form, error.newest)
        else:
            messages.success(request, "The page is written.")
            return redirect("wiki:page", slug, found.slug)
    status = 409 if told else 422 if form.errors else 200
    context = _context(met, form=told.pop("form", form), page=found, **told)
    return render(request, "wiki/edit.html", context, status=status)


def _overtaken(form: PageForm, theirs: Revision) -> dict[str, Any]:
    """Return the form as it was sent, to be saved over the other's text once that was read."""
    base = Revision.objects.filter(page=theirs.page_id, number=form.cleaned_data["base"]).first()
    again = PageForm(initial={**form.values(), "base": theirs.number})
    before = base.text if base else ""
    return {"form": again, "theirs": theirs, "changed": compared(before, theirs.text)}


@require_POST
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """What a text would look like; nothing is kept."""
    met = here(request, slug, Role.CONTRIBUTOR)
    text = request.POST.get("text", "")[:LONGEST_TEXT]
    html = rendered(text, _wiki(met.project))
    return render(request, "wiki/preview.html", {"html": html})


@require_safe
def history(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """Every text of a page, the newest first."""
    met = here(request, slug)
    found = _page(met, page)
    rows = Revision.objects.filter(page=found.pk).select_related("author").defer("text")
    context = _context(met, page=found, revisions=rows[:NEWEST], more=max(0, rows.count() - NEWEST))
    return render(request, "wiki/history.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def revision(request: HttpRequest, slug: str, page: str, number: int) -> HttpResponse:
    """An earlier text and what it changed; a POST writes it anew as the newest."""
    met = here(request, slug, Role.CONTRIBUTOR if request.method == "POST" else Role.VIEWER)
    found = _page(met, page)
    if found.newest is None:
        raise Http404("It has no text yet.")
    rows = Revision.objects.filter(page=found.pk).select_related("author")
    this = get_object_or_404(rows, number=number)
    if request.method == "POST":
        values = {"title": this.title, "text": this.text, "said": f"As in revision {number}"}
        base = request.POST.get("base", "")
        try:
            writing.write(found, request.user, values, int(base) if base.isdigit() else 0)
        except writing.OvertakenError:
            messages.error(request, "Somebody wrote the page meanwhile. Look at it first.")
        else:
            messages.success(request, f"The page says again what it said in revision {number}.")
        return redirect("wiki:page", slug, found.slug)
    before = rows.filter(number=number - 1).first()
    context = _context(
        met,
        page=found,
        revision=this,
        changed=compared(before.text if before else "", this.text),
        html=rendered(this.text, _wiki(met.project)),
    )
    return render(request, "wiki/revision.html", context)


@require_POST
def remove(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """Take a page out of the wiki; it can be put back."""
    met = here(request, slug, Role.CONTRIBUTOR)
    if page == README:
        raise Http404("The README stays.")
    found = _page(met, page)
    writing.remove(found)
    messages.success(request, f"{found.title} is removed; it can be put back.")
    return redirect("wiki:readme", slug)


@require_POST
def put_back(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """Show a removed page again."""
    met = here(request, slug, Role.CONTRIBUTOR)
    found = _page(met, page, removed=True)
    writing.put_back(found)
    return redirect("wiki:page", slug, found.slug)
