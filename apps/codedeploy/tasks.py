"""Celery's side of CodeDeploy: groups for deployments that came before them, AppSpecs out of S3."""

from functools import partial
from typing import Any

from celery import shared_task

from apps.mirror import looks
from apps.mirror.linestore import Contents
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.reconcile import BATCH, Nothing, reconcile
from apps.mirror.resource import REGISTER

from . import bundle, masking
from .lines import follower_of, store_of
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


@shared_task(name="codedeploy.read_appspec")
def read_appspec(deployment_id: int, ticket: str) -> None:
    """Read the AppSpec of a deployment out of S3 into the cache, one reader however many look."""
    deployment = Deployment.objects.select_related("scope").filter(pk=deployment_id).first()
    if deployment is not None and deployment.in_s3:
        looks.read_whole(
            store_of(deployment_id),
            follower_of(deployment_id),
            ticket,
            f"appspec:{deployment_id}",
            partial(_appspec, deployment),
        )


def _appspec(deployment: Deployment, contents: Contents) -> list[str]:
    """Return the AppSpec's lines; where there are none, say on the contents why.

    A bucket that refuses says nothing of the scope, whose health is left alone.
    """
    reach: Any = None
    try:
        reach = PROVIDERS.get(deployment.scope.provider).open(deployment.scope, urgent=True)
        lines = masking.text(bundle.read(reach, deployment.revision)).rstrip("\n").split("\n")
    except Exception as error:  # noqa: BLE001 - classified, and told beside the AppSpec
        note, contents.done = bundle.why(error, deployment.revision)
        contents.say(note)
        return []
    finally:
        if reach is not None:
            reach.close()
    contents.done = True
    contents.say(None)
    return lines
