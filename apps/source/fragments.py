"""The pieces of pages that picture source, of whichever host; see apps.live.fragment."""

from typing import Any

from apps.live.fragment import FRAGMENTS, Fragment, Load
from apps.mirror.resource import REGISTER

from . import load
from .models import Commit, PullRequest, Repository


def _picture(model: type[Any], row: str, name: str, template: str, loaded: Load) -> Fragment:
    """Add a fragment of a model's rows; `row` is what its context calls one."""
    first, *others = REGISTER.kinds_in(model)
    return FRAGMENTS.add(
        Fragment(
            name=name,
            of=first,
            also=others,
            template=f"source/{template}",
            load=loaded,
            version=lambda context: str(context[row].version),
        )
    )


def _of_repository(name: str, template: str, loaded: Load) -> Fragment:
    return _picture(Repository, "repository", name, template, loaded)


def _of_commit(name: str, template: str, loaded: Load) -> Fragment:
    return _picture(Commit, "commit", name, template, loaded)


def _of_pull(name: str, template: str, loaded: Load) -> Fragment:
    return _picture(PullRequest, "pull", name, template, loaded)


REPOSITORY_ROW = _of_repository("repository-row", "repositories.html#row", load.repository_row)
REPOSITORY_HEAD = _of_repository("repository-head", "repository.html#head", load.repository_head)
REPOSITORY_FACTS = _of_repository("repository-facts", "repository.html#facts", load.repository_head)
REPOSITORY_PULLS = _of_repository(
    "repository-pulls", "repository.html#pulls", load.repository_pulls
)
COMMIT_ROW = _of_commit("commit-row", "commits.html#row", load.commit_row)
COMMIT_HEAD = _of_commit("commit-head", "commit.html#head", load.commit_head)
COMMIT_TALK = _of_commit("commit-talk", "commit.html#talk", load.commit_head)
PULL_ROW = _of_pull("pull-row", "pull_requests.html#row", load.pull_row)
PULL_HEAD = _of_pull("pull-head", "pull_request.html#head", load.pull_head)
PULL_TALK = _of_pull("pull-talk", "pull_request.html#talk", load.pull_head)
PULL_FACTS = _of_pull("pull-facts", "pull_request.html#facts", load.pull_head)
