"""CodeDeploy in the API: deployment groups, and deployments with their targets and events."""

from datetime import datetime
from typing import Any

from django.db.models import Case, Value, When
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.codedeploy.load import targets_read, unread_of
from apps.codedeploy.models import Deployment, DeploymentGroup, Target
from apps.live.moments import parsed
from apps.mirror.asking import hint
from apps.mirror.state import State

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, in_state, thing

deployment_groups = Router()
deployments = Router()

# Targets that a deployment tells by itself; its list of targets has them all.
MOST_TARGETS = 100
FAILED_FIRST = Case(When(state=State.FAILED, then=Value(0)), default=Value(1))


class NarrowDeployments(Narrow):
    """Which deployments are wanted."""

    q: Words = Field(
        "",
        description="Words that all occur, in the id, application, group, revision or description.",
    )
    application: Words = Field("", description="The application's name.")
    group: Words = Field("", description="The deployment group's name.")


class NarrowGroups(Narrow):
    """Which deployment groups are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in application, group or configuration."
    )


class DeployedRevision(Schema):
    """What is deployed: a bundle in S3, a commit on GitHub, or an AppSpec."""

    type: str = Field(description="S3, GitHub, String or AppSpecContent.")
    bucket: str
    key: str
    version: str
    etag: str
    repository: str
    commit_id: str
    sha256: str = Field(description="Of an AppSpec.")


class GroupItem(Thing):
    """A deployment group and its newest deployment, whose status and state it has."""

    application: str
    name: str
    compute_platform: str = Field(description="Server, Lambda or ECS.")
    deployment_type: str = Field(description="IN_PLACE or BLUE_GREEN.")
    deployment_option: str
    config_name: str
    latest_deployment: int | None = Field(description="See /deployments/{id}.")
    latest_created_at: datetime | None
    failing_since: datetime | None
    failed_instances: list[str] = Field(
        description="Instances whose last deployment failed; the next one goes to them first."
    )


class GroupDetail(GroupItem):
    """A deployment group with where and how it deploys, in AWS's words in snake case."""

    service_role: str
    ec2_tag_set: Any
    on_premises_tag_set: Any
    auto_scaling_groups: Any
    ecs_services: Any
    load_balancer_info: Any
    blue_green: Any
    alarm_configuration: Any
    auto_rollback: Any
    triggers: Any
    target_revision: DeployedRevision
    last_attempted: Any
    last_successful: Any


class Overview(Schema):
    """How many targets are in which status."""

    pending: int
    in_progress: int
    succeeded: int
    failed: int
    skipped: int
    ready: int


class DeploymentItem(Thing):
    """A deployment and how it fares."""

    deployment_id: str = Field(description="AWS's id: d-….")
    application: str
    deployment_group: str
    group: int | None = Field(description="See /deployment-groups/{id}.")
    config_name: str
    compute_platform: str
    creator: str
    description: str
    revision: DeployedRevision
    overview: Overview
    traffic_percent: float | None = Field(
        description="How much of the traffic the new version has; null where none is shifted."
    )
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    seconds: int | None
    error_code: str
    error_message: str
    rollback_deployment_id: str = Field(description="The deployment that rolled this one back.")
    rollback_triggering_deployment_id: str = Field(description="The one that this rolls back.")
    rollback_message: str


class LifecycleEvent(Schema):
    """A lifecycle event of a target."""

    name: str
    status: str
    state: str
    start: datetime | None
    end: datetime | None
    seconds: int | None
    error_code: str
    script: str
    message: str


class TargetItem(Thing):
    """An instance, function or service in a deployment."""

    target_id: str
    target_type: str
    label: str = Field(description="Blue (original) or Green (replacement); else empty.")
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int | None
    traffic_percent: float | None
    failing_event: str
    log_tail: str = Field(description="Of the script that failed, what may be a secret masked.")
    lifecycle_events: list[LifecycleEvent]


class DeploymentDetail(DeploymentItem):
    """A deployment with its targets (a hundred at most, failed ones first; /targets has all).

    What of it was not read yet is null, and is read as soon as it was asked for.
    """

    deployment_type: str
    deployment_option: str
    ignore_application_stop_failures: bool
    failed_targets: list[str]
    previous_revision: DeployedRevision
    appspec: str | None = Field(
        description="Its content, what may be a secret masked; null where it was not read yet, "
        "empty where the revision is a bundle or a commit: our page shows or links that."
    )
    appspec_read: bool
    targets: list[TargetItem] | None = Field(description="Null where they were not read yet.")
    targets_read: bool


@deployment_groups.get("", response=answers(PageOf[GroupItem]))
def list_deployment_groups(
    request: HttpRequest, narrow: Query[NarrowGroups], paging: Query[Paging]
) -> Any:
    """Deployment groups by application and name."""
    rows = DeploymentGroup.objects.for_list().present().visible_to(request.user)
    wanted = narrow.dict()
    rows = in_state(rows, "codedeploy.deploymentgroup", wanted.pop("state"))
    rows = rows.matching(**wanted)
    found, following = page_of(rows, paging, name="deployment-groups", by="key")
    return {"items": [_group(request, row) for row in found], "next_cursor": following}


@deployment_groups.get("/{int:group_id}", response=answers(GroupDetail))
def one_deployment_group(request: HttpRequest, group_id: int) -> Any:
    """A deployment group: where it deploys to, and how."""
    rows = DeploymentGroup.objects.visible_to(request.user)
    rows = rows.select_related("scope", "application", "latest_deployment")
    row = get_object_or_404(rows, pk=group_id)
    return {
        **_group(request, row),
        **columns(
            row,
            "service_role",
            "ec2_tag_set",
            "on_premises_tag_set",
            "auto_scaling_groups",
            "ecs_services",
            "load_balancer_info",
            "blue_green",
            "alarm_configuration",
            "auto_rollback",
            "triggers",
            "last_attempted",
            "last_successful",
        ),
        "target_revision": _revision(row.target_revision),
    }


@deployments.get("", response=answers(PageOf[DeploymentItem]))
def list_deployments(
    request: HttpRequest, narrow: Query[NarrowDeployments], paging: Query[Paging]
) -> Any:
    """Deployments, the newest first, as far back as the mirror remembers."""
    wanted = narrow.dict()
    named = {
        "application_name": wanted.pop("application"),
        "group_name": wanted.pop("group"),
    }
    rows = Deployment.objects.for_list().visible_to(request.user).matching(**wanted)
    rows = rows.filter(**{name: value for name, value in named.items() if value})
    found, following = page_of(rows, paging, name="deployments", by="-created_at")
    return {"items": [_deployment(request, row) for row in found], "next_cursor": following}


@deployments.get("/{int:deployment_id}", response=answers(DeploymentDetail))
def one_deployment(request: HttpRequest, deployment_id: int) -> Any:
    """A deployment with its targets and their lifecycle events.

    Targets and an AppSpec that were not read yet are read because somebody asks.
    """
    rows = Deployment.objects.visible_to(request.user).select_related("scope", "group")
    row = get_object_or_404(rows, pk=deployment_id)
    targets = list(_targets(row).order_by(FAILED_FIRST, "target_id", "pk")[:MOST_TARGETS])
    read = bool(targets) or targets_read(row)
    hint(row.scope, unread_of(row, targets_read=read))
    return {
        **_deployment(request, row),
        **columns(
            row,
            "deployment_type",
            "deployment_option",
            "ignore_application_stop_failures",
            "failed_targets",
        ),
        "appspec": None if row.appspec_unread else row.appspec,
        "appspec_read": not row.appspec_unread,
        "previous_revision": _revision(row.previous_revision),
        "targets": [_target(request, one) for one in targets] if read else None,
        "targets_read": read,
    }


@deployments.get("/{int:deployment_id}/targets", response=answers(PageOf[TargetItem]))
def list_targets(request: HttpRequest, deployment_id: int, paging: Query[Paging]) -> Any:
    """The targets of a deployment with their lifecycle events."""
    rows = Deployment.objects.visible_to(request.user)
    row = get_object_or_404(rows.only("pk"), pk=deployment_id)
    name = f"targets.{row.pk}"
    found, following = page_of(_targets(row), paging, name=name, by="target_id")
    return {"items": [_target(request, one) for one in found], "next_cursor": following}


def _targets(deployment: Deployment) -> Any:
    rows = Target.objects.filter(deployment=deployment).select_related("scope", "deployment")
    return rows.order_by("target_id", "pk")


def _group(request: HttpRequest, row: DeploymentGroup) -> dict[str, Any]:
    return {
        **thing(request, "codedeploy.deploymentgroup", row),
        "application": row.application.key,
        "latest_deployment": row.latest_deployment_id,
        **columns(
            row,
            "name",
            "compute_platform",
            "deployment_type",
            "deployment_option",
            "config_name",
            "latest_created_at",
            "failing_since",
            "failed_instances",
        ),
    }


def _deployment(request: HttpRequest, row: Deployment) -> dict[str, Any]:
    return {
        **thing(request, "codedeploy.deployment", row),
        "deployment_id": row.key,
        "application": row.application_name,
        "deployment_group": row.group_name,
        "group": row.group_id,
        "revision": _revision(row.revision),
        "overview": columns(row, *Overview.model_fields),
        **columns(
            row,
            "config_name",
            "compute_platform",
            "creator",
            "description",
            "traffic_percent",
            "created_at",
            "started_at",
            "completed_at",
            "seconds",
            "error_code",
            "error_message",
            "rollback_deployment_id",
            "rollback_triggering_deployment_id",
            "rollback_message",
        ),
    }


def _target(request: HttpRequest, row: Target) -> dict[str, Any]:
    return {
        **thing(request, "codedeploy.target", row),
        **columns(
            row,
            "target_id",
            "target_type",
            "label",
            "started_at",
            "ended_at",
            "seconds",
            "traffic_percent",
            "failing_event",
            "log_tail",
        ),
        "lifecycle_events": [_event(event) for event in row.lifecycle_events],
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    texts = ("name", "status", "state", "error_code", "script", "message")
    seconds = event.get("seconds")
    return {
        **{name: str(event.get(name) or "") for name in texts},
        "start": parsed(event.get("start")),
        "end": parsed(event.get("end")),
        "seconds": None if seconds is None else int(seconds),
    }


def _revision(told: dict[str, Any]) -> dict[str, str]:
    return {name: str(told.get(name) or "") for name in DeployedRevision.model_fields}
