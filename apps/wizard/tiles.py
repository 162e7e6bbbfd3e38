"""What the page of a project tells of the template that it was made from, and of its undo."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Case, When
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from apps.mirror.state import State
from apps.projects.held import Held
from apps.projects.offers import OFFERS, Standing, Teller
from apps.projects.tiles import TILES, Area, Tile

from .courses import DROP, PLAN, UNDO
from .models import Bootstrap
from .shown import steps_of

STATE = Bootstrap.State
# A project was made from one template; more were made into it by people who chose it for that.
MOST = 3
MOVES_EVERY, RESTS_EVERY = 3, 15


def _bootstraps(held: Held) -> list[Any]:
    """What was made into the project, each with `known`: as its reader sees it.

    What is under way or stands still comes first, then the newest.
    """
    rows = Bootstrap.objects.filter(project=held.project).exclude(course__in=("", PLAN, DROP))
    rows = rows.select_related("scope", "maker", "who").known_to(held.user)
    rests = Case(When(state__in=(STATE.MOVING, STATE.FAILED), then=0), default=1)
    return list(rows.order_by(rests, "-begun_at", "-pk")[:MOST])


def _standings(held: Held) -> Iterable[Standing]:
    """An undo that is under way, stands still or is over: what it takes tells nothing of that."""
    every = held.once("bootstraps", _bootstraps)
    # What was made since tells for itself.
    gone = all(one.state == STATE.UNDONE for one in every)
    for one in every[:1] if gone else every:
        undoes = one.course == UNDO
        if undoes and one.state == STATE.MOVING:
            yield _standing(held, one, State.MOVING, "Being undone", _begun(one), MOVES_EVERY)
        elif undoes and one.state == STATE.FAILED:
            said = "Its undo stands still"
            yield _standing(held, one, State.FAILED, said, _begun(one), RESTS_EVERY)
        elif gone:
            yield _standing(held, one, State.STOPPED, "Undone", one.undone_at)


def _standing(  # noqa: PLR0913 - what a standing is made of
    held: Held,
    one: Any,
    state: State,
    word: str,
    since: datetime | None,
    every: int | None = None,
) -> Standing:
    elsewhere = reverse("projects:activity", args=[held.project.slug])
    at = next((step.label for step in steps_of(one) if step.state in ("now", "failed")), "")
    return Standing(
        state=state,
        name="the project wizard",
        what=at,
        url=one.get_absolute_url() if one.known else elsewhere,
        since=since,
        word=word,
        every=every,
    )


def _begun(one: Bootstrap) -> datetime | None:
    return parse_datetime(one.preview.get("begun", ""))


def _shown(held: Held) -> list[Any]:
    """Nothing of a project that people put together, or for who may not undo it."""
    return [one for one in held.once("bootstraps", _bootstraps) if one.known]


TILES.add(
    Tile(
        name="template",
        label="Made from a template",
        icon="wand-sparkles",
        says="Which template it was made from, for owners: what was made, and its undo.",
        size=Area.SIDE,
        place=60,
        load=lambda held: {"bootstraps": _shown(held)},
        meant=lambda held: bool(_shown(held)),
        template="wizard/tiles.html#template",
        every=15,
    )
)
OFFERS.add(Teller(kinds=(), heard=(), standings=_standings))
