"""Reads BatchGetDeploymentTargets' answers into records: events, failing script, log tail.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentTarget.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.aws.wire import plain
from apps.mirror.ask import LinkTo, Parent
from apps.mirror.masking import masked
from apps.mirror.state import UNFINISHED, State

from . import diagnose, masking
from .answers import seconds
from .records import TargetRecord

STATES = {
    "Pending": State.MOVING,
    "InProgress": State.MOVING,
    "Ready": State.MOVING,
    "Succeeded": State.DONE,
    "Failed": State.FAILED,
    "Skipped": State.STOPPED,
    "Unknown": State.UNKNOWN,
}
# An event that has not begun has no state; the target's own pending ones are waited for.
EVENT_STATES = {**STATES, "Pending": ""}
# The member of a target, by what AWS calls its type, and what kind the thing itself is.
MEMBERS = {
    "InstanceTarget": ("instanceTarget", "ec2.instance"),
    "LambdaTarget": ("lambdaTarget", "awslambda.function"),
    "ECSTarget": ("ecsTarget", "ecs.service"),
    "CloudFormationTarget": ("cloudFormationTarget", "cloudformation.stack"),
}
# So long after the deployment's end a target may still be told to run.
SETTLES = timedelta(hours=1)
# AWS gives four kilobytes at most; whatever else comes is cut.
LONGEST_TAIL = 16_000


def target_record(deployment: Parent, answer: Mapping[str, Any]) -> TargetRecord:
    """Return a target of BatchGetDeploymentTargets."""
    kind = answer.get("deploymentTargetType") or ""
    body = _body(kind, answer)
    target_id = str(body.get("targetId") or "")
    key = f"{deployment.key}/{target_id}"
    status = body.get("status") or ""
    events = [_event(event) for event in body.get("lifecycleEvents") or ()]
    failing = diagnose.failing(events)
    tail = _tail_of(body, failing)
    state = _settled(STATES.get(status, State.UNKNOWN), deployment)
    ended = _time(body, "endTime", max) if state not in UNFINISHED else None
    began = _time(body, "startTime", min)
    function = body.get("lambdaFunctionInfo") or {}
    task_sets = [_task_set(one) for one in body.get("taskSetsInfo") or ()]
    arn = body.get("targetArn") or key
    return TargetRecord(
        key=key,
        parent=deployment.key,
        arn=arn,
        status=status,
        state=state.value,
        target_id=target_id,
        target_type=kind,
        label=body.get("instanceLabel") or "",
        last_updated_at=body.get("lastUpdatedAt"),
        started_at=began,
        ended_at=ended,
        seconds=seconds(began, ended),
        lifecycle_events=events,
        function=_function(function),
        task_sets=task_sets,
        resource_type=body.get("resourceType") or "",
        traffic_percent=_traffic(kind, body, function, task_sets),
        failing_event=failing.get("name", ""),
        failing_code=failing.get("error_code", ""),
        failing_script=failing.get("script", ""),
        failing_message=failing.get("message", ""),
        log_tail=tail,
        log_mark=diagnose.causing_line(tail, failing.get("script", "")) if tail else None,
        links=tuple(_links(kind, arn)),
    )


def _body(kind: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is told of a target, also of a type we have not heard of."""
    member, _ = MEMBERS.get(kind, ("", ""))
    found = answer.get(member) if member else None
    others = (value for value in answer.values() if isinstance(value, Mapping))
    return found or next(others, {})


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    diagnostics = event.get("diagnostics") or {}
    status = event.get("status") or ""
    started, ended = event.get("startTime"), event.get("endTime")
    return {
        "name": event.get("lifecycleEventName") or "",
        "status": status,
        "state": str(EVENT_STATES.get(status, State.UNKNOWN) if status else ""),
        "start": plain(started),
        "end": plain(ended),
        "seconds": seconds(started, ended),
        "error_code": diagnostics.get("errorCode") or "",
        "script": diagnostics.get("scriptName") or "",
        "message": masked(diagnostics.get("message") or ""),
    }


def _tail_of(body: Mapping[str, Any], failing: Mapping[str, Any]) -> str:
    for event in body.get("lifecycleEvents") or ():
        if failing and event.get("lifecycleEventName") == failing["name"]:
            tail = str((event.get("diagnostics") or {}).get("logTail") or "")
            return masking.text(tail[-LONGEST_TAIL:]).strip("\n")
    return ""


def _settled(state: State, deployment: Parent) -> State:
    """Return the state; what AWS still calls running long after the end is nobody's any more."""
    over = deployment.fields.get("completed_at")
    if state in UNFINISHED and over and datetime.now(UTC) - over > SETTLES:
        return State.UNKNOWN
    return state


def _time(body: Mapping[str, Any], name: str, choose: Any) -> datetime | None:
    times = [event[name] for event in body.get("lifecycleEvents") or () if event.get(name)]
    found: datetime | None = choose(times, default=None)
    return found


def _function(told: Mapping[str, Any]) -> dict[str, Any]:
    if not told:
        return {}
    return {
        "name": told.get("functionName") or "",
        "alias": told.get("functionAlias") or "",
        "current_version": told.get("currentVersion") or "",
        "target_version": told.get("targetVersion") or "",
        "target_version_weight": told.get("targetVersionWeight"),
    }


def _task_set(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # AWS spells it so.
        "identifier": told.get("identifer") or "",
        "label": told.get("taskSetLabel") or "",
        "status": told.get("status") or "",
        "desired": told.get("desiredCount") or 0,
        "running": told.get("runningCount") or 0,
        "pending": told.get("pendingCount") or 0,
        "traffic_weight": told.get("trafficWeight"),
        "target_group": (told.get("targetGroup") or {}).get("name") or "",
    }


def _traffic(
    kind: str,
    body: Mapping[str, Any],
    function: Mapping[str, Any],
    task_sets: list[dict[str, Any]],
) -> float | None:
    """Return how many percent of the traffic the new version has, None where nothing is shifted."""
    if kind == "LambdaTarget":
        return _percent(function.get("targetVersionWeight"))
    if kind == "CloudFormationTarget":
        return _percent(body.get("targetVersionWeight"))
    green = [one["traffic_weight"] for one in task_sets if one["label"] == "Green"]
    return float(green[0]) if green and green[0] is not None else None


def _percent(weight: Any) -> float | None:
    """Return a weight in percent. An alias' weights are shares of one; AWS's page says percent."""
    if weight is None:
        return None
    return round(float(weight) * 100, 2) if 0 < float(weight) <= 1 else float(weight)


def _links(kind: str, arn: str) -> list[LinkTo]:
    if not arn.startswith("arn:") or kind not in MEMBERS:
        return []
    parts = arn.split(":")
    # A machine outside AWS is an instance of CodeDeploy's own.
    if kind == "InstanceTarget" and parts[2] != "ec2":
        return [LinkTo("deploys to", "codedeploy.on_premises_instance", arn)]
    # A function's alias or version behind its ARN is no function.
    whole = ":".join(parts[:7]) if kind == "LambdaTarget" else arn
    return [LinkTo("deploys to", MEMBERS[kind][1], whole)]
