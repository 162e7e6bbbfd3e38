"""What follows from versions and aliases for their function, and why it, or a call, failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.mirror.state import State

from .models import Alias, Failure, Function, Version

# Lines of a log that explain a failure.
TOLD = 8


def of_versions(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return how many versions these functions have, and the newest."""
    found: dict[int, list[int]] = {pk: [] for pk in ids}
    rows = Version.objects.present().filter(function__in=ids)
    for function, number in rows.values_list("function_id", "number"):
        found[function].append(number)
    return {
        pk: {"version_count": len(numbers), "newest_version": max(numbers, default=None)}
        for pk, numbers in found.items()
    }


def of_aliases(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return which versions these functions' aliases send calls to."""
    found: dict[int, list[dict[str, Any]]] = {pk: [] for pk in ids}
    rows = Alias.objects.present().filter(function__in=ids).order_by("name", "pk")
    for alias in rows:
        found[alias.function_id].append(
            {"name": alias.name, "state": alias.state, "shares": alias.shares}
        )
    return {pk: {"aliases": aliases, "alias_count": len(aliases)} for pk, aliases in found.items()}


def why(function: Function) -> str:
    """Return what Lambda says of a function that cannot be called, or whose update failed."""
    if function.state != State.FAILED:
        return ""
    if function.function_state == "Failed":
        said = (function.state_reason_code, function.state_reason)
        fallback = "The function cannot be called, and Lambda does not say why."
    else:
        said = (function.last_update_status_reason_code, function.last_update_status_reason)
        fallback = "The last update failed, and Lambda does not say why."
    return ": ".join(filter(None, said)) or fallback


def why_then(function: Function, since: datetime | None, until: datetime | None) -> str:
    """Return why a function that was changed between two moments failed by that.

    What an invocation ends with is not kept by Lambda: its log tells, see `why_failure`.
    """
    at = function.last_modified
    if (since or until) and at is None:
        return ""
    early = since is not None and at is not None and at < since
    late = until is not None and at is not None and at > until
    return "" if early or late else why(function)


def why_failure(failure: Failure) -> str:
    """Return the lines of an invocation's log that tell its error."""
    lines = failure.lines[failure.mark : failure.mark + TOLD]
    fallback = (
        "It timed out." if failure.status == "timeout" else "It failed; its log says no more."
    )
    return "\n".join(line for line in lines if line.strip()) or fallback
