"""Says why a service does not run what it should, from what ECS wrote meanwhile; no Django."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from apps.live.moments import parsed
from apps.mirror.state import State

# Lines of an explanation.
LINES = 4
# Events that tell a cause rather than that there is one.
TELLING = re.compile(r"\bdue to\b|\bbecause\b|\bReason:")
# What ECS writes before and behind each: "(service web)", "(service web, taskSet ecs-svc/12)".
PREFIX = re.compile(r"^\(service ([^,)]*)(?:, ([^)]*))?\) ")
HELP = re.compile(r" ?For more information, see the Troubleshooting section [^.]*\.")


def why(service: Any) -> str:
    """Return why a service that failed did, the causing line first; "" for one that works."""
    if service.state != State.FAILED:
        return ""
    # Its stopped tasks are read besides, and may be denied.
    fallback = "The service does not run what it should, and nothing that was read of it says why."
    return _told(service, None, None) or fallback


def why_then(service: Any, since: datetime | None, until: datetime | None) -> str:
    """Return what went wrong with a service between two moments, "" where nothing did."""
    return _told(service, since, until)


def _told(service: Any, since: datetime | None, until: datetime | None) -> str:
    events = [
        said_in(event["message"])
        for event in _between(service.events, since, until)
        if event.get("trouble")
    ]
    telling = [words for words in events if TELLING.search(words)]
    stopped = list(_reasons(_between(service.stopped_tasks, since, until)))
    failed = [
        one["reason"]
        for one in _between(service.deployments, since, until, "created_at")
        if one.get("state") == State.FAILED and one.get("reason")
    ]
    lines = dict.fromkeys([*telling, *stopped, *events, *failed])
    return "\n".join(list(lines)[:LINES])


def said_in(message: str) -> str:
    """Return an event's words as a sentence whose subject is the service, without the advice."""
    return HELP.sub("", PREFIX.sub(_subject, message)).strip()


def _subject(prefix: re.Match[str]) -> str:
    name, part = prefix.groups()
    return f"{name} ({part}) " if part else f"{name} "


def _reasons(tasks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for task in tasks:
        said = task.get("container_reason") or task.get("reason") or task.get("code") or ""
        code, container = task.get("exit_code"), task.get("container")
        if code:
            said = f"{said} ({container or 'container'}: exit code {code})"
        if said:
            yield f"Stopped task: {said}"


def _between(
    items: Iterable[Mapping[str, Any]],
    since: datetime | None,
    until: datetime | None,
    at: str = "at",
) -> Iterator[Mapping[str, Any]]:
    for item in items:
        moment = parsed(item.get(at))
        if (since is None and until is None) or (
            moment is not None
            and (since is None or moment >= since)
            and (until is None or moment <= until)
        ):
            yield item
