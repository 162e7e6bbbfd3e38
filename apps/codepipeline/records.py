"""The records CodePipeline's collectors yield: a frozen dataclass per kind of models.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.mirror.ask import UNREAD, LinkTo, Unread


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineRecord:
    """See models.Pipeline."""

    key: str
    arn: str
    pipeline_version: int
    pipeline_type: str
    execution_mode: str
    created: datetime | None
    updated: datetime | None
    described: str | Unread = UNREAD
    role_arn: str | Unread = UNREAD
    artifact_stores: dict[str, Any] | Unread = UNREAD
    triggers: list[Any] | Unread = UNREAD
    variables: list[Any] | Unread = UNREAD
    tags: dict[str, str] | Unread = UNREAD
    definition: list[Any] | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRecord:
    """See models.Stage."""

    key: str
    parent: str
    name: str
    position: int
    status: str
    state: str
    transition_enabled: bool
    transition_reason: str
    transition_changed_by: str
    transition_changed_at: datetime | None
    inbound_execution_ids: list[str]
    execution_id: str
    actions: list[dict[str, Any]]
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionRecord:
    """See models.Execution."""

    key: str
    parent: str
    status: str
    # Left alone while a known execution is in progress: whether it waits is told by its actions.
    state: str | Unread
    status_summary: str
    trigger_type: str
    trigger_detail: str
    execution_mode: str
    execution_type: str
    rollback_of: str
    # GetPipelineExecution names no source actions; what the list told of revisions stays.
    revisions: list[dict[str, Any]] | Unread = UNREAD
    revision_id: str | Unread = UNREAD
    summary: str | Unread = UNREAD
    started_at: datetime | Unread | None = UNREAD
    last_update: datetime | Unread | None = UNREAD
    ended_at: datetime | Unread | None = UNREAD
    stop_reason: str | Unread = UNREAD
    variables: list[Any] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionRecord:
    """See models.Action. `parent` is the execution's id."""

    key: str
    parent: str
    status: str
    state: str
    stage: str
    name: str
    category: str
    owner: str
    provider: str
    pipeline_version: int | None
    # Told by the definition alone, and so only while it is the one that the action ran by.
    run_order: int | Unread
    expires_at: datetime | Unread | None
    region: str
    started_at: datetime | None
    last_update: datetime | None
    updated_by: str
    summary: str
    error_code: str
    error_message: str
    external_id: str
    external_url: str
    configuration: dict[str, str]
    output_variables: dict[str, str]
    links: tuple[LinkTo, ...] = ()
