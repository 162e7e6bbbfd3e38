"""CloudFormation's operations about drift: beginning a detection, and what the last one found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import events
from apps.sandbox.cloudformation.model import Resource, Stack, StackStore
from apps.sandbox.cloudformation.real import looking, making
from apps.sandbox.cloudformation.stacks import find_stack, invalid_token
from apps.sandbox.cloudformation.template import refused
from apps.sandbox.operations import Answer, Call, Params, operation, paginate
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Virtual seconds that a drift detection takes.
DRIFT_SECONDS = 12.0
PAGE = 100


@operation("cloudformation", "DetectStackDrift")
def detect_stack_drift(call: Call, params: Params) -> Answer:
    """Begin to compare a stack with what is there."""
    stack = find_stack(call, params["StackName"])
    if stack.moving:
        raise refused(
            f"Drift detection cannot be performed on stack {stack.id} in {stack.status} state"
        )
    return {"StackDriftDetectionId": detect_drift(stack)}


def detect_drift(stack: Stack) -> str:
    """Begin a detection; return its id."""
    world, store = stack.place.world, stack.place.of(StackStore)
    detection = uuid_from(world.chance(stack.id, "drift", len(store.detections)))
    due = world.now() + world.scheduler.stretch(DRIFT_SECONDS)
    store.detections[detection] = (stack, due)
    events.drift_detected(stack, detection, "DETECTION_IN_PROGRESS", 0)

    def over() -> None:
        now = world.now()
        for resource in stack.resources.values():
            _compare(stack, resource, now)
        count = _drifted(stack)
        stack.drift, stack.drift_checked = "DRIFTED" if count else "IN_SYNC", now
        store.failed_detections[detection] = _unread(stack)
        ended = "DETECTION_FAILED" if _unread(stack) else "DETECTION_COMPLETE"
        events.drift_detected(stack, detection, ended, count)

    world.scheduler.at(due, over)
    return detection


def _compare(stack: Stack, resource: Resource, now: float) -> None:
    """Find what a resource is now: by what is there, or by what the scenario did to it."""
    if resource.touched or making.kind_of(stack, resource) is None:
        resource.drift, resource.drift_checked = resource.touched or "IN_SYNC", now
        resource.drift_found = {**resource.properties, **resource.actual}
        return
    resource.drift, resource.drift_found = looking.look(stack, resource)
    resource.drift_checked = None if resource.drift in ("NOT_CHECKED", "UNKNOWN") else now


def _unread(stack: Stack) -> str:
    """Why a detection failed: CloudFormation was not let read these; "" where it read all."""
    names = sorted(one.logical_id for one in stack.resources.values() if one.drift == "UNKNOWN")
    return f"Failed to detect drift on resources [{', '.join(names)}]" if names else ""


def _drifted(stack: Stack) -> int:
    return sum(1 for one in stack.resources.values() if one.drift in ("MODIFIED", "DELETED"))


@operation("cloudformation", "DescribeStackDriftDetectionStatus")
def describe_stack_drift_detection_status(call: Call, params: Params) -> Answer:
    """How far a detection is."""
    found = call.place.of(StackStore).detections.get(params["StackDriftDetectionId"])
    if found is None:
        raise refused("The specified StackDriftDetectionId does not exist.")
    stack, due = found
    done = call.world.now() >= due
    failed = call.place.of(StackStore).failed_detections.get(params["StackDriftDetectionId"], "")
    ended = "DETECTION_FAILED" if failed else "DETECTION_COMPLETE"
    return {
        "StackId": stack.id,
        "StackDriftDetectionId": params["StackDriftDetectionId"],
        "StackDriftStatus": stack.drift if done else None,
        "DetectionStatus": ended if done else "DETECTION_IN_PROGRESS",
        "DetectionStatusReason": failed if done and failed else None,
        "DriftedStackResourceCount": _drifted(stack) if done else None,
        "Timestamp": due if done else call.world.now(),
    }


@operation("cloudformation", "DescribeStackResourceDrifts")
def describe_stack_resource_drifts(call: Call, params: Params) -> Answer:
    """What the last detection found of each resource that it looked at."""
    stack = find_stack(call, params["StackName"])
    wanted = params.get("StackResourceDriftStatusFilters") or []
    checked = [
        resource
        for _, resource in sorted(stack.resources.items())
        if resource.drift_checked is not None and (not wanted or resource.drift in wanted)
    ]
    page, token = paginate(
        call,
        checked,
        lambda resource: resource.logical_id,
        size=params.get("MaxResults") or PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
        scope=f"{stack.id} {','.join(wanted)}",
    )
    return {"StackResourceDrifts": [_drift(stack, one) for one in page], "NextToken": token}


def _drift(stack: Stack, resource: Resource) -> Answer:
    told = {
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "StackResourceDriftStatus": resource.drift,
        "Timestamp": resource.drift_checked,
        "ExpectedProperties": json.dumps(resource.properties, default=str),
    }
    if resource.drift == "DELETED":
        return told
    return {
        **told,
        "ActualProperties": json.dumps(resource.drift_found, default=str),
        "PropertyDifferences": list(_differences("", resource.properties, resource.drift_found)),
    }


def _differences(path: str, expected: Any, actual: Any) -> Iterator[Answer]:
    """Tell where two values part, as AWS does: items of lists come or go, scalars differ."""
    if expected == actual:
        return
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted({*expected, *actual}):
            below = f"{path}/{name}"
            if name not in actual:
                yield _one(below, expected[name], None, "REMOVE")
            elif name not in expected:
                yield _one(below, None, actual[name], "ADD")
            else:
                yield from _differences(below, expected[name], actual[name])
    elif isinstance(expected, list) and isinstance(actual, list):
        gone = [(n, item) for n, item in enumerate(expected) if item not in actual]
        come = [(n, item) for n, item in enumerate(actual) if item not in expected]
        yield from (_one(f"{path}/{number}", item, None, "REMOVE") for number, item in gone)
        yield from (_one(f"{path}/{number}", None, item, "ADD") for number, item in come)
    else:
        yield _one(path, expected, actual, "NOT_EQUAL")


def _one(path: str, expected: Any, actual: Any, kind: str) -> Answer:
    def said(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, default=str)

    return {
        "PropertyPath": path,
        "ExpectedValue": said(expected),
        "ActualValue": said(actual),
        "DifferenceType": kind,
    }
