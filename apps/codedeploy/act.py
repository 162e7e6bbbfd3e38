"""What people can do to deployment groups and deployments, in the order in which it is offered."""

from apps.deeds.acts import ACTS, Part
from apps.mirror.state import UNFINISHED

from . import deploy, go_on, halt, redeploy  # noqa: F401 - declare their acts
from .models import DEPLOYMENT_WIDE, Deployment, DeploymentGroup

# Deployments that run at once in a group; AWS takes one.
MOST = 5
# What of the wide columns tells what can be done.
WIDE = [one for one in DEPLOYMENT_WIDE if one not in ("previous_revision", "auto_rollback")]


def _parts(group: DeploymentGroup) -> list[Part]:
    """What of a group is acted on: the deployment that runs."""
    running = Deployment.objects.filter(group=group, state__in=UNFINISHED)
    rows = running.select_related("scope", "group__application").defer(*WIDE)
    return [
        Part("codedeploy.deployment", one, f"Deployment {one.key}")
        for one in rows.order_by("-created_at", "-pk")[:MOST]
    ]


ACTS.add_parts("codedeploy.deploymentgroup", _parts, "codedeploy.deployment")
