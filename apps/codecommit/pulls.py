"""Pull requests of CodeCommit's answers as frozen records, with rules, approvals and comments.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PullRequest.html
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.aws.calls import Reach
from apps.aws.wire import plain
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State
from apps.source.mentions import mentioned

from . import console
from .records import JSON, commit_arn


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequestRecord:
    """A pull request as GetPullRequest gives it, and what the calls about an open one add."""

    key: str
    parent: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    number: str | Unread = UNREAD
    title: str | Unread = UNREAD
    description: str | Unread = UNREAD
    author: str | Unread = UNREAD
    created: datetime | Unread | None = UNREAD
    last_activity: datetime | Unread | None = UNREAD
    source_branch: str | Unread = UNREAD
    destination_branch: str | Unread = UNREAD
    source_commit: str | Unread = UNREAD
    destination_commit: str | Unread = UNREAD
    merge_base: str | Unread = UNREAD
    revision_id: str | Unread = UNREAD
    merged: bool | Unread = UNREAD
    merged_by: str | Unread = UNREAD
    merge_commit: str | Unread = UNREAD
    merge_option: str | Unread = UNREAD
    approved: bool | Unread | None = UNREAD
    overridden: bool | Unread = UNREAD
    approval_rules: JSON = UNREAD
    approvals: JSON = UNREAD
    mergeable: bool | Unread | None = UNREAD
    conflicts: JSON = UNREAD
    comments: JSON = UNREAD
    console_url: str | Unread = UNREAD
    described: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def stamp_of(pull: Mapping[str, Any]) -> str:
    """Return what tells that nobody did anything to a pull request since it was read."""
    target = _target(pull)
    parts = (
        plain(pull.get("lastActivityDate")),
        pull.get("pullRequestStatus"),
        (pull.get("revisionId") or "")[:16],
        # What it would be merged into moves without any activity of its own.
        (target.get("destinationCommit") or "")[:16],
    )
    return " ".join(str(part or "-") for part in parts)


def is_open(pull: Mapping[str, Any]) -> bool:
    """Whether it may still be approved and merged."""
    return pull.get("pullRequestStatus") == "OPEN"


def _target(pull: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one target: CodeCommit's model allows several, its service does not."""
    return next(iter(pull.get("pullRequestTargets") or ()), {})


def repository_of(pull: Mapping[str, Any]) -> str:
    """Return the name of the repository it belongs to."""
    return str(_target(pull).get("repositoryName") or "")


def branch_name(reference: str) -> str:
    """Return "main" of "refs/heads/main"."""
    return reference.removeprefix("refs/heads/")


def pull_request_record(reach: Reach, pull: Mapping[str, Any], **details: Any) -> PullRequestRecord:
    """Read GetPullRequest's answer; `details` are columns that other calls told."""
    number, target = str(pull["pullRequestId"]), _target(pull)
    repository = str(target.get("repositoryName") or "")
    merge = target.get("mergeMetadata") or {}
    status, merged = pull.get("pullRequestStatus") or "", bool(merge.get("isMerged"))
    arn = reach.arn("codecommit", repository)
    source, merge_commit = target.get("sourceCommit") or "", merge.get("mergeCommitId") or ""
    links = [LinkTo("proposes", "codecommit.commit", commit_arn(arn, source))] if source else []
    if merge_commit:
        links.append(LinkTo("merged as", "codecommit.commit", commit_arn(arn, merge_commit)))
    title, description = masked(pull.get("title") or ""), masked(pull.get("description") or "")
    source_branch = branch_name(target.get("sourceReference") or "")
    links += mentioned(title, source_branch, description)
    return PullRequestRecord(
        key=number,
        parent=repository,
        arn=f"{arn}/pull-requests/{number}",
        status=status,
        state=_state(status, merged=merged),
        number=number,
        title=title,
        description=description,
        author=pull.get("authorArn") or "",
        created=pull.get("creationDate"),
        # Lists are sorted by it.
        last_activity=pull.get("lastActivityDate") or pull.get("creationDate"),
        source_branch=source_branch,
        destination_branch=branch_name(target.get("destinationReference") or ""),
        source_commit=source,
        destination_commit=target.get("destinationCommit") or "",
        merge_base=target.get("mergeBase") or "",
        revision_id=pull.get("revisionId") or "",
        merged=merged,
        merged_by=merge.get("mergedBy") or "",
        merge_commit=merge_commit,
        merge_option=merge.get("mergeOption") or "",
        console_url=console.pull_request_url(reach.region, repository, number),
        links=tuple(links),
        **details,
    )


def _state(status: str, *, merged: bool) -> str:
    if status == "CLOSED":
        return State.DONE.value if merged else State.STOPPED.value
    return State.WAITING.value if status == "OPEN" else State.UNKNOWN.value


def approval_rules(
    pull: Mapping[str, Any], evaluation: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Read the rules of a pull request; `evaluation` is that of EvaluatePullRequestApprovalRules.

    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-create-template.html
    """
    satisfied = set((evaluation or {}).get("approvalRulesSatisfied") or ())
    missing = set((evaluation or {}).get("approvalRulesNotSatisfied") or ())
    rules = []
    for rule in pull.get("approvalRules") or ():
        name = rule.get("approvalRuleName") or ""
        needed, members, branches = _rule_content(rule.get("approvalRuleContent") or "")
        rules.append(
            {
                "name": name,
                "needed": needed,
                "members": members,
                "branches": branches,
                "satisfied": True if name in satisfied else False if name in missing else None,
                "template": (rule.get("originApprovalRuleTemplate") or {}).get(
                    "approvalRuleTemplateName"
                )
                or "",
            }
        )
    return rules


def _rule_content(text: str) -> tuple[int | None, list[str], list[str]]:
    """Return how many approvals a rule needs, from whom, and for which branches."""
    try:
        content = json.loads(text)
        statements = [one for one in content.get("Statements") or () if isinstance(one, dict)]
        branches = [str(one) for one in content.get("DestinationReferences") or ()]
    except (ValueError, AttributeError, TypeError):
        return None, [], []
    needed = [
        one["NumberOfApprovalsNeeded"]
        for one in statements
        if isinstance(one.get("NumberOfApprovalsNeeded"), int)
    ]
    members = [str(name) for one in statements for name in one.get("ApprovalPoolMembers") or ()]
    return max(needed, default=None), members, [branch_name(one) for one in branches]


def comments(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Read the comments of GetCommentsForPullRequest or GetCommentsForComparedCommit, in order."""
    found = []
    for data in answers:
        place = data.get("location") or {}
        for comment in data.get("comments") or ():
            deleted = bool(comment.get("deleted"))
            edited = comment.get("lastModifiedDate") != comment.get("creationDate")
            found.append(
                {
                    "id": comment.get("commentId", ""),
                    "author": comment.get("authorArn") or "",
                    "at": plain(comment.get("creationDate")),
                    "edited": edited and not deleted,
                    "text": "" if deleted else masked(comment.get("content") or ""),
                    "reply_to": comment.get("inReplyTo") or "",
                    "deleted": deleted,
                    "path": place.get("filePath") or "",
                    "position": place.get("filePosition"),
                    "version": place.get("relativeFileVersion") or "",
                }
            )
    return sorted(found, key=lambda comment: (comment["at"] or "", comment["id"]))
