"""How a stack of CloudFormation stands, as AWS tells it now.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from apps.aws.calls import Reach

# Status of a stack that is nothing but a change set yet.
PLANNED = "REVIEW_IN_PROGRESS"
# Statuses of a stack that nothing came of, and that can only be deleted.
LEFTOVERS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", PLANNED)
# Statuses of a stack that was made and stands, whatever became of later updates.
COMPARED = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
)
# What a stack itself is when somebody asks something of it; a rollback is still the same.
BEGUN = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
# Events that are read of a stack at most, the newest first: a creation has two or three a resource.
MOST_EVENTS = 500


def stack_of(reach: Reach, name: str) -> Mapping[str, Any] | None:
    """Return a stack by its name or id; None where there is none. Raises botocore's errors."""
    try:
        answer = reach.call("cloudformation:DescribeStacks", StackName=name)
    except ClientError as error:
        # CloudFormation has one code for all that is wrong with a call.
        if "does not exist" in str(error):
            return None
        raise
    stacks = answer["Stacks"]
    found: Mapping[str, Any] | None = stacks[0] if stacks else None
    return found


def is_gone(stack: Mapping[str, Any] | None) -> bool:
    """Whether it is there no more; by its id AWS tells deleted ones for 90 days."""
    return stack is None or stack["StackStatus"] == "DELETE_COMPLETE"


def moves(stack: Mapping[str, Any]) -> bool:
    """Whether something is being done to it."""
    status = str(stack["StackStatus"])
    return status.endswith("_IN_PROGRESS") and status != PLANNED


def events_of(reach: Reach, name: str) -> list[Mapping[str, Any]]:
    """Return a stack's newest events, the oldest of them first."""
    found: list[Mapping[str, Any]] = []
    for page in reach.pages("cloudformation:DescribeStackEvents", StackName=name):
        found += page["StackEvents"]
        if len(found) >= MOST_EVENTS:
            break
    return found[::-1]


def of_the_last(events: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the events since the last operation on the stack began: what failed before is over.

    events  as DescribeStackEvents has them, the oldest first.
    """
    for place in range(len(events) - 1, -1, -1):
        one = events[place]
        if one.get("PhysicalResourceId") == one.get("StackId") and one["ResourceStatus"] in BEGUN:
            return events[place:]
    return events


def resources_of(reach: Reach, name: str) -> list[Mapping[str, Any]]:
    """Return a stack's resources: {LogicalResourceId, PhysicalResourceId, ResourceType, …}."""
    pages = reach.pages("cloudformation:ListStackResources", StackName=name)
    return [one for page in pages for one in page["StackResourceSummaries"]]
