"""Reads a log group's events bite by bite into the cache while somebody watches; in workers.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.live.bus import BUS
from apps.mirror.linestore import Contents
from apps.mirror.models import Operation
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.mirror.resource import REGISTER

from .models import LogGroup
from .searches import Reading, group_of

OPERATION = "logs:FilterLogEvents"
PAGE_EVENTS = 1_000
BITE_SECONDS = 2.0
# Seconds until the next bite.
FOLLOWING, SOON, THROTTLED = 2.0, 0.0, 5.0
# Events of one group arrive out of order: the tail looks back so far (milliseconds).
OVERLAP = 15_000
# Ids remembered of those; in a group that writes more, it looks back less far.
MOST_SEEN = 10_000
# A search ends after so many events: whoever wants more asks for less time.
MOST_EVENTS = 10_000
NOTE = ("state", "title", "text", "cure")
# What AWS says of a pattern it cannot read.
REFUSED = frozenset({"InvalidParameterException", "InvalidParameterValue"})


@dataclass(slots=True)
class Place:
    """Where reading goes on, kept as text in `Contents.token`.

    since  milliseconds from which events are asked.   token  of the next page, "" for the first.
    seen   ids of events read already that may be shown again, with their times.
    again  milliseconds from which events are asked after the last page.   count  events read.
    """

    since: int
    token: str = ""
    seen: dict[str, int] = field(default_factory=dict)
    again: int = 0
    count: int = 0

    @classmethod
    def of(cls, text: str, reading: Reading) -> "Place":
        """Read it back; a fresh one where there is none."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return cls(since=reading.since)

    def as_text(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))


def bite(reading: Reading, ours: Callable[[], bool] = lambda: True) -> float | None:
    """Read on; return in how many seconds to go on, None where reading is over for now.

    ours  asked before anything read is kept; where it says no, nothing more is.
    """
    group = group_of(reading)
    if group is None:
        return None
    contents = reading.contents() or reading.store.begin()
    if contents.done:
        return None
    pause = _read(reading, group, contents, ours)
    if not ours():
        return None
    reading.store.save(contents)
    if contents.done:
        BUS.publish(reading.name, str(contents.next))
    return pause


def _read(
    reading: Reading, group: LogGroup, contents: Contents, ours: Callable[[], bool]
) -> float | None:
    provider = PROVIDERS.get(group.scope.provider)
    resource = REGISTER.get("cloudwatch.loggroup")
    reach: Any = None
    try:
        reach = provider.open(group.scope, urgent=True)
        pause = _read_pages(reach, reading, group, contents, ours)
    except Exception as error:  # noqa: BLE001 - classified, and told beside the lines
        failure = provider.classify(error, OPERATION)
        # A pattern that is refused says nothing of how reading goes.
        if reach is not None and failure.code not in REFUSED:
            record_outcomes(group.scope, resource, reach.outcomes)
        return _failed(reading, contents, failure)
    finally:
        if reach is not None:
            reach.close()
    fine = Operation.objects.filter(
        scope=group.scope, kind=resource.kind, operation=OPERATION, health=Health.OK
    )
    if not fine.exists():
        record_outcomes(group.scope, resource, reach.outcomes)
    return pause


def _read_pages(
    reach: Any, reading: Reading, group: LogGroup, contents: Contents, ours: Callable[[], bool]
) -> float | None:
    place = Place.of(contents.token, reading)
    began = time.monotonic()
    while time.monotonic() - began < BITE_SECONDS:
        page = reach.call(
            OPERATION,
            logGroupName=group.key,
            startTime=place.since,
            limit=PAGE_EVENTS,
            **({"endTime": reading.until} if reading.until is not None else {}),
            **({"filterPattern": reading.pattern} if reading.pattern else {}),
            **({"nextToken": place.token} if place.token else {}),
        )
        if not ours():
            return None
        fresh = _fresh(page.get("events") or (), place)
        if fresh:
            lines = [line for event in fresh for line in lines_of(event)]
            reading.store.extend(contents, lines)
            place.count += len(fresh)
        place.token = page.get("nextToken") or ""
        ended = not place.token
        _forget(place)
        if ended:
            place.since = max(place.since, place.again)
        contents.token = place.as_text()
        said = _say_how_far(reading, contents, place, ended=ended)
        if fresh or said:
            reading.store.save(contents)
            BUS.publish(reading.name, str(contents.next))
        if contents.done:
            return None
        if ended:
            return FOLLOWING
    return SOON


def _fresh(events: Any, place: Place) -> list[Mapping[str, Any]]:
    """Return the events that were not read before, and remember them."""
    fresh = []
    for event in events:
        name = event.get("eventId") or f"{event.get('timestamp')}/{event.get('message')}"
        if name not in place.seen:
            place.seen[name] = int(event.get("timestamp") or 0)
            fresh.append(event)
    return fresh


def _forget(place: Place) -> None:
    """Forget the events that no reading shows again: the next begins shortly before the newest.

    After every page: in a group that writes faster than it is read, the last one never comes.
    """
    if not place.seen:
        return
    place.again = max(place.again, max(place.seen.values()) - OVERLAP)
    recent = sorted(at for at in place.seen.values() if at >= place.again)
    if len(recent) > MOST_SEEN:
        place.again = recent[-MOST_SEEN - 1] + 1
    place.seen = {name: at for name, at in place.seen.items() if at >= place.again}


def _say_how_far(reading: Reading, contents: Contents, place: Place, *, ended: bool) -> bool:
    """Say what there is to say; whether that is something new."""
    if reading.until is None:
        if contents.next or not ended:
            return contents.say(None)
        title, text = "No event in the last minutes", "What is written from now on shows here."
        return contents.say(_note("moving", title, text))
    if place.count >= MOST_EVENTS and not ended:
        contents.done = True
        title = f"The first {MOST_EVENTS:,} events are shown"
        return contents.say(
            _note("waiting", title, "Ask for less time, or for a narrower pattern.")
        )
    if not ended:
        # CloudWatch may answer empty pages for long while it looks.
        found = f"{_found(place, contents)} so far" if place.count else ""
        return contents.say(_note("moving", "CloudWatch is searching", found))
    contents.done = True
    if contents.next:
        return contents.say(_note("done", _found(place, contents), "The newest stands last."))
    title, text = "Nothing matches", "No event of this time matches the pattern."
    return contents.say(_note("unknown", title, text))


def _found(place: Place, contents: Contents) -> str:
    """Say how much was found: "12 events found, in 34 lines"."""
    events = f"{place.count:,} event{'' if place.count == 1 else 's'} found"
    return events if contents.next == place.count else f"{events}, in {contents.next:,} lines"


def lines_of(event: Mapping[str, Any]) -> list[str]:
    """Return an event's lines: time (UTC), stream, message; further lines stand under it."""
    at = int(event.get("timestamp") or 0)
    when = datetime.fromtimestamp(at / 1000, UTC)
    first, *more = str(event.get("message") or "").rstrip("\n").split("\n")
    stream = event.get("logStreamName") or ""
    head = f"{when:%Y-%m-%d %H:%M:%S}.{at % 1000:03d} {stream} {first}"
    return [head, *(f"    {line}" for line in more)]


def _failed(reading: Reading, contents: Contents, failure: Failure) -> float | None:
    """Say what went wrong and how it is cured.

    What failed is not done: whoever looks next asks again, and finds what was cured meanwhile.
    """
    if failure.health is Health.THROTTLED:
        text = "AWS asks to read more slowly; reading goes on by itself."
        _tell(reading, contents, _note("waiting", "Reading is throttled", text))
        return THROTTLED
    if failure.code in REFUSED:
        # The same pattern is refused again; another one is another search.
        contents.done = bool(reading.pattern)
        title = "CloudWatch Logs refuses this search"
        note = _note("failed", title, failure.message)
    elif failure.health is Health.GONE:
        note = _note("unknown", "CloudWatch Logs no longer has this group", "Somebody deleted it.")
    else:
        note = _note("failed", "The log cannot be read", failure.message, failure.cure)
    _tell(reading, contents, note)
    return None


def _note(*words: str) -> dict[str, str]:
    return dict(zip(NOTE, (*words, "", ""), strict=False))


def _tell(reading: Reading, contents: Contents, note: dict[str, str]) -> None:
    if contents.say(note):
        reading.store.save(contents)
        BUS.publish(reading.name, str(contents.next))
