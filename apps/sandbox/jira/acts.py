"""Jira's operations that change issues: create, edit, assign, comment, transition, link, delete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from apps.sandbox.jira import adf, writing
from apps.sandbox.jira.door import is_cloud, issue_of, refused, route, shows, written
from apps.sandbox.jira.model import PRIORITIES, TYPES, Jira, RemoteLink
from apps.sandbox.rest import Ask, Said

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.jira.model import Issue, Project

_API = "/rest/api"
_ISSUE = f"{_API}/issue/{{issue}}"
_NO_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


def _body(ask: Ask, value: Any, field: str) -> Any:
    """A text as the version asked for takes it; raises 400."""
    if value is None:
        return None
    if shows(ask).version == "3":
        if not adf.is_document(value):
            raise refused(400, **{field: _NO_DOCUMENT})
        return value
    if not isinstance(value, str):
        raise refused(400, **{field: "Operation value must be a string"})
    return adf.document(value)


def _named(value: Any, *names: str) -> str:
    """What a reference like ``{"key": "SHOP"}`` names."""
    if not isinstance(value, dict):
        return ""
    return next((str(value[name]) for name in names if value.get(name)), "")


def _project(ask: Ask, value: Any) -> Project:
    name = _named(value, "key", "id")
    for one in ask.world.of(Jira).projects.values():
        if name in (one.key, str(one.id)):
            return one
    raise refused(400, project="Specify a valid project ID or key")


def _person(ask: Ask, value: Any, field: str) -> str | None:
    """Whom a reference names: by account id in Cloud, by name in Data Center; raises 400."""
    name = _named(value, "accountId", "id") if is_cloud(ask) else _named(value, "name")
    if not name or name == "-1":
        return None
    found = ask.world.of(Jira).person(name)
    right = found is not None and (found.account == name) == is_cloud(ask)
    if found is None or not right or not found.active:
        raise refused(400, **{field: f"User '{name}' cannot be assigned issues."})
    return found.name


def _members(ask: Ask, fields: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an issue that a request's fields set; raises 400."""
    found: dict[str, Any] = {}
    known = shows(ask).fields().keys() | {"environment", "versions", "security"}
    for name, value in fields.items():
        if name in _SETTERS:
            attribute, read = _SETTERS[name]
            found[attribute] = read(ask, value)
        elif name not in known:
            text = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            raise refused(400, **{name: text})
    return found


def _summary(value: Any) -> str:
    text = str(value or "").strip()
    if not text:
        raise refused(400, summary="You must specify a summary of the issue.")
    if "\n" in text:
        raise refused(400, summary="The summary is invalid because it contains newline characters.")
    if len(text) > 255:
        raise refused(400, summary="Summary can't exceed 255 characters.")
    return text


def _labels(value: Any) -> list[str]:
    names = [str(name) for name in value or ()]
    for name in names:
        if " " in name:
            raise refused(400, labels=f"The label '{name}' contains spaces which is invalid.")
    return names


def _priority(value: Any) -> str:
    name = _named(value, "name")
    number = _named(value, "id")
    if number.isdecimal() and 1 <= int(number) <= len(PRIORITIES):
        return PRIORITIES[int(number) - 1]
    if name not in PRIORITIES:
        raise refused(400, priority="The priority selected is invalid.")
    return name


#: Field of a request → attribute of an issue, and how it is read.
_SETTERS: dict[str, tuple[str, Callable[[Ask, Any], Any]]] = {
    "summary": ("summary", lambda _, value: _summary(value)),
    "description": ("body", lambda ask, value: _body(ask, value, "description")),
    "labels": ("labels", lambda _, value: _labels(value)),
    "priority": ("priority", lambda _, value: _priority(value)),
    "assignee": ("assignee", lambda ask, value: _person(ask, value, "assignee")),
    "duedate": ("due", lambda _, value: value),
    "parent": ("parent", lambda _, value: _named(value, "key", "id") or None),
    "components": ("components", lambda _, value: [_named(it, "name", "id") for it in value or ()]),
}


def _properties(wanted: dict[str, Any]) -> dict[str, Any]:
    return {str(one["key"]): one.get("value") for one in wanted.get("properties") or ()}


@route("POST", f"{_API}/issue", "createIssue")
def create(ask: Ask) -> Said:
    """Open an issue."""
    wanted = written(ask)
    fields = wanted.get("fields")
    if not isinstance(fields, dict):
        raise refused(400, "Field values for 'fields' must be specified.")
    project = _project(ask, fields.get("project"))
    kind = fields.get("issuetype")
    name, number = _named(kind, "name"), _named(kind, "id")
    types = {found for found, known in TYPES.items() if found == name or known == number}
    if not types:
        raise refused(400, issuetype="Specify a valid issue type")
    if "summary" not in fields:
        raise refused(400, summary="You must specify a summary of the issue.")
    members = _members(
        ask, {key: value for key, value in fields.items() if key not in ("project", "issuetype")}
    )
    made = writing.create(
        ask.world,
        project,
        members.pop("summary"),
        ask.caller.name,
        type=types.pop(),
        body=members.pop("body", None),
        properties=_properties(wanted),
        **members,
    )
    self_ = f"{shows(ask).api}/issue/{made.id}"
    return Said({"id": str(made.id), "key": made.key, "self": self_}, 201)


@route("PUT", _ISSUE, "editIssue")
def edit(ask: Ask) -> Said:
    """Change its fields."""
    one, fields = issue_of(ask), written(ask).get("fields") or {}
    writing.change(ask.world, one, ask.caller.name, **_members(ask, fields))
    return Said(None, 204)


@route("DELETE", _ISSUE, "deleteIssue")
def delete(ask: Ask) -> Said:
    """Take it away for good."""
    writing.delete(ask.world, issue_of(ask), ask.caller.name)
    return Said(None, 204)


@route("PUT", f"{_ISSUE}/assignee", "assignIssue")
def assign(ask: Ask) -> Said:
    """Give it to somebody, or nobody."""
    one, wanted = issue_of(ask), written(ask)
    who = _person(ask, wanted, "assignee")
    writing.change(ask.world, one, ask.caller.name, assignee=who)
    return Said(None, 204)


@route("POST", f"{_ISSUE}/comment", "addComment")
def comment(ask: Ask) -> Said:
    """Say something under it."""
    one, wanted = issue_of(ask), written(ask)
    body = _body(ask, wanted.get("body"), "comment")
    if body is None or not adf.plain(body).strip():
        raise refused(400, comment="Comment body can not be empty!")
    made = writing.comment(ask.world, one, body, ask.caller.name, _properties(wanted))
    return Said(shows(ask).comment(one, made, properties=bool(made.properties)), 201)


@route("POST", f"{_ISSUE}/transitions", "doTransition")
def transition(ask: Ask) -> Said:
    """Go a way that the workflow allows."""
    one, wanted = issue_of(ask), written(ask)
    project = ask.world.of(Jira).projects[one.project]
    number = _named(wanted.get("transition"), "id")
    if not number:
        raise refused(400, "Missing 'transition' identifier")
    way = next((way for way in project.workflow.ways(one.status) if way.id == number), None)
    if way is None:
        text = (
            f"It seems that you have tried to perform an illegal workflow operation. Transition id "
            f"'{number}' is not valid for this issue."
        )
        raise refused(400, text)
    writing.transition(ask.world, one, way, ask.caller.name)
    return Said(None, 204)


@route("POST", f"{_ISSUE}/remotelink", "createOrUpdateRemoteIssueLink")
def remote_link(ask: Ask) -> Said:
    """Link something elsewhere; one of the same global id is replaced."""
    one, wanted = issue_of(ask), written(ask)
    what = wanted.get("object")
    if not isinstance(what, dict) or not what.get("url"):
        raise refused(400, url="'url' is required.")
    if not what.get("title"):
        raise refused(400, title="'title' is required.")
    number = ask.world.of(Jira).next_id()
    global_id = str(wanted.get("globalId") or "")
    known = one.remote.get(global_id) if global_id else None
    link = RemoteLink(
        known.id if known else number,
        global_id,
        what,
        dict(wanted.get("application") or {}),
        str(wanted.get("relationship") or ""),
    )
    one.remote[global_id or f"link-{number}"] = link
    self_ = f"{shows(ask).api}/issue/{one.key}/remotelink/{link.id}"
    return Said({"id": link.id, "self": self_}, 200 if known else 201)


@route("DELETE", f"{_ISSUE}/remotelink", "deleteRemoteIssueLinkByGlobalId")
def delete_remote_link(ask: Ask) -> Said:
    """Take a link away."""
    one, wanted = issue_of(ask), ask.query.get("globalId", "")
    if one.remote.pop(wanted, None) is None:
        raise refused(404, f"The remote issue link with global id '{wanted}' does not exist.")
    return Said(None, 204)


@route("PUT", f"{_ISSUE}/properties/{{property}}", "setIssueProperty")
def set_property(ask: Ask) -> Said:
    """Remember something with it."""
    one: Issue = issue_of(ask)
    try:
        value = json.loads(ask.request.body)
    except ValueError:
        raise refused(400, "The property value is not valid JSON.") from None
    known = ask["property"] in one.properties
    one.properties[ask["property"]] = value
    return Said({}, 200 if known else 201)
