"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.timezone import now

from apps.aws.events import called
from apps.mirror.asking import hint
from apps.mirror.models import Change, ReadToEnd, Scope
from apps.mirror.resource import REGISTER, Cadence, Happened, Heard, Names, Resource, Serves
from apps.mirror.state import UNFINISHED, State

from . import collect, digest, models, registered, serving
from .tasks import adopt_deployments

SOURCE = "aws.codedeploy"
DEPLOYMENT_EVENT = "CodeDeploy Deployment State-change Notification"
INSTANCE_EVENT = "CodeDeploy Instance State-change Notification"
TARGET = "codedeploy.target"
# Finished deployments whose targets are read without anybody asking: those that failed lately, the
# newest of each group and, of instances, the newest that succeeded, which still runs; so many in
# one reading. Of any other, when somebody opens its page.
LATELY = timedelta(days=30)
AT_ONCE = 200


def _deployment_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="codedeploy.deployment", key=str(detail["deploymentId"]))


def _targets_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind=TARGET, parent=str(detail["deploymentId"]))


def _group_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A group that is not known yet needs its application, which is read where it is new."""
    application, group = detail.get("application"), detail.get("deploymentGroup")
    if application and group:
        yield Names(kind="codedeploy.deploymentgroup", key=f"{application}/{group}")


def _group_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Whoever renames a group names it twice: the one name is gone, the other is new."""
    asked = detail["requestParameters"]
    application = asked["applicationName"]
    members = ("deploymentGroupName", "currentDeploymentGroupName", "newDeploymentGroupName")
    for group in dict.fromkeys(asked[member] for member in members if asked.get(member)):
        yield Names(kind="codedeploy.deploymentgroup", key=f"{application}/{group}")


def _application_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Whoever renames an application names it twice, as with groups."""
    asked = detail["requestParameters"]
    for application in filter(None, (asked["applicationName"], asked.get("newApplicationName"))):
        yield Names(kind="codedeploy.application", key=application)


def _application_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    if application := detail.get("application"):
        yield Names(kind="codedeploy.application", key=str(application))


def _on_premises_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Registrations name one instance, changes of tags several."""
    asked = detail["requestParameters"]
    named = [asked["instanceName"]] if "instanceName" in asked else asked["instanceNames"]
    for name in named:
        yield Names(kind="codedeploy.on_premises_instance", key=name)


def _heard(names: Any, *types: str) -> tuple[Heard, ...]:
    return tuple(Heard(source=SOURCE, detail_type=one, names=names) for one in types)


def _targets_wanted(deployments: Any) -> Any:
    """Narrow deployments to those whose targets are read without anybody asking."""
    read = ReadToEnd.objects.filter(
        scope=OuterRef("scope"), kind=TARGET, parent_key=OuterRef("key")
    )
    groups = models.DeploymentGroup.objects.exclude(latest_deployment=None)
    # What still runs on a group's instances where the newest deployment did not get there.
    succeeded = models.Deployment.objects.filter(
        group=OuterRef("pk"), state=State.DONE, compute_platform=models.SERVER
    )
    runs = Subquery(succeeded.order_by("-created_at", "-pk").values("pk")[:1])
    wanted = deployments.filter(
        Q(state__in=UNFINISHED)
        | Q(state=State.FAILED, created_at__gte=now() - LATELY)
        | Q(pk__in=groups.values("latest_deployment"))
        | Q(pk__in=groups.annotate(runs=runs).exclude(runs=None).values("runs"))
    ).filter(~Exists(read))
    newest = wanted.order_by("-created_at", "-pk").values_list("pk", flat=True)[:AT_ONCE]
    return deployments.filter(pk__in=list(newest))


def _begun(deployments: Any) -> Any:
    return deployments.filter(state__in=UNFINISHED).exclude(status__in=collect.NOT_BEGUN)


def _adopt(scope_id: int, changes: Sequence[Change]) -> None:
    if any(change.verb == Change.Verb.APPEARED for change in changes):
        adopt_deployments.delay(scope_id)


def _read_what_follows(scope_id: int, changes: Sequence[Change]) -> None:
    """What began or ended has new targets, and its group has other last deployments."""
    moved = [change for change in changes if "status" in change.before or _begins(change)]
    if not moved:
        return
    scope = Scope.objects.get(pk=scope_id)
    rows = models.Deployment.objects.filter(pk__in=[change.row_id for change in moved])
    names = [
        name
        for key, group in rows.values_list("key", "group__key")
        for name in (
            Names(kind=TARGET, parent=key),
            *([Names(kind="codedeploy.deploymentgroup", key=group)] if group else ()),
        )
    ]
    hint(scope, names)


def _begins(change: Change) -> bool:
    """Whether a deployment was not known yet and runs: finished ones are history that is read."""
    return change.verb == Change.Verb.APPEARED and change.after.get("state") in UNFINISHED


APPLICATION = REGISTER.add(
    Resource(
        kind="codedeploy.application",
        label="deployment applications",
        provider="aws",
        model=models.Application,
        collect=collect.applications,
        cadence=Cadence(cold=timedelta(minutes=5)),
        calls=("codedeploy:ListApplications", "codedeploy:BatchGetApplications"),
        optional=("codedeploy:BatchGetApplications",),
        events=(
            # One that is new shows when a deployment of it begins; asking costs a call each time.
            Heard(
                source=SOURCE,
                detail_type=DEPLOYMENT_EVENT,
                names=_application_of,
                where={"state": ("START",)},
            ),
            # A group that is made names its application, too: it is read first where it is new.
            called(
                SOURCE,
                _application_called_on,
                "CreateApplication",
                "CreateDeploymentGroup",
                "DeleteApplication",
                "UpdateApplication",
            ),
        ),
        keyed=True,
        stamp="application_id",
        held=True,
        url=models.Application.get_absolute_url,
    )
)

DEPLOYMENT_GROUP = REGISTER.add(
    Resource(
        kind="codedeploy.deploymentgroup",
        label="deployment groups",
        provider="aws",
        model=models.DeploymentGroup,
        collect=collect.groups,
        cadence=Cadence(cold=timedelta(minutes=10)),
        calls=("codedeploy:ListDeploymentGroups", "codedeploy:BatchGetDeploymentGroups"),
        optional=("codedeploy:BatchGetDeploymentGroups",),
        events=(
            *_heard(_group_of, DEPLOYMENT_EVENT),
            called(
                SOURCE,
                _group_called_on,
                "CreateDeploymentGroup",
                "UpdateDeploymentGroup",
                "DeleteDeploymentGroup",
            ),
        ),
        parent=("codedeploy.application", "application"),
        asked_by="codedeploy.application",
        keyed=True,
        stamp="group_id",
        after=_adopt,
        held=True,
        url=models.DeploymentGroup.get_absolute_url,
        listed="codedeploy:deployment_groups",
        explain=digest.why_group,
    )
)

DEPLOYMENT_CONFIG = REGISTER.add(
    Resource(
        kind="codedeploy.deploymentconfig",
        label="deployment configurations",
        provider="aws",
        model=models.DeploymentConfig,
        collect=collect.configs,
        cadence=Cadence(cold=timedelta(hours=1)),
        calls=("codedeploy:ListDeploymentConfigs", "codedeploy:GetDeploymentConfig"),
        optional=("codedeploy:GetDeploymentConfig",),
        stamp="config_id",
        goes_with=("goes by",),
        listed="codedeploy:deployment_configs",
    )
)

DEPLOYMENT = REGISTER.add(
    Resource(
        kind="codedeploy.deployment",
        label="deployments",
        provider="aws",
        model=models.Deployment,
        collect=collect.deployments,
        cadence=Cadence(
            cold=timedelta(seconds=60), hot=timedelta(seconds=4), waiting=timedelta(seconds=20)
        ),
        calls=(
            "codedeploy:ListDeployments",
            "codedeploy:BatchGetDeployments",
            "codedeploy:GetApplicationRevision",
        ),
        optional=("codedeploy:GetApplicationRevision",),
        events=_heard(_deployment_of, DEPLOYMENT_EVENT, INSTANCE_EVENT),
        heard_wholly=True,
        parent=("codedeploy.deploymentgroup", "group"),
        history=True,
        keyed=True,
        stamp="appspec_sha256",
        digest=digest.groups,
        after=_read_what_follows,
        happened=Happened(
            at="created_at",
            group="Deployments",
            icon="rocket",
            told=lambda row: row.error_message or row.description,
            by=lambda row: row.creator,
            wide=models.DEPLOYMENT_WIDE,
        ),
        url=models.Deployment.get_absolute_url,
        listed="codedeploy:deployments",
        explain=digest.why_deployment,
    )
)

DEPLOYMENT_TARGET = REGISTER.add(
    Resource(
        kind=TARGET,
        label="deployment targets",
        provider="aws",
        model=models.Target,
        collect=collect.targets,
        cadence=Cadence(
            cold=timedelta(minutes=10), hot=timedelta(seconds=4), waiting=timedelta(seconds=10)
        ),
        calls=("codedeploy:ListDeploymentTargets", "codedeploy:BatchGetDeploymentTargets"),
        events=_heard(_targets_of, DEPLOYMENT_EVENT, INSTANCE_EVENT),
        heard_wholly=True,
        parent=("codedeploy.deployment", "deployment"),
        asked_by="codedeploy.deployment",
        parent_fields=("status", "state", "completed_at"),
        history=True,
        hot_parents=_begun,
        asked_among=_targets_wanted,
        digest=digest.deployments,
        serves=Serves(
            relation="deploys to",
            among=serving.installed,
            newest=(F("ended_at").desc(nulls_last=True), "-pk"),
            told=serving.running,
        ),
        url=lambda target: f"{target.deployment.get_absolute_url()}#target-{target.pk}",
        explain=digest.why_target,
    )
)

ON_PREMISES_INSTANCE = REGISTER.add(
    Resource(
        kind="codedeploy.on_premises_instance",
        label="on-premises instances",
        provider="aws",
        model=models.OnPremisesInstance,
        collect=registered.instances,
        # Machines are registered seldom, and no event tells of their tags where no trail records.
        cadence=Cadence(cold=timedelta(minutes=30)),
        calls=(
            "codedeploy:ListOnPremisesInstances",
            "codedeploy:BatchGetOnPremisesInstances",
        ),
        optional=("codedeploy:BatchGetOnPremisesInstances",),
        events=(
            called(
                SOURCE,
                _on_premises_called_on,
                "AddTagsToOnPremisesInstances",
                "DeregisterOnPremisesInstance",
                "RegisterOnPremisesInstance",
                "RemoveTagsFromOnPremisesInstances",
            ),
        ),
        keyed=True,
        held=True,
        goes_with=("deploys to",),
        url=models.OnPremisesInstance.get_absolute_url,
        listed="codedeploy:on_premises_instances",
    )
)
