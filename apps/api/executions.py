"""Executions in the API: how each fares, its actions, and what those started."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from pydantic import Field

from apps.codepipeline.board import own_error
from apps.codepipeline.console import execution_url
from apps.codepipeline.digest import first_failure, told_failure
from apps.codepipeline.models import Action, Execution
from apps.mirror.links import explain_then, links_of, unexplained, url_of
from apps.mirror.models import Link, Scope
from apps.mirror.resource import REGISTER

from .answers import Place, absolute, answers

router = Router()


class Revision(Schema):
    """A source change that an execution runs with."""

    action: str = ""
    id: str = ""
    summary: str = ""
    author: str = Field("", description="As the source action told it; empty where it did not.")
    url: str = ""
    provider: str = ""


class Trigger(Schema):
    """What started an execution, in AWS's words."""

    type: str
    detail: str


class ExecutionItem(Place):
    """One run of a pipeline."""

    id: str = Field(description="AWS's pipelineExecutionId.")
    arn: str = Field(description="AWS's ARN, or its own id where there is no ARN.")
    pipeline: int
    pipeline_name: str
    status: str
    status_summary: str
    state: str
    why: str = Field(
        description="Why it failed: stage, action and a few lines; empty where it did not."
    )
    started_at: datetime | None
    ended_at: datetime | None
    execution_mode: str
    execution_type: str
    stop_reason: str
    trigger: Trigger
    revisions: list[Revision]
    url: str
    console_url: str


class Run(Schema):
    """What an action started and the mirror knows too, e.g. a build."""

    kind: str
    arn: str
    url: str = Field(description="Our page; empty where it is not mirrored.")


class ActionItem(Schema):
    """One action in an execution."""

    id: str = Field(description="AWS's actionExecutionId.")
    stage: str
    name: str
    run_order: int | None = Field(
        description="Null where it ran by a definition that has been edited since."
    )
    category: str
    owner: str
    provider: str
    region: str
    status: str
    state: str
    started_at: datetime | None
    last_update: datetime | None
    summary: str
    error_code: str
    error_message: str
    why: str = Field(description="Why it failed, in a few lines; empty where it did not.")
    external_id: str
    external_url: str
    expires_at: datetime | None
    runs: list[Run]


class ExecutionDetail(ExecutionItem):
    """An execution with its actions."""

    variables: list[Any]
    actions: list[ActionItem]


ACTION_COLUMNS = [name for name in ActionItem.model_fields if name not in ("id", "why", "runs")]


@router.get("/{execution_id}", response=answers(ExecutionDetail))
def onetold_execution(request: HttpRequest, execution_id: str) -> Any:
    """An execution, by AWS's pipelineExecutionId, with its actions."""
    # By scope and key, because that pair is what the table is indexed by.
    rows = Execution.objects.visible_to(request.user).filter(
        scope__in=Scope.objects.filter(provider="aws"), key=execution_id.replace("\x00", "")
    )
    row = get_object_or_404(rows.select_related("pipeline", "scope").order_by("pk")[:1])
    actions = list(row.actions.visible_to(request.user))
    return {
        **told_execution(request, row, whys_of(request, [row])),
        "variables": row.variables,
        "actions": _actions(request, actions),
    }


def told_execution(request: HttpRequest, row: Any, whys: Mapping[int, str]) -> dict[str, Any]:
    """Return an `ExecutionItem`; `row` with its scope and pipeline, `whys` as of `whys_of`."""
    return {
        "why": whys.get(row.pk, ""),
        "id": row.key,
        "arn": row.arn or row.key,
        "account": row.scope.account,
        "region": row.scope.region,
        "pipeline": row.pipeline_id,
        "pipeline_name": row.pipeline.key,
        "status": row.status,
        "status_summary": row.status_summary,
        "state": row.state,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "execution_mode": row.execution_mode,
        "execution_type": row.execution_type,
        "stop_reason": row.stop_reason,
        "trigger": {"type": row.trigger_type, "detail": row.trigger_detail},
        "revisions": row.credited,
        "url": absolute(request, url_of("codepipeline.execution", row)),
        "console_url": execution_url(row.scope.region, row.pipeline.key, row.key),
    }


def _actions(request: HttpRequest, rows: list[Action]) -> list[dict[str, Any]]:
    links = links_of("codepipeline.action", [row.pk for row in rows])
    runs = {pk: [link for link in found if link.relation == "runs"] for pk, found in links.items()}
    targets = _visible_targets(request, [link for found in runs.values() for link in found])
    return [
        {
            "id": row.key,
            **{name: getattr(row, name) for name in ACTION_COLUMNS},
            "why": _why(row, runs.get(row.pk, []), targets),
            "runs": [
                {
                    "kind": link.to_kind,
                    "arn": link.to_arn,
                    "url": _page_of(request, targets.get(_target(link)), link.to_kind),
                }
                for link in runs.get(row.pk, [])
            ],
        }
        for row in rows
    ]


def _visible_targets(request: HttpRequest, links: list[Link]) -> dict[tuple[str, str], Any]:
    """Return what links name and the caller may see, by (kind, ARN); one query a kind."""
    named: dict[str, set[str]] = {}
    for link in links:
        named.setdefault(link.to_kind, set()).add(link.to_arn)
    found: dict[tuple[str, str], Any] = {}
    for kind, arns in named.items():
        if kind in REGISTER.by_kind:
            rows = REGISTER.get(kind).model._default_manager.visible_to(request.user)
            found |= {(kind, row.arn): row for row in rows.filter(arn__in=arns)}
    return found


def _target(link: Link) -> tuple[str, str]:
    return link.to_kind, link.to_arn


def _page_of(request: HttpRequest, row: Any, kind: str) -> str:
    return absolute(request, url_of(kind, row)) if row is not None else ""


def _why(row: Action, runs: list[Link], targets: Mapping[tuple[str, str], Any]) -> str:
    """Return why an action failed: what it ran says it best, else its own error."""
    if row.state != "failed":
        return ""
    ran = [(kind, targets[kind, arn]) for kind, arn in map(_target, runs) if (kind, arn) in targets]
    then = (row.started_at, row.last_update)
    told = [explain_then(kind, target, *then) for kind, target in ran]
    if why := next(filter(None, told), ""):
        return why
    unread = next(filter(None, (unexplained(kind, target, *then) for kind, target in ran)), "")
    return "\n".join(filter(None, (own_error(row), unread)))


def whys_of(request: HttpRequest, executions: Iterable[Execution | None]) -> dict[int, str]:
    """Return why each of these failed, by id; as many queries for many as for one."""
    failed = [one for one in executions if one is not None and one.state == "failed"]
    if not failed:
        return {}
    ran: dict[int, list[Action]] = {}
    for action in Action.objects.filter(execution__in=failed).order_by("started_at", "pk"):
        ran.setdefault(action.execution_id, []).append(action)
    firsts = {one.pk: first_failure(ran.get(one.pk, ())) for one in failed}
    links = links_of("codepipeline.action", [first.pk for first in firsts.values() if first])
    runs = {pk: [link for link in found if link.relation == "runs"] for pk, found in links.items()}
    targets = _visible_targets(request, [link for found in runs.values() for link in found])
    return {
        one.pk: told_failure(first, _why(first, runs.get(first.pk, []), targets))
        if (first := firsts[one.pk])
        else one.status_summary
        for one in failed
    }
