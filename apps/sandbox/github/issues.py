"""GitHub's operations on issues: read, open, change, comment; with labels and milestones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.github import told, writing
from apps.sandbox.github.door import (
    invalid,
    issue_of,
    may_write,
    missing,
    paged,
    refused,
    repository,
    route,
    shows,
    written,
)
from apps.sandbox.github.model import GitHub, Label
from apps.sandbox.github.repositories import since
from apps.sandbox.rest import Ask, Said

if TYPE_CHECKING:
    from apps.sandbox.github.model import Comment, Issue, Repository

_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{number}}"


def _with_issues(ask: Ask) -> Repository:
    one = repository(ask)
    if not one.has_issues:
        raise refused(410, "Issues has been disabled in this repository.")
    return one


def _wanted(ask: Ask, one: Repository, issue: Issue) -> bool:
    query = ask.query
    if query.get("state", "open") not in ("all", issue.state):
        return False
    if not set(query["labels"].split(",") if query.get("labels") else ()) <= set(issue.labels):
        return False
    stone = query.get("milestone")
    if stone and (
        (stone == "none" and issue.milestone is not None)
        or (stone == "*" and issue.milestone is None)
        or (stone.isdecimal() and issue.milestone != int(stone))
    ):
        return False
    assignee = query.get("assignee")
    if assignee == "none":
        return not issue.assignees
    if assignee and assignee != "*" and assignee not in issue.assignees:
        return False
    del one
    return not query.get("creator") or issue.author == query["creator"]


def _issues(ask: Ask) -> Said:
    one, after = repository(ask), since(ask)
    if ask.query.get("state", "open") not in ("open", "closed", "all"):
        raise invalid("Issue", "state")
    # A repository without issues still lists its pull requests.
    found = [
        issue
        for issue in one.issues.values()
        if issue.updated >= after
        and _wanted(ask, one, issue)
        and (one.has_issues or issue.pull is not None)
    ]
    keys = {"updated": lambda it: it.updated, "comments": lambda it: len(it.comments)}
    key = keys.get(ask.query.get("sort", ""), lambda it: (it.created, it.number))
    found.sort(key=key, reverse=ask.query.get("direction", "desc") == "desc")
    return paged(ask, found, lambda issue: shows(ask).issue(one, issue))


def _issue(ask: Ask) -> Said:
    one = repository(ask)
    issue = issue_of(ask, one)
    if issue.pull is None:
        _with_issues(ask)
    return Said(shows(ask).issue(one, issue))


def _comments(ask: Ask) -> Said:
    one, after = repository(ask), since(ask)
    issue = issue_of(ask, one)
    found = [comment for comment in issue.comments if comment.updated >= after]
    return paged(ask, found, lambda comment: shows(ask).comment(one, issue, comment))


def _all_comments(ask: Ask) -> Said:
    one, after = repository(ask), since(ask)
    found = [
        (issue, comment)
        for issue in one.issues.values()
        for comment in issue.comments
        if comment.updated >= after
    ]
    by_update = ask.query.get("sort") == "updated"
    found.sort(
        key=lambda pair: pair[1].updated if by_update else pair[1].created,
        reverse=ask.query.get("direction", "asc") == "desc",
    )
    return paged(ask, found, lambda pair: shows(ask).comment(one, *pair))


def _people(ask: Ask) -> Said:
    repository(ask)
    users = ask.world.of(GitHub).users.values()
    names = sorted(user.login for user in users if user.kind == "User")
    return paged(ask, names, shows(ask).user)


def _labels(ask: Ask) -> Said:
    one = repository(ask)
    return paged(ask, list(one.labels.values()), lambda label: shows(ask).label(one, label))


def _milestones(ask: Ask) -> Said:
    one, state = repository(ask), ask.query.get("state", "open")
    found = [
        stone
        for stone in one.milestones.values()
        if state in ("all", "closed" if stone.closed else "open")
    ]
    return paged(ask, found, lambda stone: shows(ask).milestone(one, stone))


route("GET", f"{_REPO}/issues", "issues/list-for-repo")(_issues)
route("GET", f"{_REPO}/issues/comments", "issues/list-comments-for-repo")(_all_comments)
route("GET", f"{_REPO}/issues/{{number}}", "issues/get")(_issue)
route("GET", f"{_REPO}/issues/{{number}}/comments", "issues/list-comments")(_comments)
route("GET", f"{_REPO}/assignees", "issues/list-assignees")(_people)
route("GET", f"{_REPO}/labels", "issues/list-labels-for-repo")(_labels)
route("GET", f"{_REPO}/milestones", "issues/list-milestones")(_milestones)


@route("GET", f"{_REPO}/assignees/{{login}}", "issues/check-user-can-be-assigned")
def assignable(ask: Ask) -> Said:
    """204 for who may be assigned."""
    repository(ask)
    user = ask.world.of(GitHub).users.get(ask["login"])
    if user is None or user.kind != "User":
        raise missing()
    return Said(None, 204)


@route("GET", f"{_REPO}/issues/comments/{{comment}}", "issues/get-comment")
def comment_by_id(ask: Ask) -> Said:
    """One comment."""
    one = repository(ask)
    issue, found = _comment(ask, one)
    return Said(shows(ask).comment(one, issue, found))


def _comment(ask: Ask, one: Repository) -> tuple[Issue, Comment]:
    for issue in one.issues.values():
        for comment in issue.comments:
            if str(comment.id) == ask["comment"]:
                return issue, comment
    raise missing()


def _names(ask: Ask, value: Any, field: str) -> list[str]:
    if not isinstance(value, list):
        raise invalid("Issue", field)
    names = [str(one.get("name") if isinstance(one, dict) else one) for one in value]
    if field == "assignees":
        users = ask.world.of(GitHub).users
        for name in names:
            if name not in users or users[name].kind != "User":
                raise invalid("Issue", "assignees", value=name)
    return names


def _label_with(ask: Ask, one: Repository, issue: Issue, names: list[str]) -> None:
    """Labels nobody knew are made, as GitHub does."""
    for name in names:
        if name not in one.labels:
            one.labels[name] = Label(ask.world.of(GitHub).next_id(), name, "ededed")
        if name not in issue.labels:
            issue.labels.append(name)


@route("POST", f"{_REPO}/issues", "issues/create")
def create(ask: Ask) -> Said:
    """Open an issue."""
    one, wanted = _with_issues(ask), written(ask)
    may_write(one)
    title = wanted.get("title")
    if not isinstance(title, str) or not title.strip():
        raise invalid("Issue", "title", "missing_field")
    body = wanted.get("body")
    if body is not None and not isinstance(body, str):
        raise invalid("Issue", "body")
    if len(body or "") > 65_536:
        text = "body is too long (maximum is 65536 characters)"
        raise invalid("Issue", "body", "custom", message=text)
    people = _names(ask, wanted.get("assignees") or [], "assignees")
    stone = _milestone(one, wanted.get("milestone"))
    issue = writing.open_issue(ask.world, one, title, body, ask.caller.name)
    issue.assignees, issue.milestone = people, stone
    _label_with(ask, one, issue, _names(ask, wanted.get("labels") or [], "labels"))
    writing.opened(ask.world, one, issue)
    return Said(shows(ask).issue(one, issue), 201)


def _milestone(one: Repository, number: Any) -> int | None:
    if number is None:
        return None
    if number not in one.milestones:
        raise invalid("Issue", "milestone", value=number)
    return int(number)


@route("PATCH", _ISSUE, "issues/update")
def update(ask: Ask) -> Said:
    """Change it, close it, open it again."""
    one, wanted = repository(ask), written(ask)
    may_write(one)
    issue, who = issue_of(ask, one), ask.caller.name
    if wanted.get("state") not in (None, "open", "closed"):
        raise invalid("Issue", "state")
    if "title" in wanted and not str(wanted["title"] or "").strip():
        raise invalid("Issue", "title", "missing_field")
    people = _names(ask, wanted["assignees"], "assignees") if "assignees" in wanted else None
    if "milestone" in wanted:
        issue.milestone = _milestone(one, wanted["milestone"])
    edited = bool({"title", "body"} & wanted.keys())
    issue.title = str(wanted.get("title") or issue.title)
    issue.body = wanted.get("body", issue.body)
    issue.updated = ask.world.now()
    if people is not None:
        _assign(ask, one, issue, people)
    if "labels" in wanted:
        issue.labels = []
        _label_with(ask, one, issue, _names(ask, wanted["labels"], "labels"))
        told.issue(ask.world, one, issue, "labeled", who)
    if edited:
        told.issue(ask.world, one, issue, "edited", who)
    if wanted.get("state") == "closed" and issue.state == "open":
        reason = str(wanted.get("state_reason") or "completed")
        writing.close(ask.world, one, issue, who, reason)
    elif wanted.get("state") == "open" and issue.state == "closed":
        writing.reopen(ask.world, one, issue, who)
    return Said(shows(ask).issue(one, issue))


def _assign(ask: Ask, one: Repository, issue: Issue, people: list[str]) -> None:
    before, issue.assignees = issue.assignees, people
    issue.updated = ask.world.now()
    for word, names in (
        ("assigned", [name for name in people if name not in before]),
        ("unassigned", [name for name in before if name not in people]),
    ):
        for name in names:
            user = shows(ask).user(name)
            told.issue(ask.world, one, issue, word, ask.caller.name, assignee=user)


@route("POST", f"{_ISSUE}/assignees", "issues/add-assignees")
def add_assignees(ask: Ask) -> Said:
    """Assign people beside those that are."""
    one = repository(ask)
    issue = issue_of(ask, one)
    added = _names(ask, written(ask).get("assignees") or [], "assignees")
    _assign(ask, one, issue, list(dict.fromkeys([*issue.assignees, *added])))
    return Said(shows(ask).issue(one, issue), 201)


@route("DELETE", f"{_ISSUE}/assignees", "issues/remove-assignees")
def remove_assignees(ask: Ask) -> Said:
    """Assign some no longer."""
    one = repository(ask)
    issue = issue_of(ask, one)
    gone = _names(ask, written(ask).get("assignees") or [], "assignees")
    _assign(ask, one, issue, [name for name in issue.assignees if name not in gone])
    return Said(shows(ask).issue(one, issue))


@route("POST", f"{_ISSUE}/comments", "issues/create-comment")
def comment(ask: Ask) -> Said:
    """Say something under it."""
    one, wanted = repository(ask), written(ask)
    may_write(one)
    issue, text = issue_of(ask, one), wanted.get("body")
    if not isinstance(text, str) or not text.strip():
        raise invalid("IssueComment", "body", "missing_field")
    made = writing.comment(ask.world, one, issue, text, ask.caller.name)
    return Said(shows(ask).comment(one, issue, made), 201)
