"""CodeCommit's answers as frozen records in the columns' words, without what may be secret.

https://docs.aws.amazon.com/codecommit/latest/APIReference/
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.aws.calls import Reach
from apps.aws.masking import tags_of
from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State
from apps.source.mentions import mentioned

from . import console

JSON = Any
# "1517247681 -0800": seconds since the epoch, and the author's offset, which changes nothing.
GIT_DATE = re.compile(r"\s*(-?\d{1,12})(?:\s+[+-]\d{4})?\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryRecord:
    """A repository as BatchGetRepositories gives it; triggers and tags are read apart from it."""

    key: str
    arn: str | Unread = UNREAD
    status: str | Unread = UNREAD
    state: str | Unread = UNREAD
    trouble: str | Unread = UNREAD
    repository_id: str | Unread = UNREAD
    description: str | Unread = UNREAD
    default_branch: str | Unread = UNREAD
    created: datetime | Unread | None = UNREAD
    last_modified: datetime | Unread | None = UNREAD
    clone_url_https: str | Unread = UNREAD
    clone_url_ssh: str | Unread = UNREAD
    clone_url_grc: str | Unread = UNREAD
    console_url: str | Unread = UNREAD
    encryption_key: str | Unread = UNREAD
    triggers: JSON = UNREAD
    tags: JSON = UNREAD
    described: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class BranchRecord:
    """A branch as GetBranch gives it; ListBranches gives the name alone."""

    key: str
    parent: str
    arn: str | Unread = UNREAD
    name: str | Unread = UNREAD
    commit_id: str | Unread = UNREAD
    console_url: str | Unread = UNREAD
    read_at_change: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitRecord:
    """A commit as BatchGetCommits gives it; comments are read on demand."""

    key: str
    parent: str
    arn: str | Unread = UNREAD
    commit_id: str | Unread = UNREAD
    tree_id: str | Unread = UNREAD
    parents: JSON = UNREAD
    message: str | Unread = UNREAD
    author_name: str | Unread = UNREAD
    author_email: str | Unread = UNREAD
    authored_at: datetime | Unread | None = UNREAD
    committer_name: str | Unread = UNREAD
    committer_email: str | Unread = UNREAD
    committed_at: datetime | Unread | None = UNREAD
    console_url: str | Unread = UNREAD
    comments: JSON = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


def repository_record(
    reach: Reach,
    answer: Mapping[str, Any],
    *,
    triggers: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
) -> RepositoryRecord:
    """Read one repository of BatchGetRepositories, with its triggers and tags where asked for."""
    name = answer["repositoryName"]
    details: dict[str, Any] = {}
    if tags is not None:
        details["tags"] = tags_of(tags.get("tags"))
    if triggers is not None:
        told = [_trigger(trigger) for trigger in triggers.get("triggers") or ()]
        details |= {
            "triggers": told,
            "links": tuple(_repository_links(answer, told)),
        }
    if triggers is not None and tags is not None:
        details["described"] = str(answer.get("repositoryId", ""))
    return RepositoryRecord(
        key=name,
        arn=answer.get("Arn") or reach.arn("codecommit", name),
        status="",
        state="",
        trouble="",
        repository_id=answer.get("repositoryId", ""),
        description=masked(answer.get("repositoryDescription") or ""),
        default_branch=answer.get("defaultBranch") or "",
        created=answer.get("creationDate"),
        last_modified=answer.get("lastModifiedDate"),
        clone_url_https=answer.get("cloneUrlHttp") or "",
        clone_url_ssh=answer.get("cloneUrlSsh") or "",
        clone_url_grc=console.grc_url(reach.region, name),
        console_url=console.repository_url(reach.region, name),
        encryption_key=answer.get("kmsKeyId") or "",
        **details,
    )


def named_record(reach: Reach, name: str) -> RepositoryRecord:
    """Return a repository of ListRepositories of which nothing else could be read."""
    return RepositoryRecord(key=name, arn=reach.arn("codecommit", name))


def troubled_record(reach: Reach, error: Mapping[str, Any]) -> RepositoryRecord:
    """Read one of BatchGetRepositories' errors: a repository that CodeCommit cannot open."""
    name = error["repositoryName"]
    code = error.get("errorCode") or "Unknown"
    return RepositoryRecord(
        key=name,
        arn=reach.arn("codecommit", name),
        status=code,
        state=State.FAILED.value,
        trouble=masked(error.get("errorMessage") or ""),
        clone_url_grc=console.grc_url(reach.region, name),
        console_url=console.repository_url(reach.region, name),
        **({"repository_id": error["repositoryId"]} if error.get("repositoryId") else {}),
    )


def _trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """Without its custom data: whatever the target wants, a password maybe."""
    return {
        "name": trigger.get("name", ""),
        "destination": trigger.get("destinationArn", ""),
        "branches": list(trigger.get("branches") or ()),
        "events": list(trigger.get("events") or ()),
    }


def _repository_links(
    answer: Mapping[str, Any], triggers: Iterable[Mapping[str, Any]]
) -> Iterable[LinkTo]:
    key = answer.get("kmsKeyId") or ""
    if key.startswith("arn:"):
        yield LinkTo("encrypts with", "kms.key", key)
    for trigger in triggers:
        destination = str(trigger["destination"])
        match destination.split(":")[2:3]:
            case ["sns"]:
                yield LinkTo("notifies", "sns.topic", destination)
            case ["lambda"]:
                yield LinkTo("invokes", "awslambda.function", destination)


def key_of(repository: str, name: str) -> str:
    """Return the key of a branch or commit: both are unique in their repository only."""
    return f"{repository}/{name}"


def commit_arn(repository_arn: str, commit_id: str) -> str:
    """Return what stands for a commit's ARN, of which AWS knows none."""
    return f"{repository_arn}#{commit_id}"


def branch_record(
    reach: Reach, repository: str, answer: Mapping[str, Any], stamp: str | Unread
) -> BranchRecord:
    """Read GetBranch's answer."""
    branch = answer["branch"]
    name, commit_id = branch["branchName"], branch.get("commitId") or ""
    arn = reach.arn("codecommit", repository)
    return BranchRecord(
        key=key_of(repository, name),
        parent=repository,
        arn=f"{arn}/refs/heads/{name}",
        name=name,
        commit_id=commit_id,
        console_url=console.branch_url(reach.region, repository, name),
        read_at_change=stamp,
        links=(
            LinkTo("points to", "codecommit.commit", commit_arn(arn, commit_id)),
            *mentioned(name),
        ),
    )


def headless_record(reach: Reach, repository: str, name: str) -> BranchRecord:
    """Return a branch of ListBranches whose head could not be read."""
    return BranchRecord(
        key=key_of(repository, name),
        parent=repository,
        arn=f"{reach.arn('codecommit', repository)}/refs/heads/{name}",
        name=name,
        console_url=console.branch_url(reach.region, repository, name),
    )


def commit_record(
    reach: Reach, repository: str, answer: Mapping[str, Any], comments: JSON = UNREAD
) -> CommitRecord:
    """Read one commit of BatchGetCommits."""
    author, committer = answer.get("author") or {}, answer.get("committer") or {}
    commit_id = answer["commitId"]
    message = masked(answer.get("message") or "")
    authored, committed = git_date(author.get("date")), git_date(committer.get("date"))
    return CommitRecord(
        key=key_of(repository, commit_id),
        parent=repository,
        arn=commit_arn(reach.arn("codecommit", repository), commit_id),
        commit_id=commit_id,
        tree_id=answer.get("treeId") or "",
        parents=list(answer.get("parents") or ()),
        message=message,
        author_name=author.get("name") or "",
        author_email=author.get("email") or "",
        authored_at=authored,
        committer_name=committer.get("name") or "",
        committer_email=committer.get("email") or "",
        # Lists are sorted by it.
        committed_at=committed or authored,
        console_url=console.commit_url(reach.region, repository, commit_id),
        comments=comments,
        links=mentioned(message),
    )


def git_date(text: str | None) -> datetime | None:
    """Read "1517247681 -0800"; None where it is no such date, or none a calendar has."""
    found = GIT_DATE.fullmatch(text or "")
    if found is None:
        return None
    try:
        return datetime.fromtimestamp(int(found.group(1)), UTC)
    except (OverflowError, ValueError, OSError):
        return None
