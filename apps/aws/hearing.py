"""How events of each place arrive: which state its queue is in, and which sources tell anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.timezone import now

from apps.mirror.health import events_flow
from apps.mirror.provider import Health

from .arriving import strangers_of
from .events import API_CALL
from .models import Arrival, Place
from .queues import queue_arn, queue_of
from .rules import declared_types

# More messages than this, or older ones, and what pages show is behind what happened.
MANY = 200
LONG = 60.0

# state -> (class, icon, a few words)
STATES = {
    "off": ("st-stop", "ban", "Not swept"),
    "denied": ("st-bad", "lock", "Denied"),
    "gone": ("st-bad", "circle-x", "Queue gone"),
    "trouble": ("st-bad", "triangle-alert", "In trouble"),
    "looking": ("st-run", "loader-circle", "Queue is looked for"),
    "unset": ("st-idle", "circle-dashed", "Not set up"),
    "behind": ("st-wait", "hourglass", "Behind"),
    "arriving": ("st-ok", "circle-check", "Events arrive"),
    "quiet": ("st-ok", "circle-check", "Listening, quiet"),
    "none": ("st-run", "radio", "Listening, no event yet"),
}


@dataclass(kw_only=True, slots=True)
class Source:
    """What a place's events of one source tell: {detail-type: when the newest arrived, or None}."""

    name: str
    types: Mapping[str, datetime | None]

    @property
    def newest(self) -> datetime | None:
        """When any of its events arrived last."""
        return max((at for at in self.types.values() if at is not None), default=None)

    @property
    def calls_missing(self) -> bool:
        """Whether its own events arrive and API calls, which need a trail, never did."""
        return self.newest is not None and API_CALL in self.types and not self.types[API_CALL]


@dataclass(kw_only=True, slots=True)
class Hearing:
    """A place and how its events arrive."""

    place: Place
    sources: list[Source]

    @property
    def state(self) -> str:
        """One of STATES."""
        place, scope = self.place, self.place.scope
        if not scope.enabled:
            return "off"
        if scope.events_trouble.get("code"):
            health = scope.events_trouble.get("health")
            return health if health in (Health.DENIED, Health.GONE) else "trouble"
        # Not what arrived through a queue that was listened to before.
        flowing = events_flow(place.scope.events_at, now())
        if not place.queue_url:
            if flowing:
                return "arriving"  # through another place's queue
            return "unset" if place.queue_checked_at else "looking"
        if self.behind:
            return "behind"
        if flowing:
            return "arriving"
        # What came within the hour came before the queue was another, or could not be asked.
        lately = events_flow(self.newest, now())
        return "none" if lately or self.newest is None else "quiet"

    @property
    def look(self) -> dict[str, str]:
        """How its state is shown: {css, icon, word}."""
        return dict(zip(("css", "icon", "word"), STATES[self.state], strict=True))

    @property
    def asked_at(self) -> datetime | None:
        """When its queue, or for its queue, was asked last, whatever came of it."""
        asked = [self.place.scope.heard_at, self.place.queue_checked_at, self.refused_at]
        return max((at for at in asked if at is not None), default=None)

    @property
    def refused_at(self) -> datetime | None:
        """When asking failed last; None where it went well since."""
        told = self.place.scope.events_trouble.get("at")
        return datetime.fromisoformat(told) if told else None

    @property
    def queue(self) -> str:
        """The name of the queue it listens to."""
        return queue_of(self.place)

    @property
    def queue_arn(self) -> str:
        """Its ARN, "" while the account's number is not known."""
        number = self.place.account.account_id
        return queue_arn(number, self.place.region, self.queue) if number else ""

    @property
    def newest(self) -> datetime | None:
        """When the newest event of any kind arrived."""
        found = [source.newest for source in self.sources] + [self.place.scope.last_event_at]
        return max((at for at in found if at is not None), default=None)

    @property
    def behind(self) -> bool:
        """Whether more waits in the queue than is taken from it."""
        return (self.place.waiting or 0) > MANY or (self.place.waited or 0.0) > LONG

    @property
    def strangers(self) -> list[tuple[str, Any]]:
        """Places its queue told of that nobody sweeps, with the time of the last one."""
        return strangers_of(self.place)

    @property
    def calls_missing(self) -> list[str]:
        """Sources whose own events arrive and whose API calls never did."""
        return [source.name for source in self.sources if source.calls_missing]

    @property
    def declared(self) -> int:
        """How many types of events are heard."""
        return sum(len(source.types) for source in self.sources)

    @property
    def arrived(self) -> int:
        """How many of them ever arrived."""
        return sum(at is not None for source in self.sources for at in source.types.values())

    @property
    def silent(self) -> list[str]:
        """Sources of which nothing arrived yet."""
        return [source.name for source in self.sources if source.newest is None]


def hearings(places: Iterable[Place]) -> list[Hearing]:
    """Return how each place's events arrive, in one query; `account` and `scope` are selected."""
    places = list(places)
    arrived: dict[tuple[int, str, str], datetime] = {
        (row.place_id, row.source, row.detail_type): row.at
        for row in Arrival.objects.filter(place__in=[place.pk for place in places])
    }
    declared = declared_types()
    return [
        Hearing(
            place=place,
            sources=[
                Source(
                    name=source,
                    types={told: arrived.get((place.pk, source, told)) for told in types},
                )
                for source, types in declared.items()
            ],
        )
        for place in places
    ]


def listened_places() -> Any:
    """Return the places of accounts that are shown, in the order of pages."""
    places = Place.objects.filter(
        account__removed_at=None, account__parked_at=None, wanted=True
    ).select_related("account", "scope")
    return places.order_by("account__name", "region")
