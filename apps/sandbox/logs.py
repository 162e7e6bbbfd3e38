"""Simulated CloudWatch Logs: groups, streams that grow by themselves, and AWS's reading of them."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.sandbox.logpattern import PatternError, matcher
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.world import Place

PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576
#: AWS counts 26 bytes beside each event's message.
EVENT_OVERHEAD = 26


def _resources(where: str, members: Params) -> list[str]:
    group = members.get("logGroupName") or members.get("logGroupNamePrefix", "") + "*"
    return [f"{where}log-group:{group}:log-stream:{members.get('logStreamName', '')}"]


TRAITS["logs"] = Traits(invalid="InvalidParameterException", resources=_resources)


@dataclass(slots=True, eq=False)
class Line:
    """One log event: milliseconds since the epoch, and its text."""

    at: int
    message: str


@dataclass(slots=True, eq=False)
class Stream:
    """A log stream, whose events are stored or come from a ``source`` while it grows by itself."""

    name: str
    created: int
    stored: list[Line] = field(default_factory=list)
    source: Callable[[], list[Line]] | None = None

    def lines(self) -> list[Line]:
        """All its events up to now, oldest first."""
        return self.source() if self.source is not None else self.stored


@dataclass(slots=True, eq=False)
class Group:
    """A log group."""

    name: str
    created: int
    retention: int | None = None
    streams: dict[str, Stream] = field(default_factory=dict)
    key: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def add_live(self, name: str, now: float, source: Callable[[], list[Line]]) -> None:
        """A stream that grows by itself; ``now`` in epoch seconds."""
        self.streams[name] = Stream(name, int(now * 1000), source=source)


class LogStore:
    """CloudWatch Logs in one place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.groups: dict[str, Group] = {}

    def ensure_group(self, name: str) -> Group:
        """The group, made if missing."""
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name, int(self.place.world.now() * 1000))
        return group

    def forget_stream(self, group: str, stream: str) -> None:
        """Drop a stream, as its build is dropped."""
        if group in self.groups:
            self.groups[group].streams.pop(stream, None)


def _group(call: Call, params: Params) -> Group:
    name = (
        params.get("logGroupName")
        or str(params.get("logGroupIdentifier", "")).rpartition("log-group:")[2]
    )
    if not name:
        raise AwsError(
            "InvalidParameterException", "Either logGroupName or logGroupIdentifier is required."
        )
    group = call.place.of(LogStore).groups.get(name.removesuffix(":*"))
    if group is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def _stream(group: Group, params: Params) -> Stream:
    stream = group.streams.get(params["logStreamName"])
    if stream is None:
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
    return stream


def _invalid_token() -> AwsError:
    return AwsError("InvalidParameterException", "The specified nextToken is invalid.")


@operation("logs", "GetLogEvents")
def get_log_events(call: Call, params: Params) -> Answer:
    """One page of a stream, from its end unless startFromHead.

    A forward token stands behind the last event given and stays the same at the end of the
    stream; a backward token stands before the first. Tokens count events from the stream's
    beginning, so they survive growth.
    """
    stream = _stream(_group(call, params), params)
    now = int(call.world.now() * 1000)
    everything = stream.lines()
    start, end = params.get("startTime", 0), params.get("endTime", now + 1)
    first = bisect.bisect_left(everything, start, key=lambda line: line.at)
    last = bisect.bisect_left(everything, end, key=lambda line: line.at)
    limit = min(params.get("limit", PAGE_EVENTS), call.page_limit or PAGE_EVENTS)
    token = params.get("nextToken")
    if token is not None:
        direction, position = _read_token(token)
        if direction == "f":
            begin, stop = _forward(everything, max(position, first), last, limit)
        else:
            begin, stop = _backward(everything, first, min(position, last), limit)
    elif params.get("startFromHead", False):
        begin, stop = _forward(everything, first, last, limit)
    else:
        begin, stop = _backward(everything, first, last, limit)
    return {
        "events": [
            {"timestamp": line.at, "message": line.message, "ingestionTime": line.at + 40}
            for line in everything[begin:stop]
        ],
        "nextForwardToken": f"f/{stop:056d}/s",
        "nextBackwardToken": f"b/{begin:056d}/s",
    }


def _read_token(token: str) -> tuple[str, int]:
    parts = token.split("/")
    if len(parts) != 3 or parts[0] not in ("f", "b") or not parts[1].isdecimal():
        raise _invalid_token()
    return parts[0], int(parts[1])


def _size(line: Line) -> int:
    return len(line.message.encode("utf-8", "surrogatepass")) + EVENT_OVERHEAD


def _forward(lines: list[Line], begin: int, last: int, limit: int) -> tuple[int, int]:
    stop, room = begin, PAGE_BYTES
    while stop < last and stop - begin < limit:
        room -= _size(lines[stop])
        if room < 0 and stop > begin:
            break
        stop += 1
    return begin, stop


def _backward(lines: list[Line], first: int, stop: int, limit: int) -> tuple[int, int]:
    begin, room = stop, PAGE_BYTES
    while begin > first and stop - begin < limit:
        room -= _size(lines[begin - 1])
        if room < 0 and begin < stop:
            break
        begin -= 1
    return begin, stop


@operation("logs", "FilterLogEvents")
def filter_log_events(call: Call, params: Params) -> Answer:
    """Events of a group's streams in time order, those that match ``filterPattern``."""
    group = _group(call, params)
    names = params.get("logStreamNames")
    prefix = params.get("logStreamNamePrefix", "")
    if names and prefix:
        raise AwsError(
            "InvalidParameterException",
            "logStreamNamePrefix and logStreamNames cannot be specified at the same time.",
        )
    start, end = params.get("startTime", 0), params.get("endTime", 1 << 62)
    matches = _matcher(params.get("filterPattern", ""))
    found: list[tuple[int, str, int, Line]] = []
    for stream in group.streams.values():
        if (names and stream.name not in names) or not stream.name.startswith(prefix):
            continue
        for index, line in enumerate(stream.lines()):
            if start <= line.at < end and matches(line.message):
                found.append((line.at, stream.name, index, line))
    found.sort(key=lambda item: item[:3])
    page, token = paginate(
        call,
        found,
        lambda item: f"{item[1]}/{item[2]}",
        size=params.get("limit", PAGE_EVENTS),
        token=params.get("nextToken"),
        error=_invalid_token,
        scope=group.name,
    )
    return {
        "events": [
            {
                "logStreamName": name,
                "timestamp": at,
                "message": line.message,
                "ingestionTime": at + 40,
                "eventId": f"{at}{index:020d}",
            }
            for at, name, index, line in page
        ],
        "searchedLogStreams": [],
        "nextToken": token,
    }


def _matcher(pattern: str) -> Callable[[str], bool]:
    try:
        return matcher(pattern)
    except PatternError as error:
        raise AwsError("InvalidParameterException", str(error)) from None


@operation("logs", "DescribeLogGroups")
def describe_log_groups(call: Call, params: Params) -> Answer:
    """Groups by name, 50 a page."""
    prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
    groups = sorted(
        (
            g
            for n, g in call.place.of(LogStore).groups.items()
            if n.startswith(prefix) and pattern in n
        ),
        key=lambda group: group.name,
    )
    page, token = paginate(
        call,
        groups,
        lambda group: group.name,
        size=params.get("limit", 50),
        token=params.get("nextToken"),
        error=_invalid_token,
        scope=prefix,
    )
    return {
        "logGroups": [
            {
                "logGroupName": group.name,
                "creationTime": group.created,
                "retentionInDays": group.retention,
                "metricFilterCount": 0,
                "arn": call.place.arn("logs", f"log-group:{group.name}:*"),
                "logGroupArn": call.place.arn("logs", f"log-group:{group.name}"),
                "storedBytes": _stored_bytes(group, call.world.now()),
                "logGroupClass": "STANDARD",
                "kmsKeyId": group.key,
            }
            for group in page
        ],
        "nextToken": token,
    }


def _stored_bytes(group: Group, now: float) -> int:
    """What a group holds by its age, as AWS tells it: now and then, and not exactly."""
    age = int(now - group.created / 1000) // 21600 * 21600
    kept = min(age, (group.retention or 3653) * 86400)
    return kept * 41 * min(len(group.streams), 20)


@operation("logs", "DescribeLogStreams")
def describe_log_streams(call: Call, params: Params) -> Answer:
    """Streams of a group, by name or by last event, 50 a page."""
    group = _group(call, params)
    prefix = params.get("logStreamNamePrefix", "")
    by_time = params.get("orderBy") == "LastEventTime"
    if by_time and prefix:
        raise AwsError(
            "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix."
        )
    described = []
    for stream in group.streams.values():
        if stream.name.startswith(prefix):
            lines = stream.lines()
            described.append(
                (stream, lines[0].at if lines else None, lines[-1].at if lines else None)
            )
    described.sort(
        key=lambda item: (item[2] or 0, item[0].name) if by_time else (0, item[0].name),
        reverse=bool(params.get("descending", False)),
    )
    page, token = paginate(
        call,
        described,
        lambda item: item[0].name,
        size=params.get("limit", 50),
        token=params.get("nextToken"),
        error=_invalid_token,
        scope=group.name,
    )
    arn = f"log-group:{group.name}:log-stream:"
    return {
        "logStreams": [
            {
                "logStreamName": stream.name,
                "creationTime": stream.created,
                "firstEventTimestamp": first,
                "lastEventTimestamp": last,
                "lastIngestionTime": last + 40 if last else None,
                "arn": call.place.arn("logs", arn + stream.name),
                "storedBytes": 0,
            }
            for stream, first, last in page
        ],
        "nextToken": token,
    }


@operation("logs", "CreateLogGroup")
def create_log_group(call: Call, params: Params) -> Answer:
    """Make a group."""
    store = call.place.of(LogStore)
    if params["logGroupName"] in store.groups:
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    group = store.ensure_group(params["logGroupName"])
    group.key, group.tags = params.get("kmsKeyId"), dict(params.get("tags") or {})
    return {}


@operation("logs", "DeleteLogGroup")
def delete_log_group(call: Call, params: Params) -> Answer:
    """Delete a group with its streams."""
    del call.place.of(LogStore).groups[_group(call, params).name]
    return {}


@operation("logs", "PutRetentionPolicy")
def put_retention_policy(call: Call, params: Params) -> Answer:
    """Set how many days a group keeps its events."""
    _group(call, params).retention = params["retentionInDays"]
    return {}


@operation("logs", "CreateLogStream")
def create_log_stream(call: Call, params: Params) -> Answer:
    """Make a stream."""
    group = _group(call, params)
    if params["logStreamName"] in group.streams:
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    group.streams[params["logStreamName"]] = Stream(
        params["logStreamName"], int(call.world.now() * 1000)
    )
    return {}


@operation("logs", "DeleteLogStream")
def delete_log_stream(call: Call, params: Params) -> Answer:
    """Delete a stream."""
    group = _group(call, params)
    del group.streams[_stream(group, params).name]
    return {}


@operation("logs", "PutLogEvents")
def put_log_events(call: Call, params: Params) -> Answer:
    """Append events (in time order, as AWS demands) to a stream."""
    stream = _stream(_group(call, params), params)
    if stream.source is not None:
        raise AwsError("InvalidParameterException", "This log stream is written by a build.")
    batch = [Line(event["timestamp"], event["message"]) for event in params["logEvents"]]
    if any(later.at < earlier.at for earlier, later in itertools.pairwise(batch)):
        raise AwsError(
            "InvalidParameterException",
            "Log events in a single PutLogEvents request must be in chronological order.",
        )
    stream.stored.extend(batch)
    stream.stored.sort(key=lambda line: line.at)
    del stream.stored[:-PAGE_EVENTS]
    return {"nextSequenceToken": f"{len(stream.stored):056d}"}
