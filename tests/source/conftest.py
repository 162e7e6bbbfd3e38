"""A repository with two branches and a pull request, and who looks at it."""

import pytest
from django.test import Client

from apps.source.models import Commit, PullRequest, Repository
from tests import factories
from tests.flown import _no_memory, queued

from .making import make_branch, make_commit, make_pull, make_repository, tell

__all__ = ["_no_memory", "queued"]


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


@pytest.fixture
def shop(db: None) -> Repository:
    """`main` is at commit 3; `feature/basket` forked from 2 and is at 12."""
    repository = make_repository(
        description="The shop's front",
        triggers=[
            {
                "name": "tell-the-team",
                "destination": "arn:aws:sns:eu-west-1:111122223333:pushes",
                "branches": ["main"],
                "events": ["updateReference"],
            }
        ],
        tags={"team": "checkout"},
    )
    for number in (1, 2, 3):
        make_commit(repository, number)
    make_commit(repository, 12, parents=[f"{2:040x}"])
    make_branch(repository, "main", 3)
    make_branch(repository, "feature/basket", 12)
    make_pull(repository)
    return tell(repository)


@pytest.fixture
def commit(shop: Repository) -> Commit:
    found: Commit = shop.commits.get(commit_id=f"{3:040x}")
    return found


@pytest.fixture
def pull(shop: Repository) -> PullRequest:
    found: PullRequest = shop.pull_requests.get()
    return found
