"""Which rows GitHub's webhooks name; pure functions.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.mirror.resource import Heard, Names

from .issues import issue_key
from .pulls import pull_key

REPOSITORY, BRANCH, COMMIT = "github.repository", "github.branch", "github.commit"
PULL_REQUEST, TRACKER, ISSUE = "github.pullrequest", "github.tracker", "github.issue"
# What to tick at GitHub.
EVENTS = (
    "push",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "check_run",
    "check_suite",
    "status",
    "commit_comment",
    "issues",
    "issue_comment",
    "repository",
    "installation",
    "installation_repositories",
)


def type_of(headers: Mapping[str, str], payload: Mapping[str, Any]) -> str:
    """Return GitHub's name of what happened; ping only says that a webhook is there."""
    del payload
    return headers.get("x-github-event", "")


def _name(detail: Mapping[str, Any]) -> str:
    return str(detail["repository"]["full_name"])


def pushed(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Branches follow from the repository: by its list alone is a force push noticed."""
    yield Names(kind=REPOSITORY, key=_name(detail))


def repository(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A repository that was made, edited, archived, renamed, transferred or deleted.

    Read by its new name it is known by its id.
    """
    yield Names(kind=REPOSITORY, key=_name(detail))


def tracker(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A repository whose issues may have been switched on or off, or that has another name."""
    yield Names(kind=TRACKER, key=_name(detail))


def installed(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Repositories that an app was given, or may read no more."""
    for member in ("repositories", "repositories_added", "repositories_removed"):
        for one in detail.get(member) or ():
            yield Names(kind=REPOSITORY, key=str(one["full_name"]))


def pull_request(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A pull request, or what people said of it."""
    number = detail["pull_request"]["number"]
    yield Names(kind=PULL_REQUEST, key=pull_key(_name(detail), number))


def checked(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A check of a commit that pull requests propose, those of forks not."""
    told = detail.get("check_run") or detail["check_suite"]
    for one in told.get("pull_requests") or ():
        yield Names(kind=PULL_REQUEST, key=pull_key(_name(detail), one["number"]))


def status(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A status names its commit's branches only; undecided pull requests are read again."""
    yield Names(kind=PULL_REQUEST, parent=_name(detail))


def commit_comment(detail: Mapping[str, Any]) -> Iterator[Names]:
    """A commit on which somebody said something."""
    yield Names(kind=COMMIT, key=f"{_name(detail)}/{detail['comment']['commit_id']}")


def issue(detail: Mapping[str, Any]) -> Iterator[Names]:
    """An issue, or what people said of it. GitHub tells comments on pull requests so, too."""
    told = detail["issue"]
    if "pull_request" in told:
        yield Names(kind=PULL_REQUEST, key=pull_key(_name(detail), told["number"]))
    else:
        yield Names(kind=ISSUE, key=issue_key(_name(detail), told["number"]))


def heard(detail_type: str, names: Any) -> Heard:
    """Return what listens to one of GitHub's events."""
    return Heard(source="github", detail_type=detail_type, names=names)
