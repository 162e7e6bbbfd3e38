"""Jira's operations on itself: who asks, which edition, projects, fields, people, types."""

from __future__ import annotations

from typing import Any

from apps.sandbox.jira.door import is_cloud, issue_of, project_of, refused, route, shows
from apps.sandbox.jira.model import (
    CLOUD_ID,
    POINTS_FIELD,
    PRIORITIES,
    SPRINT_FIELD,
    TYPES,
    Jira,
    Person,
)
from apps.sandbox.jira.shown import moment
from apps.sandbox.rest import Ask, Said

_API = "/rest/api"
#: Id → name, type of its schema, and, of custom fields, what they are.
_FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("summary", "Summary", "string", ""),
    ("issuetype", "Issue Type", "issuetype", ""),
    ("project", "Project", "project", ""),
    ("status", "Status", "status", ""),
    ("priority", "Priority", "priority", ""),
    ("assignee", "Assignee", "user", ""),
    ("reporter", "Reporter", "user", ""),
    ("creator", "Creator", "user", ""),
    ("labels", "Labels", "array", ""),
    ("components", "Components", "array", ""),
    ("created", "Created", "datetime", ""),
    ("updated", "Updated", "datetime", ""),
    ("resolutiondate", "Resolved", "datetime", ""),
    ("resolution", "Resolution", "resolution", ""),
    ("duedate", "Due date", "date", ""),
    ("description", "Description", "string", ""),
    ("issuelinks", "Linked Issues", "array", ""),
    ("comment", "Comment", "comments-page", ""),
    (POINTS_FIELD, "Story point estimate", "number", "jsw-story-points"),
    (SPRINT_FIELD, "Sprint", "array", "gh-sprint"),
)


@route("GET", f"{_API}/serverInfo", "getServerInfo")
def server_info(ask: Ask) -> Said:
    """Which edition this is: who shows a personal access token sees a Data Center."""
    bearer = ask.request.headers.get("authorization", "").lower().startswith("bearer ")
    return Said(
        {
            "baseUrl": f"{ask.base}/jira",
            "version": "10.3.4" if bearer else "1001.0.0-SNAPSHOT",
            "versionNumbers": [10, 3, 4] if bearer else [1001, 0, 0],
            "deploymentType": "Server" if bearer else "Cloud",
            "buildNumber": 100288,
            "buildDate": "2026-10-05T00:00:00.000+0000",
            "serverTime": moment(ask.world.now()),
            "scmInfo": "5a4d0b5c0c1f4a5a9be1",
            "serverTitle": "Jira of the sandbox",
        }
    )


@route("GET", "/_edge/tenant_info", "getTenantInfo")
def tenant(ask: Ask) -> Said:
    """The site's id among Cloud's sites."""
    del ask
    return Said({"cloudId": CLOUD_ID})


@route("GET", f"{_API}/myself", "getCurrentUser")
def myself(ask: Ask) -> Said:
    """Who asks."""
    more = {"locale": "en_GB", "groups": {"size": 1, "items": []}}
    return Said({**shows(ask).person(ask.caller.name), **more})


@route("GET", f"{_API}/mypermissions", "getMyPermissions")
def permissions(ask: Ask) -> Said:
    """What the caller may do: everything that a developer may."""
    names = ask.every("permissions") or ["BROWSE_PROJECTS"]
    granted = {
        name: {
            "id": str(number),
            "key": name,
            "name": name.replace("_", " ").capitalize(),
            "type": "PROJECT",
            "description": "",
            "havePermission": not name.startswith(("ADMINISTER", "SYSTEM")),
        }
        for number, name in enumerate(names, 10)
    }
    return Said({"permissions": granted})


@route("GET", f"{_API}/field", "getFields")
def fields(ask: Ask) -> Said:
    """All fields, with the schemas of custom ones."""
    del ask
    return Said([_field(*field) for field in _FIELDS])


def _field(name: str, words: str, kind: str, custom: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    if custom:
        maker = "greenhopper" if custom.startswith("gh") else "jira"
        schema |= {"custom": f"com.pyxis.{maker}.jira:{custom}", "customId": int(name[12:])}
        if kind == "array":
            schema["items"] = "json"
    else:
        schema["system"] = name
        if kind == "array":
            schema["items"] = "string"
    clauses = [f"cf[{name[12:]}]", words] if custom else [name]
    return {
        "id": name,
        "key": name,
        "name": words,
        "custom": bool(custom),
        "orderable": True,
        "navigable": name != "comment",
        "searchable": True,
        "clauseNames": clauses,
        "schema": schema,
    }


# -- projects and their types --------------------------------------------------------------------


@route("GET", f"{_API}/project/search", "searchProjects")
def search_projects(ask: Ask) -> Said:
    """Projects, in pages; Cloud alone has this."""
    if not is_cloud(ask):
        raise refused(404, "No project could be found with key 'search'.")
    wanted = {key.upper() for key in ask.every("keys")}
    words = ask.query.get("query", "").lower()
    found = [
        one
        for one in ask.world.of(Jira).projects.values()
        if (not wanted or one.key in wanted)
        and (words in one.key.lower() or words in one.name.lower())
    ]
    shown = shows(ask)
    return Said(page(ask, [shown.full_project(one) for one in found], "values", 50))


def page(ask: Ask, items: list[Any], key: str, size: int) -> dict[str, Any]:
    """A page by ``startAt`` and ``maxResults``."""
    begin = ask.number("startAt", 0, 10**9)
    most = ask.number("maxResults", size, 100) or size
    if ask.page_limit is not None:
        most = min(most, ask.page_limit)
    shown = items[begin : begin + most]
    last = begin + len(shown) >= len(items)
    url = f"{ask.base}{ask.request.path}"
    more = {} if last else {"nextPage": f"{url}?startAt={begin + most}&maxResults={most}"}
    return {
        "self": url,
        **more,
        "maxResults": most,
        "startAt": begin,
        "total": len(items),
        "isLast": last,
        key: shown,
    }


@route("GET", f"{_API}/project", "getAllProjects")
def projects(ask: Ask) -> Said:
    """All projects at once."""
    return Said([shows(ask).project(one) for one in ask.world.of(Jira).projects.values()])


@route("GET", f"{_API}/project/{{project}}", "getProject")
def project(ask: Ask) -> Said:
    """One project."""
    return Said(shows(ask).full_project(project_of(ask, ask["project"])))


@route("GET", f"{_API}/project/{{project}}/statuses", "getAllStatuses")
def project_statuses(ask: Ask) -> Said:
    """The statuses that each type of issue has in a project."""
    project, shown = project_of(ask, ask["project"]), shows(ask)
    statuses = [shown.status(status) for status in project.workflow.statuses.values()]
    types = [shown.type(name) for name in TYPES]
    brief = [{name: one[name] for name in ("self", "id", "name", "subtask")} for one in types]
    return Said([{**one, "statuses": statuses} for one in brief])


@route("GET", f"{_API}/issuetype", "getIssueAllTypes")
def issue_types(ask: Ask) -> Said:
    """All types of issue."""
    return Said([shows(ask).type(name) for name in TYPES])


@route("GET", f"{_API}/priority", "getPriorities")
def priorities(ask: Ask) -> Said:
    """All priorities, the highest first."""
    return Said([shows(ask).priority(name) for name in PRIORITIES])


@route("GET", f"{_API}/status", "getStatuses")
def statuses(ask: Ask) -> Said:
    """All statuses of all workflows."""
    found = {
        status.id: shows(ask).status(status)
        for one in ask.world.of(Jira).projects.values()
        for status in one.workflow.statuses.values()
    }
    return Said(list(found.values()))


@route("GET", f"{_API}/issue/createmeta/{{project}}/issuetypes", "getCreateIssueMetaIssueTypes")
def creatable_types(ask: Ask) -> Said:
    """What may be made in a project."""
    project_of(ask, ask["project"])
    key = "issueTypes" if is_cloud(ask) else "values"
    return Said(page(ask, [shows(ask).type(name) for name in TYPES], key, 50))


@route(
    "GET",
    f"{_API}/issue/createmeta/{{project}}/issuetypes/{{type}}",
    "getCreateIssueMetaIssueTypeId",
)
def creatable_fields(ask: Ask) -> Said:
    """Which fields a new issue of a type takes."""
    project_of(ask, ask["project"])
    required = {"summary", "issuetype", "project"}
    found = [
        {
            "fieldId": name,
            "key": name,
            "name": words,
            "required": name in required,
            "hasDefaultValue": False,
            "operations": ["set"],
            "schema": _field(name, words, kind, custom)["schema"],
        }
        for name, words, kind, custom in _FIELDS
        if name in required | {"description", "assignee", "labels", "priority"}
    ]
    return Said(page(ask, found, "fields" if is_cloud(ask) else "values", 50))


# -- people --------------------------------------------------------------------------------------


@route("GET", f"{_API}/user/assignable/search", "findAssignableUsers")
def assignable(ask: Ask) -> Said:
    """Who may be assigned in a project or to an issue."""
    if "issueKey" in ask.query:
        ask.names["issue"] = ask.query["issueKey"]
        issue_of(ask)
    elif "project" in ask.query:
        project_of(ask, ask.query["project"])
    else:
        raise refused(400, "Either the 'project' or 'issueKey' parameter must be specified.")
    words = ask.query.get("query", ask.query.get("username", "")).lower()
    found = [one for one in ask.world.of(Jira).people.values() if one.active and _is(one, words)]
    begin = ask.number("startAt", 0, 10**6)
    most = ask.number("maxResults", 50, 1000)
    return Said([shows(ask).person(one.name) for one in found[begin : begin + most]])


def _is(one: Person, words: str) -> bool:
    return words in one.name.lower() or words in one.display.lower()


@route("GET", f"{_API}/user", "getUser")
def user(ask: Ask) -> Said:
    """Somebody."""
    name = ask.query.get("accountId") or ask.query.get("username") or ""
    found = ask.world.of(Jira).person(name)
    if found is None:
        raise refused(404, "Specified user does not exist or you do not have required permissions")
    return Said(shows(ask).person(found.name))
