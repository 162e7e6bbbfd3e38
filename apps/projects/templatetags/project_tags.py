"""What pages of projects say in their templates."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.people.models import HUES, initials_of
from apps.projects.models import Project
from apps.projects.overview import Fares, weigh

if TYPE_CHECKING:
    from apps.projects.access import Here

register = template.Library()

# The pages of a project: tab, label, icon, URL name. One whose URL is not there is left out.
PAGES = (
    ("project", "Overview", "layout-dashboard", "projects:project"),
    ("activity", "Activity", "history", "projects:activity"),
    ("resources", "Resources", "boxes", "adoption:resources"),
    ("team", "Team", "users", "projects:team"),
    ("wiki", "Wiki", "book-open", "wiki:readme"),
    ("results", "Results", "send", "results:results"),
    ("settings", "Settings", "settings", "projects:settings"),
)
OWNERS = ("results", "settings")


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of a project in its navigation."""

    label: str
    icon: str
    url: str
    current: bool


def path_of(name: str, slug: str) -> str:
    """The path of a page of a project, "" where no such page is installed."""
    try:
        return reverse(name, args=[slug])
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def project_pages(context: Context) -> list[Tab]:
    """Where one can go inside of a project: the pages that there are, for who may open them."""
    here: Here = context["here"]
    return [
        Tab(label, icon, path, context.get("tab") == tab)
        for tab, label, icon, name in PAGES
        if (here.owns or tab not in OWNERS) and (path := path_of(name, here.project.slug))
    ]


@register.simple_tag(takes_context=True)
def project_page(context: Context, name: str) -> str:
    """`{% project_page "adoption:resources" as url %}`: its path, "" where it is not installed."""
    return path_of(name, context["here"].project.slug)


@register.simple_tag
def project_fares(project: Project) -> Fares:
    """`{% project_fares here.project as fares %}`: its state, as the list of projects has it."""
    return weigh([project])[0]


@register.simple_tag
def author(name: Any) -> SafeString | str:
    """Initials of somebody who is known by a name alone, on a colour of that name."""
    text = str(name or "").strip()
    if not text:
        return format_html('<span class="avatar avatar-none" aria-hidden="true">?</span>')
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return format_html(
        '<span class="avatar avatar-{}" aria-hidden="true">{}</span>',
        digest[0] % HUES,
        initials_of(text),
    )


@register.filter
def host_and_path(url: Any) -> str:
    """An address without its scheme, as people read it."""
    return str(url or "").partition("://")[2].rstrip("/")


@register.simple_tag
def project_page_of_all(name: str) -> str:
    """`{% project_page_of_all "adoption:proposals" as url %}`: the same of a page over projects."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
