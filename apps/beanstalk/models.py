"""Applications, versions, environments and what belongs to these, as last read from Beanstalk."""

from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import UNFINISHED, URGENCY, State

from .console import application_url, environment_url

# Where nothing is known of an environment, it stands behind those that are not well: as
# `health.urgency` places what is unknown.
UNTOLD = 2 * URGENCY[State.UNKNOWN] + 1


class ApplicationQuerySet(MirroredQuerySet):
    """Applications the way lists want them."""

    def for_list(self) -> Self:
        """With their scope, by name."""
        return self.select_related("scope").order_by("key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name or description, by our state, account and region."""
        rows = self.containing(q, "key", "description")
        return rows.narrowed(state=state, account=account, region=region)


class Application(Mirrored):
    """An application and, denormalised, how the worst of its environments fares.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationDescription.html

    `key` is its name. `lifecycle` is AWS's ResourceLifecycleConfig in snake case: after how many
    versions, or days, AWS deletes old ones.
    """

    description = models.CharField(max_length=512, blank=True)
    configuration_templates = models.JSONField(default=list)
    lifecycle = models.JSONField(default=dict)
    date_created = models.DateTimeField(null=True)
    date_updated = models.DateTimeField(null=True)

    objects: ClassVar[Any] = ApplicationQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    def get_absolute_url(self) -> str:
        """Path of the application's page."""
        return reverse("beanstalk:application", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The application in AWS's console."""
        return application_url(self.scope.region, self.key)


class VersionQuerySet(MirroredQuerySet):
    """Versions the way pages want them."""

    def newest(self) -> Self:
        """Newest first."""
        return self.order_by("-date_created", "-pk")


class Version(Mirrored):
    """An application version: a bundle that environments serve.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationVersionDescription.html

    `key` is "<application>/<label>". AWS deletes versions, by hand or by the application's
    lifecycle; one that is gone keeps its row, because it ran. `source_bundle` is `{s3_bucket,
    s3_key}`, `source_build` `{source_type, source_repository, source_location}`, `image` what it
    was made into a container image with. `process` says whether AWS was to validate it beforehand.
    """

    application = models.ForeignKey(
        Application, on_delete=models.SET_NULL, null=True, related_name="versions"
    )
    application_name = models.CharField(max_length=128, blank=True)
    version_label = models.CharField(max_length=128, blank=True)
    description = models.CharField(max_length=512, blank=True)
    source_bundle = models.JSONField(default=dict)
    source_build = models.JSONField(default=dict)
    image = models.JSONField(default=dict)
    build_arn = models.CharField(max_length=2048, blank=True)
    process = models.BooleanField(default=False)
    date_created = models.DateTimeField(null=True)
    date_updated = models.DateTimeField(null=True)

    objects: ClassVar[Any] = VersionQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-date_created", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(
                fields=["application", "-date_created", "-id"], name="beanstalk_version_newest"
            ),
        ]

    def __str__(self) -> str:
        return self.version_label or self.key

    @property
    def page_url(self) -> str:
        """Path of where it is shown: among its application's versions; "" where that is unknown."""
        if self.application_id is None:
            return ""
        return f"{reverse('beanstalk:application', args=[self.application_id])}#version-{self.pk}"


class EnvironmentQuerySet(MirroredQuerySet):
    """Environments the way lists want them."""

    def for_list(self) -> Self:
        """With their scope, what is broken first; without the columns only its page shows."""
        return (
            self.select_related("scope")
            .defer("load_balancer", "environment_links", "instances", "managed")
            .order_by("urgency", "key", "pk")
        )

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in what it is called and runs, by our state, account and region."""
        columns = ("key", "application_name", "version_label", "cname", "solution_stack_name")
        rows = self.containing(q, *columns, "environment_id__exact")
        return rows.narrowed(state=state, account=account, region=region)


class Environment(Mirrored):
    """An environment: what runs a version of an application, and how it fares.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_EnvironmentDescription.html

    `key` is its name, which is unique in a region; one that is made anew under a name goes on in
    the same row. `status` is AWS's status, `health` the colour, `health_status` enhanced health's
    word ("" where it has basic health only). `causes` and `instances_health` are what
    DescribeEnvironmentHealth says while it is not plainly well; how many requests fail is a metric,
    and would be another each time.

    Denormalised: `errors` `[{at, message, request_id, version_label}]` of its newest events of
    severity ERROR or FATAL, the oldest first; `settled_at` when it last was well or an operation
    ended well by its events; `instances` `[{id, status, state, calm, version_label}]`; `managed`
    `[{id, type, status, state, description, window_start, executed_at, finished_at, why}]` of what
    AWS is to do to it by itself, of the newest such action that is over, and of the last that
    failed.
    """

    application = models.ForeignKey(
        Application, on_delete=models.SET_NULL, null=True, related_name="environments"
    )
    application_name = models.CharField(max_length=128, blank=True)
    environment_id = models.CharField(max_length=32, blank=True)
    version_label = models.CharField(max_length=128, blank=True)
    description = models.CharField(max_length=512, blank=True)
    health = models.CharField(max_length=16, blank=True)
    health_status = models.CharField(max_length=16, blank=True)
    cname = models.CharField(max_length=255, blank=True)
    endpoint_url = models.CharField(max_length=1024, blank=True)
    solution_stack_name = models.CharField(max_length=255, blank=True)
    platform_arn = models.CharField(max_length=2048, blank=True)
    template_name = models.CharField(max_length=128, blank=True)
    tier_name = models.CharField(max_length=32, blank=True)
    tier_type = models.CharField(max_length=32, blank=True)
    tier_version = models.CharField(max_length=32, blank=True)
    load_balancer = models.JSONField(default=dict)
    environment_links = models.JSONField(default=list)
    operations_role = models.CharField(max_length=2048, blank=True)
    abortable_operation_in_progress = models.BooleanField(default=False)
    date_created = models.DateTimeField(null=True)
    date_updated = models.DateTimeField(null=True)
    causes = models.JSONField(default=list)
    instances_health = models.JSONField(default=dict)
    urgency = models.SmallIntegerField(default=UNTOLD)

    # What an environment that is not plainly well looked like, "" where it is well; and what it
    # looked like when its instances were read.
    instances_due = models.CharField(max_length=32, blank=True)
    instances_read = models.CharField(max_length=32, blank=True)

    errors = models.JSONField(default=list)
    settled_at = models.DateTimeField(null=True)
    instances = models.JSONField(default=list)
    managed = models.JSONField(default=list)

    objects: ClassVar[Any] = EnvironmentQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="beanstalk_env_by_urgency"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the environment's page."""
        return reverse("beanstalk:environment", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The environment in AWS's console."""
        return environment_url(self.scope.region, self.environment_id)

    @property
    def word(self) -> str:
        """AWS's word for how it fares: its status while that moves, else its health."""
        if self.state in UNFINISHED or self.status != "Ready":
            return str(self.status)
        return str(self.health_status or self.health or self.status)

    @property
    def url(self) -> str:
        """Where it answers, "" for a worker."""
        # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
        return f"http://{self.cname}" if self.cname and self.tier_name != "Worker" else ""

    @property
    def platform(self) -> str:
        """The platform in the words people choose it by; of a custom one the end of its ARN."""
        return str(self.solution_stack_name or self.platform_arn.rpartition(":platform/")[2])


class Event(Mirrored):
    """What Beanstalk said of an environment; written once and kept for a while.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_EventDescription.html

    AWS gives events no id: `key` is its time and a digest of what it says. `status` is its
    severity.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="events")
    event_date = models.DateTimeField(null=True)
    message = models.TextField(blank=True)
    application_name = models.CharField(max_length=128, blank=True)
    version_label = models.CharField(max_length=128, blank=True)
    template_name = models.CharField(max_length=128, blank=True)
    platform_arn = models.CharField(max_length=2048, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-event_date", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(
                fields=["environment", "-event_date", "-id"], name="beanstalk_event_newest"
            ),
            models.Index(fields=["event_date"], name="beanstalk_event_by_date"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.message[:80]}"


class Instance(Mirrored):
    """An instance of an environment as enhanced health sees it.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_SingleInstanceHealth.html

    `key` is the EC2 instance's id, `arn` its ARN. `status` is its health. `system` is
    `{cpu_utilization: {user, system, idle, io_wait, …}, load_average: [1, 5 minutes]}`, in per cent
    and runnable processes; `version_label` what was deployed to it last.
    """

    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="instance_rows"
    )
    color = models.CharField(max_length=16, blank=True)
    causes = models.JSONField(default=list)
    launched_at = models.DateTimeField(null=True)
    application_metrics = models.JSONField(default=dict)
    system = models.JSONField(default=dict)
    version_label = models.CharField(max_length=128, blank=True)
    deployment_id = models.BigIntegerField(null=True)
    deployment_status = models.CharField(max_length=32, blank=True)
    deployment_time = models.DateTimeField(null=True)
    availability_zone = models.CharField(max_length=32, blank=True)
    instance_type = models.CharField(max_length=32, blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    @property
    def page_url(self) -> str:
        """Path of where it is shown: on its environment's page."""
        path = reverse("beanstalk:environment", args=[self.environment_id])
        return f"{path}#instance-{self.pk}"


class ManagedAction(Mirrored):
    """What AWS does to an environment by itself: a platform update, or new instances.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ManagedAction.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ManagedActionHistoryItem.html

    `key` is "<environment>/<ActionId>". `state` is empty while it is scheduled. `window_start` is
    told until it is over; `executed_at`, `finished_at` and the failure from then on.
    """

    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="managed_actions"
    )
    action_type = models.CharField(max_length=32, blank=True)
    description = models.TextField(blank=True)
    window_start = models.DateTimeField(null=True)
    executed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure_type = models.CharField(max_length=64, blank=True)
    failure_description = models.TextField(blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-finished_at", "-pk"]

    def __str__(self) -> str:
        return self.description or self.key

    @property
    def page_url(self) -> str:
        """Path of where it is shown: on its environment's page."""
        path = reverse("beanstalk:environment", args=[self.environment_id])
        return f"{path}#managed"
