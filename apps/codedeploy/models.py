"""CodeDeploy's applications, groups, configurations, deployments and their targets as last read."""

from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import UNFINISHED, URGENCY, State

from . import words
from .console import application_url, deployment_url, group_url
from .premises import OnPremisesInstance as OnPremisesInstance

SERVER = "Server"
# Columns of a group or a deployment that only its page shows.
GROUP_WIDE = (
    "ec2_tag_set",
    "on_premises_tag_set",
    "auto_scaling_groups",
    "load_balancer_info",
    "blue_green",
    "alarm_configuration",
    "auto_rollback",
    "triggers",
    "ecs_services",
    "ec2_deployment_options",
    "target_revision",
    "last_successful",
)
DEPLOYMENT_WIDE = (
    "previous_revision",
    "appspec",
    "auto_rollback",
    "target_instances",
    "blue_green",
    "load_balancer_info",
    "override_alarms",
    "ec2_deployment_options",
    "related_deployments",
    "status_messages",
)


class Application(Mirrored):
    """An application: a name under which revisions go to deployment groups.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ApplicationInfo.html

    `key` is the name; AWS returns no ARN. `compute_platform` is Server, Lambda or ECS.
    """

    application_id = models.CharField(max_length=64, blank=True)
    compute_platform = models.CharField(max_length=16, blank=True)
    linked_to_github = models.BooleanField(default=False)
    github_account = models.CharField(max_length=255, blank=True)
    create_time = models.DateTimeField(null=True)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    def get_absolute_url(self) -> str:
        """Path of the application's page."""
        return reverse("codedeploy:application", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The application in AWS's console."""
        return application_url(self.scope.region, self.key)


class DeploymentGroupQuerySet(MirroredQuerySet):
    """Deployment groups the way lists want them."""

    def present(self) -> Self:
        """Those that CodeDeploy still lists: none of an application that is gone or was renamed."""
        return super().present().filter(application__gone_at=None)

    def for_list(self) -> Self:
        """With scope, application and newest deployment, what is broken first."""
        rows = self.select_related("scope", "application", "latest_deployment")
        rows = rows.defer(*GROUP_WIDE, *(f"latest_deployment__{name}" for name in DEPLOYMENT_WIDE))
        return rows.order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in application, group or configuration, by our state and by place."""
        rows = self.containing(q, "key", "config_name")
        return rows.narrowed(state=state, account=account, region=region)


class DeploymentGroup(Mirrored):
    """A deployment group: where an application's revisions go, and how.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html

    `key` is "<application>/<group>"; AWS returns no ARN. `status` and `state` are the newest
    deployment's. JSON columns hold AWS's structure in snake case: `ec2_tag_set` and
    `on_premises_tag_set` are lists of lists of `{key, value, type}` (an instance has one tag of
    each list; plain tag filters are a set of one list), `auto_scaling_groups` is `[{name, hook,
    termination_hook}]`, `triggers` `[{name, target_arn, events}]`, `ecs_services` `[{service,
    cluster}]`, `last_attempted` and `last_successful` `{deployment_id, status, create_time,
    end_time}`; revisions as in `Deployment`. `recent` is `[{id, name, state, status, seconds}]`:
    the newest deployments, the oldest first. `failed_instances` are the ids of the instances whose
    last deployment failed: CodeDeploy goes to them first in the next one.
    """

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="deployment_groups"
    )
    name = models.CharField(max_length=100, blank=True)
    group_id = models.CharField(max_length=64, blank=True)
    config_name = models.CharField(max_length=100, blank=True)
    compute_platform = models.CharField(max_length=16, blank=True)
    service_role = models.CharField(max_length=2048, blank=True)
    deployment_type = models.CharField(max_length=16, blank=True)
    deployment_option = models.CharField(max_length=32, blank=True)
    ec2_tag_set = models.JSONField(default=list)
    on_premises_tag_set = models.JSONField(default=list)
    auto_scaling_groups = models.JSONField(default=list)
    load_balancer_info = models.JSONField(default=dict)
    blue_green = models.JSONField(default=dict)
    alarm_configuration = models.JSONField(default=dict)
    auto_rollback = models.JSONField(default=dict)
    triggers = models.JSONField(default=list)
    ecs_services = models.JSONField(default=list)
    outdated_instances_strategy = models.CharField(max_length=16, blank=True)
    termination_hook_enabled = models.BooleanField(default=False)
    ec2_deployment_options = models.JSONField(default=dict)
    target_revision = models.JSONField(default=dict)
    last_attempted = models.JSONField(default=dict)
    last_successful = models.JSONField(default=dict)

    latest_deployment = models.ForeignKey(
        "Deployment", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    latest_created_at = models.DateTimeField(null=True)
    # Start of the first of the failed deployments in a row that end in the newest.
    failing_since = models.DateTimeField(null=True)
    failed_instances = models.JSONField(default=list)
    recent = models.JSONField(default=list)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    objects: ClassVar[Any] = DeploymentGroupQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="deployment_group_by_urgency"),
        ]

    def __str__(self) -> str:
        return self.key.replace("/", " / ", 1)

    def get_absolute_url(self) -> str:
        """Path of the group's page."""
        return reverse("codedeploy:deployment_group", args=[self.pk])

    @property
    def unread_deployment(self) -> str:
        """The id of the deployment that CodeDeploy names while none of the group was read."""
        return (
            "" if self.latest_deployment_id else str(self.last_attempted.get("deployment_id", ""))
        )

    @property
    def console_url(self) -> str:
        """The group in AWS's console."""
        application, _, group = self.key.partition("/")
        return group_url(self.scope.region, application, group)

    @property
    def style_in_words(self) -> str:
        """In place or blue/green, with or without a load balancer."""
        return words.style(self.deployment_type, self.deployment_option)


class DeploymentConfig(Mirrored):
    """A deployment configuration: how many instances, or how much traffic, at a time.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentConfigInfo.html

    `key` is the name; AWS returns no ARN. Intervals are minutes, `zonal_config` is
    `{first_zone_monitor_duration_in_seconds, monitor_duration_in_seconds,
    minimum_healthy_hosts_per_zone: {type, value}}`. What AWS predefines is told by its name.
    """

    config_id = models.CharField(max_length=64, blank=True)
    compute_platform = models.CharField(max_length=16, blank=True)
    predefined = models.BooleanField(default=False)
    minimum_healthy_type = models.CharField(max_length=16, blank=True)
    minimum_healthy_value = models.PositiveIntegerField(null=True)
    traffic_type = models.CharField(max_length=32, blank=True)
    traffic_percentage = models.PositiveIntegerField(null=True)
    traffic_interval = models.PositiveIntegerField(null=True)
    zonal_config = models.JSONField(default=dict)
    create_time = models.DateTimeField(null=True)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        # Those of `Mirrored`, by shorter names: with the model's they are too long for databases.
        indexes: ClassVar = [
            models.Index(fields=["arn"], name="deployment_config_arn"),
            models.Index(fields=["scope", "state"], name="deployment_config_state"),
        ]

    @property
    def in_words(self) -> str:
        """What it does: "10 percent for 5 minutes, then the rest"."""
        return words.configuration(
            self.key,
            minimum=(self.minimum_healthy_type, self.minimum_healthy_value),
            traffic=(self.traffic_type, self.traffic_percentage, self.traffic_interval),
            zones=self.zonal_config,
        )


class DeploymentQuerySet(MirroredQuerySet):
    """Deployments the way lists want them."""

    def for_list(self) -> Self:
        """With scope and group, the newest first; without the columns that only its page shows."""
        rows = self.select_related("scope", "group")
        rows = rows.defer(*DEPLOYMENT_WIDE, *(f"group__{name}" for name in GROUP_WIDE))
        return rows.order_by("-created_at", "-pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in id, application, group or revision, by our state and by place."""
        rows = self.containing(
            q, "key", "application_name", "group_name", "revision_id__istartswith", "description"
        )
        return rows.narrowed(state=state, account=account, region=region)


class Deployment(Mirrored):
    """One deployment of a revision to a group.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html

    `key` and `arn` are AWS's id "d-…". Times are AWS's create, start and complete time. A
    `revision` is `{type, bucket, key, bundle_type, version, etag, repository, commit_id, sha256}`;
    `revision_id` is what tells it from the next. `appspec` is the content of an AppSpec, what may
    be a secret in it masked; it is read apart, and `appspec_sha256` says of which. The counts are
    AWS's overview of targets.

    What the targets tell: `strip` is `[{id, name, state, status, label, event}]`, one a target,
    `traffic_percent` how much traffic the new version has (Lambda, ECS), `failed_targets` the ids
    of those that failed, `cause_target` that of the one which failed first, and `cause` why it did,
    in a few lines.
    """

    group = models.ForeignKey(
        DeploymentGroup, on_delete=models.SET_NULL, null=True, related_name="deployments"
    )
    application_name = models.CharField(max_length=100, blank=True)
    group_name = models.CharField(max_length=100, blank=True)
    config_name = models.CharField(max_length=100, blank=True)
    compute_platform = models.CharField(max_length=16, blank=True)
    description = models.TextField(blank=True)
    creator = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    seconds = models.PositiveIntegerField(null=True)
    revision = models.JSONField(default=dict)
    revision_id = models.CharField(max_length=255, blank=True)
    previous_revision = models.JSONField(default=dict)
    appspec = models.TextField(blank=True)
    appspec_sha256 = models.CharField(max_length=64, blank=True)
    pending = models.PositiveIntegerField(default=0)
    in_progress = models.PositiveIntegerField(default=0)
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    ready = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    # Ids of the deployment that rolled this one back, and of the one that this rolls back.
    rollback_deployment_id = models.CharField(max_length=64, blank=True)
    rollback_triggering_deployment_id = models.CharField(max_length=64, blank=True)
    rollback_message = models.TextField(blank=True)
    ignore_application_stop_failures = models.BooleanField(default=False)
    update_outdated_instances_only = models.BooleanField(default=False)
    file_exists_behavior = models.CharField(max_length=16, blank=True)
    deployment_mode = models.CharField(max_length=16, blank=True)
    deployment_type = models.CharField(max_length=16, blank=True)
    deployment_option = models.CharField(max_length=32, blank=True)
    auto_rollback = models.JSONField(default=dict)
    target_instances = models.JSONField(default=dict)
    blue_green = models.JSONField(default=dict)
    # The original instances of a blue/green deployment wait to be terminated.
    instance_termination_wait_started = models.BooleanField(default=False)
    load_balancer_info = models.JSONField(default=dict)
    override_alarms = models.JSONField(default=dict)
    ec2_deployment_options = models.JSONField(default=dict)
    related_deployments = models.JSONField(default=dict)
    additional_status = models.TextField(blank=True)
    status_messages = models.JSONField(default=list)
    external_id = models.CharField(max_length=512, blank=True)

    strip = models.JSONField(default=list)
    traffic_percent = models.FloatField(null=True)
    failed_targets = models.JSONField(default=list)
    cause = models.TextField(blank=True)
    cause_target = models.CharField(max_length=512, blank=True)

    objects: ClassVar[Any] = DeploymentQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["group", "-created_at", "-id"], name="deployment_of_group_newest"),
            models.Index(fields=["-created_at", "-id"], name="deployment_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="deployment_state_newest"),
            models.Index(fields=["revision_id"], name="deployment_by_revision"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the deployment's page."""
        return reverse("codedeploy:deployment", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The deployment in AWS's console."""
        return deployment_url(self.scope.region, self.key)

    @property
    def unfinished(self) -> bool:
        """Whether it still runs."""
        return self.state in UNFINISHED

    @property
    def whole(self) -> int:
        """How many targets it has."""
        return (
            self.pending
            + self.in_progress
            + self.succeeded
            + self.failed
            + self.skipped
            + self.ready
        )

    @property
    def overview(self) -> list[tuple[str, int]]:
        """AWS's counts by their names, without those that are nought."""
        counts = (
            ("pending", self.pending),
            ("in progress", self.in_progress),
            ("succeeded", self.succeeded),
            ("failed", self.failed),
            ("skipped", self.skipped),
            ("ready", self.ready),
        )
        return [(name, count) for name, count in counts if count]

    @property
    def revision_in_words(self) -> str:
        """What is deployed, as people tell it from the one before."""
        return words.revision(self.revision)

    @property
    def style_in_words(self) -> str:
        """In place or blue/green, with or without a load balancer."""
        return words.style(self.deployment_type, self.deployment_option)

    @property
    def creator_in_words(self) -> str:
        """Who or what began it."""
        return words.creator(self.creator)

    @property
    def on_instances(self) -> bool:
        """Whether an agent installs files on instances, also where AWS tells no platform."""
        return self.compute_platform in (SERVER, "")

    @property
    def in_s3(self) -> bool:
        """Whether it deploys a bundle, or an AppSpec, that lies in S3."""
        return bool(self.revision.get("type") == "S3")

    @property
    def appspec_url(self) -> str:
        """Where GitHub shows the AppSpec of the commit it deploys, "" for anything else."""
        return words.appspec_on_github(self.revision)

    @property
    def appspec_unread(self) -> bool:
        """Whether it deploys an AppSpec whose content was not read yet."""
        sha = self.revision.get("sha256")
        return bool(sha) and self.appspec_sha256 != sha


class Target(Mirrored):
    """An instance, function or service in one deployment, and its lifecycle events.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentTarget.html

    `key` is "<deployment id>/<target id>", `arn` AWS's targetArn: the instance's, function's or
    service's. `lifecycle_events` is `[{name, status, state, start, end, seconds, error_code,
    script, message}]` in AWS's order (times as ISO text). `function` is Lambda's `{name, alias,
    current_version, target_version, target_version_weight}`, `task_sets` ECS's `[{identifier,
    label, status, desired, running, pending, traffic_weight, target_group}]`.

    Of the first event that failed: its name, the script's name, what the agent says, and the tail
    of the script's log with what may be a secret masked; `log_mark` is the position of the line
    that says the error, null where none does.
    """

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="targets")
    target_id = models.CharField(max_length=512, blank=True)
    target_type = models.CharField(max_length=32, blank=True)
    # Blue (the original) or Green (the replacement); "" where there is no such thing.
    label = models.CharField(max_length=16, blank=True)
    last_updated_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seconds = models.PositiveIntegerField(null=True)
    lifecycle_events = models.JSONField(default=list)
    function = models.JSONField(default=dict)
    task_sets = models.JSONField(default=list)
    resource_type = models.CharField(max_length=255, blank=True)
    traffic_percent = models.FloatField(null=True)
    failing_event = models.CharField(max_length=64, blank=True)
    failing_code = models.CharField(max_length=32, blank=True)
    failing_script = models.CharField(max_length=512, blank=True)
    failing_message = models.TextField(blank=True)
    log_tail = models.TextField(blank=True)
    log_mark = models.PositiveIntegerField(null=True)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["deployment", "id"], name="target_of_deployment"),
        ]

    def __str__(self) -> str:
        return self.key.replace("/", ": ", 1)
