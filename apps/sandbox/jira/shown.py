"""Shows people, projects and issues the way Jira's REST API does, Cloud's and Data Center's.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.jira import adf
from apps.sandbox.jira.model import (
    CATEGORIES,
    LINK_TYPES,
    POINTS_FIELD,
    PRIORITIES,
    SPRINT_FIELD,
    TYPES,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.jira.model import (
        Comment,
        Issue,
        Jira,
        Project,
        RemoteLink,
        Sprint,
        Status,
        Transition,
    )

Shown = dict[str, Any]


def moment(at: float | None) -> str | None:
    """``2026-11-28T22:00:00.123+0000``."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


class Shows:
    """Words things for one edition, with the addresses of one base, ``http://host:port``."""

    def __init__(self, jira: Jira, base: str, *, cloud: bool, version: str = "3") -> None:
        self.jira, self.cloud, self.version = jira, cloud, version
        self._gathered: dict[str, list[Issue]] | None = None
        self.web = f"{base}/jira"
        self.api = f"{self.web}/rest/api/{version}"

    def text(self, body: Any) -> Any:
        """A body: a document in version 3, wiki text in version 2."""
        if body is None:
            return None
        return body if self.version == "3" else adf.plain(body).strip()

    # -- people and projects ------------------------------------------------------------------

    def person(self, name: str) -> Shown:
        """A user."""
        one = self.jira.person(name) or self.jira.add_person(name)
        pictures = {f"{size}x{size}": f"{self.web}/avatar/{size}.png" for size in (16, 24, 32, 48)}
        shared = {
            "emailAddress": f"{one.name}@example.com",
            "avatarUrls": pictures,
            "displayName": one.display,
            "active": one.active,
            "timeZone": "Etc/UTC",
        }
        if self.cloud:
            return {
                "self": f"{self.api}/user?accountId={one.account}",
                "accountId": one.account,
                "accountType": "atlassian",
                **shared,
            }
        return {
            "self": f"{self.api}/user?username={one.name}",
            "key": f"JIRAUSER{10_100 + list(self.jira.people).index(one.name)}",
            "name": one.name,
            **shared,
        }

    def project(self, one: Project) -> Shown:
        """A project as issues name it."""
        pictures = {f"{size}x{size}": f"{self.web}/avatar/{size}.png" for size in (16, 24, 32, 48)}
        return {
            "self": f"{self.api}/project/{one.id}",
            "id": str(one.id),
            "key": one.key,
            "name": one.name,
            "projectTypeKey": "software",
            **({"simplified": False} if self.cloud else {}),
            "avatarUrls": pictures,
        }

    def full_project(self, one: Project) -> Shown:
        """A project of its own."""
        shown = {
            **self.project(one),
            "description": one.description,
            "lead": self.person(one.lead),
            "components": [
                {
                    "self": f"{self.api}/component/{one.id}{number}",
                    "id": f"{one.id}{number}",
                    "name": name,
                    "isAssigneeTypeValid": False,
                }
                for number, name in enumerate(one.components)
            ],
            "issueTypes": [self.type(name) for name in TYPES],
            "assigneeType": "UNASSIGNED",
            "versions": [],
            "roles": {},
            "archived": one.archived,
        }
        if self.cloud:
            shown |= {"style": "classic", "isPrivate": False, "properties": {}}
        return shown

    def type(self, name: str) -> Shown:
        """A type of issue."""
        number = TYPES[name]
        return {
            "self": f"{self.api}/issuetype/{number}",
            "id": number,
            "description": "",
            "iconUrl": f"{self.web}/avatar/type-{number}.svg",
            "name": name,
            "subtask": name == "Sub-task",
            **({"hierarchyLevel": {"Epic": 1, "Sub-task": -1}.get(name, 0)} if self.cloud else {}),
        }

    def status(self, one: Status) -> Shown:
        """A status and its category."""
        number, words, colour = CATEGORIES[one.category]
        return {
            "self": f"{self.api}/status/{one.id}",
            "description": "",
            "iconUrl": f"{self.web}/images/icons/statuses/generic.png",
            "name": one.name,
            "id": one.id,
            "statusCategory": {
                "self": f"{self.api}/statuscategory/{number}",
                "id": number,
                "key": one.category,
                "colorName": colour,
                "name": words,
            },
        }

    def transition(self, project: Project, one: Transition) -> Shown:
        """A transition that is open to an issue."""
        shown: Shown = {
            "id": one.id,
            "name": one.name,
            "to": self.status(project.workflow.statuses[one.to]),
        }
        if self.cloud:
            shown |= {
                "hasScreen": False,
                "isGlobal": not one.out_of,
                "isInitial": False,
                "isAvailable": True,
                "isConditional": False,
                "isLooped": False,
            }
        return shown

    def sprint(self, one: Sprint) -> Any:
        """A sprint: an object in Cloud, Greenhopper's own text in Data Center."""
        members = {
            "id": one.id,
            "name": one.name,
            "state": one.state,
            "boardId": one.board,
            "goal": one.goal,
            "startDate": _iso(one.begins),
            "endDate": _iso(one.ends),
        }
        if one.state == "closed":
            members["completeDate"] = _iso(one.ends)
        if one.state == "future":
            del members["startDate"], members["endDate"]
        if self.cloud:
            return members
        words = {
            **members,
            "state": one.state.upper(),
            "rapidViewId": one.board,
            "sequence": one.id,
        }
        inside = ",".join(f"{name}={value}" for name, value in words.items() if name != "boardId")
        return f"com.atlassian.greenhopper.service.sprint.Sprint@{one.id:x}4f2c[{inside}]"

    # -- issues -------------------------------------------------------------------------------

    def brief(self, one: Issue) -> Shown:
        """An issue as others name it."""
        return {
            "id": str(one.id),
            "key": one.key,
            "self": f"{self.api}/issue/{one.id}",
            "fields": {
                "summary": one.summary,
                "status": self.status(self.jira.status(one)),
                "priority": self.priority(one.priority),
                "issuetype": self.type(one.type),
            },
        }

    def priority(self, name: str) -> Shown:
        """A priority."""
        number = str(PRIORITIES.index(name) + 1)
        icon = f"{self.web}/images/icons/priorities/{name.lower()}.svg"
        return {
            "self": f"{self.api}/priority/{number}",
            "iconUrl": icon,
            "name": name,
            "id": number,
        }

    def comment(self, issue: Issue, one: Comment, *, properties: bool = False) -> Shown:
        """A comment."""
        shown = {
            "self": f"{self.api}/issue/{issue.id}/comment/{one.id}",
            "id": str(one.id),
            "author": self.person(one.author),
            "body": self.text(one.body),
            "updateAuthor": self.person(one.author),
            "created": moment(one.created),
            "updated": moment(one.updated),
        }
        if self.cloud:
            shown["jsdPublic"] = True
        if properties:
            shown["properties"] = [
                {"key": key, "value": value} for key, value in one.properties.items()
            ]
        return shown

    def remote_link(self, issue: Issue, one: RemoteLink) -> Shown:
        """A link to something elsewhere."""
        shown: Shown = {
            "id": one.id,
            "self": f"{self.api}/issue/{issue.key}/remotelink/{one.id}",
            "application": one.application,
            "object": one.object,
        }
        if one.global_id:
            shown["globalId"] = one.global_id
        if one.relationship:
            shown["relationship"] = one.relationship
        return shown

    def fields(self) -> dict[str, Callable[[Issue], Any]]:
        """How each field of an issue is shown."""
        jira = self.jira
        return {
            "summary": lambda one: one.summary,
            "issuetype": lambda one: self.type(one.type),
            "project": lambda one: self.project(jira.projects[one.project]),
            "status": lambda one: self.status(jira.status(one)),
            "priority": lambda one: self.priority(one.priority),
            "assignee": lambda one: self.person(one.assignee) if one.assignee else None,
            "reporter": lambda one: self.person(one.reporter),
            "creator": lambda one: self.person(one.reporter),
            "labels": lambda one: list(one.labels),
            "components": lambda one: [{"name": name} for name in one.components],
            "fixVersions": lambda _: [],
            "created": lambda one: moment(one.created),
            "updated": lambda one: moment(one.updated),
            "resolutiondate": lambda one: moment(one.resolved),
            "resolution": lambda one: (
                {"self": f"{self.api}/resolution/10000", "id": "10000", "name": one.resolution}
                if one.resolution
                else None
            ),
            "duedate": lambda one: one.due,
            "description": lambda one: self.text(one.body),
            "parent": self._parent,
            "subtasks": lambda one: [self.brief(it) for it in self._subtasks().get(one.key, ())],
            "issuelinks": self._links,
            "comment": self._comments,
            SPRINT_FIELD: lambda one: (
                [
                    self.sprint(jira.projects[one.project].sprints[number])
                    for number in one.sprints
                    if number in jira.projects[one.project].sprints
                ]
                or None
            ),
            POINTS_FIELD: lambda one: one.points,
        }

    def issue(self, one: Issue, wanted: list[str] | None = None) -> Shown:
        """An issue with the fields asked for; None: all."""
        known = self.fields()
        names = chosen(wanted, list(known))
        values = {name: known[name](one) for name in known if name in names}
        if values.get("parent", 1) is None:
            del values["parent"]
        return {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": str(one.id),
            "self": f"{self.api}/issue/{one.id}",
            "key": one.key,
            "fields": values,
        }

    def _subtasks(self) -> dict[str, list[Issue]]:
        """Issue → its sub-tasks, gathered once for an answer."""
        if self._gathered is None:
            self._gathered = {}
            for issue in self.jira.issues.values():
                if issue.type == "Sub-task" and issue.parent:
                    self._gathered.setdefault(issue.parent, []).append(issue)
        return self._gathered

    def _parent(self, one: Issue) -> Shown | None:
        parent = self.jira.find(one.parent) if one.parent else None
        return self.brief(parent) if parent else None

    def _links(self, one: Issue) -> list[Shown]:
        found = []
        for number, (kind, inward, key) in enumerate(one.links):
            other = self.jira.find(key)
            if other is None:
                continue
            type_id, into, out = LINK_TYPES[kind]
            found.append(
                {
                    "id": f"{one.id}{number}",
                    "self": f"{self.api}/issueLink/{one.id}{number}",
                    "type": {
                        "id": type_id,
                        "name": kind,
                        "inward": into,
                        "outward": out,
                        "self": f"{self.api}/issueLinkType/{type_id}",
                    },
                    "inwardIssue" if inward else "outwardIssue": self.brief(other),
                }
            )
        return found

    def _comments(self, one: Issue) -> Shown:
        shown = [self.comment(one, comment) for comment in one.comments]
        return {
            "comments": shown,
            "self": f"{self.api}/issue/{one.id}/comment",
            "maxResults": len(shown),
            "total": len(shown),
            "startAt": 0,
        }


#: Not among the navigable fields, which lists show.
_HEAVY = frozenset({"comment"})


def chosen(wanted: list[str] | None, known: list[str]) -> set[str]:
    """The names of the fields that a request asks for."""
    if wanted is None:
        return set(known)
    names: set[str] = set()
    for name in wanted:
        match name:
            case "*all":
                names |= set(known)
            case "*navigable":
                names |= set(known) - _HEAVY
            case _ if name.startswith("-"):
                names = (names or set(known)) - {name[1:]}
            case _:
                names.add(name)
    return names


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
