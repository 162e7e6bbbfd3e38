"""Jira's operations that read issues: search, one issue, its comments, ways and links."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any

from apps.sandbox.jira import jql
from apps.sandbox.jira.about import page
from apps.sandbox.jira.door import is_cloud, issue_of, refused, route, shows, written
from apps.sandbox.jira.jqlfields import JqlError
from apps.sandbox.jira.model import Jira
from apps.sandbox.rest import Ask, RestError, Said

if TYPE_CHECKING:
    from apps.sandbox.jira.model import Issue
    from apps.sandbox.jira.shown import Shows

_API = "/rest/api"
#: Pages of a search: with fields, and of ids alone.
_MOST, _MOST_IDS = 100, 5000


def _found(ask: Ask, text: str) -> jql.Query:
    try:
        return jql.parse(ask.world.of(Jira), text, ask.caller.name)
    except JqlError as error:
        raise refused(400, str(error)) from None


def _searched(ask: Ask, wanted: dict[str, Any]) -> Said:
    if not is_cloud(ask):
        raise refused(404, "null for uri: " + ask.request.path)
    text = str(wanted.get("jql") or "")
    query = _found(ask, text)
    if not query.bounded:
        message = (
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your "
            "query."
        )
        raise refused(400, message)
    found = query.find(ask.world.of(Jira))
    begin = _begin(wanted.get("nextPageToken"), text)
    fields = _fields(wanted.get("fields"))
    size = int(wanted.get("maxResults") or 50)
    size = max(1, min(size, _MOST_IDS if fields in ([], ["id"]) else _MOST))
    if ask.page_limit is not None:
        size = min(size, ask.page_limit)
    part = found[begin : begin + size]
    last = begin + size >= len(found)
    shown = shows(ask)
    body: dict[str, Any] = {
        "issues": [_listed(shown, issue, fields, wanted) for issue in part],
        "isLast": last,
    }
    if not last:
        body["nextPageToken"] = _token(begin + size, text)
    return Said(body)


def _listed(
    shown_by: Shows, issue: Issue, fields: list[str], wanted: dict[str, Any]
) -> dict[str, Any]:
    """Without fields an issue is no more than its id."""
    if not fields:
        return {"id": str(issue.id)}
    shown = shown_by.issue(issue, [name for name in fields if name not in ("id", "key")])
    _with_properties(shown, issue, wanted.get("properties"))
    expand = wanted.get("expand") or ()
    if "transitions" in (expand.split(",") if isinstance(expand, str) else expand):
        _with_transitions(shown_by, shown, issue)
    return shown


def _with_transitions(shown_by: Shows, shown: dict[str, Any], issue: Issue) -> None:
    project = shown_by.jira.projects[issue.project]
    shown["transitions"] = [
        shown_by.transition(project, way) for way in project.workflow.ways(issue.status)
    ]


def _with_properties(shown: dict[str, Any], issue: Issue, names: Any) -> None:
    wanted = names.split(",") if isinstance(names, str) else list(names or ())
    if wanted:
        every = "*all" in wanted
        shown["properties"] = {
            key: value for key, value in issue.properties.items() if every or key in wanted
        }


def _fields(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part for part in value.split(",") if part]
    return [str(part) for part in value or ()]


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _token(begin: int, text: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([begin, _mark(text)]).encode()).decode()


def _begin(token: Any, text: str) -> int:
    """Where a page begins; raises 400 for a token of another query."""
    if not token:
        return 0
    try:
        begin, mark = json.loads(base64.urlsafe_b64decode(str(token).encode()))
    except (ValueError, binascii.Error, TypeError):
        raise refused(400, "The provided next page token is invalid.") from None
    if mark != _mark(text):
        raise refused(400, "The provided next page token is invalid.")
    return int(begin)


@route("GET", f"{_API}/search/jql", "searchAndReconsileIssuesUsingJql")
def search(ask: Ask) -> Said:
    """Issues that a query finds, page after page by token."""
    wanted: dict[str, Any] = dict(ask.query)
    wanted["maxResults"] = ask.number("maxResults", 50, _MOST_IDS)
    wanted["fields"] = ask.every("fields")
    wanted["properties"] = ask.every("properties")
    wanted["expand"] = ask.every("expand")
    return _searched(ask, wanted)


@route("POST", f"{_API}/search/jql", "searchAndReconsileIssuesUsingJqlPost")
def search_by_post(ask: Ask) -> Said:
    """The same with a body."""
    return _searched(ask, written(ask))


@route("POST", f"{_API}/search/approximate-count", "countIssues")
def count(ask: Ask) -> Said:
    """How many a query finds."""
    query = _found(ask, str(written(ask).get("jql") or ""))
    return Said({"count": len(query.find(ask.world.of(Jira)))})


@route("POST", f"{_API}/jql/parse", "parseJqlQueries")
def parse(ask: Ask) -> Said:
    """Whether queries are understood."""
    answers = []
    for text in written(ask).get("queries") or ():
        answer: dict[str, Any] = {"query": text}
        try:
            jql.parse(ask.world.of(Jira), str(text), ask.caller.name)
            answer["structure"] = {}
        except JqlError as error:
            answer["errors"] = [str(error)]
        answers.append(answer)
    return Said({"queries": answers})


@route("GET", f"{_API}/search", "searchForIssuesUsingJql")
def old_search(ask: Ask) -> Said:
    """Data Center's search, which Cloud has removed."""
    return _search_by_start(ask, {**ask.query, "fields": ask.every("fields")})


@route("POST", f"{_API}/search", "searchForIssuesUsingJqlPost")
def old_search_by_post(ask: Ask) -> Said:
    """The same with a body."""
    return _search_by_start(ask, written(ask))


def _search_by_start(ask: Ask, wanted: dict[str, Any]) -> Said:
    if is_cloud(ask):
        text = (
            "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
            "A full migration guideline is available at "
            "https://developer.atlassian.com/changelog/#CHANGE-2046"
        )
        raise RestError(410, {"errorMessages": [text], "errors": {}})
    found = _found(ask, str(wanted.get("jql") or "")).find(ask.world.of(Jira))
    begin, size = int(wanted.get("startAt") or 0), int(wanted.get("maxResults") or 50)
    size = min(size, 1000, ask.page_limit or 1000)
    fields = _fields(wanted.get("fields")) or ["*navigable"]
    part, shown = found[begin : begin + size], shows(ask)
    return Said(
        {
            "expand": "schema,names",
            "startAt": begin,
            "maxResults": size,
            "total": len(found),
            "issues": [_listed(shown, issue, fields, wanted) for issue in part],
        }
    )


# -- one issue -----------------------------------------------------------------------------------


@route("GET", f"{_API}/issue/{{issue}}", "getIssue")
def issue(ask: Ask) -> Said:
    """One issue; a key it had before will do, and the answer names the one it has."""
    one, shown = issue_of(ask), shows(ask)
    fields = ask.every("fields")
    answer = shown.issue(one, fields or None)
    expand = set(ask.every("expand"))
    _with_properties(answer, one, ask.every("properties"))
    if "transitions" in expand:
        _with_transitions(shown, answer, one)
    if "renderedFields" in expand:
        rendered = type(shown)(shown.jira, ask.base, cloud=shown.cloud, version="2")
        text = rendered.text(one.body) or ""
        safe = text.replace("&", "&amp;").replace("<", "&lt;")
        answer["renderedFields"] = {"description": f"<p>{safe}</p>"}
    if "names" in expand:
        answer["names"] = {name: name.capitalize() for name in answer["fields"]}
    if "changelog" in expand:
        answer["changelog"] = {"startAt": 0, "maxResults": 0, "total": 0, "histories": []}
    return Said(answer)


@route("GET", f"{_API}/issue/{{issue}}/comment", "getComments")
def comments(ask: Ask) -> Said:
    """Its comments, in pages."""
    one, shown = issue_of(ask), shows(ask)
    with_properties = "properties" in ask.every("expand")
    found = sorted(one.comments, key=lambda comment: comment.created)
    if ask.query.get("orderBy", "").startswith("-"):
        found.reverse()
    listed = [shown.comment(one, comment, properties=with_properties) for comment in found]
    body = page(ask, listed, "comments", 50 if is_cloud(ask) else 1000)
    del body["isLast"]
    body.pop("nextPage", None)
    return Said(body)


@route("GET", f"{_API}/issue/{{issue}}/transitions", "getTransitions")
def transitions(ask: Ask) -> Said:
    """What the workflow allows now."""
    one, shown = issue_of(ask), shows(ask)
    project = ask.world.of(Jira).projects[one.project]
    ways = project.workflow.ways(one.status)
    return Said(
        {"expand": "transitions", "transitions": [shown.transition(project, way) for way in ways]}
    )


@route("GET", f"{_API}/issue/{{issue}}/remotelink", "getRemoteIssueLinks")
def remote_links(ask: Ask) -> Said:
    """Its links to elsewhere; with ``globalId`` the one of that id."""
    one, shown = issue_of(ask), shows(ask)
    wanted = ask.query.get("globalId")
    if wanted:
        link = one.remote.get(wanted)
        if link is None:
            raise refused(404, f"The remote issue link with global id '{wanted}' does not exist.")
        return Said(shown.remote_link(one, link))
    return Said([shown.remote_link(one, link) for link in one.remote.values()])


@route("GET", f"{_API}/issue/{{issue}}/properties/{{property}}", "getIssueProperty")
def issue_property(ask: Ask) -> Said:
    """A property of it."""
    one = issue_of(ask)
    if ask["property"] not in one.properties:
        raise refused(404, f"Property with key '{ask['property']}' does not exist.")
    return Said({"key": ask["property"], "value": one.properties[ask["property"]]})
