"""Celery's side of CodeDeploy: giving deployments the group that was mirrored after them."""

from celery import shared_task

from apps.mirror.models import Scope
from apps.mirror.reconcile import BATCH, Nothing, reconcile
from apps.mirror.resource import REGISTER

from .models import Deployment, DeploymentGroup
from .records import DeploymentRecord


@shared_task(name="codedeploy.adopt_deployments")
def adopt_deployments(scope_id: int) -> None:
    """Give deployments their group where it was mirrored after them."""
    scope = Scope.objects.filter(pk=scope_id).first()
    if scope is None:
        return
    keys = DeploymentGroup.objects.filter(scope=scope).values_list("key", flat=True)
    applications = {key.partition("/")[0] for key in keys}
    known = set(keys)
    orphans = Deployment.objects.filter(
        scope=scope, group=None, application_name__in=applications
    ).order_by("pk")
    named = orphans.values_list("key", "application_name", "group_name")
    records = [
        DeploymentRecord(key=key, parent=f"{application}/{group}")
        for key, application, group in named
        if f"{application}/{group}" in known
    ]
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        reconcile(REGISTER.get("codedeploy.deployment"), scope, batch, extent=Nothing())
