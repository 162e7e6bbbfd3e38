"""Source in the API, whoever hosts it: repositories, branches, commits and pull requests."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.live.moments import parsed
from apps.mirror.links import explain_of
from apps.mirror.resource import REGISTER
from apps.source.deepen import deepen_all
from apps.source.models import Branch, Commit, PullRequest, Repository

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, in_state, thing

repositories = Router()
branches = Router()
commits = Router()
pull_requests = Router()


class NarrowRepositories(Narrow):
    """Which repositories are wanted."""

    q: Words = Field("", description="Words that all occur, in the name or the description.")


class NarrowBranches(Narrow):
    """Which branches are wanted."""

    q: Words = Field("", description="Words that all occur, in the name.")
    repository: Words = Field("", description="The repository's name.")


class NarrowCommits(Narrow):
    """Which commits are wanted."""

    q: Words = Field(
        "", description="Words that all occur, in the message, the author or as the id's beginning."
    )
    repository: Words = Field(
        "",
        description="The repository's name. Of one that nobody named or opened before only heads "
        "are read; older commits come a moment later.",
    )


class NarrowPullRequests(Narrow):
    """Which pull requests are wanted."""

    q: Words = Field(
        "",
        description="Words that all occur, in the title, the author, the source branch or the "
        "repository's name, or as the number.",
    )
    repository: Words = Field("", description="The repository's name.")


class RepositoryItem(Thing):
    """A repository; one that cannot be opened has failed, with the error as its status."""

    name: str
    description: str
    default_branch: str
    branch_count: int
    open_pull_requests: int
    latest_commit: int | None = Field(
        description="The default branch's head, see /commits/{id}; null where it is not mirrored."
    )
    last_modified: datetime | None


class PushTrigger(Schema):
    """Whom pushes are told to."""

    name: str
    destination: str = Field(description="An SNS topic's or a function's ARN.")
    branches: list[str] = Field(description="None: every branch.")
    events: list[str]


class RepositoryDetail(RepositoryItem):
    """A repository with where to clone it from, and its triggers."""

    clone_url_https: str
    clone_url_ssh: str
    clone_url_grc: str = Field(description="For git-remote-codecommit.")
    private: bool | None = Field(description="Null where its host knows no public ones.")
    archived: bool
    was: list[str] = Field(description="Names it had before, the latest last.")
    encryption_key: str
    created: datetime | None
    triggers: list[PushTrigger]
    tags: dict[str, str]


class BranchItem(Thing):
    """A branch and its head."""

    name: str
    repository: str
    repository_id: int
    commit_id: str
    default: bool


class CommitItem(Thing):
    """A commit."""

    commit_id: str
    repository: str
    repository_id: int
    message: str
    author_name: str
    author_email: str
    committed_at: datetime | None
    parents: list[str]


class Comment(Schema):
    """What somebody said."""

    id: str
    author: str
    at: datetime | None
    text: str
    reply_to: str = Field(description="The comment it answers; empty for none.")
    deleted: bool
    path: str = Field(description="The file it stands in; empty for none.")
    position: int | None


class CommitDetail(CommitItem):
    """A commit with its committer and comments."""

    tree_id: str
    authored_at: datetime | None
    committer_name: str
    committer_email: str
    comments: list[Comment]


class PullRequestItem(Thing):
    """A pull request; `why` says what keeps an open one from being merged."""

    number: str
    title: str
    repository: str
    repository_id: int
    author: str
    source_branch: str
    destination_branch: str
    merged: bool
    approved: bool | None = Field(description="Whether its rules are satisfied; null: not read.")
    mergeable: bool | None = Field(description="Whether there is no conflict; null: not read.")
    draft: bool
    checks_state: str = Field(description="What its checks amount to; empty where it has none.")
    created: datetime | None
    last_activity: datetime | None


class ApprovalRule(Schema):
    """An approval rule and whether it is satisfied."""

    name: str
    needed: int | None
    members: list[str]
    branches: list[str]
    satisfied: bool | None = Field(description="Null: not read.")
    template: str


class Approval(Schema):
    """Who approved, or took that back."""

    user: str
    state: str


class Check(Schema):
    """What was checked of a pull request's newest commit."""

    name: str
    state: str
    status: str = Field(description="The host's own word.")
    by: str
    url: str
    at: datetime | None


class PullRequestDetail(PullRequestItem):
    """A pull request with its rules, approvals, checks, conflicts and comments."""

    description: str
    source_commit: str
    destination_commit: str
    merge_base: str
    revision_id: str
    merged_by: str
    merge_commit: str
    merge_option: str
    overridden: bool
    approval_rules: list[ApprovalRule]
    approvals: list[Approval]
    merge_state: str = Field(description="The host's word for what keeps it from being merged.")
    reviewers: list[str] = Field(description="Whom it waits for.")
    checks: list[Check]
    conflicts: list[str]
    comments: list[Comment]


def _thing(request: HttpRequest, row: Any) -> dict[str, Any]:
    return thing(request, REGISTER.kind_of(row), row)


def _above(row: Any) -> dict[str, Any]:
    return {"repository": row.repository.key, "repository_id": row.repository_id}


def _named(rows: Any, repository: str) -> Any:
    return rows.filter(repository__key=repository) if repository else rows


@repositories.get("", response=answers(PageOf[RepositoryItem]))
def list_repositories(
    request: HttpRequest, narrow: Query[NarrowRepositories], paging: Query[Paging]
) -> Any:
    """Repositories by name."""
    wanted = narrow.dict()
    rows = Repository.objects.select_related("scope").present().visible_to(request.user)
    rows = in_state(rows, "source.repository", wanted.pop("state"))
    found, following = page_of(rows.matching(**wanted), paging, name="repositories", by="key")
    return {"items": [_repository(request, row) for row in found], "next_cursor": following}


@repositories.get("/{int:repository_id}", response=answers(RepositoryDetail))
def one_repository(request: HttpRequest, repository_id: int) -> Any:
    """A repository with its triggers."""
    rows = Repository.objects.select_related("scope").visible_to(request.user)
    row = get_object_or_404(rows, pk=repository_id)
    return {
        **_repository(request, row),
        **columns(
            row,
            "clone_url_https",
            "clone_url_ssh",
            "clone_url_grc",
            "private",
            "archived",
            "was",
            "encryption_key",
            "created",
            "triggers",
            "tags",
        ),
    }


@branches.get("", response=answers(PageOf[BranchItem]))
def list_branches(
    request: HttpRequest, narrow: Query[NarrowBranches], paging: Query[Paging]
) -> Any:
    """Branches by name."""
    wanted = narrow.dict()
    rows = Branch.objects.select_related("scope", "repository").present().visible_to(request.user)
    rows = _named(rows, wanted["repository"]).containing(wanted["q"], "name")
    rows = rows.narrowed(account=wanted["account"], region=wanted["region"])
    rows = in_state(rows, "source.branch", wanted["state"])
    found, following = page_of(rows, paging, name="branches", by="name")
    return {"items": [_branch(request, row) for row in found], "next_cursor": following}


@branches.get("/{int:branch_id}", response=answers(BranchItem))
def one_branch(request: HttpRequest, branch_id: int) -> Any:
    """A branch."""
    rows = Branch.objects.select_related("scope", "repository").visible_to(request.user)
    return _branch(request, get_object_or_404(rows, pk=branch_id))


@commits.get("", response=answers(PageOf[CommitItem]))
def list_commits(request: HttpRequest, narrow: Query[NarrowCommits], paging: Query[Paging]) -> Any:
    """Commits, the newest first.

    Of a repository that is named for the first time, the newest 120 are read from now on.
    """
    wanted = narrow.dict()
    repository, state = wanted.pop("repository"), wanted.pop("state")
    if repository:
        deepen_all(Repository.objects.visible_to(request.user).filter(key=repository))
    rows = Commit.objects.for_list().visible_to(request.user).matching(**wanted)
    rows = in_state(rows, "source.commit", state)
    found, following = page_of(_named(rows, repository), paging, name="commits", by="-committed_at")
    return {"items": [_commit(request, row) for row in found], "next_cursor": following}


@commits.get("/{int:commit_id}", response=answers(CommitDetail))
def one_commit(request: HttpRequest, commit_id: int) -> Any:
    """A commit with its comments."""
    rows = Commit.objects.select_related("scope", "repository").visible_to(request.user)
    row = get_object_or_404(rows, pk=commit_id)
    return {
        **_commit(request, row),
        **columns(row, "tree_id", "authored_at", "committer_name", "committer_email"),
        "comments": [_comment(comment) for comment in row.comments],
    }


@pull_requests.get("", response=answers(PageOf[PullRequestItem]))
def list_pull_requests(
    request: HttpRequest, narrow: Query[NarrowPullRequests], paging: Query[Paging]
) -> Any:
    """Pull requests, those on which somebody did something last first."""
    wanted = narrow.dict()
    repository = wanted.pop("repository")
    rows = PullRequest.objects.for_list().visible_to(request.user).matching(**wanted)
    found, following = page_of(
        _named(rows, repository), paging, name="pull-requests", by="-last_activity"
    )
    return {"items": [_pull_request(request, row) for row in found], "next_cursor": following}


@pull_requests.get("/{int:pull_request_id}", response=answers(PullRequestDetail))
def one_pull_request(request: HttpRequest, pull_request_id: int) -> Any:
    """A pull request with its rules, approvals and comments."""
    rows = PullRequest.objects.select_related("scope", "repository").visible_to(request.user)
    row = get_object_or_404(rows, pk=pull_request_id)
    return {
        **_pull_request(request, row),
        **columns(
            row,
            "description",
            "source_commit",
            "destination_commit",
            "merge_base",
            "revision_id",
            "merged_by",
            "merge_commit",
            "merge_option",
            "overridden",
            "approval_rules",
            "approvals",
            "merge_state",
            "reviewers",
            "conflicts",
        ),
        "checks": [{**check, "at": parsed(check.get("at"))} for check in row.checks],
        "comments": [_comment(comment) for comment in row.comments],
    }


def _repository(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **_thing(request, row),
        "name": row.key,
        "latest_commit": row.latest_commit_id,
        **columns(
            row,
            "description",
            "default_branch",
            "branch_count",
            "open_pull_requests",
            "last_modified",
        ),
    }


def _branch(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **_thing(request, row),
        **_above(row),
        **columns(row, "name", "commit_id"),
        "default": row.name == row.repository.default_branch,
    }


def _commit(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **_thing(request, row),
        **_above(row),
        **columns(
            row,
            "commit_id",
            "message",
            "author_name",
            "author_email",
            "committed_at",
            "parents",
        ),
    }


def _pull_request(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        **_thing(request, row),
        # Nothing failed, but a person has to do something about it.
        "why": explain_of(REGISTER.kind_of(row), row),
        **_above(row),
        **columns(
            row,
            "number",
            "title",
            "author",
            "source_branch",
            "destination_branch",
            "merged",
            "approved",
            "mergeable",
            "draft",
            "checks_state",
            "created",
            "last_activity",
        ),
    }


def _comment(comment: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: str(comment.get(name) or "") for name in ("id", "author", "text", "reply_to")},
        "at": parsed(comment.get("at")),
        "deleted": bool(comment.get("deleted")),
        "path": str(comment.get("path") or ""),
        "position": comment.get("position"),
    }
