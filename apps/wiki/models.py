"""Pages of a project's wiki and every text that they had."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.timezone import now

from apps.projects.models import Project

# The page that a wiki begins with; the project's own page shows its beginning.
README = "readme"


class PageQuerySet(models.QuerySet["Page"]):
    """Pages the way the wiki wants them."""

    def shown(self) -> Self:
        """Without those that somebody removed."""
        return self.filter(removed_at=None)

    def for_list(self) -> Self:
        """With the newest text's author; the README first, then by title."""
        first = models.Case(models.When(slug=README, then=0), default=1)
        return self.select_related("newest__author").order_by(first, "title", "pk")


class Page(models.Model):
    """A page of a project. Its texts are `Revision`s; the newest is what it says.

    slug        its place in addresses, made of its first title.
    removed_at  when it was removed; it can be put back with all its texts.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pages")
    slug = models.SlugField(max_length=64)
    title = models.CharField(max_length=100)
    newest = models.ForeignKey("Revision", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = PageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "slug"], name="wiki_page_once")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Path of the page."""
        return reverse("wiki:page", args=[self.project.slug, self.slug])


class Revision(models.Model):
    """One text of a page, numbered from 1. It never changes.

    said  why, in the author's words; may be empty.
    """

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    said = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            # Of two who write at once one is told.
            models.UniqueConstraint(fields=["page", "number"], name="wiki_revision_once")
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of {self.page_id}"
