"""Notes which declared events arrive from where, and how far behind a queue is."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import now

from apps.mirror.ingest import Event, is_heard

from .calls import Reach
from .models import Arrival, Place

PLACE = re.compile(r"[0-9]{12}/[a-z]{2}(-[a-z]+)+-[0-9]")
# So many places that nobody sweeps are remembered, and for so long.
MOST_STRANGERS = 10
STRANGERS_KEPT = timedelta(days=1)
ASK_AGAIN = timedelta(minutes=15)


def note_arrivals(listened: Place, events: Iterable[Event]) -> None:
    """Note when events of each declared type arrived, and from which places nobody sweeps.

    `listened` is the place whose queue they came from; a queue may hold those of other places, too.
    """
    heard = [event for event in events if is_heard(event)]
    if not heard:
        return
    own = listened.scope.place
    by_name = {own: listened.pk}
    if others := {event.place for event in heard} - {own}:
        by_name |= _swept(others)
    at = now()
    Arrival.objects.bulk_create(
        [
            Arrival(place_id=by_name[name], source=source, detail_type=detail_type, at=at)
            for name, source, detail_type in sorted(
                {(e.place, e.source, e.type) for e in heard if e.place in by_name}
            )
        ],
        update_conflicts=True,
        unique_fields=["place", "source", "detail_type"],
        update_fields=["at"],
    )
    if unknown := others - by_name.keys():
        _note_strangers(listened.pk, unknown)


def strangers_of(place: Place) -> list[tuple[str, Any]]:
    """Return (place, when) of what a place's queue told of that nobody swept, the newest first."""
    edge = now() - STRANGERS_KEPT
    found = [(name, parse_datetime(str(at))) for name, at in place.strangers.items()]
    return sorted(
        ((name, at) for name, at in found if at is not None and at > edge),
        key=lambda told: told[1],
        reverse=True,
    )


@dataclass(slots=True)
class Round:
    """What half a minute of listening tells of how far behind the queue is."""

    oldest: float = 0.0

    def received(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Note how long the oldest of these messages had waited."""
        sent = [
            int(text)
            for message in messages
            if (text := str(message.get("Attributes", {}).get("SentTimestamp", ""))).isdecimal()
        ]
        if sent:
            self.oldest = max(self.oldest, time.time() - min(sent) / 1000)

    def counted(self, place: Place, reach: Reach) -> dict[str, Any]:
        """Return the columns of a place that say how far behind it is.

        How many wait is a detail: who may not ask for it still hears everything, and asks again
        after a while.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
        """
        refused = place.waiting is None and place.counted_at is not None
        if refused and now() - place.counted_at < ASK_AGAIN:  # type: ignore[operator]
            return {"waited": self.oldest}
        answer = reach.detail(
            "sqs:GetQueueAttributes",
            QueueUrl=place.queue_url,
            AttributeNames=["ApproximateNumberOfMessages"],
        )
        text = str((answer or {}).get("Attributes", {}).get("ApproximateNumberOfMessages", ""))
        return {
            "waiting": int(text) if text.isdecimal() else None,
            "waited": self.oldest,
            "counted_at": now(),
        }


def _swept(names: Iterable[str]) -> dict[str, int]:
    places = Place.objects.filter(
        scope__provider="aws", scope__enabled=True, scope__place__in=_storable(names)
    )
    return dict(places.values_list("scope__place", "pk"))


def _note_strangers(place_id: int, names: Iterable[str]) -> None:
    """Remember places by name; what is none is nobody's to see."""
    at = now().isoformat()
    place = Place.objects.get(pk=place_id)
    told = {**place.strangers, **dict.fromkeys(_storable(names), at)}
    newest = sorted(told.items(), key=lambda item: item[1], reverse=True)[:MOST_STRANGERS]
    Place.objects.filter(pk=place_id).update(strangers=dict(newest))


def _storable(names: Iterable[str]) -> list[str]:
    """Return the names that are of an account and a region."""
    return [name for name in names if PLACE.fullmatch(name)]
