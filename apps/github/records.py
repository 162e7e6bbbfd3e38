"""GitHub's repositories, branches and commits as frozen records, without what may be secret.

https://docs.github.com/en/rest/repos/repos · https://docs.github.com/en/rest/commits/commits
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State
from apps.source.mentions import mentioned

JSON = Any
ISSUES_KEPT = "keeps issues in"


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryRecord:
    """A repository. `aside` is the name it has now, where its rows still bear an earlier one."""

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
    console_url: str | Unread = UNREAD
    tags: JSON = UNREAD
    private: bool | Unread | None = UNREAD
    archived: bool | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD
    aside: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BranchRecord:
    """A branch and its head."""

    key: str
    parent: str
    arn: str | Unread = UNREAD
    name: str | Unread = UNREAD
    commit_id: str | Unread = UNREAD
    console_url: str | Unread = UNREAD
    read_at_change: str | Unread = UNREAD
    replaced: str | Unread = UNREAD
    replaced_at: datetime | Unread | None = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitRecord:
    """A commit as lists give it; comments are read on demand."""

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


def moment(text: Any) -> datetime | None:
    """Read "2026-01-05T09:30:00Z"; None where it is no such moment."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def login(user: Any) -> str:
    """Return what a user is called at GitHub, "" for one who is deleted."""
    return str(user.get("login") or "") if isinstance(user, Mapping) else ""


def arn_of(name: str) -> str:
    """Return what stands for a repository's ARN: GitHub's names are the same in any case."""
    return name.lower()


def commit_arn(repository: str, commit_id: str) -> str:
    """Return what stands for a commit's ARN."""
    return f"{arn_of(repository)}#{commit_id}"


def host_of(page: str | None) -> str:
    """Return where a page of GitHub's is, "" where none is told."""
    return (page or "").partition("://")[2].partition("/")[0]


def key_of(repository: str, name: str) -> str:
    """Return the key of a branch or commit: both are unique in their repository only."""
    return f"{repository}/{name}"


def split(key: str) -> tuple[str, str]:
    """Return repository and name of the key of a branch or commit."""
    owner, _, rest = key.partition("/")
    name, _, last = rest.partition("/")
    return f"{owner}/{name}", last


def repository_record(told: Mapping[str, Any], key: str = "") -> RepositoryRecord:
    """Read one repository; `key` is the name its rows bear, where that is not the one it has now.

    With another name it keeps what that says of it until its rows have it, too (`renaming`).
    """
    name = str(told["full_name"])
    moved = bool(key) and key != name
    has_issues = bool(told.get("has_issues"))
    links = (LinkTo(ISSUES_KEPT, "github.tracker", arn_of(key or name)),) if has_issues else ()
    blocked = bool(told.get("disabled"))
    return RepositoryRecord(
        key=key or name,
        arn=arn_of(key or name),
        status="disabled" if blocked else "",
        state=State.FAILED.value if blocked else "",
        trouble="GitHub disabled this repository." if blocked else "",
        repository_id=str(told.get("id") or ""),
        description=masked(told.get("description") or ""),
        default_branch=told.get("default_branch") or "",
        created=moment(told.get("created_at")),
        last_modified=moment(told.get("pushed_at")),
        clone_url_https=told.get("clone_url") or "",
        clone_url_ssh=told.get("ssh_url") or "",
        console_url=told.get("html_url") or "",
        tags=_tags(told),
        private=bool(told.get("private")),
        archived=bool(told.get("archived")),
        links=links,
        aside=name if moved else "",
    )


def troubled_record(key: str, status: str, trouble: str) -> RepositoryRecord:
    """Return a repository that GitHub says is there and does not open."""
    return RepositoryRecord(
        key=key, arn=arn_of(key), status=status, state=State.FAILED.value, trouble=masked(trouble)
    )


def _tags(told: Mapping[str, Any]) -> dict[str, str]:
    """An organisation's custom properties, and topics, which have no values."""
    tags = {str(topic): "" for topic in told.get("topics") or ()}
    for name, value in (told.get("custom_properties") or {}).items():
        if isinstance(value, str):
            tags[str(name)] = masked(value)
    return tags


def branch_record(repository: str, page: str, told: Mapping[str, Any], **more: Any) -> BranchRecord:
    """Read one of a repository's branches; `page` is the repository's at GitHub."""
    name = str(told["name"])
    commit_id = str((told.get("commit") or {}).get("sha") or "")
    return BranchRecord(
        key=key_of(repository, name),
        parent=repository,
        arn=f"{arn_of(repository)}/refs/heads/{name}",
        name=name,
        commit_id=commit_id,
        console_url=f"{page}/tree/{quote(name)}" if page else "",
        links=(
            LinkTo("points to", "github.commit", commit_arn(repository, commit_id)),
            *mentioned(name, repository=repository, host=host_of(page)),
        ),
        **more,
    )


def commit_record(
    repository: str, told: Mapping[str, Any], comments: JSON = UNREAD
) -> CommitRecord:
    """Read one commit of a list, or one alone."""
    commit_id, commit = str(told["sha"]), told.get("commit") or {}
    author, committer = commit.get("author") or {}, commit.get("committer") or {}
    message = masked(commit.get("message") or "")
    authored, committed = moment(author.get("date")), moment(committer.get("date"))
    return CommitRecord(
        key=key_of(repository, commit_id),
        parent=repository,
        arn=commit_arn(repository, commit_id),
        commit_id=commit_id,
        tree_id=str((commit.get("tree") or {}).get("sha") or ""),
        parents=[str(one["sha"]) for one in told.get("parents") or () if one.get("sha")],
        message=message,
        author_name=author.get("name") or login(told.get("author")),
        author_email=author.get("email") or "",
        authored_at=authored,
        committer_name=committer.get("name") or "",
        committer_email=committer.get("email") or "",
        # Lists are sorted by it.
        committed_at=committed or authored,
        console_url=told.get("html_url") or "",
        comments=comments,
        links=mentioned(message, repository=repository, host=host_of(told.get("html_url"))),
    )
