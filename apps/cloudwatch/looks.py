"""What the stream and the pages ask of a log group's tail and searches; reading is `follow`'s."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from apps.mirror import loglines, looks
from apps.mirror.looks import LOOKS, Look

from .follow import OPERATION
from .models import LogGroup
from .searches import SEARCH, TAIL, Reading, reading_of
from .tasks import follow_group


def watch(reading: Reading) -> None:
    """Say that somebody looks; somebody reads from now on."""
    ticket = looks.watched(reading.store, reading.follower)
    if ticket is not None:
        follow_group.delay(reading.look, reading.number, ticket)


def since(reading: Reading, first: int) -> Mapping[str, Any]:
    """Return the lines from number `first` (from 0) on; see `Look.since`."""
    drawn = partial(loglines.draw, reading.store, reading.element, first=first)
    note = partial(loglines.draw_note, reading.element)
    return looks.since(reading.element, first, reading.contents(), drawn, note)


def _permitted(look: str) -> Callable[[Any, int], bool]:
    def permitted(user: Any, number: int) -> bool:
        reading = reading_of(look, number)
        if reading is None:
            return False
        return LogGroup.objects.visible_to(user).filter(pk=reading.group).exists()

    return permitted


def _watch(look: str) -> Callable[[int], None]:
    def watch_number(number: int) -> None:
        reading = reading_of(look, number)
        if reading is not None:
            watch(reading)

    return watch_number


def _since(look: str) -> Callable[[int, int], Mapping[str, Any]]:
    def since_number(number: int, first: int) -> Mapping[str, Any]:
        reading = reading_of(look, number)
        return since(reading or Reading(look, number, 0), first)

    return since_number


for _look in (TAIL, SEARCH):
    LOOKS.add(
        Look(
            name=_look,
            provider="aws",
            calls=(OPERATION,),
            permitted=_permitted(_look),
            watch=_watch(_look),
            since=_since(_look),
        )
    )
