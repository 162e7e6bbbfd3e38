"""What the page of a project tells of the template that it was made from, and of its undo."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, When
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from apps.mirror.state import State, urgency_of
from apps.projects.held import Held
from apps.projects.offers import OFFERS, Standing, Teller
from apps.projects.tiles import TILES, Area, Tile

from .courses import DROP, PLAN, UNDO
from .models import Bootstrap
from .shown import steps_of

STATE = Bootstrap.State
# A project was made from one template; more were made into it by people who chose it for that.
MOST = 3
# Seconds after which the page asks again how an undo stands.
AGAIN = {State.MOVING: 3, State.FAILED: 15}


def _into(projects: Collection[int]) -> Any:
    """What was made into these projects: of a plan nobody knows whether it ever is."""
    rows = Bootstrap.objects.filter(project__in=projects)
    return rows.exclude(course__in=("", PLAN, DROP)).order_by("-begun_at", "-pk")


def _bootstraps(held: Held) -> list[Any]:
    """What was made into the project, each with `known`: as its reader sees it.

    What is under way or stands still comes first, then the newest.
    """
    rows = _into([held.project.pk]).select_related("scope", "maker", "who").known_to(held.user)
    rests = Case(When(state__in=(STATE.MOVING, STATE.FAILED), then=0), default=1)
    return list(rows.order_by(rests, "-begun_at", "-pk")[:MOST])


def _undone(every: Sequence[Any]) -> Iterator[tuple[Any, State, str]]:
    """Undoes that are under way, stand still or are over: what they take tells nothing of that."""
    # What was made since tells for itself.
    gone = all(one.state == STATE.UNDONE for one in every)
    for one in every[:1] if gone else every:
        undoes = one.course == UNDO
        if undoes and one.state == STATE.MOVING:
            yield one, State.MOVING, "Being undone"
        elif undoes and one.state == STATE.FAILED:
            yield one, State.FAILED, "Its undo stands still"
        elif gone:
            yield one, State.STOPPED, "Undone"


def _standings(held: Held) -> Iterator[Standing]:
    for one, state, word in _undone(held.once("bootstraps", _bootstraps)):
        yield _standing(held, one, state, word)


def _wholes(projects: Collection[int]) -> Mapping[int, tuple[State, str]]:
    made: dict[int, list[Any]] = defaultdict(list)
    for one in _into(projects).only("project_id", "course", "state"):
        made[one.project_id].append(one)
    told = {pk: [(state, word) for _, state, word in _undone(every)] for pk, every in made.items()}
    return {pk: min(some, key=lambda one: urgency_of(one[0])) for pk, some in told.items() if some}


def _standing(held: Held, one: Any, state: State, word: str) -> Standing:
    elsewhere = reverse("projects:activity", args=[held.project.slug])
    at = next((step.label for step in steps_of(one) if step.state in ("now", "failed")), "")
    return Standing(
        state=state,
        name="the project wizard",
        what=at,
        url=one.get_absolute_url() if one.known else elsewhere,
        since=one.undone_at if state is State.STOPPED else _begun(one),
        word=word,
        whole=True,
        every=AGAIN.get(state),
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
OFFERS.add(Teller(kinds=(), heard=(), standings=_standings, wholes=_wholes))
