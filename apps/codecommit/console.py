"""Addresses of CodeCommit's pages in AWS's console, and of its git remotes; pure functions."""

from apps.aws.console import console, part


def repository_url(region: str, repository: str) -> str:
    """A repository's files."""
    return _page(region, repository, "browse")


def branch_url(region: str, repository: str, branch: str) -> str:
    """A branch's files."""
    return _page(region, repository, f"browse/refs/heads/{part(branch)}")


def commit_url(region: str, repository: str, commit_id: str) -> str:
    """A commit with what it changed."""
    return _page(region, repository, f"commit/{part(commit_id)}")


def pull_request_url(region: str, repository: str, number: str) -> str:
    """A pull request's details."""
    return _page(region, repository, f"pull-requests/{part(number)}/details")


def grc_url(region: str, repository: str) -> str:
    """What git-remote-codecommit clones from.

    https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-git-remote-codecommit.html
    """
    return f"codecommit::{region}://{repository}"


def _page(region: str, repository: str, rest: str) -> str:
    path = f"codesuite/codecommit/repositories/{part(repository)}/{rest}?region={part(region)}"
    return console(region, path)
