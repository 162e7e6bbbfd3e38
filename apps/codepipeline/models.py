"""Pipelines, stages, executions and actions as last read from CodePipeline."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import URGENCY, State

# Columns of a pipeline that only the definition panel shows, or that can be long.
WIDE = ("definition", "artifact_stores", "triggers", "variables", "tags")
# Columns of an execution that only its own page shows.
LIST_COLUMNS = ("revisions", "authors", "variables", "trigger_detail", "stop_reason")


class PipelineQuerySet(MirroredQuerySet):
    """Pipelines the way lists want them."""

    def for_dashboard(self) -> Self:
        """With scope and newest execution, what is broken first."""
        return self.select_related("scope", "latest_execution").order_by("urgency", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in the name or the newest change, by our state, account and region."""
        columns = (
            "key",
            "latest_execution__summary",
            "latest_execution__revision_id__istartswith",
        )
        rows = self.containing(q, *columns)
        return rows.narrowed(state=state, account=account, region=region)


class Pipeline(Mirrored):
    """A pipeline's definition and, denormalised, how its newest execution fares.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineDeclaration.html

    `key` is the name. `status` and `state` follow the newest execution (and an approval that waits
    in any stage). `definition` holds the stages in order: `[{name, on_failure, rules: [{when, name,
    provider, alarm}], actions: [{name, category, owner, provider, version, run_order, region,
    namespace, role_arn, timeout_minutes, configuration, inputs, outputs}]}]`, with secrets dropped
    from the configuration.
    """

    pipeline_version = models.PositiveIntegerField(default=0)
    pipeline_type = models.CharField(max_length=8, default="V1")
    execution_mode = models.CharField(max_length=16, default="SUPERSEDED")
    created = models.DateTimeField(null=True)
    updated = models.DateTimeField(null=True)
    # The `updated` of the definition that was read in full (see Resource.stamp).
    described = models.CharField(max_length=64, blank=True)
    role_arn = models.CharField(max_length=2048, blank=True)
    # By region, or {"": …} where there is one store: {type, location, encryption_key: {id, type}}.
    artifact_stores = models.JSONField(default=dict)
    triggers = models.JSONField(default=list)
    variables = models.JSONField(default=list)
    tags = models.JSONField(default=dict)
    definition = models.JSONField(default=list)

    latest_execution = models.ForeignKey(
        "Execution", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    latest_started_at = models.DateTimeField(null=True)
    # When the oldest of the newest failures in a row began; null while the pipeline works.
    failing_since = models.DateTimeField(null=True)
    urgency = models.SmallIntegerField(default=URGENCY[State.UNKNOWN])

    objects: ClassVar[Any] = PipelineQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            # The list in its order, and its counts, without a look at the wide rows of the rest.
            models.Index(
                fields=["urgency", "key", "id"], name="pipeline_in_order", condition=Q(gone_at=None)
            ),
            models.Index(fields=["state"], name="pipeline_states", condition=Q(gone_at=None)),
        ]

    def get_absolute_url(self) -> str:
        """Path of the pipeline's page."""
        return reverse("codepipeline:pipeline", args=[self.pk])


class Stage(Mirrored):
    """A stage as GetPipelineState tells it: its transition, its newest execution, its actions.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StageState.html

    `key` is "<pipeline>/<stage>". `status` is the stage's newest execution's. `actions` is
    `[{name, status, state, summary, last_change, external_id, external_url, runs, entity_url,
    revision_id, revision_url, percent, error_code, error_message, updated_by,
    action_execution_id}]` in the definition's order; `runs` is the ARN of what it started, "" where
    that is nothing mirrored; the approval token is dropped.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    name = models.CharField(max_length=128)
    position = models.PositiveSmallIntegerField(default=0)
    transition_enabled = models.BooleanField(default=True)
    transition_reason = models.TextField(blank=True)
    transition_changed_by = models.CharField(max_length=2048, blank=True)
    transition_changed_at = models.DateTimeField(null=True)
    # The executions that wait to enter, the first in line first.
    inbound_execution_ids = models.JSONField(default=list)
    execution_id = models.CharField(max_length=64, blank=True)
    actions = models.JSONField(default=list)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["position"]


class Execution(Mirrored):
    """One run of a pipeline.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineExecutionSummary.html

    `key` is the execution id. `revisions` is `[{action, id, summary, url, provider}]`; the first
    one's id and summary stand in columns for lists and search. `authors` is who wrote them, by
    action, as the actions tell; `author` is the one shown beside the first.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="executions")
    status_summary = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_update = models.DateTimeField(null=True)
    execution_mode = models.CharField(max_length=16, blank=True)
    execution_type = models.CharField(max_length=16, blank=True)
    trigger_type = models.CharField(max_length=64, blank=True)
    trigger_detail = models.TextField(blank=True)
    stop_reason = models.TextField(blank=True)
    rollback_of = models.CharField(max_length=64, blank=True)
    revisions = models.JSONField(default=list)
    revision_id = models.CharField(max_length=128, blank=True)
    summary = models.TextField(blank=True)
    author = models.CharField(max_length=255, blank=True)
    authors = models.JSONField(default=dict)
    variables = models.JSONField(default=list)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-started_at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["pipeline", "-started_at", "-id"], name="execution_newest"),
            # Which ones brought a commit out.
            models.Index(fields=["revision_id"], name="execution_by_revision"),
            models.Index(
                fields=["pipeline"], name="execution_waits", condition=Q(state=State.WAITING.value)
            ),
        ]

    def get_absolute_url(self) -> str:
        """Path of the execution's page."""
        return reverse("codepipeline:execution", args=[self.pk])

    @property
    def credited(self) -> list[dict[str, Any]]:
        """The revisions, each with its author, "" where nobody told one."""
        return [
            {**revision, "author": self.authors.get(revision.get("action"), "")}
            for revision in self.revisions
        ]


class Action(Mirrored):
    """One action in an execution.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ActionExecutionDetail.html

    `key` is the action execution id. `configuration` is the input's, secrets dropped. The build,
    deployment or stack it started is a `Link` with relation "runs".
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="actions")
    stage = models.CharField(max_length=128)
    name = models.CharField(max_length=128)
    category = models.CharField(max_length=32, blank=True)
    owner = models.CharField(max_length=32, blank=True)
    provider = models.CharField(max_length=64, blank=True)
    # The pipeline's structure that it ran by; None of what was read before that was kept.
    pipeline_version = models.PositiveIntegerField(null=True)
    # None where it ran by a definition that nobody read.
    run_order = models.PositiveSmallIntegerField(null=True)
    region = models.CharField(max_length=32, blank=True)
    started_at = models.DateTimeField(null=True)
    last_update = models.DateTimeField(null=True)
    updated_by = models.CharField(max_length=2048, blank=True)
    summary = models.TextField(blank=True)
    error_code = models.CharField(max_length=128, blank=True)
    error_message = models.TextField(blank=True)
    external_id = models.CharField(max_length=1024, blank=True)
    external_url = models.TextField(blank=True)
    # Approvals: when it stops waiting (AWS fails it after seven days, or the action's own timeout).
    expires_at = models.DateTimeField(null=True)
    configuration = models.JSONField(default=dict)
    output_variables = models.JSONField(default=dict)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["started_at", "pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["execution", "started_at", "id"], name="action_of_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.execution.pipeline.key} · {self.stage} / {self.name}"
