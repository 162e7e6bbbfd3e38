"""What the fields of a JQL query stand for, and what issues have in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.jira import adf
from apps.sandbox.jira.model import PRIORITIES, TYPES

if TYPE_CHECKING:
    from apps.sandbox.jira.model import Issue, Jira

PRIORITY = {name.lower(): -index for index, name in enumerate(PRIORITIES)}
TIMES = frozenset({"created", "updated", "resolved", "duedate"})
TEXTS = frozenset({"text", "summary", "description", "comment"})


class JqlError(Exception):
    """What Jira says of a query it rejects."""


class Fields:
    """Reads fields of one Jira for somebody who asks."""

    def __init__(self, jira: Jira, me: str) -> None:
        self.jira, self.me = jira, me

    def meant(self, name: str, value: str) -> list[str]:
        """The values, in small letters, that a word of the query stands for; raises JqlError."""
        low, jira = value.lower(), self.jira
        if low == "currentuser()":
            return [self.me]
        if low in ("opensprints()", "closedsprints()", "futuresprints()"):
            state = {"o": "active", "c": "closed", "f": "future"}[low[0]]
            return [
                str(sprint.id)
                for project in jira.projects.values()
                for sprint in project.sprints.values()
                if sprint.state == state
            ]
        if low.endswith("()"):
            raise JqlError(f"Unable to find JQL function '{value}'.")
        found = self._referred(name, value)
        if not found:
            raise JqlError(f"The value '{value}' does not exist for the field '{name}'.")
        return found

    def _referred(self, name: str, value: str) -> list[str]:
        """The same of fields whose values are things of their own."""
        low, jira = value.lower(), self.jira
        match name:
            case "project":
                return [
                    one.key.lower()
                    for one in jira.projects.values()
                    if low in (one.key.lower(), one.name.lower(), str(one.id))
                ]
            case "key":
                issue = jira.find(value)
                if issue is None:
                    raise JqlError(f"An issue with key '{value}' does not exist for field 'key'.")
                return [issue.key.lower()]
            case "assignee" | "reporter" | "creator":
                shown = (one for one in jira.people.values() if one.display.lower() == low)
                person = jira.person(value) or jira.person(low) or next(shown, None)
                return [person.name] if person else []
            case "sprint":
                return [
                    str(sprint.id)
                    for project in jira.projects.values()
                    for sprint in project.sprints.values()
                    if low in (str(sprint.id), sprint.name.lower())
                ]
        return self._named(name, low)

    def _named(self, name: str, low: str) -> list[str]:
        """The same of fields whose values are words."""
        statuses = [
            status
            for project in self.jira.projects.values()
            for status in project.workflow.statuses.values()
        ]
        match name:
            case "status":
                known = {s.name.lower() for s in statuses} | {s.id for s in statuses}
                found = {s.name.lower() for s in statuses if low in (s.name.lower(), s.id)}
                return sorted(found) if low in known else []
            case "statuscategory":
                words = {"to do": "new", "in progress": "indeterminate", "done": "done"}
                key = words.get(low, low)
                return [key] if key in words.values() else []
            case "issuetype":
                return [
                    one.lower() for one, number in TYPES.items() if low in (one.lower(), number)
                ]
            case "priority":
                return [low] if low in PRIORITY else []
        return [low]

    def values(self, name: str, issue: Issue) -> set[str]:
        """What an issue has in a field, in small letters."""
        if name in TIMES:
            at = at_of(issue, name)
            return set() if at is None else {str(at)}
        if name in TEXTS:
            text = self.text(name, issue)
            return {text} if text.strip() else set()
        value = self._value_of(name, issue)
        found = value if isinstance(value, list) else [value] if value else []
        return {str(one).lower() for one in found}

    def _value_of(self, name: str, issue: Issue) -> Any:
        match name:
            case "statuscategory":
                return self.jira.status(issue).category
            case "sprint":
                return issue.sprints
            case "component":
                return issue.components
            case "issuetype":
                return issue.type
            case "creator":
                return issue.reporter
        return getattr(issue, name)

    def text(self, name: str, issue: Issue) -> str:
        """What an issue says in a field, in small letters."""
        parts = []
        if name in ("summary", "text"):
            parts.append(issue.summary)
        if name in ("description", "text"):
            parts.append(adf.plain(issue.body) if issue.body else "")
        if name in ("comment", "text"):
            parts += [adf.plain(comment.body) for comment in issue.comments]
        if name == "component":
            parts += issue.components
        return "\n".join(parts).lower()


def at_of(issue: Issue, name: str) -> float | None:
    """A time of an issue in epoch seconds."""
    if name != "duedate":
        return getattr(issue, name)  # type: ignore[no-any-return]
    if issue.due is None:
        return None
    return datetime.fromisoformat(issue.due).replace(tzinfo=UTC).timestamp()


def order(jira: Jira, issue: Issue, name: str) -> Any:
    """By what an issue stands in order of a field."""
    match name:
        case "key":
            return issue.project, issue.number
        case "rank":
            return issue.id
        case "priority":
            return PRIORITY[issue.priority.lower()]
        case "status":
            return list(jira.projects[issue.project].workflow.statuses).index(issue.status)
        case "created" | "updated" | "resolved" | "duedate":
            return at_of(issue, name) or 0.0, issue.id
    return str(getattr(issue, {"issuetype": "type"}.get(name, name)) or "")
