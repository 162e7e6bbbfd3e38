"""What is told of a stack that failed is what failed last, not what failed in an earlier try."""

from typing import Any

from apps.wizard.stacks import of_the_last
from apps.wizard.troubles import trouble_of

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop-web/1"


def event(logical: str, status: str, reason: str = "") -> dict[str, Any]:
    physical = STACK if logical == "shop-web" else logical.lower()
    kind = "AWS::CloudFormation::Stack" if logical == "shop-web" else "AWS::S3::Bucket"
    return {
        "StackId": STACK,
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_a_second_deletion_tells_its_own_trouble():
    events = [
        event("shop-web", "DELETE_IN_PROGRESS"),
        event("Logs", "DELETE_FAILED", "The bucket you tried to delete is not empty"),
        event("shop-web", "DELETE_FAILED", "The following resource(s) failed to delete: [Logs]."),
        event("shop-web", "DELETE_IN_PROGRESS"),
        event("Key", "DELETE_FAILED", "Access denied"),
        event("shop-web", "DELETE_FAILED", "The following resource(s) failed to delete: [Key]."),
    ]
    assert trouble_of(of_the_last(events), "DELETE_FAILED").why.endswith("Access denied")


def test_a_rollback_is_still_the_creation_that_failed():
    events = [
        event("shop-web", "CREATE_IN_PROGRESS"),
        event("Key", "CREATE_FAILED", "Access denied"),
        event("shop-web", "ROLLBACK_IN_PROGRESS"),
        event("shop-web", "ROLLBACK_FAILED"),
    ]
    assert trouble_of(of_the_last(events), "ROLLBACK_FAILED").why.endswith("Access denied")
