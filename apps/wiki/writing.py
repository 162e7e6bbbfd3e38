"""Writes pages: every text stays, and of two who write at once the second is told."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.timezone import now

from apps.projects.models import Project

from .models import README, Page, Revision

# Addresses below a wiki that are no page's.
RESERVED = frozenset({"new", "preview", "history", "edit"})
LONGEST = 60


class OvertakenError(Exception):
    """Somebody wrote the page meanwhile: `newest` is what they wrote."""

    def __init__(self, newest: Revision) -> None:
        super().__init__("overtaken")
        self.newest = newest


def write(page: Page, author: Any, values: dict[str, str], base: int) -> Revision:
    """Add a text to a page that said revision `base` when the author began.

    Raises OvertakenError where it says another one by now; nothing is written then.
    """
    try:
        with transaction.atomic():
            newest = Revision.objects.filter(page=page).order_by("-number").first()
            number = newest.number if newest else 0
            if newest is not None and number != base:
                raise OvertakenError(newest)
            told = Revision.objects.create(page=page, number=number + 1, author=author, **values)
            Page.objects.filter(pk=page.pk).update(
                newest=told, title=values["title"], removed_at=None
            )
    except IntegrityError:
        newest = Revision.objects.filter(page=page).order_by("-number")[0]
        raise OvertakenError(newest) from None
    return told


def readme_of(project: Project) -> Page:
    """Return the page that a wiki begins with, one that is not kept yet where nobody wrote."""
    found = Page.objects.filter(project=project, slug=README).select_related("newest__author")
    return found.first() or Page(project=project, slug=README, title="README")


def make(project: Project, author: Any, values: dict[str, str]) -> Page:
    """Make a page with its first text; its place follows from its title."""
    for _ in range(5):
        slug = _slug_for(project, values["title"])
        try:
            with transaction.atomic():
                page = Page.objects.create(project=project, slug=slug, title=values["title"])
                write(page, author, values, 0)
        except IntegrityError:
            # Somebody took the place at this moment.
            continue
        return page
    raise RuntimeError("no place for a page was free five times over")


def _slug_for(project: Project, title: str) -> str:
    wanted = slugify(title)[:LONGEST].strip("-") or "page"
    rows = Page.objects.filter(project=project, slug__startswith=wanted)
    taken = set(rows.values_list("slug", flat=True)) | RESERVED
    if wanted not in taken:
        return wanted
    numbered = (f"{wanted}-{number}" for number in range(2, 100_000))
    return next(slug for slug in numbered if slug not in taken)


def remove(page: Page) -> None:
    """Take a page out of the wiki; its texts are kept."""
    Page.objects.filter(pk=page.pk, removed_at=None).update(removed_at=now())


def put_back(page: Page) -> None:
    """Show a removed page again."""
    Page.objects.filter(pk=page.pk).update(removed_at=None)


def goes_with(project: Project) -> Iterable[str]:
    """What of a project's wiki goes when it is deleted."""
    count = Page.objects.filter(project=project).count()
    if count:
        yield f"{count} wiki page{'s' if count > 1 else ''} with every earlier text."
