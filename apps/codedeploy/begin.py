"""Begins a deployment, once: CodeDeploy takes no token, so its description bears the deed's mark.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach, batches
from apps.deeds.acts import Done, Moved
from apps.deeds.at_aws import request_of
from apps.deeds.signature import bears, signed
from apps.mirror.resource import Names

from .collect import IDS
from .models import Deployment, DeploymentGroup

if TYPE_CHECKING:
    from apps.deeds.models import Deed

LONGEST_DESCRIPTION = 256
# Clocks differ, and AWS's tells when a deployment began.
BEFORE = timedelta(seconds=30)
ACTIVE = ("Created", "Queued", "InProgress", "Baking", "Ready")
# Whoever creates a deployment registers its revision, which CodeDeploy does by itself then.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/auth-and-access-control-permissions-reference.html
CALLS = ("codedeploy:CreateDeployment", "codedeploy:RegisterApplicationRevision")
FORGOTTEN = "That deployment is not known here any more: choose another revision."


def newest(group: DeploymentGroup) -> Deployment | None:
    """Return the newest deployment of a group that is known."""
    found: Deployment | None = group.latest_deployment
    return found


def in_the_way(group: DeploymentGroup) -> str:
    """Return why nothing can be deployed to a group now, "" where it can."""
    latest = newest(group)
    if latest is not None and latest.unfinished:
        return f"Deployment {latest.key} runs there now: wait for its end, or stop it."
    return ""


def seen(group: DeploymentGroup) -> Mapping[str, Any]:
    """Return what people go by: what was deployed there last."""
    latest = newest(group)
    return {"latest": latest.key if latest else ""}


def _names(group: DeploymentGroup) -> dict[str, str]:
    application, _, name = group.key.partition("/")
    return {"applicationName": application, "deploymentGroupName": name}


def stands(reach: Reach, deed: "Deed", group: DeploymentGroup) -> Moved | Done | None:
    """Judge whether what was deployed last still is what the person saw, and nothing runs."""
    names = _names(group)
    running = reach.call("codedeploy:ListDeployments", **names, includeOnlyStatuses=list(ACTIVE))
    if ids := running.get("deployments"):
        return Moved(f"Deployment {ids[0]} runs there by now: wait for its end, or stop it.")
    latest = str(deed.seen.get("latest", ""))
    rows = Deployment.objects.filter(scope=group.scope_id, key=latest)
    since = rows.values_list("created_at", flat=True).first()
    given = {"createTimeRange": {"start": since}} if since else {}
    for page in reach.pages("codedeploy:ListDeployments", **names, **given):
        if other := next((one for one in page.get("deployments", ()) if one != latest), ""):
            return Moved(f"{other} was deployed there meanwhile: look at that, then again.")
    return None


def create(reach: Reach, deed: "Deed", group: DeploymentGroup, **options: Any) -> Done:
    """Deploy the revision that was read for it; see `apps.codedeploy.revisions.as_asked`."""
    answer = reach.call(
        "codedeploy:CreateDeployment",
        **_names(group),
        revision=deed.ready,
        description=signed(deed, LONGEST_DESCRIPTION),
        **options,
    )
    return _made(answer["deploymentId"], request_of(answer))


def _made(deployment: str, request: str = "") -> Done:
    return Done(
        request=request,
        kind="codedeploy.deployment",
        key=deployment,
        name=f"Deployment {deployment}",
        told=f"Deployment {deployment} has begun.",
    )


def found(reach: Reach, deed: "Deed", group: DeploymentGroup) -> Done | None:
    """Look for the deployment whose description bears the deed's mark."""
    since = deed.since - BEFORE
    pages = reach.pages(
        "codedeploy:ListDeployments", **_names(group), createTimeRange={"start": since}
    )
    for page in pages:
        for batch in batches(page.get("deployments", ()), IDS):
            answer = reach.call("codedeploy:BatchGetDeployments", deploymentIds=list(batch))
            for one in answer.get("deploymentsInfo", ()):
                if bears(str(one.get("description") or ""), deed):
                    return _made(one["deploymentId"])
    return None


def reread(deed: "Deed", group: DeploymentGroup) -> Iterable[Names]:
    """Name what is read again."""
    yield Names(kind="codedeploy.deploymentgroup", key=group.key)
    if key := deed.made.get("key"):
        yield Names(kind="codedeploy.deployment", key=key)
