"""GitHub's operations on pull requests: read, open, review, merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.github import history, told, writing
from apps.sandbox.github.door import (
    invalid,
    issue_of,
    paged,
    refused,
    repository,
    route,
    shows,
    written,
)
from apps.sandbox.github.model import GitHub, Review
from apps.sandbox.rest import Ask, Said

if TYPE_CHECKING:
    from apps.sandbox.github.model import Issue

_REPO = "/repos/{owner}/{repo}"
_PULL = f"{_REPO}/pulls/{{number}}"
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _ordered(ask: Ask, found: list[Issue]) -> list[Issue]:
    sort = ask.query.get("sort", "created")
    if sort not in ("created", "updated", "popularity", "long-running"):
        raise invalid("PullRequest", "sort")
    falls = ask.query.get("direction", "desc" if sort == "created" else "asc") == "desc"
    keys = {"updated": lambda one: one.updated, "popularity": lambda one: len(one.comments)}
    return sorted(found, key=keys.get(sort, lambda one: (one.created, one.number)), reverse=falls)


def _pulls(ask: Ask) -> Said:
    one, state = repository(ask), ask.query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("PullRequest", "state")
    head, base = ask.query.get("head", "").rpartition(":")[2], ask.query.get("base")
    found = [
        issue
        for issue in one.pulls()
        if issue.pull is not None
        and state in ("all", issue.state)
        and (not head or issue.pull.head == head)
        and (not base or issue.pull.base == base)
    ]
    return paged(ask, _ordered(ask, found), lambda issue: shows(ask).pull(one, issue))


def _pull(ask: Ask) -> Said:
    one = repository(ask)
    return Said(shows(ask).full_pull(one, issue_of(ask, one, pull=True)))


def _reviews(ask: Ask) -> Said:
    one = repository(ask)
    issue = issue_of(ask, one, pull=True)
    assert issue.pull is not None
    return paged(ask, issue.pull.reviews, lambda review: shows(ask).review(one, issue, review))


def _requested(ask: Ask) -> Said:
    issue = issue_of(ask, repository(ask), pull=True)
    assert issue.pull is not None
    return Said({"users": [shows(ask).user(one) for one in issue.pull.requested], "teams": []})


def _commits(ask: Ask) -> Said:
    one = repository(ask)
    issue = issue_of(ask, one, pull=True)
    assert issue.pull is not None
    standing = history.compare(one, issue.pull.base_sha, issue.pull.head_sha)
    return paged(ask, standing.ahead, lambda commit: shows(ask).commit(one, commit))


def _of_commit(ask: Ask) -> Said:
    one, sha = repository(ask), ask["sha"]
    found = [
        issue
        for issue in one.pulls()
        if issue.pull is not None and sha in (issue.pull.head_sha, issue.pull.merge_sha)
    ]
    return paged(ask, found, lambda issue: shows(ask).pull(one, issue))


route("GET", f"{_REPO}/pulls", "pulls/list")(_pulls)
route("GET", f"{_REPO}/pulls/{{number}}", "pulls/get")(_pull)
route("GET", f"{_REPO}/pulls/{{number}}/reviews", "pulls/list-reviews")(_reviews)
route("GET", f"{_REPO}/pulls/{{number}}/requested_reviewers", "pulls/list-requested-reviewers")(
    _requested
)
route("GET", f"{_REPO}/pulls/{{number}}/commits", "pulls/list-commits")(_commits)
route("GET", f"{_REPO}/commits/{{sha}}/pulls", "repos/list-pull-requests-associated-with-commit")(
    _of_commit
)


@route("POST", f"{_REPO}/pulls", "pulls/create")
def create(ask: Ask) -> Said:
    """Propose a branch."""
    one, wanted = repository(ask), written(ask)
    head = str(wanted.get("head") or "").rpartition(":")[2]
    base, title = str(wanted.get("base") or one.default), str(wanted.get("title") or "")
    for field, value in (("head", head), ("base", base)):
        if value not in one.branches:
            raise invalid("PullRequest", field)
    if not title:
        raise invalid("PullRequest", "title", "missing_field")
    if one.branches[base] == one.branches[head]:
        raise refused(422, f"No commits between {base} and {head}")
    issue = writing.propose(
        ask.world,
        one,
        title,
        wanted.get("body"),
        head,
        ask.caller.name,
        base=base,
        draft=bool(wanted.get("draft")),
    )
    return Said(shows(ask).full_pull(one, issue), 201)


@route("PATCH", _PULL, "pulls/update")
def update(ask: Ask) -> Said:
    """Change its title or text, close it, open it again."""
    one, wanted = repository(ask), written(ask)
    issue = issue_of(ask, one, pull=True)
    issue.title = str(wanted.get("title") or issue.title)
    issue.body = wanted.get("body", issue.body)
    issue.updated = ask.world.now()
    if wanted.get("state") == "closed" and issue.state == "open":
        writing.close(ask.world, one, issue, ask.caller.name)
    elif wanted.get("state") == "open" and issue.state == "closed":
        writing.reopen(ask.world, one, issue, ask.caller.name)
    return Said(shows(ask).full_pull(one, issue))


@route("POST", f"{_PULL}/reviews", "pulls/create-review")
def review(ask: Ask) -> Said:
    """Approve it, ask for changes, or just say something."""
    one, wanted = repository(ask), written(ask)
    issue = issue_of(ask, one, pull=True)
    assert issue.pull is not None
    state = _STATES.get(str(wanted.get("event", "COMMENT")))
    if state is None:
        raise invalid("PullRequestReview", "event")
    if issue.author == ask.caller.name and state != "COMMENTED":
        raise refused(422, "Can not approve your own pull request")
    text = str(wanted.get("body") or "")
    made = Review(
        ask.world.of(GitHub).next_id(),
        ask.caller.name,
        state,
        text,
        issue.pull.head_sha,
        ask.world.now(),
    )
    issue.pull.reviews.append(made)
    issue.updated = ask.world.now()
    told.reviewed(ask.world, one, issue, made)
    return Said(shows(ask).review(one, issue, made))


@route("PUT", f"{_PULL}/merge", "pulls/merge")
def merge(ask: Ask) -> Said:
    """Merge it."""
    one, wanted = repository(ask), written(ask)
    issue = issue_of(ask, one, pull=True)
    if issue.state != "open":
        raise refused(405, "Pull Request is not mergeable")
    title = wanted.get("commit_title")
    made = writing.merge(
        ask.world,
        one,
        issue,
        ask.caller.name,
        squash=wanted.get("merge_method", "merge") == "squash",
        message=str(title) if title else None,
    )
    return Said({"sha": made.sha, "merged": True, "message": "Pull Request successfully merged"})
