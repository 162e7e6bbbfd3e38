"""What follows from targets for their deployment, and from deployments for their group."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.mirror.state import UNFINISHED, State, failing_since, urgency_of

from . import diagnose, words
from .models import SERVER, Deployment, DeploymentGroup, Target

# Deployments that a group's strip shows, and how far back "failing since" looks.
RECENT = 30
# Deployments in which an instance's last one is looked for.
LOOK_BACK = 10
# Targets that a deployment's strip shows.
STRIP = 200
# What a deployment names of those that failed.
MOST_FAILED = 100
# Of a deployment, for its group.
GROUP_COLUMNS = (
    "key",
    "status",
    "state",
    "seconds",
    "created_at",
    "compute_platform",
    "group",
    "succeeded",
    "failed",
)
STRIP_COLUMNS = (
    "pk",
    "deployment_id",
    "target_id",
    "label",
    "status",
    "state",
    "lifecycle_events",
    "traffic_percent",
    "failing_event",
)


def deployments(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what the targets tell of deployments: strip, traffic, who failed and why."""
    by_deployment: dict[int, list[Target]] = {pk: [] for pk in ids}
    rows = Target.objects.filter(deployment__in=ids).only(*STRIP_COLUMNS[1:])
    for target in rows.order_by("deployment_id", "label", "target_id", "pk"):
        by_deployment[target.deployment_id].append(target)
    first = {pk: _first_failed(targets) for pk, targets in by_deployment.items()}
    told = Target.objects.in_bulk([one.pk for one in first.values() if one is not None])
    return {
        pk: _deployment(targets, told.get(first[pk].pk) if first[pk] else None)  # type: ignore[union-attr]
        for pk, targets in by_deployment.items()
        if targets
    }


def _first_failed(targets: Iterable[Target]) -> Target | None:
    """Return the target whose event failed first: what failed after it may be a consequence."""
    failed = [one for one in targets if one.state == State.FAILED]
    return min(failed, key=lambda one: (not one.failing_event, _failed_at(one)), default=None)


def _failed_at(target: Target) -> str:
    event = diagnose.failing(target.lifecycle_events)
    return str(event.get("end") or event.get("start") or "9")


def _deployment(targets: Sequence[Target], first: Target | None) -> dict[str, Any]:
    traffic = [one.traffic_percent for one in targets if one.traffic_percent is not None]
    failed = [one.target_id for one in targets if one.state == State.FAILED]
    # What failed must be seen, however many there are.
    shown = sorted(targets, key=lambda one: one.state != State.FAILED)[:STRIP]
    kept = {one.pk for one in shown}
    return {
        "strip": [_segment(one) for one in targets if one.pk in kept],
        "traffic_percent": traffic[0] if traffic else None,
        "failed_targets": failed[:MOST_FAILED],
        "cause": _cause(first),
        "cause_target": first.target_id if first is not None else "",
    }


def _segment(target: Target) -> dict[str, Any]:
    return {
        "id": target.pk,
        "name": target.target_id,
        "state": target.state,
        "status": target.status,
        "label": target.label,
        "event": target.failing_event or _current(target.lifecycle_events),
    }


def _current(events: Sequence[Mapping[str, Any]]) -> str:
    return next((event["name"] for event in events if event["state"] == State.MOVING), "")


def _cause(target: Target | None) -> str:
    if target is None:
        return ""
    head, _, rest = (diagnose.why(target) or target.status).partition("\n")
    return "\n".join(filter(None, (head, f"on {target.target_id}", rest)))


def groups(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return the denormalised columns of groups, from their newest deployments.

    One small indexed query a group: as one query for all, databases read every deployment there is.
    """
    return {pk: _group(pk) for pk in ids}


def _group(pk: int) -> dict[str, Any]:
    newest = list(
        Deployment.objects.filter(group=pk, created_at__isnull=False)
        .only(*GROUP_COLUMNS)
        .order_by("-created_at", "-pk")[:RECENT]
    )
    if not newest:
        return {}
    latest = newest[0]
    return {
        "latest_deployment_id": latest.pk,
        "latest_created_at": latest.created_at,
        "status": latest.status,
        "state": latest.state,
        "failing_since": failing_since((one.state, one.created_at) for one in newest),
        "failed_instances": _left_failed(newest[:LOOK_BACK]),
        "urgency": urgency_of(latest.state),
        "recent": [
            {
                "id": one.pk,
                "name": one.key,
                "state": one.state,
                "status": one.status,
                "seconds": one.seconds,
            }
            for one in reversed(newest)
        ],
    }


def _left_failed(newest: Sequence[Deployment]) -> list[str]:
    """Return the instances whose own last deployment failed, as far back as that is known.

    Where a deployment was over before anybody read its targets, it may have mended any instance:
    what failed before it is no news of today. A fleet that was made for its deployment is never
    deployed to again.
    https://docs.aws.amazon.com/codedeploy/latest/userguide/instances-health.html
    """
    rows = [one for one in newest if one.compute_platform == SERVER]
    ids = [one.pk for one in rows]
    read = ("strip", "deployment_type", "blue_green")
    told = Deployment.objects.filter(pk__in=ids).only(*read) if ids else ()
    strips = {one.pk: () if _made_its_fleet(one) else one.strip for one in told}
    last: dict[str, str] = {}
    for one in rows:
        strip = strips.get(one.pk, ())
        if not strip and one.state not in UNFINISHED and _touched(one):
            break
        for segment in strip:
            if segment["state"] in (State.DONE, State.FAILED):
                last.setdefault(segment["name"], segment["state"])
    return sorted(name for name, state in last.items() if state == State.FAILED)[:MOST_FAILED]


def _made_its_fleet(deployment: Deployment) -> bool:
    # What is in place bears its group's blue/green settings, too.
    is_blue_green = deployment.deployment_type == "BLUE_GREEN"
    return is_blue_green and words.makes_a_fleet(deployment.blue_green)


def _touched(deployment: Deployment) -> bool:
    """Whether a deployment that is over succeeded or failed on any instance."""
    return deployment.state == State.DONE or bool(deployment.succeeded or deployment.failed)


def why_deployment(deployment: Deployment) -> str:
    """Return why a deployment failed: the failing script's line, the alarm, else AWS's words."""
    if deployment.state != State.FAILED:
        return ""
    said = ": ".join(filter(None, (deployment.error_code, deployment.error_message)))
    if deployment.error_code == words.ALARM_ACTIVE:
        alarms = ", ".join(words.activated(deployment.error_message))
        head = f"Alarm {alarms} went off" if alarms else "An alarm went off"
        return "\n".join(filter(None, (head, said, deployment.cause)))
    told = "\n".join(filter(None, (deployment.cause, said)))
    if told:
        return told
    # Of what was deployed to, the strip tells.
    more = "CodeDeploy says no more" if deployment.strip else "none of its targets was read"
    return f"{deployment.status}, and {more}"


def why_group(group: DeploymentGroup) -> str:
    """Return why the newest deployment failed."""
    return why_deployment(group.latest_deployment) if group.latest_deployment else ""


def why_target(target: Target) -> str:
    """Return why this target failed."""
    if target.state != State.FAILED:
        return ""
    return diagnose.why(target) or f"{target.status}, and CodeDeploy names no event that failed"
