"""CodeCommit's operations on pull requests."""

from __future__ import annotations

import json
from typing import Any

from apps.sandbox.codecommit import events, objects, pulling
from apps.sandbox.codecommit.contents import find_commit
from apps.sandbox.codecommit.model import PullRequest, SourceStore, Who
from apps.sandbox.codecommit.repositories import bad_page, find_repository
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate

PAGE = 100


def find_pull(call: Call, number: str) -> PullRequest:
    """The pull request, or AWS's error; also where its repository cannot be opened."""
    if not number.isdecimal():
        raise AwsError("InvalidPullRequestIdException", f"{number} is no pull request id.")
    pull = call.place.of(SourceStore).pulls.get(number)
    if pull is None:
        raise AwsError("PullRequestDoesNotExistException", f"{number} does not exist.")
    if pull.repository.trouble is not None:
        raise AwsError(*pull.repository.trouble)
    return pull


def _current(call: Call, params: Params) -> PullRequest:
    pull = find_pull(call, params["pullRequestId"])
    if params["revisionId"] != pull.revision:
        raise AwsError(
            "RevisionNotCurrentException",
            "The revision is not the current revision of the pull request.",
        )
    return pull


def describe(pull: PullRequest) -> Answer:
    """A pull request as AWS shows it."""
    target = {
        "repositoryName": pull.repository.name,
        "sourceReference": f"refs/heads/{pull.source}",
        "destinationReference": f"refs/heads/{pull.destination}",
        "destinationCommit": pull.destination_commit,
        "sourceCommit": pull.source_commit,
        "mergeBase": pull.merge_base,
        "mergeMetadata": pull.merge,
    }
    return {
        "pullRequestId": pull.id,
        "title": pull.title,
        "description": pull.description,
        "lastActivityDate": pull.activity,
        "creationDate": pull.created,
        "pullRequestStatus": pull.status,
        "authorArn": pull.author,
        "pullRequestTargets": [target],
        "clientRequestToken": pull.token,
        "revisionId": pull.revision,
        "approvalRules": pull.rules,
    }


@operation("codecommit", "ListPullRequests")
def list_pull_requests(call: Call, params: Params) -> Answer:
    """The ids of a repository's pull requests, the newest first."""
    repository = find_repository(call, params["repositoryName"])
    status, author = params.get("pullRequestStatus"), params.get("authorArn")
    found = [
        pull
        for pull in reversed(call.place.of(SourceStore).pulls.values())
        if pull.repository is repository
        and status in (None, pull.status)
        and author in (None, pull.author)
    ]
    page, token = paginate(
        call,
        found,
        lambda pull: pull.id,
        size=min(PAGE, params.get("maxResults") or PAGE),
        token=params.get("nextToken"),
        error=bad_page,
        scope=f"{repository.id}/{status}/{author}",
    )
    return {"pullRequestIds": [pull.id for pull in page], "nextToken": token}


@operation("codecommit", "GetPullRequest")
def get_pull_request(call: Call, params: Params) -> Answer:
    """One pull request."""
    return {"pullRequest": describe(find_pull(call, params["pullRequestId"]))}


@operation("codecommit", "CreatePullRequest")
def create_pull_request(call: Call, params: Params) -> Answer:
    """Propose to merge a branch, into the default branch unless told otherwise."""
    targets = params["targets"]
    if len(targets) != 1:
        raise AwsError("InvalidTargetsException", "A pull request has one target.")
    target = targets[0]
    repository = find_repository(call, target["repositoryName"])
    source = target["sourceReference"].removeprefix("refs/heads/")
    destination = target.get("destinationReference") or repository.default_branch or ""
    destination = destination.removeprefix("refs/heads/")
    for name in (source, destination):
        if name not in repository.branches:
            raise AwsError(
                "ReferenceDoesNotExistException", f"The reference {name} does not exist."
            )
    if source == destination:
        raise AwsError(
            "SourceAndDestinationAreSameException", "Source and destination are the same branch."
        )
    pull = pulling.propose(
        repository,
        params["title"],
        params.get("description"),
        source,
        destination,
        call.caller.arn,
    )
    return {"pullRequest": describe(pull)}


@operation("codecommit", "UpdatePullRequestStatus")
def update_status(call: Call, params: Params) -> Answer:
    """Close a pull request; a closed one cannot be opened again."""
    pull = find_pull(call, params["pullRequestId"])
    if params["pullRequestStatus"] != "CLOSED":
        raise AwsError(
            "InvalidPullRequestStatusUpdateException", "The only status to set is CLOSED."
        )
    pulling.close(pull, call.caller.arn)
    return {"pullRequest": describe(pull)}


@operation("codecommit", "UpdatePullRequestTitle")
def update_title(call: Call, params: Params) -> Answer:
    """Name a pull request anew."""
    pull = find_pull(call, params["pullRequestId"])
    pull.title, pull.activity = params["title"], call.world.now()
    return {"pullRequest": describe(pull)}


# --- Approval -------------------------------------------------------------------------------------


@operation("codecommit", "CreatePullRequestApprovalRule")
def create_rule(call: Call, params: Params) -> Answer:
    """Add an approval rule."""
    pull = find_pull(call, params["pullRequestId"])
    name, content = params["approvalRuleName"], params["approvalRuleContent"]
    if any(rule["approvalRuleName"] == name for rule in pull.rules):
        raise AwsError("ApprovalRuleNameAlreadyExistsException", f"There is a rule {name} already.")
    try:
        statements = json.loads(content)["Statements"]
        valid = all(int(one["NumberOfApprovalsNeeded"]) > 0 for one in statements)
    except (ValueError, KeyError, TypeError):
        valid = False
    if not valid:
        raise AwsError("InvalidApprovalRuleContentException", "The content is not valid.")
    return {"approvalRule": pulling.add_rule(pull, name, content, call.caller.arn)}


@operation("codecommit", "UpdatePullRequestApprovalState")
def update_approval(call: Call, params: Params) -> Answer:
    """Approve the current revision, or take that back; not one's own pull request."""
    pull = _current(call, params)
    if pull.status != "OPEN":
        raise AwsError(
            "PullRequestAlreadyClosedException", f"The pull request {pull.id} is closed already."
        )
    if pull.author == call.caller.arn:
        raise AwsError(
            "PullRequestCannotBeApprovedByAuthorException",
            "The approval cannot be applied because the user approving the pull request matches "
            "the user who created the pull request.",
        )
    pulling.approve(pull, call.caller.arn, params["approvalState"])
    return {}


@operation("codecommit", "GetPullRequestApprovalStates")
def get_approvals(call: Call, params: Params) -> Answer:
    """Who approved a revision."""
    pull = find_pull(call, params["pullRequestId"])
    approvals = pull.approvals.items() if params["revisionId"] == pull.revision else ()
    return {"approvals": [{"userArn": user, "approvalState": state} for user, state in approvals]}


@operation("codecommit", "EvaluatePullRequestApprovalRules")
def evaluate_rules(call: Call, params: Params) -> Answer:
    """Which rules are satisfied."""
    told = pulling.evaluate(_current(call, params))
    evaluation = {
        "approved": told.approved,
        "overridden": told.overridden,
        "approvalRulesSatisfied": told.satisfied,
        "approvalRulesNotSatisfied": told.missing,
    }
    return {"evaluation": evaluation}


@operation("codecommit", "OverridePullRequestApprovalRules")
def override_rules(call: Call, params: Params) -> Answer:
    """Set the rules aside, or take that back."""
    pull = _current(call, params)
    status = params["overrideStatus"]
    pull.overridden_by = call.caller.arn if status == "OVERRIDE" else None
    pull.activity = call.world.now()
    events.pull_request_changed(
        pull, "pullRequestApprovalRuleOverridden", call.caller.arn, overrideStatus=status
    )
    return {}


# --- Merging --------------------------------------------------------------------------------------


def _merge(call: Call, params: Params, option: str) -> Answer:
    repository = find_repository(call, params["repositoryName"])
    pull = find_pull(call, params["pullRequestId"])
    if pull.repository is not repository:
        raise AwsError(
            "RepositoryNotAssociatedWithPullRequestException",
            "The repository is none of the pull request.",
        )
    if params.get("sourceCommitId", pull.source_commit) != pull.source_commit:
        raise AwsError(
            "TipOfSourceReferenceIsDifferentException",
            "The tip of the source branch is not the one given.",
        )
    author = None
    if "authorName" in params:
        author = Who(params["authorName"], params.get("email", ""))
    pulling.merge(pull, option, call.caller.arn, message=params.get("commitMessage"), author=author)
    return {"pullRequest": describe(pull)}


@operation("codecommit", "MergePullRequestByFastForward")
def merge_fast_forward(call: Call, params: Params) -> Answer:
    """Let the destination point to the source's head."""
    return _merge(call, params, pulling.FAST_FORWARD)


@operation("codecommit", "MergePullRequestBySquash")
def merge_squash(call: Call, params: Params) -> Answer:
    """One commit with all changes."""
    return _merge(call, params, pulling.SQUASH)


@operation("codecommit", "MergePullRequestByThreeWay")
def merge_three_way(call: Call, params: Params) -> Answer:
    """A commit with two parents."""
    return _merge(call, params, pulling.THREE_WAY)


@operation("codecommit", "GetMergeConflicts")
def get_merge_conflicts(call: Call, params: Params) -> Answer:
    """Whether two commits can be merged, and the files in which they contradict each other."""
    repository = find_repository(call, params["repositoryName"])
    source = find_commit(repository, params["sourceCommitSpecifier"]).id
    destination = find_commit(repository, params["destinationCommitSpecifier"]).id
    base = objects.merge_base(repository, destination, source)
    answer: Answer = {
        "destinationCommitId": destination,
        "sourceCommitId": source,
        "baseCommitId": base or None,
    }
    if params["mergeOption"] == pulling.FAST_FORWARD:
        return {**answer, "mergeable": base == destination, "conflictMetadataList": []}
    merged = objects.merge(repository, base, source, destination)
    sides = {
        "source": repository.files(source),
        "destination": repository.files(destination),
        "base": repository.files(base) if base else {},
    }
    limit = params.get("maxConflictFiles") or PAGE
    conflicts = [
        _conflict(path, count, {name: files.get(path) for name, files in sides.items()}, repository)
        for path, count in sorted(merged.conflicts.items())[:limit]
    ]
    return {**answer, "mergeable": not merged.conflicts, "conflictMetadataList": conflicts}


def _conflict(path: str, count: int, sides: dict[str, Any], repository: Any) -> Answer:
    there = {name: entry for name, entry in sides.items() if entry is not None}
    base = sides["base"]
    return {
        "filePath": path,
        "fileSizes": {name: len(repository.blobs[one.blob]) for name, one in there.items()},
        "fileModes": dict.fromkeys(there, "NORMAL"),
        "objectTypes": dict.fromkeys(there, "FILE"),
        "numberOfConflicts": count,
        "isBinaryFile": {name: b"\0" in repository.blobs[e.blob] for name, e in there.items()},
        "contentConflict": True,
        "fileModeConflict": False,
        "objectTypeConflict": False,
        "mergeOperations": {
            name: "D" if sides[name] is None else "A" if base is None else "M"
            for name in ("source", "destination")
        },
    }
