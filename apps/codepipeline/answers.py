"""Reads single answers of CodePipeline into records; what may be a secret is dropped here.

Approval tokens are secrets too: whoever acts reads a fresh one.
https://docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from apps.aws.calls import Reach
from apps.aws.masking import address, tags_of
from apps.aws.wire import plain
from apps.mirror.ask import UNREAD, LinkTo, Parent, Unread
from apps.mirror.masking import masked
from apps.mirror.state import UNFINISHED, State

from .discretion import approval_message, configuration, output_variables, variables
from .records import ActionRecord, ExecutionRecord, PipelineRecord, StageRecord
from .starters import invocation, started

# A manual approval fails after seven days unless the action says otherwise.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html
APPROVAL_TIMEOUT = timedelta(days=7)

STATES = {
    "InProgress": State.MOVING,
    "Stopping": State.MOVING,
    "Succeeded": State.DONE,
    "Failed": State.FAILED,
    "Stopped": State.STOPPED,
    "Superseded": State.STOPPED,
    "Cancelled": State.STOPPED,
    "Abandoned": State.STOPPED,
    "Skipped": State.STOPPED,
}


def state_of(status: str) -> str:
    """Return our state of one of CodePipeline's statuses; one we have not heard of is unknown."""
    return STATES.get(status, State.UNKNOWN) if status else ""


def stamp_of(summary: Mapping[str, Any]) -> str:
    """Return what tells one version of a definition from the next."""
    return f"{summary.get('version', 0)} {plain(summary.get('updated')) or ''}"


def pipeline_record(
    reach: Reach,
    summary: Mapping[str, Any],
    *,
    pipeline: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
) -> PipelineRecord:
    """Return a pipeline of ListPipelines, with what GetPipeline and its tags told."""
    details: dict[str, Any] = {}
    if tags is not None:
        details["tags"] = tags_of(tags.get("tags"))
    if pipeline is not None:
        body = pipeline["pipeline"]
        stores = body.get("artifactStores") or (
            {"": body["artifactStore"]} if body.get("artifactStore") else {}
        )
        details |= {
            "described": stamp_of(summary),
            "role_arn": body.get("roleArn", ""),
            "artifact_stores": {region: _store(store) for region, store in stores.items()},
            "triggers": plain(body.get("triggers", [])),
            "variables": variables(body.get("variables", ())),
            "definition": [_stage_definition(stage) for stage in body.get("stages", ())],
            "links": tuple(_definition_links(body, stores)),
        }
    return PipelineRecord(
        key=summary["name"],
        arn=reach.arn("codepipeline", summary["name"]),
        pipeline_version=summary.get("version", 0),
        pipeline_type=summary.get("pipelineType", "V1"),
        execution_mode=summary.get("executionMode", "SUPERSEDED"),
        created=summary.get("created"),
        updated=summary.get("updated"),
        **details,
    )


def _store(store: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": store.get("type", ""),
        "location": store.get("location", ""),
        "encryption_key": plain(store.get("encryptionKey")),
    }


def _rules(stage: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what a stage is to meet before it is entered, and once its actions succeeded.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RuleDeclaration.html
    """
    for when in ("beforeEntry", "onSuccess"):
        for condition in (stage.get(when) or {}).get("conditions") or ():
            for rule in condition.get("rules") or ():
                yield {
                    "when": when,
                    "name": str(rule.get("name", "")),
                    "provider": str((rule.get("ruleTypeId") or {}).get("provider", "")),
                    "alarm": str((rule.get("configuration") or {}).get("AlarmName", "")),
                }


def _stage_definition(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": stage["name"],
        "on_failure": (stage.get("onFailure") or {}).get("result", ""),
        "rules": list(_rules(stage)),
        "actions": [
            {
                "name": action["name"],
                "category": action["actionTypeId"].get("category", ""),
                "owner": action["actionTypeId"].get("owner", ""),
                "provider": action["actionTypeId"].get("provider", ""),
                "version": action["actionTypeId"].get("version", ""),
                "run_order": action.get("runOrder", 1),
                "region": action.get("region", ""),
                "namespace": action.get("namespace", ""),
                "role_arn": action.get("roleArn", ""),
                "timeout_minutes": action.get("timeoutInMinutes"),
                "configuration": configuration(action.get("configuration", {})),
                "inputs": [artifact["name"] for artifact in action.get("inputArtifacts", ())],
                "outputs": [artifact["name"] for artifact in action.get("outputArtifacts", ())],
            }
            for action in stage.get("actions", ())
        ],
    }


def _definition_links(
    body: Mapping[str, Any], stores: Mapping[str, Mapping[str, Any]]
) -> Iterator[LinkTo]:
    if role := body.get("roleArn"):
        yield LinkTo("assumes", "iam.role", role)
    for store in stores.values():
        if key := (store.get("encryptionKey") or {}).get("id"):
            yield LinkTo("encrypts with", "kms.key", key)


def stage_record(
    reach: Reach, pipeline: Parent, position: int, stage: Mapping[str, Any]
) -> StageRecord:
    """Return a stage of GetPipelineState."""
    defined = _defined_actions(pipeline, stage["stageName"])
    actions = [
        _action_state(action, defined.get(action.get("actionName", ""), {}))
        for action in stage.get("actionStates", ())
    ]
    links: dict[str, LinkTo] = {}
    for action in actions:
        link = started(reach, defined.get(action["name"], {}), action["external_id"])
        if link is not None:
            action["runs"], links[link.to] = link.to, link
    transition = stage.get("inboundTransitionState") or {}
    latest = stage.get("latestExecution") or {}
    waiting = any(action["state"] == State.WAITING for action in actions)
    status = latest.get("status", "")
    return StageRecord(
        key=f"{pipeline.key}/{stage['stageName']}",
        parent=pipeline.key,
        name=stage["stageName"],
        position=position,
        status=status,
        state=State.WAITING if waiting and status == "InProgress" else state_of(status),
        transition_enabled=transition.get("enabled", True),
        transition_reason=masked(transition.get("disabledReason", "")),
        transition_changed_by=transition.get("lastChangedBy", ""),
        transition_changed_at=transition.get("lastChangedAt"),
        inbound_execution_ids=_inbound(stage),
        execution_id=latest.get("pipelineExecutionId", ""),
        actions=actions,
        links=tuple(links.values()),
    )


def _inbound(stage: Mapping[str, Any]) -> list[str]:
    """Name the executions that wait to enter a stage, the first in line first."""
    one = stage.get("inboundExecution")
    waiting = [*(stage.get("inboundExecutions") or ()), *([one] if one else ())]
    return list(dict.fromkeys(key for each in waiting if (key := each.get("pipelineExecutionId"))))


def _defined_actions(pipeline: Parent, stage: str) -> dict[str, Mapping[str, Any]]:
    for defined in pipeline.fields.get("definition") or ():
        if defined["name"] == stage:
            return {action["name"]: action for action in defined["actions"]}
    return {}


def _action_state(action: Mapping[str, Any], defined: Mapping[str, Any]) -> dict[str, Any]:
    latest = action.get("latestExecution") or {}
    revision = action.get("currentRevision") or {}
    error = latest.get("errorDetails") or {}
    status = latest.get("status", "")
    # Only an approval that waits has a token.
    waits = status == "InProgress" and bool(latest.get("token"))
    since = latest.get("lastStatusChange")
    return {
        "name": action.get("actionName", ""),
        "action_execution_id": latest.get("actionExecutionId", ""),
        "status": status,
        "state": State.WAITING.value if waits else str(state_of(status)),
        "summary": message_in(latest.get("summary", ""))[0],
        "last_change": plain(since),
        "expires_at": plain(_expiry(since, defined)) if waits else None,
        "external_id": latest.get("externalExecutionId", ""),
        "external_url": address(latest.get("externalExecutionUrl", "")),
        "runs": "",
        "entity_url": address(action.get("entityUrl", "")),
        "revision_id": revision.get("revisionId", ""),
        "revision_url": address(action.get("revisionUrl", "")),
        "percent": latest.get("percentComplete"),
        "error_code": error.get("code", ""),
        "error_message": masked(error.get("message", "")),
        "updated_by": latest.get("lastUpdatedBy", ""),
    }


def _expiry(since: datetime | None, defined: Mapping[str, Any]) -> datetime | None:
    if since is None:
        return None
    minutes = defined.get("timeout_minutes")
    return since + (timedelta(minutes=minutes) if minutes else APPROVAL_TIMEOUT)


def execution_record(
    pipeline: str, summary: Mapping[str, Any], unfinished: Iterable[str]
) -> ExecutionRecord:
    """Return an execution of ListPipelineExecutions.

    `unfinished` are known ones: whether they wait is told by their actions.
    """
    status = summary.get("status", "")
    key = summary["pipelineExecutionId"]
    state = state_of(status)
    revisions = [
        _revision(
            revision.get("actionName", ""),
            revision.get("revisionId", ""),
            revision.get("revisionSummary", ""),
            revision.get("revisionUrl", ""),
        )
        for revision in summary.get("sourceRevisions", ())
    ]
    trigger = summary.get("trigger") or {}
    first = revisions[0] if revisions else {}
    return ExecutionRecord(
        key=key,
        parent=pipeline,
        status=status,
        state=UNREAD if state == State.MOVING and key in unfinished else state,
        status_summary=masked(summary.get("statusSummary", "")),
        started_at=summary.get("startTime"),
        last_update=summary.get("lastUpdateTime"),
        ended_at=None if state == State.MOVING else summary.get("lastUpdateTime"),
        trigger_type=trigger.get("triggerType", ""),
        trigger_detail=masked(trigger.get("triggerDetail", "")),
        stop_reason=masked((summary.get("stopTrigger") or {}).get("reason", "")),
        execution_mode=summary.get("executionMode", ""),
        execution_type=summary.get("executionType", ""),
        rollback_of=(summary.get("rollbackMetadata") or {}).get(
            "rollbackTargetPipelineExecutionId", ""
        ),
        revisions=revisions,
        revision_id=first.get("id", ""),
        summary=first.get("summary", ""),
    )


def described_execution_record(pipeline: str, body: Mapping[str, Any]) -> ExecutionRecord:
    """Return a known execution of GetPipelineExecution, which tells less than the list did.

    It knows no times, and names revisions by their artifact rather than by their action; those
    columns are left alone.
    """
    status = body.get("status", "")
    state = state_of(status)
    trigger = body.get("trigger") or {}
    return ExecutionRecord(
        key=body["pipelineExecutionId"],
        parent=pipeline,
        status=status,
        state=UNREAD if state == State.MOVING else state,
        status_summary=masked(body.get("statusSummary", "")),
        trigger_type=trigger.get("triggerType", ""),
        trigger_detail=masked(trigger.get("triggerDetail", "")),
        execution_mode=body.get("executionMode", ""),
        execution_type=body.get("executionType", ""),
        rollback_of=(body.get("rollbackMetadata") or {}).get(
            "rollbackTargetPipelineExecutionId", ""
        ),
        variables=variables(body.get("variables", ())),
    )


def resolved_variables(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what GetPipelineExecution alone tells: the variables that an execution runs with."""
    return variables(answer["pipelineExecution"].get("variables", ()))


def _revision(action: str, revision: str, summary: str, url: str) -> dict[str, Any]:
    """Return a revision with its message and the name of who hosts the source, where that is told.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_SourceRevision.html
    """
    message, provider = message_in(summary)
    return {
        "action": action,
        "id": revision,
        "summary": message,
        "url": address(url),
        "provider": provider,
    }


def message_in(summary: str) -> tuple[str, str]:
    """Return a summary's message and its source's provider, "" where none is named.

    A source through a connection wraps the commit message in JSON with the provider's name. Other
    workers write what they like, JSON that nests without end among it: that is shown as it is.
    """
    provider = ""
    if summary.startswith("{"):
        try:
            wrapped = json.loads(summary)
        except (ValueError, RecursionError):
            wrapped = None
        if isinstance(wrapped, dict) and isinstance(wrapped.get("CommitMessage"), str):
            named = wrapped.get("ProviderType")
            provider = named if isinstance(named, str) else ""
            summary = wrapped["CommitMessage"]
    return masked(summary), provider


def action_record(reach: Reach, pipeline: Parent, detail: Mapping[str, Any]) -> ActionRecord:
    """Return an action of ListActionExecutions."""
    given, put = detail.get("input") or {}, detail.get("output") or {}
    kind = given.get("actionTypeId") or {}
    result = put.get("executionResult") or {}
    error = result.get("errorDetails") or {}
    status = detail.get("status", "")
    defined = _defined_at(pipeline, detail)
    asks = kind.get("category") == "Approval"
    waits = status == "InProgress" and asks
    # Of an approval it is the token by which it is answered; nothing keeps that.
    external_id = "" if asks else result.get("externalExecutionId", "")
    ran_with = configuration(given.get("resolvedConfiguration") or given.get("configuration") or {})
    if asks:
        ran_with |= approval_message(given)
    ran_as = {
        "owner": kind.get("owner", ""),
        "provider": kind.get("provider", ""),
        "region": given.get("region") or (defined or {}).get("region", ""),
        "role_arn": given.get("roleArn") or (defined or {}).get("role_arn", ""),
        "configuration": ran_with,
    }
    state = State.WAITING if waits else state_of(status)
    link = started(reach, ran_as, external_id, over=state not in UNFINISHED)
    failed = invocation(link, external_id) if state == State.FAILED else None
    return ActionRecord(
        key=detail["actionExecutionId"],
        parent=detail["pipelineExecutionId"],
        status=status,
        state=state,
        stage=detail.get("stageName", ""),
        name=detail.get("actionName", ""),
        category=kind.get("category", ""),
        owner=kind.get("owner", ""),
        provider=kind.get("provider", ""),
        pipeline_version=detail.get("pipelineVersion"),
        run_order=UNREAD if defined is None else defined.get("run_order", 1),
        region=given.get("region", ""),
        started_at=detail.get("startTime"),
        last_update=detail.get("lastUpdateTime"),
        updated_by=detail.get("updatedBy", ""),
        summary=message_in(result.get("externalExecutionSummary", ""))[0],
        error_code=error.get("code", ""),
        error_message=masked(error.get("message", "")),
        external_id=external_id,
        external_url=address(result.get("externalExecutionUrl", "")),
        expires_at=_expires(detail, defined) if waits else None,
        configuration=ran_with,
        output_variables=output_variables(
            kind.get("category", ""), put.get("outputVariables") or {}
        ),
        links=tuple(one for one in (link, failed) if one),
    )


def _defined_at(pipeline: Parent, detail: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the definition that an action ran by, None where an edit has replaced it since."""
    read = str(pipeline.fields.get("described") or "").partition(" ")[0]
    if str(detail.get("pipelineVersion", "")) != read:
        return None
    stage, action = detail.get("stageName", ""), detail.get("actionName", "")
    return _defined_actions(pipeline, stage).get(action, {})


def _expires(
    detail: Mapping[str, Any], defined: Mapping[str, Any] | None
) -> datetime | Unread | None:
    return UNREAD if defined is None else _expiry(detail.get("startTime"), defined)
