"""What checks and statuses of a commit say, as one list in our states; pure functions.

https://docs.github.com/en/rest/checks/runs · https://docs.github.com/en/rest/commits/statuses
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.mirror.masking import masked
from apps.mirror.state import State, urgency_of

# Of one commit; who has more is told the first, failed ones before all others.
MOST = 50
CONCLUSIONS = {
    "success": State.DONE,
    "neutral": State.DONE,
    "skipped": State.STOPPED,
    "cancelled": State.STOPPED,
    "stale": State.STOPPED,
    "failure": State.FAILED,
    "timed_out": State.FAILED,
    "startup_failure": State.FAILED,
    "action_required": State.WAITING,
}
UNDER_WAY = frozenset({"queued", "in_progress", "waiting", "requested", "pending"})
STATUSES = {
    "success": State.DONE,
    "failure": State.FAILED,
    "error": State.FAILED,
    "pending": State.MOVING,
}


def checks_of(
    runs: Iterable[Mapping[str, Any]], statuses: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return `PullRequest.checks`: failed ones first, then by name."""
    found = [*map(_of_run, runs), *map(_of_status, statuses)]
    return sorted(found, key=lambda one: (urgency_of(one["state"]), one["name"]))[:MOST]


def _of_run(told: Mapping[str, Any]) -> dict[str, Any]:
    status, conclusion = str(told.get("status") or ""), str(told.get("conclusion") or "")
    if status in UNDER_WAY:
        state, word = State.MOVING, status
    else:
        state, word = CONCLUSIONS.get(conclusion, State.UNKNOWN), conclusion or status
    return {
        "name": str(told.get("name") or ""),
        "state": state.value,
        "status": word,
        "by": str((told.get("app") or {}).get("name") or ""),
        "url": str(told.get("html_url") or ""),
        "at": told.get("completed_at") or told.get("started_at"),
    }


def _of_status(told: Mapping[str, Any]) -> dict[str, Any]:
    word = str(told.get("state") or "")
    return {
        "name": str(told.get("context") or ""),
        "state": STATUSES.get(word, State.UNKNOWN).value,
        "status": word,
        "by": masked(str(told.get("description") or "")),
        "url": str(told.get("target_url") or ""),
        "at": told.get("updated_at") or told.get("created_at"),
    }


def sum_of(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return what all checks amount to: the worst of them, done where all went well, "" of none."""
    states = {str(one["state"]) for one in checks}
    for state in (State.FAILED, State.MOVING, State.WAITING, State.UNKNOWN):
        if state in states:
            return state.value
    return State.DONE.value if states else ""
