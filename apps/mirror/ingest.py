"""Events to names: an event is a hint of what to re-read, never data, and is not stored."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.timezone import now

from apps.live.bus import BUS

from .asking import hint
from .models import Scope, Sweep
from .provider import Failure
from .resource import REGISTER, Heard, Names
from .text import storable, storable_json

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened outside, whoever told of it: a queue, a webhook.

    place   the scope's name at its provider, such as "111122223333/eu-west-1" or an organisation.
    source  who says so and `type` what it calls that, as the declarations that hear it name them.
    detail  the sender's own words. They are as hostile as anything that comes from outside.
    """

    place: str
    source: Any
    type: Any
    detail: Any


def names_in(event: Event) -> list[Names]:
    """Return what an event names, by the declarations that hear its source and type.

    An event nobody listens to, or with a detail this version cannot read, names nothing.
    """
    found: list[Names] = []
    for heard in _hearing(event):
        try:
            found += [_checked(names) for names in heard.names(event.detail)]
        except (LookupError, TypeError, ValueError, AttributeError):
            log.warning("event.unreadable", extra={"source": event.source, "type": event.type})
    return found


def is_heard(event: Event) -> bool:
    """Whether some declaration hears events like this one."""
    return next(_hearing(event), None) is not None


def _hearing(event: Event) -> Iterator[Heard]:
    if isinstance(event.detail, Mapping):
        for resource in REGISTER:
            for heard in resource.events:
                if heard.hears(event.source, event.type, event.detail):
                    yield heard


def _checked(names: Names) -> Names:
    """Raise TypeError where an event names something by what is no text."""
    if not isinstance(names.key, str) or not isinstance(names.parent, str):
        raise TypeError(f"{names.kind} is named by {type(names.key or names.parent)}")
    return names


def events_ceased(scope_id: int, failure: Failure) -> None:
    """Note that a scope's source of events cannot be listened to: polling is quick again."""
    told = {
        "operation": failure.operation,
        "health": failure.health.value,
        "code": storable(failure.code),
        "error": storable(failure.message),
        "cure": storable(failure.cure),
        "statement": storable_json(failure.statement) if failure.statement else None,
        "at": now().isoformat(),
    }
    _poll_again(scope_id)
    _note_events(scope_id, told, events_at=None)


def _poll_again(scope_id: int) -> None:
    """Make due in their own time the lists that were put off because events told of everything."""
    for sweep in Sweep.objects.filter(scope=scope_id).exclude(events_at=None):
        resource = REGISTER.by_kind.get(sweep.kind)
        if resource is not None and resource.heard_wholly:
            due_at = max(now(), (sweep.last_success or now()) + resource.cadence.cold)
            Sweep.objects.filter(pk=sweep.pk, due_at__gt=due_at).update(due_at=due_at)
    Sweep.objects.filter(scope=scope_id).update(events_at=None)


def events_heard(scope_id: int) -> None:
    """Note that a scope's source of events answers, with an event or without."""
    _note_events(scope_id, {}, heard_at=now())


def events_silent(scope_id: int) -> None:
    """Note that a scope has no source of events, and that this is no trouble."""
    _note_events(scope_id, {})


def events_moved(scope_id: int) -> None:
    """Note that a scope has another source of events: what the one before told vouches for nothing.

    Until the new one tells something, polling is quick.
    """
    _poll_again(scope_id)
    _note_events(scope_id, {}, events_at=None, heard_at=None)


def _note_events(scope_id: int, trouble: Mapping[str, Any], **times: Any) -> None:
    scopes = Scope.objects.filter(pk=scope_id)
    before = scopes.values_list("events_trouble", flat=True).first()
    scopes.update(events_trouble=trouble, **times)
    if before is not None and {**before, "at": ""} != {**trouble, "at": ""}:
        # Open pages hear of it.
        BUS.publish("scope", str(scope_id))


def ingest(provider: str, events: Iterable[Event]) -> set[int]:
    """Turn events into hints; return the scopes that got some.

    An event of a place that is not swept is dropped: a queue cannot make us look where nobody asked
    us to.
    """
    by_place: dict[str, list[Names]] = {}
    for event in events:
        if names := names_in(event):
            by_place.setdefault(storable(event.place), []).extend(names)
    scopes = Scope.objects.filter(provider=provider, place__in=by_place, enabled=True)
    touched: set[int] = set()
    for scope in scopes:
        # Events nobody listens to say nothing of how well polling may rest.
        at = now()
        Scope.objects.filter(pk=scope.pk).update(events_at=at, last_event_at=at)
        kinds = {name.kind for name in by_place[scope.place]}
        Sweep.objects.filter(scope=scope, kind__in=kinds).update(events_at=at)
        hint(scope, by_place[scope.place])
        touched.add(scope.pk)
    return touched
