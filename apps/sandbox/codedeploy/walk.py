"""Walks a target through its lifecycle events, one after the other."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from apps.sandbox.codedeploy import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apps.sandbox.codedeploy.model import Deployment, Event, Target

#: Virtual seconds of each event.
SECONDS = {
    "BlockTraffic": (6.0, 14.0),
    "AllowTraffic": (6.0, 14.0),
    "DownloadBundle": (1.5, 4.0),
    "Install": (1.0, 3.0),
    "ApplicationStart": (3.0, 9.0),
    "ValidateService": (3.0, 8.0),
    "BeforeAllowTraffic": (2.0, 5.0),
}
OTHER = (0.4, 1.5)
#: The agent gives four kilobytes.
TAIL = 4096


def walk(
    deployment: Deployment,
    target: Target,
    names: Iterable[str],
    done: Callable[[Target], None],
    failed: Callable[[Target], None],
) -> None:
    """Let these events of a target happen; ``done`` or ``failed`` follows."""
    if target.status == "Pending":
        target.status = "InProgress"
        _touch(deployment, target)
        events.instance_changed(deployment, target)
    _next(deployment, target, list(names), done, failed)


def _next(
    deployment: Deployment,
    target: Target,
    names: list[str],
    done: Callable[[Target], None],
    failed: Callable[[Target], None],
) -> None:
    if not deployment.active:
        return
    event = target.event(names[0]) if names else None
    if event is None:
        done(target)
        return
    world = deployment.group.place.world
    event.status, event.start = "InProgress", world.now()
    _touch(deployment, target)
    chance = world.chance(deployment.id, target.id, event.name)
    seconds = chance.uniform(*SECONDS.get(event.name, OTHER))

    def over() -> None:
        if fails(target, event):
            fail_event(deployment, target, event)
            failed(target)
            return
        end_event(deployment, target, event)
        _next(deployment, target, names[1:], done, failed)

    deployment.timers.append(world.scheduler.after(seconds, over))
    if len(deployment.timers) > 200:
        deployment.timers = [timer for timer in deployment.timers if timer.deed is not None]


def fails(target: Target, event: Event) -> bool:
    """Whether this event of the target is the one that fails."""
    return target.failing is not None and target.failing.event == event.name


def end_event(deployment: Deployment, target: Target, event: Event) -> None:
    """An event went well."""
    event.status, event.end = "Succeeded", deployment.group.place.world.now()
    event.code, event.message = "Success", "Succeeded"
    _touch(deployment, target)


def fail_event(deployment: Deployment, target: Target, event: Event) -> None:
    """An event failed, with what its script has left in the log; the target with it."""
    cause = target.failing
    event.status, event.end = "Failed", deployment.group.place.world.now()
    if cause is not None:
        location = deployment.revision.get("s3Location", {})
        fill = functools.partial(
            str.format,
            instance=target.id,
            deployment=deployment.id,
            group=deployment.group.id,
            bucket=location.get("bucket", "bucket"),
            key=location.get("key", "key"),
        )
        event.code, event.script = cause.diagnostic, cause.script
        event.message = fill(cause.message)
        if cause.log:
            head = (f"LifecycleEvent - {event.name}", f"Script - {cause.script}")
            event.log_tail = ("\n".join((*head, *cause.log)) + "\n")[-TAIL:]
    for other in target.events:
        if other.status == "Pending":
            other.status = "Skipped"
    end(deployment, target, "Failed")


def end(deployment: Deployment, target: Target, status: str) -> None:
    """A target's end."""
    target.status = status
    _touch(deployment, target)
    events.instance_changed(deployment, target)


def skip_the_rest(deployment: Deployment, target: Target) -> None:
    """What has not happened does not happen any more; what is under way is cut off."""
    now = deployment.group.place.world.now()
    cut = False
    for event in target.events:
        if event.status == "InProgress":
            event.status, event.end, cut = "Failed", now, True
            event.code, event.message = "UnknownError", "The deployment was stopped."
        elif event.status == "Pending":
            event.status = "Skipped"
    if target.status in ("InProgress", "Ready"):
        end(deployment, target, "Failed" if cut else "Skipped")
    elif target.status == "Pending":
        target.status = "Skipped"
        _touch(deployment, target)


def _touch(deployment: Deployment, target: Target) -> None:
    target.updated = deployment.group.place.world.now()
