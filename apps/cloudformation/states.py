"""What CloudFormation's statuses mean for a person: our states; no Django.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from apps.mirror.state import State

# An update that was rolled back has failed, however complete the way back was.
FAILED = frozenset(
    {
        "ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "EXPORT_ROLLBACK_COMPLETE",
    }
)
STOPPED = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "EXPORT_COMPLETE"})
VERBS = frozenset({"CREATE", "UPDATE", "DELETE", "IMPORT", "EXPORT", "ROLLBACK"})
# What CloudFormation says of a change set that would change nothing: no failure to anybody.
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


def state_of(status: str) -> str:
    """Return our state of a stack's or a resource's status; "" stays "".

    While it rolls back it still moves; why it does so is told beside it.
    """
    if not status:
        return ""
    if status == "REVIEW_IN_PROGRESS":
        return State.WAITING.value
    if status in DONE:
        return State.DONE.value
    if status in STOPPED:
        return State.STOPPED.value
    known = status.partition("_")[0] in VERBS
    if status in FAILED or (known and status.endswith("_FAILED")):
        return State.FAILED.value
    if known and status.endswith("_IN_PROGRESS"):
        return State.MOVING.value
    return State.UNKNOWN.value


def change_set_state_of(status: str, execution: str, reason: str) -> str:
    """Return our state of a change set: one that could be executed waits for a person."""
    match status, execution:
        case _, "EXECUTE_COMPLETE":
            return State.DONE.value
        case _, "EXECUTE_FAILED":
            return State.FAILED.value
        case _, "EXECUTE_IN_PROGRESS":
            return State.MOVING.value
        case "FAILED" | "DELETE_FAILED", _:
            nothing = any(words in reason for words in NOTHING_TO_DO)
            return (State.STOPPED if nothing else State.FAILED).value
        case (
            ("CREATE_PENDING" | "CREATE_IN_PROGRESS" | "DELETE_PENDING" | "DELETE_IN_PROGRESS"),
            _,
        ):
            return State.MOVING.value
        case "CREATE_COMPLETE", "AVAILABLE":
            return State.WAITING.value
        case "DELETE_COMPLETE", _:
            return State.STOPPED.value
        case _, "OBSOLETE":
            return State.STOPPED.value
    return State.UNKNOWN.value
