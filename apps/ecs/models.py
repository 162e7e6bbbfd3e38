"""ECS clusters, services and the task definitions they run, as last read."""

from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import URGENCY, State

from .console import cluster_url, service_url, task_definition_url

# Columns of a service that only its page shows.
WIDE = (
    "capacity_provider_strategy",
    "deployment_configuration",
    "task_sets",
    "load_balancers",
    "tags",
)


class Cluster(Mirrored):
    """A cluster.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html

    `key` is the name.
    """

    running_tasks_count = models.PositiveIntegerField(default=0)
    pending_tasks_count = models.PositiveIntegerField(default=0)
    active_services_count = models.PositiveIntegerField(default=0)
    registered_container_instances_count = models.PositiveIntegerField(default=0)
    capacity_providers = models.JSONField(default=list)
    tags = models.JSONField(default=dict)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    def get_absolute_url(self) -> str:
        """Path of the cluster's page."""
        return reverse("ecs:cluster", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The cluster in AWS's console."""
        return cluster_url(self.scope.region, self.key)


# What `status` says of a rollout: ECS's three words, and two of ours (see `records`).
ROLLOUTS = frozenset({"IN_PROGRESS", "COMPLETED", "FAILED", "ROLLED_BACK", "STUCK"})


class ServiceQuerySet(MirroredQuerySet):
    """Services the way lists want them."""

    def for_list(self) -> Self:
        """With scope and cluster, what is broken first; without what only its page shows."""
        return self.select_related("scope", "cluster").defer(*WIDE).order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in cluster, name or task definition, by our state and place."""
        rows = self.containing(q, "key", "task_definition")
        return rows.narrowed(state=state, account=account, region=region)


class Service(Mirrored):
    """A service: what it is to run, what runs, and how its deployments go.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html

    `key` is "<cluster>/<service>". `status` is the rollout's state of the newest deployment, else
    the service's; ROLLED_BACK where it went back to an older one, STUCK where it goes on and
    nothing of it runs. Times as ISO text.

    `deployments` is `[{id, status, task_definition, desired, pending, running, failed, created_at,
    updated_at, launch_type, rollout_state, state, reason}]`, `task_sets` (CodeDeploy's) `[{id, arn,
    status, task_definition, desired, pending, running, percent, created_at, updated_at,
    external_id, stability, state}]`, `events` the newest ten `[{id, at, message, trouble}]`.
    `stopped_tasks` is `[{id, task_definition, at, code, reason, container, exit_code,
    container_reason}]`, read where the service is in trouble. `deployment_configuration` is
    `{strategy, maximum_percent, minimum_healthy_percent, circuit_breaker, rolls_back, alarms}`,
    `load_balancers` `[{target_group, name, container, port}]`, `capacity_provider_strategy`
    `[{provider, weight, base}]`. `definitions` names the task definitions of all its deployments,
    `definitions_read` those that were read.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=255, blank=True)
    desired_count = models.PositiveIntegerField(default=0)
    running_count = models.PositiveIntegerField(default=0)
    pending_count = models.PositiveIntegerField(default=0)
    launch_type = models.CharField(max_length=32, blank=True)
    platform_version = models.CharField(max_length=32, blank=True)
    capacity_provider_strategy = models.JSONField(default=list)
    scheduling_strategy = models.CharField(max_length=16, blank=True)
    deployment_controller = models.CharField(max_length=32, blank=True)
    deployment_configuration = models.JSONField(default=dict)
    task_definition = models.CharField(max_length=2048, blank=True)
    definitions = models.CharField(max_length=1024, blank=True)
    definitions_read = models.CharField(max_length=1024, blank=True)
    deployments = models.JSONField(default=list)
    task_sets = models.JSONField(default=list)
    events = models.JSONField(default=list)
    load_balancers = models.JSONField(default=list)
    role_arn = models.CharField(max_length=2048, blank=True)
    grace_seconds = models.PositiveBigIntegerField(null=True)
    created = models.DateTimeField(null=True)
    rolled_back = models.BooleanField(default=False)
    tags = models.JSONField(default=dict)
    stopped_tasks = models.JSONField(default=list)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    objects: ClassVar[Any] = ServiceQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="ecs_service_by_urgency"),
        ]

    def __str__(self) -> str:
        return self.name or self.key

    def get_absolute_url(self) -> str:
        """Path of the service's page."""
        return reverse("ecs:service", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The service in AWS's console."""
        cluster, _, name = self.key.partition("/")
        return service_url(self.scope.region, cluster, name)

    @property
    def own_status(self) -> str:
        """ECS's word for the service: `status` is its rollout's, or ours, while it is ACTIVE."""
        return "ACTIVE" if self.status in ROLLOUTS else self.status

    @property
    def deployed_by(self) -> str:
        """Who brings out what is new, in words."""
        words = {"ECS": "rolling update", "CODE_DEPLOY": "CodeDeploy", "EXTERNAL": "somebody else"}
        return words.get(self.deployment_controller, self.deployment_controller)

    @property
    def runs_on(self) -> str:
        """On what its tasks run, in words."""
        if not self.launch_type:
            return "capacity providers"
        return self.launch_type if self.launch_type == "EC2" else self.launch_type.capitalize()

    @property
    def running_definitions(self) -> list[str]:
        """ARNs of the task definitions that its tasks run, the newest first; [] where none runs.

        CodeDeploy's task sets are no deployments: `task_definition` is what they run.
        """
        running = [one.get("task_definition") for one in self.deployments if one.get("running")]
        return [str(arn) for arn in dict.fromkeys(running) if arn]

    @property
    def task_definition_name(self) -> str:
        """The task definition it is to run: "<family>:<revision>"."""
        return self.task_definition.rpartition("task-definition/")[2]


class TaskDefinition(Mirrored):
    """A revision of a task definition: what runs in its containers. It never changes.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html

    `key` is "<family>:<revision>"; `service` the one for which it was read; `described` its ARN.
    `containers` is `[{name, image, essential, cpu, memory, ports, environment, secrets: [{name,
    from}], log_driver, log: {group, region, prefix}, health_check}]`. Values of `environment` are
    dropped, as are commands and labels.
    """

    service = models.ForeignKey(
        Service, on_delete=models.SET_NULL, null=True, related_name="task_definitions"
    )
    described = models.CharField(max_length=2048, blank=True)
    family = models.CharField(max_length=255, blank=True)
    revision = models.PositiveIntegerField(default=0)
    containers = models.JSONField(default=list)
    network_mode = models.CharField(max_length=16, blank=True)
    cpu = models.CharField(max_length=32, blank=True)
    memory = models.CharField(max_length=32, blank=True)
    runtime_platform = models.CharField(max_length=64, blank=True)
    compatibilities = models.JSONField(default=list)
    task_role_arn = models.CharField(max_length=2048, blank=True)
    execution_role_arn = models.CharField(max_length=2048, blank=True)
    registered_at = models.DateTimeField(null=True)
    registered_by = models.CharField(max_length=2048, blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["family", "-revision"]

    def get_absolute_url(self) -> str:
        """Path of the task definition's page."""
        return reverse("ecs:task_definition", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The task definition in AWS's console."""
        return task_definition_url(self.scope.region, self.family, self.revision)
