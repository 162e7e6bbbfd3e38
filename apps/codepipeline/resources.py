"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from apps.aws.events import called
from apps.mirror.resource import REGISTER, Cadence, Happened, Heard, Names, Resource

from . import (
    carries,  # noqa: F401 - registers itself
    collect,
    digest,
    models,
)
from .ties import ties_of

SOURCE = "aws.codepipeline"


def _pipeline_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Definitions are put in whole, deleted by name, tagged by ARN."""
    given = detail["requestParameters"]
    key = given.get("name") or given.get("resourceArn", "").rpartition(":")[2]
    yield Names(kind="codepipeline.pipeline", key=key or given["pipeline"]["name"])


def _stages_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    given = detail["requestParameters"]
    yield Names(
        kind="codepipeline.stage", parent=given.get("pipelineName") or given["pipeline"]["name"]
    )


def _stages_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="codepipeline.stage", parent=detail["pipeline"])


def _executions_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="codepipeline.execution", parent=detail["pipeline"])


def _actions_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="codepipeline.action", parent=detail["pipeline"])


def _heard(names: Any, *types: str) -> Sequence[Heard]:
    return tuple(
        Heard(
            source=SOURCE,
            detail_type=f"CodePipeline {what} Execution State Change",
            names=names,
        )
        for what in types
    )


PIPELINE = REGISTER.add(
    Resource(
        kind="codepipeline.pipeline",
        label="pipelines",
        provider="aws",
        model=models.Pipeline,
        collect=collect.pipelines,
        cadence=Cadence(cold=timedelta(seconds=60)),
        calls=(
            "codepipeline:ListPipelines",
            "codepipeline:GetPipeline",
            "codepipeline:ListTagsForResource",
        ),
        optional=("codepipeline:GetPipeline", "codepipeline:ListTagsForResource"),
        events=(
            called(
                SOURCE,
                _pipeline_called_on,
                "CreatePipeline",
                "UpdatePipeline",
                "DeletePipeline",
                "TagResource",
                "UntagResource",
            ),
        ),
        heard_wholly=True,
        keyed=True,
        stamp="described",
        held=True,
        ties=(("arn", "definition"), ties_of),
        url=models.Pipeline.get_absolute_url,
        explain=digest.why_pipeline,
    )
)

STAGE = REGISTER.add(
    Resource(
        kind="codepipeline.stage",
        label="stages",
        provider="aws",
        model=models.Stage,
        collect=collect.stages,
        cadence=Cadence(
            cold=timedelta(seconds=60),
            hot=timedelta(seconds=3),
            waiting=timedelta(seconds=15),
        ),
        calls=("codepipeline:GetPipelineState",),
        events=(
            *_heard(_stages_of, "Pipeline", "Stage", "Action"),
            called(
                SOURCE,
                _stages_called_on,
                "UpdatePipeline",
                "DisableStageTransition",
                "EnableStageTransition",
            ),
        ),
        heard_wholly=True,
        parent=("codepipeline.pipeline", "pipeline"),
        asked_by="codepipeline.pipeline",
        parent_fields=("definition",),
        wakes=("codepipeline.execution", "codepipeline.action"),
        digest=digest.pipelines,
    )
)

EXECUTION = REGISTER.add(
    Resource(
        kind="codepipeline.execution",
        label="executions",
        provider="aws",
        model=models.Execution,
        collect=collect.executions,
        # What begins or ends shows in a stage first, and wakes this; PARALLEL pipelines tell
        # nothing there, so theirs are looked at like something that waits.
        cadence=Cadence(
            cold=timedelta(minutes=10), hot=timedelta(seconds=30), waiting=timedelta(seconds=30)
        ),
        calls=("codepipeline:ListPipelineExecutions", "codepipeline:GetPipelineExecution"),
        events=_heard(_executions_of, "Pipeline", "Stage"),
        heard_wholly=True,
        parent=("codepipeline.pipeline", "pipeline"),
        asked_by="codepipeline.pipeline",
        parent_fields=("variables",),
        history=True,
        wakes=("codepipeline.action",),
        hot_parents=lambda pipelines: pipelines.filter(execution_mode="PARALLEL"),
        digest=digest.pipelines,
        happened=Happened(
            at="started_at",
            group="Pipelines",
            icon="workflow",
            name=lambda row: row.pipeline.key,
            told=lambda row: row.summary,
            by=lambda row: row.author,
        ),
        url=models.Execution.get_absolute_url,
        explain=digest.why_execution,
    )
)

ACTION = REGISTER.add(
    Resource(
        kind="codepipeline.action",
        label="actions",
        provider="aws",
        model=models.Action,
        collect=collect.actions,
        cadence=Cadence(
            cold=timedelta(minutes=10), hot=timedelta(seconds=15), waiting=timedelta(seconds=60)
        ),
        calls=("codepipeline:ListActionExecutions",),
        events=_heard(_actions_of, "Action"),
        heard_wholly=True,
        parent=("codepipeline.execution", "execution"),
        asked_by="codepipeline.pipeline",
        parent_fields=("definition", "described"),
        history=True,
        digest=digest.executions,
        url=lambda action: f"{action.execution.get_absolute_url()}#action-{action.pk}",
        explain=digest.why_action,
    )
)
