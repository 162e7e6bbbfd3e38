"""Makes rows of source the way collectors and reconcile would leave them."""

from datetime import timedelta
from typing import Any

from apps.mirror.models import Scope
from apps.source import digest
from apps.source.models import Branch, Commit, PullRequest, Repository
from tests import factories

TARGET = "main"


def sha(number: int) -> str:
    """The id of the commit of a number."""
    return f"{number:040x}"


def make_repository(name: str = "shop", scope: Scope | None = None, **more: Any) -> Repository:
    """A repository without a branch."""
    scope = scope or factories.make_scope()
    return Repository.objects.create(
        **{
            "scope": scope,
            "key": name,
            "arn": f"arn:aws:codecommit:{scope.region}:{scope.account}:{name}",
            "default_branch": TARGET,
            "last_modified": factories.LONG_AGO,
            "clone_url_https": f"https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/{name}",
            "clone_url_ssh": f"ssh://git-codecommit.eu-west-1.amazonaws.com/v1/repos/{name}",
            "clone_url_grc": f"codecommit::{scope.region}://{name}",
            "console_url": f"https://eu-west-1.console.aws.amazon.com/{name}",
            **more,
        }
    )


def make_commit(repository: Repository, number: int, **more: Any) -> Commit:
    """A commit on top of the one of the number before."""
    return Commit.objects.create(
        **{
            "scope": repository.scope,
            "repository": repository,
            "key": f"{repository.key}/{sha(number)}",
            "arn": f"{repository.arn}#{sha(number)}",
            "commit_id": sha(number),
            "parents": [sha(number - 1)] if number > 1 else [],
            "message": f"Change {number}\n\nBecause of {number}.",
            "author_name": "platform-engineer",
            "author_email": "platform-engineer@example.com",
            "committer_name": "platform-engineer",
            "committer_email": "platform-engineer@example.com",
            "committed_at": factories.LONG_AGO + timedelta(minutes=number),
            **more,
        }
    )


def make_branch(repository: Repository, name: str, head: int, **more: Any) -> Branch:
    """A branch that points to the commit of a number."""
    return Branch.objects.create(
        **{
            "scope": repository.scope,
            "repository": repository,
            "key": f"{repository.key}/{name}",
            "arn": f"{repository.arn}/refs/heads/{name}",
            "name": name,
            "commit_id": sha(head),
            **more,
        }
    )


def make_pull(repository: Repository, number: int = 12, **more: Any) -> PullRequest:
    """An open pull request that can be merged."""
    return PullRequest.objects.create(
        **{
            "scope": repository.scope,
            "repository": repository,
            "key": str(number),
            "arn": f"{repository.arn}/pull-requests/{number}",
            "number": str(number),
            "status": "OPEN",
            "state": "waiting",
            "title": f"Proposal {number}",
            "author": "arn:aws:iam::111122223333:user/Li_Juan",
            "created": factories.LONG_AGO,
            "last_activity": factories.LONG_AGO + timedelta(minutes=number),
            "source_branch": "feature/basket",
            "destination_branch": TARGET,
            "source_commit": sha(number),
            "destination_commit": sha(1),
            "merge_base": sha(1),
            "approved": True,
            "mergeable": True,
            **more,
        }
    )


def tell(repository: Repository) -> Repository:
    """Write the columns that follow from branches, commits and pull requests."""
    ids = [repository.pk]
    for digested in (digest.from_branches, digest.from_commits, digest.from_pull_requests):
        for pk, values in digested(ids).items():
            Repository.objects.filter(pk=pk).update(**values)
    return Repository.objects.get(pk=repository.pk)
