"""Reads a build's log bite by bite into the cache while somebody watches; runs in workers.

A bite is short, so that many logs share few workers: it reads what is there and says when the next
one is due. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from apps.live.bus import BUS
from apps.mirror.linestore import Contents
from apps.mirror.models import Operation, Scope
from apps.mirror.outcomes import record_outcomes
from apps.mirror.provider import PROVIDERS, Failure, Health
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER, Resource
from apps.mirror.state import UNFINISHED, State

from . import collect, firsterror
from .lines import store_of
from .models import Build

OPERATION = "logs:GetLogEvents"
PAGE_EVENTS = 10_000
BITE_SECONDS = 2.0
# Seconds until the next bite.
RUNNING, SOON, NOT_BEGUN, THROTTLED = 1.0, 0.0, 2.0, 5.0
# CloudWatch shows the last lines some seconds after a build has ended.
SETTLES = timedelta(seconds=15)
NOTE = ("state", "title", "text", "cure")
APPEARS = timedelta(seconds=60)


class OvertakenError(Exception):
    """Another reader has the log: what this one read while its call hung is that one's to keep."""


def bite(build: Build, ours: Callable[[], bool] = lambda: True) -> float | None:
    """Read on; return in how many seconds to go on, None where reading is over for now.

    ours  asked before anything read is kept; where it says no, nothing more is.
    """
    store = store_of(build.pk)
    contents = store.open() or store.begin()
    if contents.done:
        return None
    try:
        if not build.logs.get("stream"):
            pause = _without_a_log(build, contents)
        else:
            pause = _read(build, contents, ours)
    except OvertakenError:
        return None
    if not ours():
        return None
    # The log's end is told first: whatever becomes of the excerpt, the log was read.
    store.save(contents)
    if contents.done:
        BUS.publish(f"log:{build.pk}", str(contents.next))
        if build.state == State.FAILED and contents.note is None:
            _quote(build, contents)
    return pause


def _without_a_log(build: Build, contents: Contents) -> float | None:
    """Say why there is nothing to read, where AWS names no log stream."""
    if build.state in UNFINISHED and build.has_cloudwatch_log:
        _say(build, contents, "moving", "The log has not begun", "It begins with PROVISIONING.")
        return NOT_BEGUN
    contents.done = True
    if build.logs.get("s3_status") == "ENABLED":
        _say(build, contents, "unknown", "This log is kept in S3 only", build.s3_log)
    else:
        _say(build, contents, "unknown", "This build has no log in CloudWatch Logs", "")
    return None


def _read(build: Build, contents: Contents, ours: Callable[[], bool]) -> float | None:
    scope = build.scope
    provider = PROVIDERS.get(scope.provider)
    resource = REGISTER.get("codebuild.build")
    reach: Any = None
    try:
        reach = provider.open(scope, urgent=True)
        at_end = _read_pages(reach, build, contents, ours)
    except OvertakenError:
        raise
    except Exception as error:
        if not ours():
            raise OvertakenError from error
        failure = provider.classify(error, OPERATION)
        if reach is not None and failure.health is not Health.GONE:
            record_outcomes(scope, resource, reach.outcomes)
        return _failed(build, contents, failure)
    finally:
        if reach is not None:
            reach.close()
    _record_success(scope, resource, reach)
    _say_nothing(build, contents)
    if not at_end:
        return SOON
    if build.state in UNFINISHED:
        return RUNNING
    if _ended_lately(build, contents, SETTLES):
        return NOT_BEGUN
    contents.done = True
    return None


def _record_success(scope: Scope, resource: Resource, reach: Any) -> None:
    """Say that reading works where something else is said: a bite a second writes nothing."""
    fine = Operation.objects.filter(
        scope=scope, kind=resource.kind, operation=OPERATION, health=Health.OK
    )
    if not fine.exists():
        record_outcomes(scope, resource, reach.outcomes)


def _ended_lately(build: Build, contents: Contents, lately: timedelta) -> bool:
    """Whether a build ended so lately that more of its log may come.

    AWS's clock and ours need not agree: who watched it end waits by its own clock.
    """
    if contents.waits is None and (build.ended_at is None or now() - build.ended_at < lately):
        contents.waits = time.time()
    return contents.waits is not None and time.time() - contents.waits < lately.total_seconds()


def _read_pages(reach: Any, build: Build, contents: Contents, ours: Callable[[], bool]) -> bool:
    """Read pages from where reading stopped; True where the end of what there is was reached.

    Raises OvertakenError where another reader came in the meantime.
    """
    store = store_of(build.pk)
    began = time.monotonic()
    while time.monotonic() - began < BITE_SECONDS:
        page = reach.call(
            OPERATION,
            logGroupName=build.logs["group"],
            logStreamName=build.logs["stream"],
            startFromHead=True,
            limit=PAGE_EVENTS,
            **({"nextToken": contents.token} if contents.token else {}),
        )
        if not ours():
            raise OvertakenError
        lines = [line for event in page["events"] for line in collect.lines_of(event["message"])]
        if lines:
            store.extend(contents, lines)
        token = page.get("nextForwardToken") or contents.token
        # The same token again: that was the end, for now.
        ended = token == contents.token
        contents.token = token
        if lines:
            store.save(contents)
            BUS.publish(f"log:{build.pk}", str(contents.next))
        if ended:
            return True
    return False


def _failed(build: Build, contents: Contents, failure: Failure) -> float | None:
    """Say what went wrong and how it is cured."""
    running = build.state in UNFINISHED
    if failure.health is Health.GONE:
        if running or _ended_lately(build, contents, APPEARS):
            text = "CloudWatch Logs does not have it yet; it is asked again."
            _say(build, contents, "moving", "The log has not begun", text)
            return NOT_BEGUN
        contents.done = True
        title = "CloudWatch Logs no longer has this log"
        text = "Its log group's retention has passed, or somebody deleted it."
        _say(build, contents, "unknown", title, text)
        return None
    if failure.health is Health.THROTTLED:
        text = "AWS asks to read more slowly; reading goes on by itself."
        _say(build, contents, "waiting", "Reading the log is throttled", text)
        return THROTTLED
    _say(build, contents, "failed", "The log cannot be read", failure.message, failure.cure)
    return None


def _say(build: Build, contents: Contents, *words: str) -> None:
    """Show state, title, text and, where there is one, cure beside the lines."""
    if contents.say(dict(zip(NOTE, (*words, ""), strict=False))):
        store_of(build.pk).save(contents)
        BUS.publish(f"log:{build.pk}", str(contents.next))


def _say_nothing(build: Build, contents: Contents) -> None:
    if contents.say(None):
        store_of(build.pk).save(contents)
        BUS.publish(f"log:{build.pk}", str(contents.next))


def _quote(build: Build, contents: Contents) -> None:
    """Keep the lines around the first error: the whole log was read, so their numbers are known.

    Where AWS refuses what it takes, the scope says so and the build has no excerpt.
    """
    best: tuple[firsterror.Found, int, list[str]] | None = None
    for first, lines in _runs(build, contents):
        found = firsterror.find(lines)
        if found is not None:
            best = (found, first, lines)
            if found.whole:
                break
    if best is None:
        return
    found, first, lines = best
    scope = build.scope
    resource = REGISTER.get("codebuild.build")
    reach: Any = None
    try:
        reach = PROVIDERS.get(scope.provider).open(scope, urgent=True)
        record = collect.excerpt(reach, build.key, lines, found, first_line=first + 1)
        if record is not None:
            reconcile(resource, scope, [record], extent=Nothing())
    except Exception as error:  # noqa: BLE001 - classified, and told on the health page
        record_outcomes(scope, resource, reach.outcomes if reach else {}, error)
    finally:
        if reach is not None:
            reach.close()


def _runs(build: Build, contents: Contents) -> list[tuple[int, list[str]]]:
    """Return the kept lines as uninterrupted runs with the number, from 0, of their first."""
    runs: list[tuple[int, list[str]]] = []
    for part in store_of(build.pk).parts(contents, 0, contents.next):
        if part.missing or not runs:
            runs.append((part.next if part.missing else part.first, []))
        runs[-1][1].extend(part.lines)
    return runs
