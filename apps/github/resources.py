"""What this app mirrors, how often, what it calls and which webhooks it hears.

The rows are those of `apps.source` and `apps.issues`: they look alike whoever hosts them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.db.models import F

from apps.issues import digest as issue_digest
from apps.issues import models as issue_models
from apps.issues.why import why_tracker
from apps.mirror.ask import Parent
from apps.mirror.asking import hint
from apps.mirror.models import Change, Scope
from apps.mirror.resource import REGISTER, Cadence, Happened, Names, Resource
from apps.source import digest, models, why

from . import collect, hooks, issues, pulls
from .differences import CALLS
from .hooks import heard
from .records import ISSUES_KEPT
from .renaming import follow
from .why import why_repository

LISTS = (
    "github:ReposListForOrg",
    "github:ReposListForUser",
    "github:ReposListForAuthenticatedUser",
    "github:AppsListReposAccessibleToInstallation",
    "github:ReposGet",
    "github:UsersGetByUsername",
)


def _repositories_in(scope: Scope) -> Sequence[Parent]:
    """Every repository that was ever read there, those that are there first."""
    rows = models.Repository.objects.filter(scope=scope).order_by(
        F("gone_at").asc(nulls_first=True)
    )
    return [
        Parent(key=key, fields={"repository_id": number, "gone": gone_at is not None})
        for key, number, gone_at in rows.values_list("key", "repository_id", "gone_at")
    ]


def _trackers_in(scope: Scope) -> Sequence[Parent]:
    """Return the same, gone where their issues were never read or were switched off."""
    trackers = issue_models.Tracker.objects.filter(scope=scope, gone_at=None)
    present = set(trackers.values_list("key", flat=True))
    return [
        replace(one, fields={**one.fields, "gone": one.key not in present})
        for one in _repositories_in(scope)
    ]


def _look_for_pushes(scope_id: int, changes: Sequence[Change]) -> None:
    """Read the branches of repositories to which somebody pushed."""
    moved = [
        change.key
        for change in changes
        if change.verb == Change.Verb.CHANGED and "last_modified" in change.after
    ]
    scope = Scope.objects.filter(pk=scope_id).first()
    if moved and scope is not None:
        hint(scope, [Names(kind=BRANCH.kind, parent=name) for name in moved])


REPOSITORY = REGISTER.add(
    Resource(
        kind="github.repository",
        label="repositories",
        provider="github",
        model=models.Repository,
        collect=collect.repositories,
        # Where none changed, the answers cost nothing.
        cadence=Cadence(cold=timedelta(seconds=60)),
        calls=LISTS,
        optional=LISTS[1:],
        events=(
            heard("push", hooks.pushed),
            heard("repository", hooks.repository),
            heard("installation", hooks.installed),
            heard("installation_repositories", hooks.installed),
        ),
        heard_wholly=True,
        keyed=True,
        given=_repositories_in,
        aside=follow,
        after=_look_for_pushes,
        held=True,
        url=models.Repository.get_absolute_url,
        listed="source:repositories",
        explain=why_repository,
    )
)

BRANCH = REGISTER.add(
    Resource(
        kind="github.branch",
        label="branches",
        provider="github",
        model=models.Branch,
        collect=collect.branches,
        # Where nobody pushed to a repository, nothing is called.
        cadence=Cadence(cold=timedelta(minutes=5), deep=timedelta(hours=1)),
        calls=("github:ReposListBranches", "github:ReposCompareCommitsWithBasehead"),
        optional=("github:ReposCompareCommitsWithBasehead",),
        parent=("github.repository", "repository"),
        asked_by="github.repository",
        parent_fields=("last_modified", "status", "heads", "console_url"),
        stamp="read_at_change",
        wakes=("github.commit", "github.pullrequest"),
        digest=digest.from_branches,
        url=models.Branch.get_absolute_url,
    )
)

COMMIT = REGISTER.add(
    Resource(
        kind="github.commit",
        label="commits",
        provider="github",
        model=models.Commit,
        collect=collect.commits,
        # Where all heads are known, nothing is called.
        cadence=Cadence(cold=timedelta(minutes=2)),
        calls=(
            "github:ReposListCommits",
            "github:ReposGetCommit",
            "github:ReposListCommentsForCommit",
            *CALLS[1:],
        ),
        optional=("github:ReposGetCommit", "github:ReposListCommentsForCommit", *CALLS[1:]),
        events=(heard("commit_comment", hooks.commit_comment),),
        # Not heard wholly: webhooks tell of comments; of commits, the branches that they move.
        parent=("github.repository", "repository"),
        asked_by="github.repository",
        parent_fields=("heads", "depth", "unread", "status", "default_branch"),
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
        kind="github.pullrequest",
        label="pull requests",
        provider="github",
        model=models.PullRequest,
        collect=pulls.pull_requests,
        # An open one waits for a person; what nobody does anything to costs nothing.
        cadence=Cadence(
            cold=timedelta(minutes=10),
            hot=timedelta(minutes=2),
            waiting=timedelta(minutes=2),
            # A status that comes late is told of no pull request.
            deep=timedelta(hours=1),
        ),
        calls=(
            "github:PullsList",
            "github:PullsGet",
            "github:PullsListReviews",
            "github:PullsListReviewComments",
            "github:IssuesListComments",
            "github:ChecksListForRef",
            "github:ReposGetCombinedStatusForRef",
        ),
        optional=(
            "github:PullsGet",
            "github:PullsListReviews",
            "github:PullsListReviewComments",
            "github:IssuesListComments",
            "github:ChecksListForRef",
            "github:ReposGetCombinedStatusForRef",
        ),
        events=(
            heard("pull_request", hooks.pull_request),
            heard("pull_request_review", hooks.pull_request),
            heard("pull_request_review_comment", hooks.pull_request),
            heard("check_run", hooks.checked),
            heard("check_suite", hooks.checked),
            heard("status", hooks.status),
        ),
        # Not heard wholly: whether it can be merged is decided without a word.
        parent=("github.repository", "repository"),
        asked_by="github.repository",
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

TRACKER = REGISTER.add(
    Resource(
        kind="github.tracker",
        label="GitHub trackers",
        provider="github",
        model=issue_models.Tracker,
        collect=issues.trackers,
        cadence=Cadence(cold=timedelta(minutes=10)),
        calls=LISTS,
        optional=LISTS[1:],
        events=(heard("repository", hooks.tracker),),
        heard_wholly=True,
        keyed=True,
        given=_trackers_in,
        awaits=("github.repository",),
        held=True,
        goes_with=(ISSUES_KEPT,),
        url=issue_models.Tracker.get_absolute_url,
        explain=why_tracker,
    )
)

ISSUE = REGISTER.add(
    Resource(
        kind="github.issue",
        label="issues",
        provider="github",
        model=issue_models.Issue,
        collect=issues.issues,
        # What nobody does anything to costs nothing.
        cadence=Cadence(cold=timedelta(minutes=2), deep=timedelta(hours=6)),
        calls=("github:IssuesListForRepo", "github:IssuesGet", "github:IssuesListComments"),
        optional=("github:IssuesGet", "github:IssuesListComments"),
        events=(heard("issues", hooks.issue), heard("issue_comment", hooks.issue)),
        heard_wholly=True,
        parent=("github.tracker", "tracker"),
        asked_by="github.tracker",
        history=True,
        keyed=True,
        stamp="described",
        digest=issue_digest.trackers,
        happened=issue_digest.HAPPENED,
        url=issue_models.Issue.get_absolute_url,
        listed="issues:issues",
    )
)
