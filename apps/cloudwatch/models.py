"""Alarms, their history, series of metrics with their points, and log groups as last read."""

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import State, urgency_of

from .console import alarm_url, log_group_url, metric_url

# How long the history of alarms is kept; CloudWatch keeps it for 30 days.
HISTORY_KEPT = timedelta(days=90)


class AlarmQuerySet(MirroredQuerySet):
    """Alarms the way lists want them."""

    def for_list(self) -> Self:
        """With scope, red first, then what nobody knows; the latest to come there first."""
        return self.select_related("scope").order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = "", type: str = ""
    ) -> Self:
        """Narrow by words in name, description, metric or rule, by state, place and type."""
        rows = self.containing(q, "key", "description", "namespace", "metric_name", "alarm_rule")
        if type:
            rows = rows.filter(alarm_type=type)
        return rows.narrowed(state=state, account=account, region=region)


class Alarm(Mirrored):
    """An alarm: on a metric, on expressions over metrics, or on other alarms.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html

    `key` is the name, `status` is StateValue. `dimensions` is `{name: value}`; `metrics` is
    `[{id, expression, label, namespace, name, dimensions, stat, period, returns, account}]`.
    """

    alarm_type = models.CharField(max_length=32, blank=True)
    description = models.TextField(blank=True)
    actions_enabled = models.BooleanField(default=True)
    # ARNs of what it does in each state.
    ok_actions = models.JSONField(default=list)
    alarm_actions = models.JSONField(default=list)
    insufficient_data_actions = models.JSONField(default=list)
    state_reason = models.TextField(blank=True)
    state_reason_data = models.JSONField(null=True)
    state_updated = models.DateTimeField(null=True)
    # Since when it has its state.
    state_transitioned = models.DateTimeField(null=True)
    configuration_updated = models.DateTimeField(null=True)
    namespace = models.CharField(max_length=255, blank=True)
    metric_name = models.CharField(max_length=255, blank=True)
    dimensions = models.JSONField(default=dict)
    statistic = models.CharField(max_length=32, blank=True)
    extended_statistic = models.CharField(max_length=64, blank=True)
    unit = models.CharField(max_length=32, blank=True)
    # Seconds.
    period = models.PositiveIntegerField(null=True)
    evaluation_periods = models.PositiveIntegerField(null=True)
    datapoints_to_alarm = models.PositiveIntegerField(null=True)
    threshold = models.FloatField(null=True)
    comparison_operator = models.CharField(max_length=64, blank=True)
    treat_missing_data = models.CharField(max_length=32, blank=True)
    evaluate_low_sample_count_percentile = models.CharField(max_length=32, blank=True)
    metrics = models.JSONField(default=list)
    threshold_metric_id = models.CharField(max_length=255, blank=True)
    evaluation_state = models.CharField(max_length=32, blank=True)
    alarm_rule = models.TextField(blank=True)
    actions_suppressor = models.CharField(max_length=1600, blank=True)
    actions_suppressor_wait_period = models.PositiveIntegerField(null=True)
    actions_suppressor_extension_period = models.PositiveIntegerField(null=True)
    actions_suppressed_by = models.CharField(max_length=32, blank=True)
    actions_suppressed_reason = models.TextField(blank=True)
    urgency = models.SmallIntegerField(default=urgency_of(State.UNKNOWN))
    # When it turned red of late, the newest first, and why: [{at, reason}].
    alarmed = models.JSONField(default=list)

    # Of a composite alarm, where somebody has asked for them (see `digest`).
    red_children: "list[Alarm] | None" = None

    objects: ClassVar[Any] = AlarmQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="alarm_by_urgency"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the alarm's page."""
        return reverse("cloudwatch:alarm", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The alarm in AWS's console."""
        return alarm_url(self.scope.region, self.key)


class AlarmHistory(Mirrored):
    """One thing that became of an alarm: it came to a state, did something, was changed.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html

    AWS gives it no id: `key` is a digest of all it says. `alarm` is null while the alarm is not
    mirrored (yet, or any more); `alarm_name` always tells. `status` is the state it came to.
    """

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, null=True, related_name="history")
    alarm_name = models.CharField(max_length=255)
    alarm_type = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField(null=True)
    item_type = models.CharField(max_length=64, blank=True)
    summary = models.TextField(blank=True)
    old_state = models.CharField(max_length=32, blank=True)
    reason = models.TextField(blank=True)
    # ARN of what an action was done to, and why it failed.
    action = models.CharField(max_length=1024, blank=True)
    error = models.TextField(blank=True)

    class Meta(Mirrored.Meta):
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["scope", "alarm_name", "at"], name="alarm_history_of_alarm"),
            models.Index(fields=["at"], name="alarm_history_at"),
        ]


class Metric(Mirrored):
    """A series: a metric of certain dimensions by one statistic, read again and again.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html

    Which ones there are follows from the resources that are mirrored; see `watched`. `status` is
    StatusCode, `message` what CloudWatch says besides. Its points are in `Chunk`.
    """

    namespace = models.CharField(max_length=255)
    metric_name = models.CharField(max_length=255)
    statistic = models.CharField(max_length=64)
    dimensions = models.JSONField(default=dict)
    unit = models.CharField(max_length=32, blank=True)
    label = models.CharField(max_length=255, blank=True)
    # Seconds between its finest points.
    period = models.PositiveIntegerField()
    message = models.TextField(blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]

    def __str__(self) -> str:
        return self.label or self.metric_name

    def get_absolute_url(self) -> str:
        """Path of the page with its chart alone."""
        return reverse("cloudwatch:metrics_of", args=["cloudwatch.metric", self.pk])

    @property
    def console_url(self) -> str:
        """The metric in AWS's console."""
        return metric_url(self.scope.region, self)


class Kept(models.Model):
    """How far a series was read.

    read_to    up to when it was read last.
    whole_from from when on no minute is missing because nobody asked.
    filled_at  when its past was fetched for somebody who looked.
    """

    metric = models.OneToOneField(
        Metric, on_delete=models.CASCADE, primary_key=True, related_name="kept"
    )
    read_to = models.DateTimeField()
    whole_from = models.DateTimeField()
    filled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.metric_id} to {self.read_to:%Y-%m-%d %H:%M}"


class Chunk(models.Model):
    """A run of points of a series, `resolution` seconds apart, beginning at `start`.

    `values` are doubles in the machine's little-endian order, NaN where there is no point. One
    row for many points: see docs/decisions/0008-points-in-chunks.md.
    """

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="chunks")
    resolution = models.PositiveIntegerField()
    start = models.DateTimeField()
    values = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["metric", "resolution", "start"], name="cloudwatch_chunk_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["resolution", "start"], name="cloudwatch_chunk_by_age")
        ]

    def __str__(self) -> str:
        return f"{self.metric_id} every {self.resolution} s from {self.start:%Y-%m-%d %H:%M}"


class LogGroupQuerySet(MirroredQuerySet):
    """Log groups the way lists want them."""

    def for_list(self) -> Self:
        """With scope, by name."""
        return self.select_related("scope").order_by("key", "pk")

    def matching(self, *, q: str = "", account: str = "", region: str = "") -> Self:
        """Narrow by words in the name, and by place."""
        return self.containing(q, "key").narrowed(account=account, region=region)


class LogGroup(Mirrored):
    """A log group of CloudWatch Logs.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html

    `key` is the name; `arn` is without the ":*" at its end.
    """

    log_group_class = models.CharField(max_length=32, blank=True)
    # None: events never expire.
    retention_in_days = models.PositiveIntegerField(null=True)
    stored_bytes = models.BigIntegerField(null=True)
    metric_filter_count = models.PositiveIntegerField(null=True)
    kms_key_id = models.CharField(max_length=2048, blank=True)
    data_protection_status = models.CharField(max_length=32, blank=True)
    created = models.DateTimeField(null=True)

    objects: ClassVar[Any] = LogGroupQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["key", "id"], name="log_group_by_name"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the group's page."""
        return reverse("cloudwatch:log_group", args=[self.pk])

    @property
    def console_url(self) -> str:
        """The group in AWS's console."""
        return log_group_url(self.scope.region, self.key)
