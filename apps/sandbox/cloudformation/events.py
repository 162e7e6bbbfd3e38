"""Words CloudFormation's EventBridge events as AWS does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.cloudformation.model import Event, Stack

SOURCE = "aws.cloudformation"


def stack_changed(stack: Stack) -> None:
    """``CloudFormation Stack Status Change``."""
    detail: dict[str, Any] = {
        "stack-id": stack.id,
        "status-details": {"status": stack.status, "status-reason": stack.reason},
    }
    if stack.token:
        detail["client-request-token"] = stack.token
    stack.place.emit(SOURCE, "CloudFormation Stack Status Change", detail, [stack.id])


def resource_changed(stack: Stack, event: Event) -> None:
    """``CloudFormation Resource Status Change``."""
    detail: dict[str, Any] = {
        "stack-id": stack.id,
        "logical-resource-id": event.logical_id,
        "physical-resource-id": event.physical_id,
        "status-details": {"status": event.status, "status-reason": event.reason},
        "resource-type": event.type,
    }
    if event.token:
        detail["client-request-token"] = event.token
    stack.place.emit(SOURCE, "CloudFormation Resource Status Change", detail, [stack.id])


def drift_detected(stack: Stack, detection: str, status: str, count: int) -> None:
    """``CloudFormation Drift Detection Status Change``."""
    detail: dict[str, Any] = {
        "stack-id": stack.id,
        "stack-drift-detection-id": detection,
        "status-details": {
            "stack-drift-status": stack.drift,
            "detection-status": status,
        },
    }
    if status == "DETECTION_COMPLETE":
        detail["drift-detection-details"] = {"drifted-stack-resource-count": count}
    stack.place.emit(SOURCE, "CloudFormation Drift Detection Status Change", detail, [stack.id])
