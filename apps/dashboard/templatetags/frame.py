"""The navigation of every page, derived from the services that are installed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django import template
from django.apps import apps
from django.template import Context
from django.urls import reverse

from apps.dashboard import progress
from apps.dashboard.hindered import hindered_page
from apps.mirror.lists import unheeded
from apps.mirror.resource import REGISTER

register = template.Library()


# The faces of a project, as CodeStar grouped them: name, label, icon.
FACES = (
    ("source", "Source", "git-branch"),
    ("issues", "Issues", "circle-dot"),
    ("builds", "Builds", "hammer"),
    ("deployments", "Deployments", "rocket"),
    ("infrastructure", "Infrastructure", "layers"),
    ("monitoring", "Monitoring", "activity"),
)
# What stands below the thumb on a phone, where there is not room for all.
ROOM = 5
FOREMOST = ("Pipelines", "Projects", "Builds", "Deployments")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation; `key` is pressed after `g` to go there."""

    label: str
    url: str
    icon: str
    key: str
    current: bool
    troubles: bool = False  # whether it tells how much has to be cured
    lists: Sequence["Entry"] = ()  # where it has more than one
    behind: bool = False  # whether a phone shows it behind "More"


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that lists rows of a kind."""

    label: str
    url: str


@cache
def _listed() -> Mapping[str, Sequence[Listed]]:
    """The lists of each face: app by app as they are declared, in an app as its `lists` say.

    What runs is declared after what it belongs to, and is what people come for.
    """
    labels = {resource.listed: resource.label for resource in REGISTER if resource.listed}
    found: dict[str, list[Listed]] = {}
    for app_label in dict.fromkeys(one.app_label for one in REGISTER if one.listed):
        config = apps.get_app_config(app_label)
        declared = (one.listed for one in REGISTER if one.listed and one.app_label == app_label)
        for name in dict.fromkeys((*getattr(config, "lists", ()), *declared)):
            # Of the app whose page it is: a keeper's issues are listed where all are.
            face = getattr(apps.get_app_config(name.partition(":")[0]), "face", "")
            listed = Listed(labels[name], reverse(name))
            if listed not in found.setdefault(face, []):
                found[face].append(listed)
    # The overview over all of them stands before the lists of each.
    found["deployments"].insert(0, Listed("what runs where", reverse("dashboard:running")))
    return found


def _folder(url: str) -> str:
    """The part of the address that the pages of an app share: "/codebuild/"."""
    return f"/{url.split('/')[1]}/"


def _lists(listed: Sequence[Listed], path: str) -> list[Entry]:
    """The lists of one face; the one with the longest address that `path` is below is current."""
    inside = [one for one in listed if path.startswith(one.url)]
    current = max(inside, key=lambda one: len(one.url), default=None)
    return [
        Entry(one.label[:1].upper() + one.label[1:], one.url, "", "", one is current)
        for one in listed
    ]


def _connections(path: str) -> Entry:
    """What is read: accounts of AWS, and sites besides."""
    accounts, sites = reverse("aws:accounts"), reverse("sites:sites")
    here, there = path.startswith("/aws/"), path.startswith(sites)
    lists = (
        Entry("AWS accounts", accounts, "", "", here),
        Entry("GitHub and Jira", sites, "", "", there),
    )
    return Entry("Accounts", accounts, "cloud", "", here or there, lists=lists)


def _pipelines(path: str) -> Entry:
    """All of them, and what waits in them for somebody's word."""
    home, approvals = reverse("dashboard:home"), reverse("approvals:inbox")
    asking = path.startswith(approvals)
    here = asking or path == home or path.startswith("/codepipeline/")
    lists = (
        Entry("Pipelines", home, "", "", here and not asking),
        Entry("Approvals", approvals, "", "", asking),
    )
    return Entry("Pipelines", home, "workflow", "", here, lists=lists)


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Entry]:
    """Where one can go: pipelines, projects, their faces, health, and accounts for staff."""
    request = context.get("request")
    path = request.path if request else ""
    entries = [_pipelines(path)]
    projects = reverse("projects:projects")
    entries.append(Entry("Projects", projects, "boxes", "", path.startswith(projects)))
    for face, label, icon in FACES:
        listed = _listed().get(face, ())
        if listed:
            here = path.startswith(tuple(_folder(one.url) for one in listed))
            lists = _lists(listed, path) if len(listed) > 1 else ()
            entries.append(Entry(label, listed[0].url, icon, "", here, lists=lists))
    health = reverse("dashboard:health")
    entries.append(Entry("Health", health, "heart-pulse", "", path == health, troubles=True))
    user = context.get("user")
    if user is not None and user.is_staff:
        entries.append(_connections(path))
    taken: set[str] = set()
    told = []
    for entry in entries:
        key = next((letter for letter in entry.label.lower() if letter not in taken), "")
        taken.add(key)
        behind = len(entries) > ROOM and entry.label not in FOREMOST
        told.append(replace(entry, key=key, behind=behind))
    return told


@register.simple_tag
def behind_more(places: Sequence[Entry]) -> dict[str, bool]:
    """What stands behind "More" on a phone: {} for nothing, else whether one is there now."""
    behind = [place for place in places if place.behind]
    return {"current": any(place.current for place in behind)} if behind else {}


@register.simple_tag(takes_context=True)
def troubles(context: Context) -> int:
    """How many things have to be cured in what the reader may know of, as Health counts them."""
    return progress.house_of(context["request"]).causes


@register.simple_tag(takes_context=True)
def how_old(context: Context) -> dict[str, Any]:
    """How old what a page shows is; the page says in `reads` whose rows these are.

    `reads` is {service, scope, within}, each of which may be missing: then it is every one.
    """
    return progress.ages_context(progress.house_of(context["request"]), **context["reads"])


@register.simple_tag(takes_context=True)
def hindered(context: Context) -> dict[str, Any]:
    """What of a row's page cannot be read, {} on other pages."""
    page = {name: context.get(name) for name in ("reads", "live")}
    return hindered_page(progress.house_of(context["request"]), page)


@register.simple_tag(takes_context=True)
def said(context: Context) -> list[Any]:
    """What a deed before this page wants told, once: on the page that a person asked for.

    An open page that fetches itself anew leaves it to the one that the deed leads to.
    """
    request = context.get("request")
    if request is None or request.headers.get("X-Live") or request.headers.get("HX-Request"):
        return []
    return list(context.get("messages") or ())


@register.simple_tag(takes_context=True)
def left_out(context: Context) -> list[str]:
    """What of the page's address was not understood, in sentences; the page is without it.

    A list says in `paged` whether it is another page than the first: a cursor that leads to none
    is one that nobody gave out, or of a row whose place has moved.
    """
    request = context.get("request")
    if request is None:
        return []
    told = list(getattr(request, "left_out", ()))
    # A list has told it; see `filters_of`.
    if (context.get("reads") or {}).get("scope") is not None:
        told += unheeded(request)
    if request.GET.get("after") and context.get("paged") is False:
        told.append("The place in the list that it names is none, so this is the first page.")
    return told


# What allauth writes above its fields, as this house says it.
LABELS = {
    "Login": "User name or e-mail address",
    "Password:": "Password",
    "Password (again)": "The same password again",
    "Current Password": "Current password",
    "New Password": "New password",
    "New Password (again)": "The new password again",
}


@register.filter
def in_our_words(label: object) -> str:
    """The label of a form's field."""
    return LABELS.get(str(label), str(label))
