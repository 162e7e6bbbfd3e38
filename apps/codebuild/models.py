"""Build projects and builds as last read from CodeBuild."""

from typing import Any, ClassVar, Self
from urllib.parse import quote

from django.db import models
from django.urls import reverse

from apps.aws.console import console
from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import UNFINISHED, URGENCY, State

from .console import build_url, project_url
from .reports import Results, results_of


class ProjectQuerySet(MirroredQuerySet):
    """Projects the way lists want them."""

    def for_list(self) -> Self:
        """With scope and newest build, what is broken first."""
        return self.select_related("scope", "latest_build").order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name, description or source, by our state, account and region."""
        rows = self.containing(q, "key", "description", "source_location")
        return rows.narrowed(state=state, account=account, region=region)


class Project(Mirrored):
    """A build project and, denormalised, how its newest build fares.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html

    `key` is the name. `status` and `state` are the newest build's. The columns carry AWS's words;
    JSON columns hold AWS's structure in snake case. Dropped before they get here because they may
    be secrets: values of plaintext variables, the webhook's secret and payload token, the badge's
    token, passwords in a source's URL. `environment_variables` is `[{name, type, reference}]`;
    `reference` names the parameter or secret of PARAMETER_STORE and SECRETS_MANAGER variables.
    `recent` is `[{id, name, state, status, seconds}]`: the newest builds, the oldest first.
    """

    description = models.TextField(blank=True)
    source_type = models.CharField(max_length=32, blank=True)
    source_location = models.TextField(blank=True)
    source_version = models.CharField(max_length=1024, blank=True)
    # A path in the source, an S3 ARN, or the text itself with values under `variables` masked.
    buildspec = models.TextField(blank=True)
    source = models.JSONField(default=dict)
    # [{source_identifier, type, location, version, buildspec, …}]
    secondary_sources = models.JSONField(default=list)
    image = models.CharField(max_length=512, blank=True)
    environment_type = models.CharField(max_length=64, blank=True)
    compute_type = models.CharField(max_length=64, blank=True)
    privileged_mode = models.BooleanField(default=False)
    environment = models.JSONField(default=dict)
    environment_variables = models.JSONField(default=list)
    artifacts = models.JSONField(default=dict)
    secondary_artifacts = models.JSONField(default=list)
    cache = models.JSONField(default=dict)
    vpc_config = models.JSONField(default=dict)
    file_system_locations = models.JSONField(default=list)
    service_role = models.CharField(max_length=2048, blank=True)
    encryption_key = models.CharField(max_length=2048, blank=True)
    timeout_in_minutes = models.PositiveIntegerField(null=True)
    queued_timeout_in_minutes = models.PositiveIntegerField(null=True)
    concurrent_build_limit = models.PositiveIntegerField(null=True)
    auto_retry_limit = models.PositiveIntegerField(null=True)
    logs_config = models.JSONField(default=dict)
    build_batch_config = models.JSONField(default=dict)
    webhook = models.JSONField(default=dict)
    badge_enabled = models.BooleanField(default=False)
    project_visibility = models.CharField(max_length=16, blank=True)
    tags = models.JSONField(default=dict)
    created = models.DateTimeField(null=True)
    last_modified = models.DateTimeField(null=True)

    latest_build = models.ForeignKey(
        "Build", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    latest_started_at = models.DateTimeField(null=True)
    # Of the newest build that ended, and the middle one of `recent`; seconds.
    latest_seconds = models.PositiveIntegerField(null=True)
    median_seconds = models.PositiveIntegerField(null=True)
    # Start of the first of the failed builds in a row that end in the newest; null when it works.
    failing_since = models.DateTimeField(null=True)
    recent = models.JSONField(default=list)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    objects: ClassVar[Any] = ProjectQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="build_project_by_urgency"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the project's page."""
        return reverse("codebuild:project", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The project in AWS's console."""
        return project_url(self.scope.region, self.scope.account, self.key)


# Columns of a build that only its page shows, beside the lines that say why it failed.
WIDE_BUILD = (
    "buildspec",
    "secondary_sources",
    "environment",
    "environment_variables",
    "artifacts",
    "secondary_artifacts",
    "cache",
    "vpc_config",
    "file_system_locations",
    "exported_variables",
    "report_arns",
    "reports",
)


class BuildQuerySet(MirroredQuerySet):
    """Builds the way lists want them."""

    def for_list(self) -> Self:
        """With scope, newest first; without the columns that only a build's page shows."""
        return self.for_why().defer("excerpt")

    def for_why(self) -> Self:
        """The same with the lines that say why each failed."""
        rows = self.select_related("scope").defer(*WIDE_BUILD)
        return rows.order_by("-started_at", "-pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in the id, commit, source version or initiator, by state and place."""
        columns = ("key", "resolved_source_version__istartswith", "source_version", "initiator")
        rows = self.containing(q, *columns)
        return rows.narrowed(state=state, account=account, region=region)


class Build(Mirrored):
    """One build.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html

    `key` is AWS's id "<project>:<uuid>". `phases` is `[{type, status, state, start, end, seconds,
    contexts: [{code, message}]}]` (times as ISO text). `logs` is `{group, stream, url, arn,
    cloudwatch_status, s3_location, s3_arn, s3_url, s3_status}`. `exported_variables` are names;
    their values are dropped. The rest as in `Project`.

    `reports` is `[{arn, type, status, counts, failed, cut}]`, see `reports.described`; those of
    `report_arns` that are not in it are not read yet.

    `excerpt` holds the log's lines around the first error, raw (ANSI sequences too); `excerpt_line`
    is the number of its first line in the log counted from 1, null where the log's beginning was
    not read; `excerpt_mark` the position in the excerpt of the line that says the error.
    """

    project = models.ForeignKey(
        Project, on_delete=models.SET_NULL, null=True, related_name="builds"
    )
    project_name = models.CharField(max_length=255, blank=True)
    build_number = models.PositiveBigIntegerField(null=True)
    current_phase = models.CharField(max_length=32, blank=True)
    build_complete = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Seconds waited in QUEUED, and from start to end.
    queued_seconds = models.PositiveIntegerField(null=True)
    seconds = models.PositiveIntegerField(null=True)
    initiator = models.CharField(max_length=512, blank=True)
    source_type = models.CharField(max_length=32, blank=True)
    source_location = models.TextField(blank=True)
    source_version = models.CharField(max_length=1024, blank=True)
    resolved_source_version = models.CharField(max_length=1024, blank=True)
    buildspec = models.TextField(blank=True)
    secondary_sources = models.JSONField(default=list)
    phases = models.JSONField(default=list)
    image = models.CharField(max_length=512, blank=True)
    environment_type = models.CharField(max_length=64, blank=True)
    compute_type = models.CharField(max_length=64, blank=True)
    privileged_mode = models.BooleanField(default=False)
    environment = models.JSONField(default=dict)
    environment_variables = models.JSONField(default=list)
    artifacts = models.JSONField(default=dict)
    secondary_artifacts = models.JSONField(default=list)
    cache = models.JSONField(default=dict)
    vpc_config = models.JSONField(default=dict)
    network_interface = models.JSONField(default=dict)
    file_system_locations = models.JSONField(default=list)
    service_role = models.CharField(max_length=2048, blank=True)
    encryption_key = models.CharField(max_length=2048, blank=True)
    timeout_in_minutes = models.PositiveIntegerField(null=True)
    queued_timeout_in_minutes = models.PositiveIntegerField(null=True)
    logs = models.JSONField(default=dict)
    exported_variables = models.JSONField(default=list)
    report_arns = models.JSONField(default=list)
    reports = models.JSONField(default=list)
    build_batch_arn = models.CharField(max_length=2048, blank=True)
    auto_retry = models.JSONField(default=dict)
    failing_phase = models.CharField(max_length=32, blank=True)
    failing_message = models.TextField(blank=True)
    excerpt = models.TextField(blank=True)
    excerpt_line = models.PositiveIntegerField(null=True)
    excerpt_mark = models.PositiveIntegerField(null=True)

    objects: ClassVar[Any] = BuildQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-started_at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["project", "-started_at", "-id"], name="build_of_project_newest"),
            models.Index(fields=["-started_at", "-id"], name="build_newest"),
            models.Index(fields=["state", "-started_at", "-id"], name="build_state_newest"),
            models.Index(fields=["scope", "state"], name="build_scope_state"),
            # Which ones took a commit.
            models.Index(fields=["resolved_source_version"], name="build_by_commit"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the build's page."""
        return reverse("codebuild:build", args=[self.pk])

    def __str__(self) -> str:
        return f"{self.project_name or self.key.partition(':')[0]} {self.name}"

    @property
    def name(self) -> str:
        """Its number, else the start of its id: what people call it beside the project's name."""
        uuid = self.key.partition(":")[2]
        return f"#{self.build_number}" if self.build_number else uuid[:8]

    @property
    def tests(self) -> Results | None:
        """What its tests came to; None where it wrote no test report."""
        return results_of(self.report_arns, self.reports)

    @property
    def asked_version(self) -> str:
        """The branch, tag or pull request that was asked for; "" where the commit says it all.

        A pipeline asks for the artifact's place in S3, which tells nobody anything.
        """
        version = self.source_version
        if version == self.resolved_source_version or version.startswith("arn:"):
            return ""
        return version.removeprefix("refs/heads/").removeprefix("refs/tags/")

    @property
    def console_url(self) -> str:
        """The build in AWS's console."""
        return build_url(self.scope.region, self.scope.account, self.key)

    @property
    def log_console_url(self) -> str:
        """The log in AWS's console, "" where CloudWatch has none."""
        group, stream = self.logs.get("group"), self.logs.get("stream")
        if not group or not stream:
            return ""
        region = self.scope.region
        return console(
            region,
            f"cloudwatch/home?region={quote(region)}#logsV2:log-groups/log-group/"
            f"{_twice_quoted(group)}/log-events/{_twice_quoted(stream)}",
        )

    @property
    def s3_log_url(self) -> str:
        """The log's object in the S3 console, else where it will be; "" where it goes elsewhere."""
        place, told = self.s3_log, self.logs.get("s3_url") or ""
        if not place:
            return ""
        whole = bool(self.logs.get("s3_arn"))
        if not whole and told.startswith("https://"):
            return str(told)
        bucket, _, key = place.partition("/")
        region, kind = self.scope.region, "object" if whole else "buckets"
        path = f"s3/{kind}/{quote(bucket, safe='')}?region={quote(region)}&prefix={quote(key)}"
        return console(region, path if whole else f"{path}/")

    @property
    def s3_log(self) -> str:
        """The log's bucket and key in S3, else bucket and prefix; "" where it goes elsewhere.

        AWS's `location` is what the project asks for: the folder in which each build has its log.
        """
        if self.logs.get("s3_status") == "DISABLED":
            return ""
        place = self.logs.get("s3_arn") or self.logs.get("s3_location") or ""
        return str(place.rpartition(":::")[2])

    @property
    def unfinished(self) -> bool:
        """Whether it still runs."""
        return self.state in UNFINISHED

    @property
    def has_cloudwatch_log(self) -> bool:
        """Whether there is, or will be, a log that can be looked at."""
        return bool(self.logs.get("cloudwatch_status") != "DISABLED")


def _twice_quoted(name: str) -> str:
    """CloudWatch's console reads names after "#" with "$" for the "%" of a second quoting."""
    return quote(quote(name, safe=""), safe="").replace("%", "$")
