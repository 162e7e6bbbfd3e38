"""Tells of environments: an event in their list, and one on the event bus, as AWS words both.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.eventbridge.html
"""

from __future__ import annotations

import re

from apps.sandbox.beanstalk.model import COLORS, KEPT_EVENTS, BeanstalkStore, Environment, Event

#: (beginning or part of a message) → (detail type, status).
_RESOURCE = "Elastic Beanstalk resource status change"
_OTHER = "Other resource status change"
_MANAGED = "Managed update status change"
_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), kind, status)
    for pattern, kind, status in (
        (r"^createEnvironment is starting", _RESOURCE, "Environment creation started"),
        (r"^createEnvironment completed", _RESOURCE, "Environment creation successful"),
        (r"^Failed to launch", _RESOURCE, "Environment creation failed"),
        (r"^Environment update is starting", _RESOURCE, "Environment update started"),
        (r"^Environment update completed", _RESOURCE, "Environment update successful"),
        (r"^Failed to deploy", _RESOURCE, "Environment update failed"),
        (r"^terminateEnvironment is starting", _RESOURCE, "Environment termination started"),
        (r"^terminateEnvironment completed", _RESOURCE, "Environment termination successful"),
        (r"^Environment health has", "Health status change", "Environment health changed"),
        (r"^Added instance", _OTHER, "Instance added"),
        (r"^Removed instance", _OTHER, "Instance removed"),
        (r"^Managed platform update is", _MANAGED, "Managed update started"),
        (r"^Managed platform update failed", _MANAGED, "Managed update failed"),
        (r"^Managed platform update completed", _MANAGED, "Managed update successful"),
        (r"(?i)^Created .*auto scaling group", _OTHER, "Auto Scaling group created"),
        (r"^Created load balancer", _OTHER, "Load balancer created"),
    )
)


def say(environment: Environment, message: str, severity: str = "INFO", request: str = "") -> None:
    """Put an event into the list, and on the bus where AWS does."""
    place = environment.place
    store, now = place.of(BeanstalkStore), place.world.now()
    # No two in the same millisecond: lists are in order of time.
    at = max(now, store.events[0].at + 0.001) if store.events else now
    store.told += 1
    store.events.insert(
        0,
        Event(
            number=store.told,
            at=at,
            severity=severity,
            message=message,
            application=environment.application.name,
            environment=environment.name,
            environment_id=environment.id,
            request=request or None,
        ),
    )
    if len(store.events) > KEPT_EVENTS:
        del store.events[KEPT_EVENTS:]
    for pattern, kind, status in _KINDS:
        if pattern.search(message):
            detail = {
                "Status": status,
                "EventDate": int(at * 1000),
                "ApplicationName": environment.application.name,
                "Message": message,
                "EnvironmentName": environment.name,
                "Severity": severity,
            }
            place.emit("aws.elasticbeanstalk", kind, detail, [environment.arn])
            return


def fare(environment: Environment, health: str, *causes: str, after: str = "") -> None:
    """Give an environment another health, and tell how it went from the one to the other.

    ``after`` is said behind the causes, of what has just been done.
    """
    before, environment.health, environment.causes = environment.health, health, causes
    if before == health:
        return
    environment.fared.append((environment.place.world.now(), health))
    if not environment.enhanced:
        color, was = COLORS[health], COLORS[before]
        if color != was:
            worse = color in ("Red", "Yellow")
            say(
                environment,
                f"Environment health has transitioned from {was.upper()} to {color.upper()}",
                "WARN" if worse else "INFO",
            )
        return
    words = " ".join((*causes, after)).strip()
    say(
        environment,
        f"Environment health has transitioned from {before} to {health}. {words}".rstrip(),
        "WARN" if health in ("Warning", "Degraded", "Severe") else "INFO",
    )
