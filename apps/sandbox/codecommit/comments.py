"""CodeCommit's operations on comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.codecommit import pulling
from apps.sandbox.codecommit.contents import find_commit
from apps.sandbox.codecommit.model import Comment, Repository, SourceStore
from apps.sandbox.codecommit.pulls import find_pull
from apps.sandbox.codecommit.repositories import bad_page, find_repository
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 100


def _shown(comment: Comment) -> Answer:
    return {
        "commentId": comment.id,
        "content": None if comment.deleted else comment.content,
        "inReplyTo": comment.reply_to,
        "creationDate": comment.created,
        "lastModifiedDate": comment.modified,
        "authorArn": comment.author,
        "deleted": comment.deleted,
        "callerReactions": [],
        "reactionCounts": {},
    }


def _place(repository: Repository, comment: Comment) -> Answer:
    """What AWS says beside a comment: the commits, and the file it stands in."""
    answer: Answer = {
        "repositoryName": repository.name,
        "beforeCommitId": comment.before,
        "afterCommitId": comment.after,
        "location": comment.location,
    }
    path = (comment.location or {}).get("filePath")
    for side, commit in (("before", comment.before), ("after", comment.after)):
        if path and commit in repository.commits:
            entry = repository.files(commit).get(path)
            answer[f"{side}BlobId"] = entry.blob if entry else None
    return answer


@operation("codecommit", "GetCommentsForPullRequest")
def comments_for_pull_request(call: Call, params: Params) -> Answer:
    """The comments of a pull request, each with where it stands."""
    pull = find_pull(call, params["pullRequestId"])
    page, token = _page(call, params, pull.comments, pull.id)
    data = [
        {
            **_place(pull.repository, one),
            "pullRequestId": pull.id,
            "comments": [_shown(one)],
        }
        for one in page
    ]
    return {"commentsForPullRequestData": data, "nextToken": token}


@operation("codecommit", "GetCommentsForComparedCommit")
def comments_for_commit(call: Call, params: Params) -> Answer:
    """The comments on a commit."""
    repository = find_repository(call, params["repositoryName"])
    commit = find_commit(repository, params["afterCommitId"])
    found = [one for one in repository.comments if one.after == commit.id]
    page, token = _page(call, params, found, commit.id)
    data = [{**_place(repository, one), "comments": [_shown(one)]} for one in page]
    return {"commentsForComparedCommitData": data, "nextToken": token}


def _page(
    call: Call, params: Params, found: list[Comment], scope: str
) -> tuple[list[Comment], str | None]:
    return paginate(
        call,
        found,
        lambda one: one.id,
        size=min(500, params.get("maxResults") or PAGE),
        token=params.get("nextToken"),
        error=bad_page,
        scope=scope,
    )


@operation("codecommit", "PostCommentForPullRequest")
def post_for_pull_request(call: Call, params: Params) -> Answer:
    """Comment on a pull request."""
    pull = find_pull(call, params["pullRequestId"])
    made = pulling.comment(
        pull.repository,
        params["content"],
        call.caller.arn,
        pull=pull,
        before=params["beforeCommitId"],
        after=params["afterCommitId"],
        location=params.get("location"),
    )
    return {
        **_place(pull.repository, made),
        "pullRequestId": pull.id,
        "comment": _shown(made),
    }


@operation("codecommit", "PostCommentForComparedCommit")
def post_for_commit(call: Call, params: Params) -> Answer:
    """Comment on a commit."""
    repository = find_repository(call, params["repositoryName"])
    commit = find_commit(repository, params["afterCommitId"])
    made = pulling.comment(
        repository,
        params["content"],
        call.caller.arn,
        before=params.get("beforeCommitId"),
        after=commit.id,
        location=params.get("location"),
    )
    return {**_place(repository, made), "comment": _shown(made)}


@operation("codecommit", "PostCommentReply")
def post_reply(call: Call, params: Params) -> Answer:
    """Answer a comment."""
    for repository, pull, comment in _all(call):
        if comment.id == params["inReplyTo"]:
            made = pulling.comment(
                repository,
                params["content"],
                call.caller.arn,
                pull=pull,
                before=comment.before,
                after=comment.after,
                location=comment.location,
                reply_to=comment.id,
            )
            return {"comment": _shown(made)}
    raise AwsError("CommentDoesNotExistException", f"{params['inReplyTo']} does not exist.")


@operation("codecommit", "DeleteCommentContent")
def delete_comment(call: Call, params: Params) -> Answer:
    """Take a comment's text away; that it was there stays."""
    for _, _, comment in _all(call):
        if comment.id == params["commentId"]:
            comment.deleted, comment.modified = True, call.world.now()
            return {"comment": _shown(comment)}
    raise AwsError("CommentDoesNotExistException", f"{params['commentId']} does not exist.")


def _all(call: Call) -> Iterator[tuple[Repository, Any, Comment]]:
    store = call.place.of(SourceStore)
    for pull in store.pulls.values():
        yield from ((pull.repository, pull, one) for one in pull.comments)
    for repository in store.repositories.values():
        yield from ((repository, None, one) for one in repository.comments)
