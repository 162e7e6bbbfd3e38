"""Pipelines in the API: how each fares, its stages, and its executions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.codepipeline.console import pipeline_url
from apps.codepipeline.models import Pipeline, Stage
from apps.live.moments import parsed
from apps.mirror.links import url_of

from .answers import Narrow, PageOf, Place, Words, absolute, answers
from .executions import ExecutionItem, Revision, Trigger, told_execution, whys_of
from .paging import Paging, page_of
from .things import fares, in_state

router = Router()


class NarrowPipelines(Narrow):
    """Which pipelines are wanted."""

    q: Words = Field(
        "",
        description="Words that all occur, in the name or in the message or commit of the newest "
        "execution.",
    )


class LatestExecution(Schema):
    """The newest execution of a pipeline."""

    id: str = Field(description="AWS's pipelineExecutionId; see /executions/{id}.")
    status: str = Field(description="AWS's word.")
    state: str = Field(description="Ours: done, moving, waiting, failed, stopped, unknown.")
    started_at: datetime | None
    trigger: Trigger
    revisions: list[Revision]


class PipelineItem(Place):
    """A pipeline and how it fares."""

    id: int
    arn: str
    name: str
    type: str
    execution_mode: str
    status: str
    state: str
    why: str = Field(
        description="Why the newest execution failed: stage, action and a few lines; empty where "
        "it did not."
    )
    latest_execution: LatestExecution | None
    failing_since: datetime | None
    changed_at: datetime
    gone_at: datetime | None = Field(description="Set where AWS lists it no more.")
    url: str = Field(description="Our page.")
    console_url: str = Field(description="AWS's page.")


class Transition(Schema):
    """Whether executions may enter a stage."""

    enabled: bool
    reason: str
    changed_by: str
    changed_at: datetime | None


class StageAction(Schema):
    """An action of a stage as it stands now. Actions of one `run_order` run side by side."""

    name: str
    run_order: int
    category: str
    owner: str
    provider: str
    region: str
    status: str
    state: str
    summary: str
    error_code: str
    error_message: str
    external_id: str
    external_url: str
    revision_id: str
    revision_url: str
    entity_url: str = Field(description="AWS's page of what it works on: repository, project, …")
    action_execution_id: str
    percent: int | None
    last_change: datetime | None


class StageItem(Schema):
    """A stage, its transition and its actions in the order they run."""

    name: str
    status: str
    state: str
    execution_id: str
    inbound_execution_id: str = Field(description="The first that waits to enter; empty for none.")
    inbound_execution_ids: list[str] = Field(
        description="All that wait to enter, the first in line first."
    )
    on_failure: str = Field(
        description="What AWS does where it fails: ROLLBACK, RETRY, SKIP, FAIL; empty for nothing."
    )
    transition: Transition
    actions: list[StageAction]


class PipelineDetail(PipelineItem):
    """A pipeline with its stages."""

    version: int
    role_arn: str
    triggers: list[Any]
    variables: list[Any]
    tags: dict[str, str]
    stages: list[StageItem]


@router.get("", response=answers(PageOf[PipelineItem]))
def list_pipelines(
    request: HttpRequest, narrow: Query[NarrowPipelines], paging: Query[Paging]
) -> Any:
    """Pipelines by name, with their newest execution."""
    wanted = narrow.dict()
    rows = Pipeline.objects.for_dashboard().present().visible_to(request.user)
    rows = in_state(rows, "codepipeline.pipeline", wanted.pop("state"))
    found, following = page_of(
        rows.matching(**wanted).defer("definition"), paging, name="pipelines", by="key"
    )
    whys = whys_of(request, [row.latest_execution for row in found])
    items = [_pipeline(request, row, whys) for row in found]
    return {"items": items, "next_cursor": following}


@router.get("/{int:pipeline_id}", response=answers(PipelineDetail))
def one_pipeline(request: HttpRequest, pipeline_id: int) -> Any:
    """A pipeline with its stages and their actions."""
    row = get_object_or_404(
        Pipeline.objects.for_dashboard().visible_to(request.user), pk=pipeline_id
    )
    return {
        **_pipeline(request, row, whys_of(request, [row.latest_execution])),
        "version": row.pipeline_version,
        "role_arn": row.role_arn,
        "triggers": row.triggers,
        "variables": row.variables,
        "tags": row.tags,
        "stages": [_stage(stage, row.definition) for stage in row.stages.present()],
    }


@router.get("/{int:pipeline_id}/executions", response=answers(PageOf[ExecutionItem]))
def list_executions(request: HttpRequest, pipeline_id: int, paging: Query[Paging]) -> Any:
    """Executions of a pipeline, the newest first, as far back as the mirror remembers."""
    row = get_object_or_404(
        Pipeline.objects.visible_to(request.user).select_related("scope"), pk=pipeline_id
    )
    found, following = page_of(
        row.executions.visible_to(request.user),
        paging,
        name=f"executions-{pipeline_id}",
        by="-started_at",
    )
    for execution in found:
        execution.pipeline, execution.scope = row, row.scope
    whys = whys_of(request, found)
    items = [told_execution(request, item, whys) for item in found]
    return {"items": items, "next_cursor": following}


def _pipeline(request: HttpRequest, row: Any, whys: Mapping[int, str]) -> dict[str, Any]:
    latest = row.latest_execution
    return {
        "id": row.pk,
        "arn": row.arn,
        "name": row.key,
        "account": row.scope.account,
        "region": row.scope.region,
        "type": row.pipeline_type,
        "execution_mode": row.execution_mode,
        **fares("codepipeline.pipeline", row),
        "why": whys.get(latest.pk, "") if latest else "",
        "latest_execution": latest
        and {
            "id": latest.key,
            "status": latest.status,
            "state": latest.state,
            "started_at": latest.started_at,
            "trigger": {"type": latest.trigger_type, "detail": latest.trigger_detail},
            "revisions": latest.credited,
        },
        "failing_since": row.failing_since,
        "changed_at": row.changed_at,
        "gone_at": row.gone_at,
        "url": absolute(request, url_of("codepipeline.pipeline", row)),
        "console_url": pipeline_url(row.scope.region, row.key),
    }


def _stage(stage: Stage, definition: Any) -> dict[str, Any]:
    named: Mapping[str, Any] = next((one for one in definition if one["name"] == stage.name), {})
    defined = {action["name"]: action for action in named.get("actions", ())}
    found = [_stage_action(action, defined.get(action["name"], {})) for action in stage.actions]
    return {
        "name": stage.name,
        "status": stage.status,
        "state": stage.state,
        "execution_id": stage.execution_id,
        "inbound_execution_id": next(iter(stage.inbound_execution_ids), ""),
        "inbound_execution_ids": stage.inbound_execution_ids,
        "on_failure": named.get("on_failure", ""),
        "transition": {
            "enabled": stage.transition_enabled,
            "reason": stage.transition_reason,
            "changed_by": stage.transition_changed_by,
            "changed_at": stage.transition_changed_at,
        },
        "actions": sorted(found, key=lambda action: int(action["run_order"])),
    }


def _stage_action(action: Mapping[str, Any], defined: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "status",
        "state",
        "summary",
        "error_code",
        "error_message",
        "external_id",
        "external_url",
        "revision_id",
        "revision_url",
        "entity_url",
        "action_execution_id",
    )
    return {
        "name": action["name"],
        "run_order": defined.get("run_order", 1),
        **{
            name: str(defined.get(name, "")) for name in ("category", "owner", "provider", "region")
        },
        **{name: str(action.get(name) or "") for name in names},
        "percent": action.get("percent"),
        "last_change": parsed(action.get("last_change")),
    }
