"""Says what keeps a pull request from being merged, whoever hosts it."""

from collections.abc import Sequence

from .models import PullRequest

# Paths, people or checks named in a line.
NAMED = 3
# What a host says of one that could be merged otherwise.
# https://docs.github.com/en/graphql/reference/enums#mergestatestatus
STANDS = {
    "behind": "Its branch lacks what was merged since, which has to be in it",
    "blocked": "Rules of the branch want more: reviews or checks that are not there yet",
}


def why_pull_request(pull: PullRequest) -> str:
    """Return what keeps an open pull request from being merged, a line each, or ""."""
    if not pull.open:
        return ""
    lines = [conflict(pull)] if pull.mergeable is False else []
    given = sum(one.get("state") == "APPROVE" for one in pull.approvals)
    lines += [unsatisfied(rule, given) for rule in pull.unsatisfied]
    if pull.objectors:
        lines.append(f"Changes are wanted by {_some(pull.objectors)}")
    if pull.failed_checks:
        lines.append(f"Failed: {_some(pull.failed_checks)}")
    if pull.draft:
        lines.append("It is a draft: its author is not done with it")
    if word := STANDS.get(pull.merge_state, ""):
        # What blocks it may be said above already.
        lines += [] if lines and pull.merge_state == "blocked" else [word]
    return "\n".join(lines)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def conflict(pull: PullRequest) -> str:
    """Say in which files source and destination contradict each other."""
    files = pull.conflicts
    where = f" in {', '.join(files[:NAMED])}" if files else ""
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return f"Merge conflict with {pull.destination_branch}{where}{more}"


def unsatisfied(rule: dict[str, object], given: int) -> str:
    """Say which approval rule is not satisfied, and how many approvals it has of how many."""
    needed = rule.get("needed")
    count = f": {given} of {needed} approvals" if needed is not None else ""
    return f"Approval rule “{rule.get('name')}” is not satisfied{count}"
