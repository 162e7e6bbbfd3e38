"""CodeCommit's: repositories, branches, commits with what they change, and pull requests."""

from contextlib import suppress
from typing import Any

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    codecommit = clients("codecommit", account, region)
    names = [one["repositoryName"] for one in codecommit.list_repositories()["repositories"]]
    if names:
        codecommit.batch_get_repositories(repositoryNames=names)
    for name in names:
        # The contents of one are encrypted with a key that is disabled.
        with suppress(codecommit.exceptions.EncryptionKeyDisabledException):
            read_repository(codecommit, f"arn:aws:codecommit:{region}:{account}:{name}", name)


def read_repository(codecommit: Any, arn: str, name: str) -> None:
    codecommit.list_tags_for_resource(resourceArn=arn)
    codecommit.get_repository_triggers(repositoryName=name)
    for branch in codecommit.list_branches(repositoryName=name)["branches"]:
        head = codecommit.get_branch(repositoryName=name, branchName=branch)["branch"]
        read_commit(codecommit, name, head["commitId"])
    for number in codecommit.list_pull_requests(repositoryName=name)["pullRequestIds"]:
        read_pull_request(codecommit, number)


def read_commit(codecommit: Any, repository: str, sha: str) -> None:
    found = codecommit.batch_get_commits(repositoryName=repository, commitIds=[sha])
    parents = found["commits"][0]["parents"]
    codecommit.get_comments_for_compared_commit(repositoryName=repository, afterCommitId=sha)
    changed = codecommit.get_differences(
        repositoryName=repository,
        afterCommitSpecifier=sha,
        **({"beforeCommitSpecifier": parents[0]} if parents else {}),
    )
    for difference in changed["differences"][:2]:
        if "afterBlob" in difference:
            codecommit.get_blob(repositoryName=repository, blobId=difference["afterBlob"]["blobId"])


def read_pull_request(codecommit: Any, number: str) -> None:
    told = codecommit.get_pull_request(pullRequestId=number)["pullRequest"]
    codecommit.get_comments_for_pull_request(pullRequestId=number)
    revision = {"pullRequestId": number, "revisionId": told["revisionId"]}
    codecommit.get_pull_request_approval_states(**revision)
    codecommit.evaluate_pull_request_approval_rules(**revision)
    if told["pullRequestStatus"] != "OPEN":
        return
    target = told["pullRequestTargets"][0]
    codecommit.get_merge_conflicts(
        repositoryName=target["repositoryName"],
        destinationCommitSpecifier=target["destinationReference"],
        sourceCommitSpecifier=target["sourceReference"],
        mergeOption="THREE_WAY_MERGE",
    )
