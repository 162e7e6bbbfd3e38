"""Says what an issue about a failed deployment begins with."""

from typing import Any

from apps.issues.failures import FAILURES, Failure

from .models import Deployment


def _name(deployment: Deployment) -> str:
    where = " / ".join(filter(None, (deployment.application_name, deployment.group_name)))
    return f"Deployment {deployment.key} to {where}" if where else f"Deployment {deployment.key}"


def _commit(deployment: Deployment) -> tuple[str, str]:
    revision: Any = deployment.revision
    return str(revision.get("commit_id") or ""), ""


FAILURES.add(
    Failure(
        kind="codedeploy.deployment",
        name=_name,
        at=lambda deployment: deployment.completed_at or deployment.started_at,
        commit=_commit,
        lines=lambda deployment: deployment.cause,
    )
)
