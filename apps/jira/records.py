"""What Jira's answers say of projects, queries and issues; nothing here knows Django.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
https://docs.atlassian.com/software/jira/docs/api/REST/9.12.0/
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from apps.mirror.ask import UNREAD, LinkTo, Unread
from apps.mirror.masking import masked
from apps.mirror.state import State

from .adf import markdown_of

CATEGORIES = {"new": "todo", "indeterminate": "doing", "done": "done"}
STATES = {"todo": State.WAITING, "doing": State.MOVING, "done": State.DONE}
# Of each issue's comments the newest so many are kept.
COMMENTS = 50
# Data Center tells a sprint as the text of a Java object.
STATE_OF_SPRINT = re.compile(r"[\[,]state=(\w+)")
NAME_OF_SPRINT = re.compile(r"[\[,]name=(.*?)(?:,\w+=|\]$)", re.DOTALL)
# Of several sprints the one that counts: an active one, else the next, else the last.
SPRINTS = ("active", "future", "closed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """What is told of a tracker besides its columns.

    called  the key that a project has now, where its rows still bear an earlier one.
    found   issues that a query finds.
    left    issues that it found when it was read last, and does not any more.
    """

    called: str = ""
    found: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerRecord:
    """A project or a named query; see `apps.issues.models.Tracker`."""

    key: str
    arn: str | Unread = UNREAD
    status: str | Unread = ""
    state: str | Unread = ""
    name: str | Unread = UNREAD
    prefix: str | Unread = UNREAD
    description: str | Unread = UNREAD
    query: str | Unread = ""
    url: str | Unread = UNREAD
    types: Sequence[Mapping[str, Any]] | Unread = UNREAD
    open_issues: int | Unread = UNREAD
    more: bool | Unread = UNREAD
    trouble: str | Unread = ""
    links: Sequence[LinkTo] | Unread = UNREAD
    aside: Aside = field(default_factory=Aside)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRecord:
    """An issue; see `apps.issues.models.Issue`."""

    key: str
    parent: str
    arn: str
    status: str
    state: str
    issue_id: str
    title: str
    type: str
    category: str
    assignee: str
    assignee_id: str
    reporter: str
    labels: list[str]
    priority: str
    milestone: str
    parent_key: str
    related: Sequence[Mapping[str, Any]]
    created: datetime | None
    updated: datetime | None
    resolved: datetime | None
    due: date | None
    url: str
    body: str
    comments: Sequence[Mapping[str, Any]]
    transitions: Sequence[Mapping[str, Any]] | Unread
    described: str
    sprint: str | Unread = UNREAD
    was: list[str] | Unread = UNREAD


def project_record(base_url: str, told: Mapping[str, Any], *, more: bool | Unread) -> TrackerRecord:
    """Return a project's record from GetProject's answer."""
    key = str(told.get("key") or "")
    return TrackerRecord(
        key=key,
        arn=f"{base_url}/browse/{key}",
        name=str(told.get("name") or key),
        prefix=key,
        description=masked(markdown_of(told.get("description"))),
        url=f"{base_url}/browse/{key}",
        types=[
            {"id": str(one.get("id") or ""), "name": str(one.get("name") or "")}
            for one in _mappings(told.get("issueTypes"))
            # One of these needs a parent, which nobody here would name.
            if not one.get("subtask")
        ],
        more=more,
        links=(),
    )


def unreadable(key: str, trouble: str, *, query: str = "") -> TrackerRecord:
    """Return the record of a project or query that Jira does not let be read, in its own words."""
    return TrackerRecord(
        key=key,
        status="rejected",
        state=State.FAILED.value,
        query=query,
        trouble=trouble,
        name=key if query else UNREAD,
    )


def left_alone(key: str) -> TrackerRecord:
    """Return the record of a tracker that could not be read this time: it stays as it was."""
    return TrackerRecord(key=key, status=UNREAD, state=UNREAD, query=UNREAD, trouble=UNREAD)


def issue_record(
    base_url: str, told: Mapping[str, Any], *, sprint: str = "", comments: Any = None
) -> IssueRecord:
    """Return an issue's record from a search's or GetIssue's answer.

    sprint    the field that holds sprints, "" where that is not known.
    comments  the newest ones, where the issue bears not all of them.
    """
    fields = _mapping(told.get("fields"))
    key = str(told.get("key") or "")
    status, category = _status(fields.get("status"))
    assignee = _mapping(fields.get("assignee"))
    project = str(_mapping(fields.get("project")).get("key") or key.rpartition("-")[0])
    return IssueRecord(
        key=key,
        parent=project,
        arn=key,
        status=status,
        state=STATES.get(category, State.UNKNOWN).value,
        issue_id=str(told.get("id") or ""),
        title=masked(str(fields.get("summary") or "")),
        type=_name(fields.get("issuetype")),
        category=category,
        assignee=person(assignee),
        assignee_id=person_id(assignee),
        reporter=person(_mapping(fields.get("reporter"))),
        labels=[str(label) for label in fields.get("labels") or () if isinstance(label, str)],
        priority=_name(fields.get("priority")),
        milestone=", ".join(filter(None, map(_name, fields.get("fixVersions") or ())))[:255],
        parent_key=str(_mapping(fields.get("parent")).get("key") or ""),
        related=_related(base_url, fields.get("issuelinks")),
        created=moment(fields.get("created")),
        updated=moment(fields.get("updated")),
        resolved=moment(fields.get("resolutiondate")),
        due=_day(fields.get("duedate")),
        url=f"{base_url}/browse/{key}",
        body=masked(markdown_of(fields.get("description"))),
        comments=comments_of(comments if comments is not None else fields.get("comment")),
        transitions=transitions_of(told["transitions"]) if "transitions" in told else UNREAD,
        described=stamp_of(told),
        sprint=_sprint(fields.get(sprint)) if sprint else UNREAD,
    )


def stamp_of(told: Mapping[str, Any]) -> str:
    """Return what proves that an issue was read: when it was updated, and Jira's id of it."""
    updated = str(_mapping(told.get("fields")).get("updated") or "")[:40]
    return f"{updated} {told.get('id') or ''}"[:64]


def id_in(stamp: str) -> str:
    """Return Jira's id of an issue out of its stamp."""
    return stamp.rpartition(" ")[2]


def old_keys(told: Mapping[str, Any], now: str) -> list[str]:
    """Return the keys an issue had before it was moved, the last one first, from its changelog."""
    found = [
        str(item.get("fromString") or "")
        for change in _mappings(_mapping(told.get("changelog")).get("histories"))
        for item in _mappings(change.get("items"))
        if item.get("field") == "Key"
    ]
    return [key for key in dict.fromkeys(found) if key and key != now]


def comments_of(told: Any) -> list[dict[str, Any]]:
    """Return comments, the oldest first; what not everybody in Jira may read is left out."""
    found = [
        {
            "id": str(one.get("id") or ""),
            "author": person(_mapping(one.get("author"))),
            "at": at.isoformat() if (at := moment(one.get("created"))) else "",
            "text": masked(markdown_of(one.get("body"))),
        }
        for one in _mappings(_mapping(told).get("comments"))
        if not one.get("visibility") and one.get("jsdPublic") is not False
    ]
    return sorted(found, key=lambda one: one["at"])[-COMMENTS:]


def transitions_of(told: Any) -> list[dict[str, str]]:
    """Return what the workflow allows now."""
    found = []
    for one in _mappings(told):
        name, category = _status(one.get("to"))
        if one.get("isAvailable") is not False:
            found.append(
                {
                    "id": str(one.get("id") or ""),
                    "name": str(one.get("name") or name),
                    "to": name,
                    "category": category,
                }
            )
    return found


def person(told: Mapping[str, Any]) -> str:
    """Return what a person is called, "" for nobody."""
    return str(told.get("displayName") or told.get("name") or "")


def person_id(told: Mapping[str, Any]) -> str:
    """Return by what Jira names a person: an account's id in Cloud, a user's name elsewhere."""
    return str(told.get("accountId") or told.get("name") or "")


def moment(told: Any) -> datetime | None:
    """Read "2026-11-28T22:53:16.123+0000"; None of nothing or nonsense."""
    if not isinstance(told, str):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", told))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(told: Any) -> date | None:
    try:
        return date.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None


def _status(told: Any) -> tuple[str, str]:
    """Return a status' name and what that amounts to: "todo", "doing", "done" or ""."""
    status = _mapping(told)
    return str(status.get("name") or ""), CATEGORIES.get(
        str(_mapping(status.get("statusCategory")).get("key") or ""), ""
    )


def _related(base_url: str, told: Any) -> list[dict[str, str]]:
    found = []
    for link in _mappings(told):
        kind = _mapping(link.get("type"))
        for side, words in (("outwardIssue", "outward"), ("inwardIssue", "inward")):
            other = _mapping(link.get(side))
            key = str(other.get("key") or "")
            if key:
                found.append(
                    {
                        "relation": str(kind.get(words) or kind.get("name") or ""),
                        "key": key,
                        "title": masked(str(_mapping(other.get("fields")).get("summary") or "")),
                        "url": f"{base_url}/browse/{key}",
                    }
                )
    return found


def _sprint(told: Any) -> str:
    """Return the sprint that counts, of Cloud's objects or Data Center's texts."""
    found: list[tuple[str, str]] = []
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, Mapping):
            found.append((str(one.get("state") or "").lower(), str(one.get("name") or "")))
        elif isinstance(one, str) and (name := NAME_OF_SPRINT.search(one[:2_000])):
            state = STATE_OF_SPRINT.search(one[:2_000])
            found.append((state[1].lower() if state else "", name[1]))
    ranked = sorted(
        enumerate(found),
        key=lambda item: (
            SPRINTS.index(item[1][0]) if item[1][0] in SPRINTS else len(SPRINTS),
            -item[0],
        ),
    )
    return ranked[0][1][1] if ranked else ""


def _name(told: Any) -> str:
    return str(_mapping(told).get("name") or "")


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _mappings(told: Any) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
