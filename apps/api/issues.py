"""Issues in the API, whoever keeps them: issues, and the trackers that keep them."""

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from apps.issues.models import Issue, Tracker
from apps.live.moments import parsed
from apps.live.templatetags.live_tags import web_url
from apps.mirror.resource import REGISTER
from apps.mirror.state import State

from .answers import Narrow, PageOf, Words, answers
from .paging import Paging, page_of
from .things import Thing, columns, in_state, thing

issues = Router()
trackers = Router()

CategoryName = Literal["todo", "doing", "done", ""]
CATEGORY = "What the status amounts to: todo, doing or done; empty where nobody knows."


class NarrowTrackers(Narrow):
    """Which trackers are wanted."""

    q: Words = Field("", description="Words that all occur, in the key, the name or the query.")


class NarrowIssues(Narrow):
    """Which issues are wanted."""

    q: Words = Field("", description="Words that all occur, in the key, the title or the assignee.")
    tracker: Words = Field("", description="The key of the tracker that keeps them.")
    category: CategoryName = Field("", description=CATEGORY)
    assignee: Words = Field("", description="Whom they are assigned to, by the whole name.")
    label: Words = Field("", description="A whole label that they bear.")
    type: Words = Field("", description="What they are: Bug, Task, …")


class TrackerItem(Thing):
    """What keeps issues: a Jira project, a query in JQL, a GitHub repository.

    One that cannot be read has failed; `why` says it in the keeper's words.
    """

    name: str
    key: str
    query: str = Field(description="The JQL, of a query; empty for what keeps issues itself.")
    open_issues: int = Field(description="Of those that are read.")
    more: bool = Field(description="Whether it has more issues than are read.")


class IssueItem(Thing):
    """An issue. `arn` is its key, as commits and pull requests name it."""

    key: str
    title: str
    tracker: str = Field(description="The tracker's key; empty where that is not read.")
    tracker_id: int | None
    type: str
    category: str = Field(description=CATEGORY)
    assignee: str
    labels: list[str]
    priority: str
    created: datetime | None
    updated: datetime | None
    resolved: datetime | None


class LinkedIssue(Schema):
    """Another issue that this one names."""

    relation: str
    key: str


class IssueComment(Schema):
    """What somebody said, in Markdown."""

    id: str
    author: str
    at: datetime | None
    text: str


class IssueDetail(IssueItem):
    """An issue with its text and comments, in Markdown as others wrote it: clean it first."""

    body: str
    comments: list[IssueComment]
    reporter: str
    sprint: str
    milestone: str
    parent_key: str
    due: date | None
    was: list[str] = Field(description="Keys that it had before it was moved.")
    links: list[LinkedIssue]


def _thing(request: HttpRequest, row: Any) -> dict[str, Any]:
    told = thing(request, REGISTER.kind_of(row), row)
    return {**told, "console_url": web_url(row.url)}


@trackers.get("", response=answers(PageOf[TrackerItem]))
def list_trackers(
    request: HttpRequest, narrow: Query[NarrowTrackers], paging: Query[Paging]
) -> Any:
    """Trackers by key."""
    wanted = narrow.dict()
    rows = Tracker.objects.select_related("scope").present().visible_to(request.user)
    rows = in_state(rows, "issues.tracker", wanted.pop("state"))
    found, following = page_of(rows.matching(**wanted), paging, name="trackers", by="key")
    return {"items": [_tracker(request, row) for row in found], "next_cursor": following}


@trackers.get("/{int:tracker_id}", response=answers(TrackerItem))
def one_tracker(request: HttpRequest, tracker_id: int) -> Any:
    """A tracker."""
    rows = Tracker.objects.select_related("scope").visible_to(request.user)
    return _tracker(request, get_object_or_404(rows, pk=tracker_id))


@issues.get("", response=answers(PageOf[IssueItem]))
def list_issues(request: HttpRequest, narrow: Query[NarrowIssues], paging: Query[Paging]) -> Any:
    """Issues, those that moved last first."""
    wanted = narrow.dict()
    words = {name: wanted[name] for name in ("q", "state", "account", "region")}
    rows = Issue.objects.for_list().present().told().visible_to(request.user).matching(**words)
    columns_of = {"tracker": "tracker__key", "category": "category", "assignee": "assignee"}
    for name, column in {**columns_of, "type": "type"}.items():
        if wanted[name]:
            rows = rows.filter(**{column: wanted[name]})
    if wanted["label"]:
        rows = rows.labelled(wanted["label"])
    found, following = page_of(rows, paging, name="issues", by="-updated")
    return {"items": [_issue(request, row) for row in found], "next_cursor": following}


@issues.get("/{int:issue_id}", response=answers(IssueDetail))
def one_issue(request: HttpRequest, issue_id: int) -> Any:
    """An issue with its text and comments."""
    rows = Issue.objects.select_related("scope", "tracker").visible_to(request.user)
    row = get_object_or_404(rows, pk=issue_id)
    told = ("body", "reporter", "sprint", "milestone", "parent_key", "due")
    return {
        **_issue(request, row),
        **columns(row, *told),
        "was": [str(key) for key in row.was],
        "links": [
            {"relation": str(one.get("relation") or ""), "key": str(one["key"])}
            for one in row.related
            if isinstance(one, dict) and one.get("key")
        ],
        "comments": [_comment(one) for one in row.comments if isinstance(one, dict)],
    }


def _tracker(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {**_thing(request, row), **columns(row, "name", "key", "query", "open_issues", "more")}


def _issue(request: HttpRequest, row: Any) -> dict[str, Any]:
    told = ("key", "title", "type", "category", "assignee", "priority")
    return {
        **_thing(request, row),
        "word": row.word or State.UNKNOWN.value.capitalize(),
        "tracker": row.tracker.key if row.tracker is not None else "",
        "tracker_id": row.tracker_id,
        "labels": [str(label) for label in row.labels],
        **columns(row, *told, "created", "updated", "resolved"),
    }


def _comment(comment: dict[str, Any]) -> dict[str, Any]:
    texts = {name: str(comment.get(name) or "") for name in ("id", "author", "text")}
    return {**texts, "at": parsed(comment.get("at"))}
