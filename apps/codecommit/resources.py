"""What this app mirrors, how often, what it calls and which events it hears.

The rows are those of `apps.source`: repositories look alike whoever hosts them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from apps.aws.events import called
from apps.mirror.asking import hint
from apps.mirror.health import events_flow
from apps.mirror.models import Change, Scope, Sweep
from apps.mirror.resource import REGISTER, Cadence, Happened, Heard, Names, Resource
from apps.source import digest, models, why

from . import collect
from .differences import CALLS
from .records import key_of
from .why import why_repository

SOURCE = "aws.codecommit"
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def _branch_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A push names the branch; the repository's date moves with it."""
    repository = str(detail["repositoryName"])
    yield Names(kind="codecommit.repository", key=repository)
    if detail.get("referenceType") == "branch":
        key = key_of(repository, str(detail["referenceName"]))
        yield Names(kind="codecommit.branch", key=key)


def _repository_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Making, editing and deleting a repository is told as an API call alone.

    One that is given another name is gone under the old one.
    """
    asked = detail["requestParameters"]
    names = [asked.get(member) for member in ("repositoryName", "oldName", "newName")]
    for name in filter(None, names):
        yield Names(kind="codecommit.repository", key=name)


def _pull_request_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="codecommit.pullrequest", key=str(detail["pullRequestId"]))


def _commit_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    key = key_of(str(detail["repositoryName"]), str(detail["afterCommitId"]))
    yield Names(kind="codecommit.commit", key=key)


def _repositories_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A template's rules are copied into the pull requests of its repositories.

    AWS gives {name: id}, and where there are several {name: other name}.
    """
    for names in dict(detail.get("repositories") or {}).items():
        for name in names:
            if name and not UUID.fullmatch(name):
                yield Names(kind="codecommit.pullrequest", parent=name)


def _look_for_pushes(scope_id: int, changes: Sequence[Change]) -> None:
    """Read the branches of repositories that changed, where no events tell of each push."""
    moved = [
        change.key
        for change in changes
        if change.verb == Change.Verb.CHANGED and "last_modified" in change.after
    ]
    scope = Scope.objects.filter(pk=scope_id).first()
    if not moved or scope is None:
        return
    heard = Sweep.objects.filter(scope=scope, kind=BRANCH.kind).values_list("events_at", flat=True)
    if not events_flow(heard.first(), now()):
        hint(scope, [Names(kind=BRANCH.kind, parent=name) for name in moved])


REPOSITORY = REGISTER.add(
    Resource(
        kind="codecommit.repository",
        label="repositories",
        provider="aws",
        model=models.Repository,
        collect=collect.repositories,
        cadence=Cadence(cold=timedelta(seconds=60)),
        calls=(
            "codecommit:ListRepositories",
            "codecommit:BatchGetRepositories",
            "codecommit:GetRepositoryTriggers",
            "codecommit:ListTagsForResource",
        ),
        optional=(
            "codecommit:BatchGetRepositories",
            "codecommit:GetRepositoryTriggers",
            "codecommit:ListTagsForResource",
        ),
        events=(
            called(
                SOURCE,
                _repository_called_on,
                "CreateRepository",
                "DeleteRepository",
                "UpdateDefaultBranch",
                "UpdateRepositoryDescription",
                "UpdateRepositoryEncryptionKey",
                "UpdateRepositoryName",
            ),
        ),
        heard_wholly=True,
        keyed=True,
        stamp="described",
        after=_look_for_pushes,
        held=True,
        url=models.Repository.get_absolute_url,
        listed="source:repositories",
        explain=why_repository,
    )
)

BRANCH = REGISTER.add(
    Resource(
        kind="codecommit.branch",
        label="branches",
        provider="aws",
        model=models.Branch,
        collect=collect.branches,
        # Where a repository's date did not move, nothing is called.
        cadence=Cadence(cold=timedelta(minutes=5), deep=timedelta(hours=1)),
        calls=("codecommit:ListBranches", "codecommit:GetBranch"),
        optional=("codecommit:GetBranch",),
        events=(
            Heard(
                source=SOURCE,
                detail_type="CodeCommit Repository State Change",
                names=_branch_of,
            ),
        ),
        heard_wholly=True,
        parent=("codecommit.repository", "repository"),
        asked_by="codecommit.repository",
        parent_fields=("last_modified", "status"),
        keyed=True,
        stamp="read_at_change",
        wakes=("codecommit.commit", "codecommit.pullrequest"),
        digest=digest.from_branches,
        url=models.Branch.get_absolute_url,
    )
)

COMMIT = REGISTER.add(
    Resource(
        kind="codecommit.commit",
        label="commits",
        provider="aws",
        model=models.Commit,
        collect=collect.commits,
        # Where all heads are known, nothing is called.
        cadence=Cadence(cold=timedelta(minutes=2)),
        calls=("codecommit:BatchGetCommits", "codecommit:GetCommentsForComparedCommit", *CALLS),
        optional=("codecommit:GetCommentsForComparedCommit", *CALLS),
        events=(
            Heard(source=SOURCE, detail_type="CodeCommit Comment on Commit", names=_commit_of),
        ),
        # Not heard wholly: events tell of comments; of commits, the branches that they move.
        parent=("codecommit.repository", "repository"),
        asked_by="codecommit.repository",
        parent_fields=("heads", "depth", "unread", "status"),
        history=True,
        keyed=True,
        digest=digest.from_commits,
        happened=Happened(
            at="committed_at",
            group="Changes",
            icon="git-commit-horizontal",
            told=lambda row: row.title,
            by=lambda row: row.author_name,
            wide=("comments",),
        ),
        url=models.Commit.get_absolute_url,
        listed="source:commits",
    )
)

PULL_REQUEST = REGISTER.add(
    Resource(
        kind="codecommit.pullrequest",
        label="pull requests",
        provider="aws",
        model=models.PullRequest,
        collect=collect.pull_requests,
        # An open one waits for a person; none moves by itself.
        cadence=Cadence(
            cold=timedelta(minutes=10), hot=timedelta(minutes=2), waiting=timedelta(minutes=2)
        ),
        calls=(
            "codecommit:ListPullRequests",
            "codecommit:GetPullRequest",
            "codecommit:GetPullRequestApprovalStates",
            "codecommit:EvaluatePullRequestApprovalRules",
            "codecommit:GetCommentsForPullRequest",
            "codecommit:GetMergeConflicts",
        ),
        optional=(
            "codecommit:GetPullRequestApprovalStates",
            "codecommit:EvaluatePullRequestApprovalRules",
            "codecommit:GetCommentsForPullRequest",
            "codecommit:GetMergeConflicts",
        ),
        events=(
            Heard(
                source=SOURCE,
                detail_type="CodeCommit Pull Request State Change",
                names=_pull_request_of,
            ),
            Heard(
                source=SOURCE,
                detail_type="CodeCommit Comment on Pull Request",
                names=_pull_request_of,
            ),
            Heard(
                source=SOURCE,
                detail_type="CodeCommit Approval Rule Template Change",
                names=_repositories_of,
            ),
        ),
        heard_wholly=True,
        parent=("codecommit.repository", "repository"),
        asked_by="codecommit.repository",
        parent_fields=("status",),
        history=True,
        keyed=True,
        stamp="described",
        digest=digest.from_pull_requests,
        happened=Happened(
            at="created",
            group="Changes",
            icon="git-pull-request",
            told=lambda row: row.title,
            by=lambda row: row.author_name,
        ),
        url=models.PullRequest.get_absolute_url,
        listed="source:pull_requests",
        explain=why.why_pull_request,
    )
)
