"""The records CodeDeploy's collectors yield: a frozen dataclass per kind of models.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.mirror.ask import UNREAD, LinkTo, Unread

JSON = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationRecord:
    """See models.Application."""

    key: str
    arn: str
    application_id: str | Unread = UNREAD
    compute_platform: str | Unread = UNREAD
    linked_to_github: bool | Unread = UNREAD
    github_account: str | Unread = UNREAD
    create_time: datetime | Unread | None = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentGroupRecord:
    """See models.DeploymentGroup. `parent` is the application's name."""

    key: str
    parent: str
    arn: str
    name: str
    group_id: str | Unread = UNREAD
    config_name: str | Unread = UNREAD
    compute_platform: str | Unread = UNREAD
    service_role: str | Unread = UNREAD
    deployment_type: str | Unread = UNREAD
    deployment_option: str | Unread = UNREAD
    ec2_tag_set: JSON = UNREAD
    on_premises_tag_set: JSON = UNREAD
    auto_scaling_groups: JSON = UNREAD
    load_balancer_info: JSON = UNREAD
    blue_green: JSON = UNREAD
    alarm_configuration: JSON = UNREAD
    auto_rollback: JSON = UNREAD
    triggers: JSON = UNREAD
    ecs_services: JSON = UNREAD
    outdated_instances_strategy: str | Unread = UNREAD
    termination_hook_enabled: bool | Unread = UNREAD
    ec2_deployment_options: JSON = UNREAD
    target_revision: JSON = UNREAD
    last_attempted: JSON = UNREAD
    last_successful: JSON = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentConfigRecord:
    """See models.DeploymentConfig."""

    key: str
    arn: str
    predefined: bool
    config_id: str | Unread = UNREAD
    compute_platform: str | Unread = UNREAD
    minimum_healthy_type: str | Unread = UNREAD
    minimum_healthy_value: int | Unread | None = UNREAD
    traffic_type: str | Unread = UNREAD
    traffic_percentage: int | Unread | None = UNREAD
    traffic_interval: int | Unread | None = UNREAD
    zonal_config: JSON = UNREAD
    create_time: datetime | Unread | None = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentRecord:
    """See models.Deployment. `parent` is "<application>/<group>"."""

    key: str
    parent: str | Unread = UNREAD
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    application_name: str | Unread = UNREAD
    group_name: str | Unread = UNREAD
    config_name: str | Unread = UNREAD
    compute_platform: str | Unread = UNREAD
    description: str | Unread = UNREAD
    creator: str | Unread = UNREAD
    created_at: datetime | Unread | None = UNREAD
    started_at: datetime | Unread | None = UNREAD
    completed_at: datetime | Unread | None = UNREAD
    seconds: int | Unread | None = UNREAD
    revision: JSON = UNREAD
    revision_id: str | Unread = UNREAD
    previous_revision: JSON = UNREAD
    appspec: str | Unread = UNREAD
    appspec_sha256: str | Unread = UNREAD
    pending: int | Unread = UNREAD
    in_progress: int | Unread = UNREAD
    succeeded: int | Unread = UNREAD
    failed: int | Unread = UNREAD
    skipped: int | Unread = UNREAD
    ready: int | Unread = UNREAD
    error_code: str | Unread = UNREAD
    error_message: str | Unread = UNREAD
    rollback_deployment_id: str | Unread = UNREAD
    rollback_triggering_deployment_id: str | Unread = UNREAD
    rollback_message: str | Unread = UNREAD
    ignore_application_stop_failures: bool | Unread = UNREAD
    update_outdated_instances_only: bool | Unread = UNREAD
    file_exists_behavior: str | Unread = UNREAD
    deployment_mode: str | Unread = UNREAD
    deployment_type: str | Unread = UNREAD
    deployment_option: str | Unread = UNREAD
    auto_rollback: JSON = UNREAD
    target_instances: JSON = UNREAD
    blue_green: JSON = UNREAD
    instance_termination_wait_started: bool | Unread = UNREAD
    load_balancer_info: JSON = UNREAD
    override_alarms: JSON = UNREAD
    ec2_deployment_options: JSON = UNREAD
    related_deployments: JSON = UNREAD
    additional_status: str | Unread = UNREAD
    status_messages: JSON = UNREAD
    external_id: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetRecord:
    """See models.Target. `parent` is the deployment's id."""

    key: str
    parent: str
    arn: str
    status: str
    state: str
    target_id: str
    target_type: str
    label: str
    last_updated_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int | None
    lifecycle_events: list[dict[str, Any]]
    function: dict[str, Any]
    task_sets: list[dict[str, Any]]
    resource_type: str
    traffic_percent: float | None
    failing_event: str
    failing_code: str
    failing_script: str
    failing_message: str
    log_tail: str
    log_mark: int | None
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OnPremisesInstanceRecord:
    """See models.OnPremisesInstance."""

    key: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    iam_user_arn: str | Unread = UNREAD
    iam_session_arn: str | Unread = UNREAD
    registered_at: datetime | Unread | None = UNREAD
    deregistered_at: datetime | Unread | None = UNREAD
    tags: dict[str, str] | Unread = UNREAD
