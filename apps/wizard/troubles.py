"""Why a creation stands still, and what to do: AWS's own words, and a sentence beside them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# CloudFormation cancels what runs beside what failed: those say nothing of the cause.
CANCELLED = re.compile(r"Resource creation cancelled|Resource deletion cancelled", re.IGNORECASE)
ACTION = re.compile(r"not authorized to perform:?\s+([\w-]+:\w+)", re.IGNORECASE)
AGAIN = "Try again from here then: what failed is cleared away first."


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, in AWS's words, and what to do about it."""

    why: str
    cure: str


CURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"bucket.*(already exists|already owned)|BucketAlreadyExists", re.I | re.S),
        "Bucket names are taken world-wide, and somebody has this one. Undo what was made, and "
        "give the artifact bucket a name of its own in a new project.",
    ),
    (
        re.compile(r"already exists|AlreadyExists|already in use", re.IGNORECASE),
        "Something of this name is there already. Remove it, if it is left from an earlier try, or "
        f"undo this and choose another id for the project. {AGAIN}",
    ),
    (
        re.compile(r"limit|quota|exceeded", re.IGNORECASE),
        "A quota of the account is used up. Remove what is not needed, or ask AWS for more on the "
        f"page Service Quotas. {AGAIN}",
    ),
    (
        re.compile(r"connection.*(pending|not available|unavailable)", re.IGNORECASE | re.S),
        "Complete the connection to GitHub: in AWS's console, Developer Tools → Settings → "
        f"Connections → Update pending connection. {AGAIN}",
    ),
    (
        re.compile(r"does not exist|not found|NotFound|invalid.*id", re.IGNORECASE | re.S),
        "Something that was named is not there: check network, connection and queue, undo this, "
        "and choose them anew.",
    ),
)
OTHERWISE = f"Read what AWS says, cure it there, or undo what was made. {AGAIN}"


def cure_of(reason: str) -> str:
    """Return what to do about what AWS said."""
    if denied := ACTION.search(reason):
        return f"Allow {denied.group(1)} to the credentials of this account. {AGAIN}"
    return next((cure for pattern, cure in CURES if pattern.search(reason)), OTHERWISE)


def trouble_of(events: Iterable[Mapping[str, Any]], status: str) -> Trouble:
    """Return what made a stack fail: the first event of a resource that failed by itself.

    events  as DescribeStackEvents has them, the oldest first.
    """
    for event in events:
        reason = str(event.get("ResourceStatusReason", ""))
        failed = str(event["ResourceStatus"]).endswith("_FAILED")
        if failed and reason and not CANCELLED.search(reason):
            what = f"{event['LogicalResourceId']} ({event['ResourceType']})"
            return Trouble(f"{what}: {reason}", cure_of(reason))
    return Trouble(f"The stack is {status}.", OTHERWISE)
