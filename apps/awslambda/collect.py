"""Reads functions, versions, aliases, and what failed of its log, from Lambda; no Django.

https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.aws.calls import Failed, Reach
from apps.mirror.ask import Ask, Covered, Parent, Vanished
from apps.mirror.provider import Health

from .invocations import PATTERN, FailureRecord, Invocation, failure_record, invocations
from .records import (
    AliasRecord,
    FunctionRecord,
    VersionRecord,
    alias_record,
    function_record,
    version_record,
)

# How far back failed invocations are looked for, in so many pages at most: a page may be empty
# while CloudWatch goes through a long log. It answers oldest first, so of a log that is longer the
# last half hour is asked for as well, and then the last minutes: what failed last is not missed.
PASTS = (timedelta(hours=3), timedelta(minutes=30), timedelta(minutes=5))
PAGES, PAGE_EVENTS = 3, 1_000
# Log streams that are read around what failed, the newest; an instance of a function has one.
STREAMS = 3
# Milliseconds after a line that tells an error, within which the invocation has ended.
ENDS = 10_000


def functions(reach: Reach, ask: Ask) -> Iterator[FunctionRecord | Vanished]:
    """Yield every function of the region with its configuration, or those named by `ask.keys`.

    ListFunctions gives at most 50 a page, whatever it is asked for.
    """
    if ask.keys is None:
        for page in reach.pages("lambda:ListFunctions"):
            yield from (function_record(one) for one in page.get("Functions", ()))
        return
    for name, answer in reach.each(
        ask.keys, lambda key: reach.call("lambda:GetFunctionConfiguration", FunctionName=key)
    ):
        if not isinstance(answer, Failed):
            yield function_record(answer)
        elif answer.failure.health is Health.GONE:
            yield Vanished(name)


def versions(reach: Reach, ask: Ask) -> Iterator[VersionRecord | Covered]:
    """Yield the published versions of each function: a call a function (50 versions a page)."""

    def read(function: Parent) -> list[VersionRecord | None]:
        return [
            version_record(function.key, one)
            for page in reach.pages("lambda:ListVersionsByFunction", FunctionName=function.key)
            for one in page.get("Versions", ())
        ]

    for function, found in reach.each(ask.parents, read):
        if not isinstance(found, Failed):
            yield from filter(None, found)
            yield Covered(function.key)


def aliases(reach: Reach, ask: Ask) -> Iterator[AliasRecord | Covered]:
    """Yield the aliases of each function, with their weights: a call a function."""

    def read(function: Parent) -> list[AliasRecord]:
        return [
            alias_record(function.key, one)
            for page in reach.pages("lambda:ListAliases", FunctionName=function.key)
            for one in page.get("Aliases", ())
        ]

    for function, found in reach.each(ask.parents, read):
        if not isinstance(found, Failed):
            yield from found
            yield Covered(function.key)


def failures(reach: Reach, ask: Ask) -> Iterator[FailureRecord | Covered]:
    """Yield the invocations of each function that failed within the last hours, from its log.

    A search for what errors are called by, and where it finds something, what was written around
    that in the newest log streams: an exception does not say of which invocation it is.
    """

    def read(function: Parent) -> list[Invocation]:
        group = str(function.fields["log_group"] or _own_group(function.key))
        longest = 1000 * (function.fields["timeout"] or 0) + ENDS
        told: dict[str, Invocation] = {}
        for stream, at in _newest_hits(reach, group, function.key):
            for one in _around(reach, group, stream, at, longest):
                known = told.get(one.request_id)
                # Read twice, it may have been cut at its beginning or at its end.
                if one.request_id and (known is None or len(known.lines) < len(one.lines)):
                    told[one.request_id] = one
        return [one for one in told.values() if one.failed]

    for function, found in reach.each(ask.parents, read):
        if isinstance(found, Failed):
            # A function that never ran has no log group.
            if found.failure.health is Health.GONE:
                yield Covered(function.key)
            continue
        yield from (failure_record(function.key, function.arn, one) for one in found)
        yield Covered(function.key)


def _own_group(function: str) -> str:
    return f"/aws/lambda/{function}"


def _newest_hits(reach: Reach, group: str, function: str) -> list[tuple[str, list[int]]]:
    """Return the newest streams of a function that tell errors, and when each does.

    Functions may share a log group; then their streams are named "<date>/<function>[<version>]…":
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
    """
    present = datetime.now(UTC)
    hits: dict[str, set[int]] = {}
    for past in PASTS:
        begin = int((present - past).timestamp() * 1000)
        found, whole = _search(reach, group, startTime=begin, filterPattern=PATTERN)
        for event in found:
            stream = event.get("logStreamName") or ""
            if stream and (group == _own_group(function) or f"/{function}[" in stream):
                hits.setdefault(stream, set()).add(event["timestamp"])
        if whole:
            break
    newest = sorted(hits, key=lambda stream: max(hits[stream]))[-STREAMS:]
    return [(stream, sorted(hits[stream])) for stream in newest]


def _around(
    reach: Reach, group: str, stream: str, at: Sequence[int], longest: int
) -> Iterator[Invocation]:
    """Yield the invocations around moments of a stream, the newest of them in any case.

    longest  milliseconds that an invocation takes at most.
    """
    for first in dict.fromkeys((at[0], at[-1])):
        events, whole = _search(
            reach,
            group,
            logStreamNames=[stream],
            startTime=max(0, first - longest),
            endTime=at[-1] + ENDS,
        )
        yield from invocations(events)
        if whole:
            break


def _search(reach: Reach, group: str, **asked: Any) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the events that a search finds in `PAGES` pages, and whether these were all."""
    found: list[Mapping[str, Any]] = []
    pages = reach.pages("logs:FilterLogEvents", logGroupName=group, limit=PAGE_EVENTS, **asked)
    for number, page in enumerate(pages, start=1):
        found += page.get("events", ())
        if number == PAGES:
            return found, not page.get("nextToken")
    return found, True
