"""Says what keeps a pull request from being merged, whoever hosts it."""

from .models import PullRequest

# Paths named in a line.
NAMED = 3


def why_pull_request(pull: PullRequest) -> str:
    """Return what keeps an open pull request from being merged, a line each, or ""."""
    if not pull.open:
        return ""
    lines = [conflict(pull)] if pull.mergeable is False else []
    given = sum(one.get("state") == "APPROVE" for one in pull.approvals)
    lines += [unsatisfied(rule, given) for rule in pull.unsatisfied]
    return "\n".join(lines)


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
