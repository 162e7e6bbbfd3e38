"""The one page of a project: its head, its tiles, and how they are laid out."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.mirror.lists import live
from apps.mirror.tail import newest_change

from . import layouts
from .access import Here, here
from .deeds import OvertakenError
from .held import Held, held_by
from .offers import OFFERS, Change, Headline, Origin, Standing, headline
from .own_tiles import members_of
from .running import untold, untold_kinds
from .tiles import TILES, Area, Tile

log = logging.getLogger(__name__)

# What the address of the page, or of a tile, may say to tiles.
ASKED = ("range",)
MOST_ASKED = 20
# Repositories, accounts and owners that the head names; the others are counted.
MOST_ORIGINS, MOST_PLACES, MOST_OWNERS = 3, 3, 5
# Whose layout is edited.
MINE, PROJECT = "mine", "project"
OVERTAKEN = (
    "Somebody else laid the page out meanwhile. Your last move was not kept: load the page again, "
    "look how it stands now, and move it once more."
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tile as the page shows it. `failed`: it could not be drawn, and the others could."""

    tile: Tile
    body: SafeString
    head: SafeString
    failed: bool
    url: str
    scopes: frozenset[int]


@require_safe
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """The page: what is broken, since when, by which change, and what runs where."""
    since = newest_change()
    met = here(request, slug)
    held = _held(request, met)
    arrangement = layouts.current(met.project, request.user, TILES.of(held))
    topics: list[str] = [f"project:{met.project.pk}"]
    areas = {
        area: list(_drawn(request, met, held, arrangement.areas[area], topics)) for area in Area
    }
    heard = {kind for tile in arrangement.shown for kind in tile.heard}
    heard |= {kind for teller in OFFERS.tellers for kind in teller.heard} | untold_kinds(held)
    topics += [f"touched:{kind}" for kind in sorted(heard)]
    return render(
        request,
        "projects/project.html",
        {
            "here": met,
            "tab": "project",
            "held": held,
            "areas": areas,
            "full": areas[Area.FULL],
            "wide": areas[Area.WIDE],
            "side": areas[Area.SIDE],
            "shown": sum(map(len, areas.values())),
            "mine": arrangement.mine,
            **_head(held),
            "reads": {"within": met.project.slug},
            "live": live(dict.fromkeys(topics), since),
        },
    )


@require_safe
def tile(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One tile alone, for an open page; where a browser asks, the page with it in sight."""
    met = here(request, slug)
    found = TILES.by_name.get(name)
    if found is None:
        raise Http404("There is no such tile.")
    if not request.headers.get("X-Live") and not request.headers.get("HX-Request"):
        query = request.GET.urlencode()
        path = reverse("projects:project", args=[slug])
        return redirect(f"{path}{'?' if query else ''}{query}#{found.element_id}")
    held = _held(request, met)
    drawn = list(_drawn(request, met, held, [found] if found.fits(held) else [], []))
    if not drawn:
        # What it was about belongs to the project no more: the element goes.
        return _fresh(HttpResponse(""))
    return _fresh(
        render(request, "projects/tiles.html#tile", {"here": met, "one": drawn[0], "held": held})
    )


@require_safe
def head(request: HttpRequest, slug: str) -> HttpResponse:
    """The head of the page alone, for an open page; or what its other pages say of the project."""
    met = here(request, slug)
    if not request.headers.get("X-Live"):
        return redirect(met.project)
    if request.GET.get("of") == "tabs":
        return _fresh(render(request, "projects/head.html#sight", {"here": met}))
    context = {"here": met, "tab": "project", **_head(_held(request, met))}
    return _fresh(render(request, "projects/head.html#state", context))


def _fresh(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "HX-Request, X-Live"
    return response


def _held(request: HttpRequest, met: Here) -> Held:
    asked = {name: request.GET.get(name, "")[:MOST_ASKED] for name in ASKED}
    return held_by(met.project, request.user, asked)


def _drawn(
    request: HttpRequest, met: Here, held: Held, tiles: Iterable[Tile], topics: list[str]
) -> Iterable[Drawn]:
    """Draw tiles; one that fails says so and keeps no other from being shown."""
    for one in tiles:
        failed = False
        body = beside = ""
        try:
            context = one.load(held)
            if context is None:
                continue
            topics += context.get("topics", ())
            told = {"here": met, "held": held, "tile": one, **context}
            body = render_to_string(one.template, told, request)
            beside = render_to_string(f"{one.template}-head", told, request)
        except DatabaseError:
            raise
        except Exception:
            log.exception("tile.failed", extra={"tile": one.name, "project": met.project.pk})
            failed = True
        address = reverse("projects:tile", args=[met.project.slug, one.name])
        asked = urlencode({name: value for name, value in held.asked.items() if value})
        yield Drawn(
            tile=one,
            body=mark_safe(body),  # noqa: S308 - rendered templates
            head=mark_safe(beside),  # noqa: S308
            failed=failed,
            url=f"{address}?{asked}" if asked else address,
            scopes=held.scopes_of(one.kinds),
        )


# --- The head -------------------------------------------------------------------------------------


def _head(held: Held) -> dict[str, Any]:
    tellers = [one for one in OFFERS.tellers if not one.kinds or held.any(one.kinds)]
    standings: list[Standing] = [one for teller in tellers for one in teller.standings(held)]
    # What no service tells of may be broken, too: the list of projects says so.
    standings += untold(held)
    changes = [change for teller in tellers if (change := teller.change(held)) is not None]
    origins: list[Origin] = list(
        dict.fromkeys(origin for teller in tellers for origin in teller.origins(held))
    )
    members = held.once("members", members_of)
    owners = [one for one in members if one.role == "owner"]
    places = sorted(held.places.values(), key=lambda place: place.name)
    told: Headline = headline(standings)
    return {
        "headline": told,
        "nothing": not held.ids and not standings,
        # How these are read says how much the head can be relied upon.
        "held_kinds": sorted(held.ids),
        "held_scopes": list(held.places),
        # The change of the very thing that is broken, waits or moves; of a thing that no change
        # is known of (an alarm), what came in last.
        "change": told.cause.change if told.cause and told.cause.change else _latest(changes),
        "origins": origins[:MOST_ORIGINS],
        "more_origins": max(0, len(origins) - MOST_ORIGINS),
        "held_places": places[:MOST_PLACES],
        "more_places": max(0, len(places) - MOST_PLACES),
        "owners": owners[:MOST_OWNERS],
        "more_owners": max(0, len(owners) - MOST_OWNERS),
        "head_every": min((one.every for one in standings if one.every), default=None),
        "head_heard": " ".join(
            sorted({kind for teller in tellers for kind in teller.heard} | untold_kinds(held))
        ),
    }


def _latest(changes: Iterable[Change]) -> Change | None:
    return max(
        changes, key=lambda change: change.at.timestamp() if change.at else 0.0, default=None
    )


# --- Layout ---------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def layout(request: HttpRequest, slug: str) -> HttpResponse:
    """Lay the page out: for oneself, or for everybody where one may.

    Each button moves one tile a step; a script sends the whole arrangement instead.
    """
    met = here(request, slug)
    of_project = request.GET.get("for") == PROJECT
    if of_project and not met.edits:
        raise Http404("This takes another role.")
    tiles = TILES.of(held_by(met.project, request.user))
    of_all, own = layouts.layouts_of(met.project, request.user)
    chosen = of_all if of_project else (own or of_all)
    arrangement = layouts.arranged(chosen.tiles if chosen else {}, tiles, mine=own is not None)
    if request.method == "POST":
        return _lay_out(request, met, arrangement, of_project=of_project)
    moved = request.GET.get("moved", "")
    return render(
        request,
        "projects/layout.html",
        {
            "here": met,
            "tab": "project",
            "areas": [(area, arrangement.areas[area]) for area in Area],
            "off": arrangement.off,
            "of_project": of_project,
            "own": own,
            "of_all": of_all,
            "base": layouts.stamp_of(of_all) if of_project else "",
            "moved": moved if moved in TILES.by_name else "",
            "reads": None,
            "live": live([f"project:{met.project.pk}"], newest_change()),
        },
    )


def _lay_out(
    request: HttpRequest, met: Here, arrangement: layouts.Arrangement, *, of_project: bool
) -> HttpResponse:
    whose = None if of_project else request.user
    back = f"{reverse('projects:layout', args=[met.project.slug])}?for="
    back += PROJECT if of_project else MINE
    # A person's own layout is nobody else's to change.
    base = request.POST.get("base", "") if of_project else None
    try:
        return _keep(request, met, arrangement, whose, base, back)
    except OvertakenError:
        if "tiles" in request.POST:
            return HttpResponse(OVERTAKEN, status=409, content_type="text/plain")
        messages.error(request, OVERTAKEN)
        return redirect(back)


def _keep(  # noqa: PLR0913 - what a request says
    request: HttpRequest,
    met: Here,
    arrangement: layouts.Arrangement,
    whose: Any,
    base: str | None,
    back: str,
) -> HttpResponse:
    of_project = whose is None
    if "back" in request.POST:
        layouts.forget(met.project, whose, base=base)
        told = "The page stands as its services declare it." if of_project else "As the project's."
        messages.success(request, told)
        return redirect(back)
    if "tiles" in request.POST:
        wanted = _sent(request.POST["tiles"])
        if wanted is None:
            return HttpResponse("That is no layout.", status=400, content_type="text/plain")
        tiles = (*arrangement.shown, *arrangement.off)
        names = layouts.arranged(wanted, tiles).names()
        stamp = layouts.keep(met.project, whose, names, base=base)
        # What the page goes on from.
        return HttpResponse(status=204, headers={"X-Base": stamp})
    name, _, way = request.POST.get("move", "").partition(":")
    layouts.keep(met.project, whose, layouts.moved(arrangement, name, way).names(), base=base)
    known = f"&moved={name}#lay-{name}" if name in TILES.by_name else ""
    return redirect(f"{back}{known}")


def _sent(text: str) -> Mapping[str, Any] | None:
    """Return an arrangement that a script sent; None for what is none."""
    try:
        told = json.loads(text[:10_000])
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
