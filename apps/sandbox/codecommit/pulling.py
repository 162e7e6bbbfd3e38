"""Opens, approves, comments, merges and closes pull requests, and tells everybody."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from apps.sandbox.codecommit import events, objects, writing
from apps.sandbox.codecommit.model import Comment, PullRequest, Repository, SourceStore, Who
from apps.sandbox.operations import AwsError
from apps.sandbox.world import hex_from, uuid_from

FAST_FORWARD, SQUASH, THREE_WAY = (
    "FAST_FORWARD_MERGE",
    "SQUASH_MERGE",
    "THREE_WAY_MERGE",
)


def propose(  # noqa: PLR0913 - a pull request is this much
    repository: Repository,
    title: str,
    description: str | None,
    source: str,
    destination: str,
    author: str,
) -> PullRequest:
    """Open a pull request; ``author`` is an ARN."""
    store, world = repository.place.of(SourceStore), repository.place.world
    now, number = world.now(), store.next_pull()
    pull = PullRequest(
        number,
        repository,
        title,
        description,
        author,
        source,
        destination,
        now,
        now,
        repository.branches[source],
        repository.branches[destination],
        "",
        "",
        uuid_from(world.chance(repository.arn, number, "token")),
    )
    store.remember(pull)
    writing.renew(pull)
    events.pull_request_changed(pull, "pullRequestCreated", author)
    return pull


def add_rule(pull: PullRequest, name: str, content: str, who: str) -> dict[str, Any]:
    """Add an approval rule; its content is JSON as AWS takes it."""
    world = pull.repository.place.world
    rule = {
        "approvalRuleId": uuid_from(world.chance(pull.repository.arn, pull.id, name)),
        "approvalRuleName": name,
        "approvalRuleContent": content,
        "ruleContentSha256": hashlib.sha256(content.encode()).hexdigest(),
        "lastModifiedDate": world.now(),
        "creationDate": world.now(),
        "lastModifiedUser": who,
    }
    pull.rules.append(rule)
    pull.activity = world.now()
    events.pull_request_changed(pull, "pullRequestApprovalRuleCreated", who, approvalRuleName=name)
    return rule


def rule_content(needed: int, members: list[str], branch: str = "main") -> str:
    """The content of a rule that asks for so many approvals out of a pool."""
    statement = {
        "Type": "Approvers",
        "NumberOfApprovalsNeeded": needed,
        "ApprovalPoolMembers": members,
    }
    return json.dumps(
        {
            "Version": "2018-11-08",
            "DestinationReferences": [f"refs/heads/{branch}"],
            "Statements": [statement],
        }
    )


def approve(pull: PullRequest, who: str, state: str = "APPROVE") -> None:
    """Approve, or take that back."""
    pull.approvals[who] = state
    pull.activity = pull.repository.place.world.now()
    events.pull_request_changed(pull, "pullRequestApprovalStateChanged", who, approvalStatus=state)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Which approval rules are satisfied, and whether all are, or are overridden."""

    approved: bool
    overridden: bool
    satisfied: list[str]
    missing: list[str]


def evaluate(pull: PullRequest) -> Evaluation:
    """Judge a pull request by its rules."""
    satisfied: list[str] = []
    missing: list[str] = []
    for rule in pull.rules:
        content = json.loads(rule["approvalRuleContent"])
        good = all(_holds(pull, statement) for statement in content["Statements"])
        (satisfied if good else missing).append(rule["approvalRuleName"])
    overridden = pull.overridden_by is not None
    return Evaluation(overridden or not missing, overridden, satisfied, missing)


def _holds(pull: PullRequest, statement: dict[str, Any]) -> bool:
    pool = statement.get("ApprovalPoolMembers") or ["*"]
    given = [
        user
        for user, state in pull.approvals.items()
        if state == "APPROVE" and any(fnmatch.fnmatchcase(user, member) for member in pool)
    ]
    return len(given) >= int(statement["NumberOfApprovalsNeeded"])


def comment(  # noqa: PLR0913 - a comment is this much
    repository: Repository,
    content: str,
    author: str,
    *,
    pull: PullRequest | None = None,
    before: str | None = None,
    after: str = "",
    location: dict[str, Any] | None = None,
    reply_to: str | None = None,
) -> Comment:
    """Say something about a commit or pull request."""
    world = repository.place.world
    kept = pull.comments if pull is not None else repository.comments
    chance = world.chance(repository.arn, pull.id if pull else after, "comment", len(kept))
    made = Comment(
        f"{hex_from(chance, 8)}:{uuid_from(chance)}",
        content,
        author,
        world.now(),
        world.now(),
        before,
        after,
        location,
        reply_to,
    )
    kept.append(made)
    if pull is not None:
        pull.activity = world.now()
    events.commented(repository, made, pull)
    return made


def merge(  # noqa: PLR0913 - a merge is this much
    pull: PullRequest,
    option: str,
    who: str,
    *,
    message: str | None = None,
    author: Who | None = None,
    starts: bool = True,
) -> None:
    """Merge a pull request into its destination; raises AWS's error where that may not be."""
    _must_be_open(pull)
    if not evaluate(pull).approved:
        raise AwsError(
            "PullRequestApprovalRulesNotSatisfiedException",
            "The pull request cannot be merged because one or more approval rules applied to the "
            "pull request have conditions that have not been met.",
        )
    repository = pull.repository
    destination, source = repository.branches[pull.destination], pull.source_commit
    base = objects.merge_base(repository, destination, source)
    if option == FAST_FORWARD:
        if base != destination:
            raise _manual()
        merged = source
    else:
        result = objects.merge(repository, base, source, destination)
        if result.conflicts:
            raise _manual()
        parents = [destination] if option == SQUASH else [destination, source]
        words = message or f"Merge pull request {pull.id} from {pull.source}\n\n{pull.title}"
        name = who.rpartition("/")[2]
        person = author or Who(name, f"{name}@example.com")
        merged = writing.make_commit(repository, result.files, words, person, parents).id
    pull.status = "CLOSED"
    pull.destination_commit = destination
    pull.activity = repository.place.world.now()
    pull.merge = {
        "isMerged": True,
        "mergedBy": who,
        "mergeCommitId": merged,
        "mergeOption": option,
    }
    writing.move(repository, pull.destination, merged, who, starts=starts)
    events.pull_request_changed(pull, "pullRequestMergeStatusUpdated", who)


def _manual() -> AwsError:
    return AwsError(
        "ManualMergeRequiredException",
        "The pull request cannot be merged automatically into the destination branch. You must "
        "manually merge the branches and resolve any conflicts.",
    )


def close(pull: PullRequest, who: str) -> None:
    """Close a pull request without merging it."""
    _must_be_open(pull)
    pull.status = "CLOSED"
    pull.activity = pull.repository.place.world.now()
    events.pull_request_changed(pull, "pullRequestStatusChanged", who)


def _must_be_open(pull: PullRequest) -> None:
    if pull.status != "OPEN":
        raise AwsError(
            "PullRequestAlreadyClosedException",
            f"The pull request {pull.id} is closed already.",
        )
