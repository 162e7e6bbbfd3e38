"""Says why an instance, a group or a load balancer fails, from what AWS told of it; no Django."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from apps.mirror.state import State

# Lines of an explanation.
LINES = 4
CHECKED = {
    "system": "System status check failed: the host or its network",
    "instance": "Instance status check failed: the machine does not answer",
    "volumes": "EBS status check failed: an attached volume does not answer",
}


def instance(row: Any) -> str:
    """Return which status check of an instance fails, and since when."""
    if row.state != State.FAILED:
        return ""
    lines = [_check(check) for check in row.checks if check["state"] == State.FAILED]
    return "\n".join(lines) or "A status check fails; EC2 says no more."


def _check(check: Any) -> str:
    details = [one for one in check["details"] if one["status"] == "failed"]
    since = next((one["impaired_since"] for one in details if one["impaired_since"]), "")
    names = ", ".join(one["name"] for one in details if one["name"])
    said = CHECKED.get(check["name"], f"The status check of {check['name']} failed")
    said = f"{said} ({names} failed)" if names else said
    return f"{said}, impaired since {since[:16].replace('T', ' ')} UTC" if since else said


def group(row: Any) -> str:
    """Return why a group has less in service than it wants, or which instances are ill."""
    if row.state != State.FAILED:
        return ""
    ill = [one["id"] for one in row.instances if one["health"].lower() == "unhealthy"]
    lines = [row.activity.get("message") or row.activity.get("description") or ""]
    if row.activity.get("status") != "Failed":
        lines = []
    if ill:
        lines.append(f"Unhealthy: {', '.join(ill[:5])}")
    lines.append(f"{row.in_service} of {row.desired_capacity} instances in service")
    return "\n".join(filter(None, lines[:LINES]))


def load_balancer(row: Any) -> str:
    """Return what Elastic Load Balancing says of one that failed."""
    if row.state != State.FAILED:
        return ""
    return row.state_reason or f"Its state is {row.status}, and AWS says no more."


def target_group(row: Any) -> str:
    """Return why targets are unhealthy: each reason once, the most common first, and who has it."""
    if row.state != State.FAILED:
        return ""
    failing = [one for one in row.targets if one["state"] == State.FAILED]
    return _reasons(
        [
            (
                one["description"] or one["reason"] or one["status"],
                f"{one['id']}:{one['port']}" if one["port"] else one["id"],
            )
            for one in failing
        ]
    )


def _reasons(told: Sequence[tuple[str, str]]) -> str:
    """Return (reason, who) as lines: each reason once, the most common first, and who has it."""
    lines = []
    for reason, _ in Counter(reason for reason, _ in told).most_common(LINES):
        who = [name for why, name in told if why == reason]
        more = f" and {len(who) - 3} more" if len(who) > 3 else ""
        lines.append(f"{reason} ({', '.join(who[:3])}{more})")
    return "\n".join(lines)


def instance_health(row: Any) -> str:
    """Return why an instance is out of service at a classic load balancer."""
    if row.state != State.FAILED:
        return ""
    return row.description or f"It is {row.status}, and AWS says no more."


def registered(rows: Iterable[Any]) -> str:
    """Return why instances are out of service, each reason once, as `target_group` does."""
    return _reasons(
        [(instance_health(row), row.instance_id) for row in rows if row.state == State.FAILED]
    )
