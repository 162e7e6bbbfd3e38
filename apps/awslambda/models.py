"""Lambda functions, their versions, aliases and failed invocations as last read."""

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import URGENCY, State

from .console import function_url, version_url

# Columns of a function that only its page shows.
WIDE = ("environment", "layers", "vpc_config")

# How long failed invocations are kept with the lines of their logs.
FAILURES_KEPT = timedelta(days=90)


class FunctionQuerySet(MirroredQuerySet):
    """Functions the way lists want them."""

    def for_list(self) -> Self:
        """With scope, what is broken first; without the columns that only its page shows."""
        return self.select_related("scope").defer(*WIDE).order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name, description or runtime, by our state, account and region."""
        rows = self.containing(q, "key", "description", "runtime")
        return rows.narrowed(state=state, account=account, region=region)


class Function(Mirrored):
    """A function: the configuration of $LATEST and, denormalised, its versions and aliases.

    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html

    `key` is the name. `status` is Lambda's State, or how the last update fares while it does not.
    Values of environment variables are dropped: `environment` holds their names. Sizes: `code_size`
    in bytes, `memory_size` and `ephemeral_storage` in MB, `timeout` in seconds. `layers` are ARNs.
    `aliases` is `[{name, state, shares: [[version, per cent], …]}]`. `versions_read` and
    `aliases_read` are the revisions whose versions and aliases were read.
    """

    description = models.TextField(blank=True)
    runtime = models.CharField(max_length=64, blank=True)
    handler = models.CharField(max_length=128, blank=True)
    package_type = models.CharField(max_length=16, blank=True)
    code_sha256 = models.CharField(max_length=64, blank=True)
    code_size = models.PositiveBigIntegerField(null=True)
    memory_size = models.PositiveIntegerField(null=True)
    timeout = models.PositiveIntegerField(null=True)
    ephemeral_storage = models.PositiveIntegerField(null=True)
    architectures = models.JSONField(default=list)
    last_modified = models.DateTimeField(null=True)
    revision_id = models.CharField(max_length=64, blank=True)
    function_state = models.CharField(max_length=32, blank=True)
    state_reason = models.TextField(blank=True)
    state_reason_code = models.CharField(max_length=64, blank=True)
    last_update_status = models.CharField(max_length=32, blank=True)
    last_update_status_reason = models.TextField(blank=True)
    last_update_status_reason_code = models.CharField(max_length=64, blank=True)
    environment = models.JSONField(default=list)
    layers = models.JSONField(default=list)
    role = models.CharField(max_length=2048, blank=True)
    kms_key_arn = models.CharField(max_length=2048, blank=True)
    log_group = models.CharField(max_length=512, blank=True)
    log_format = models.CharField(max_length=16, blank=True)
    dead_letter_arn = models.CharField(max_length=2048, blank=True)
    # {vpc_id, subnet_ids, security_group_ids}, {} outside a VPC.
    vpc_config = models.JSONField(default=dict)
    tracing_mode = models.CharField(max_length=16, blank=True)
    snap_start = models.CharField(max_length=32, blank=True)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    version_count = models.PositiveIntegerField(default=0)
    newest_version = models.PositiveIntegerField(null=True)
    alias_count = models.PositiveIntegerField(default=0)
    aliases = models.JSONField(default=list)
    versions_read = models.CharField(max_length=64, blank=True)
    aliases_read = models.CharField(max_length=64, blank=True)

    objects: ClassVar[Any] = FunctionQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["urgency", "key", "id"], name="lambda_function_by_urgency"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the function's page."""
        return reverse("awslambda:function", args=[self.pk])

    @property
    def own_status(self) -> str:
        """Lambda's State; `status` tells of the last update while that is not successful."""
        return self.function_state

    @property
    def console_url(self) -> str:
        """The function in AWS's console."""
        return function_url(self.scope.region, self.key)


class Version(Mirrored):
    """A published version: code and configuration as they were then. It never changes.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html

    `key` is "<function>:<number>".
    """

    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    description = models.TextField(blank=True)
    runtime = models.CharField(max_length=64, blank=True)
    code_sha256 = models.CharField(max_length=64, blank=True)
    code_size = models.PositiveBigIntegerField(null=True)
    memory_size = models.PositiveIntegerField(null=True)
    timeout = models.PositiveIntegerField(null=True)
    published_at = models.DateTimeField(null=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-number", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["function", "-number", "-id"], name="lambda_newest_versions"),
        ]

    def get_absolute_url(self) -> str:
        """Its place on the function's page."""
        return f"{reverse('awslambda:function', args=[self.function_id])}#version-{self.number}"

    @property
    def console_url(self) -> str:
        """The version in AWS's console."""
        return version_url(self.scope.region, self.key.rpartition(":")[0], str(self.number))


# Digits: what is longer fits no column.
LONGEST_NUMBER = 10


class Alias(Mirrored):
    """An alias: a name for a version, or for two of which each gets a share of the calls.

    https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html

    `key` is "<function>:<alias>". `weights` is {version: share of 0 to 1}; `function_version` gets
    what they leave. It moves while they are there.
    """

    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    function_version = models.CharField(max_length=64, blank=True)
    weights = models.JSONField(default=dict)
    revision_id = models.CharField(max_length=64, blank=True)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["name", "pk"]

    def get_absolute_url(self) -> str:
        """Its place on the function's page."""
        return f"{reverse('awslambda:function', args=[self.function_id])}#alias-{self.name}"

    @property
    def console_url(self) -> str:
        """The alias in AWS's console."""
        return version_url(self.scope.region, self.key.rpartition(":")[0], self.name)

    @property
    def shares(self) -> list[tuple[str, float]]:
        """(version, per cent of the calls), the largest first."""
        weights = {
            version: round(100 * float(share), 2)
            for version, share in self.weights.items()
            if isinstance(share, int | float)
        }
        rest = max(0.0, round(100 - sum(weights.values()), 2))
        shares = [(self.function_version, rest), *weights.items()]
        return sorted(shares, key=lambda item: -item[1])

    @property
    def served(self) -> set[int]:
        """Numbers of the versions it serves; $LATEST is none, nor is what no version can have."""
        named = (self.function_version, *self.weights)
        return {int(one) for one in named if one.isdecimal() and len(one) < LONGEST_NUMBER}


class Failure(Mirrored):
    """An invocation that failed, as the function's log tells it.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html

    `key` is "<function>:<request id>", `arn` the function's with the request id behind a slash.
    `status` is error or timeout. `lines` are those of the log around the one that tells the error,
    which is number `mark` (from 0).
    """

    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="failures")
    request_id = models.CharField(max_length=64, blank=True)
    log_stream = models.CharField(max_length=512, blank=True)
    at = models.DateTimeField(null=True)
    lines = models.JSONField(default=list)
    mark = models.PositiveIntegerField(default=0)

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["function", "-at", "-id"], name="lambda_newest_failures"),
        ]

    def __str__(self) -> str:
        return f"invocation {self.request_id[:8]}"

    def get_absolute_url(self) -> str:
        """Its place on the function's page."""
        function = reverse("awslambda:function", args=[self.function_id])
        return f"{function}#failure-{self.request_id}"
