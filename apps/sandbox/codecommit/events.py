"""Words CodeCommit's events as AWS does.

https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.codecommit.model import Comment, PullRequest, Repository

SOURCE = "aws.codecommit"


def reference_changed(
    repository: Repository, branch: str, old: str | None, new: str | None, who: str
) -> None:
    """``CodeCommit Repository State Change``: a branch was made, moved or deleted."""
    event = "referenceCreated" if old is None else "referenceDeleted" if new is None else ""
    detail: dict[str, Any] = {
        "event": event or "referenceUpdated",
        "repositoryName": repository.name,
        "repositoryId": repository.id,
        "referenceType": "branch",
        "referenceName": branch,
        "referenceFullName": f"refs/heads/{branch}",
        "callerUserArn": who,
    }
    if new is not None:
        detail["commitId"] = new
    if old is not None:
        detail["oldCommitId"] = old
    repository.place.emit(SOURCE, "CodeCommit Repository State Change", detail, [repository.arn])


def pull_request_changed(pull: PullRequest, event: str, who: str, **more: Any) -> None:
    """``CodeCommit Pull Request State Change``."""
    repository = pull.repository
    merged = bool(pull.merge["isMerged"])
    detail = {
        "event": event,
        "pullRequestId": pull.id,
        "repositoryNames": [repository.name],
        "title": pull.title,
        "description": pull.description or "",
        "author": pull.author,
        "callerUserArn": who,
        "creationDate": _spoken(pull.created),
        "lastModifiedDate": _spoken(pull.activity),
        "pullRequestStatus": pull.status.capitalize(),
        "isMerged": str(merged),
        "sourceReference": f"refs/heads/{pull.source}",
        "destinationReference": f"refs/heads/{pull.destination}",
        "sourceCommit": pull.source_commit,
        "destinationCommit": pull.destination_commit,
        "revisionId": pull.revision,
        "notificationBody": f"A pull request event occurred in {repository.name}: {event}",
        **more,
    }
    if merged:
        detail["mergeOption"] = pull.merge["mergeOption"]
    repository.place.emit(SOURCE, "CodeCommit Pull Request State Change", detail, [repository.arn])


def commented(repository: Repository, comment: Comment, pull: PullRequest | None) -> None:
    """``CodeCommit Comment on Pull Request`` or ``… on Commit``."""
    what = "PullRequest" if pull is not None else "Commit"
    detail = {
        "event": f"commentOn{what}Created",
        "repositoryName": repository.name,
        "repositoryId": repository.id,
        "beforeCommitId": comment.before,
        "afterCommitId": comment.after,
        "commentId": comment.id,
        "callerUserArn": comment.author,
        "notificationBody": f"A comment was made in {repository.name}.",
    }
    if comment.reply_to:
        detail["inReplyTo"] = comment.reply_to
    if pull is not None:
        detail["pullRequestId"] = pull.id
    name = "Comment on Pull Request" if pull is not None else "Comment on Commit"
    repository.place.emit(SOURCE, f"CodeCommit {name}", detail, [repository.arn])


def _spoken(moment: float) -> str:
    """``Tue Feb 12 11:36:06 UTC 2019``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
