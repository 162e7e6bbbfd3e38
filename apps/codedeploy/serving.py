"""What runs on instances, as the targets of deployments to them tell."""

from typing import Any

from apps.mirror.resource import Running
from apps.mirror.state import State

from . import words
from .models import Target

# What a blue/green deployment takes the traffic from: it installs nothing there.
ORIGINAL = "Blue"


def installed(targets: Any) -> Any:
    """Narrow targets to those on which their deployment's revision was installed, with that."""
    rows = targets.filter(state=State.DONE).exclude(label__iexact=ORIGINAL)
    return rows.select_related("deployment").only(
        "scope", "ended_at", "deployment__key", "deployment__revision"
    )


def running(target: Target) -> Running:
    """Return the revision, and the deployment that brought it."""
    deployment = target.deployment
    return Running(
        what=f"revision {words.revision_in_short(deployment.revision)}".strip(),
        by=f"deployment {deployment.key}",
        url=f"{deployment.get_absolute_url()}#target-{target.pk}",
        at=target.ended_at,
    )
