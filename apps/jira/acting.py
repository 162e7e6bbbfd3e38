"""Does what people ask for on issues in Jira; called in tasks, never by a page.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import now

from apps.issues.acting import (
    Draft,
    Made,
    Person,
    Standing,
)
from apps.issues.at_sites import opened, why_not
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope
from apps.mirror.provider import Health
from apps.sites.reach import Reach

from .records import person, person_id
from .searching import CLOUD, api
from .writing import document_of, wiki_of

KIND = "jira.issue"
# Without credentials that are taken no further try is any use.
REFUSES = (Health.CREDENTIALS, Health.DENIED)
# The property in which what a deed made bears its mark: people do not see it.
PROPERTY = "codestar-dash"
# Of what was made since, so many are looked through for a mark.
LOOKED = 50
MOST_PEOPLE = 1000
# https://support.atlassian.com/jira-software-cloud/: a summary is one line of so many characters.
SUMMARY = 255


class JiraKeeper:
    """Jira as a keeper of issues; see `apps.issues.acting.Keeper`."""

    def allowed(self, scope: Scope) -> str:
        """Say why nothing may be written, "" where it may."""
        return why_not(scope)

    def create(self, tracker: Tracker, draft: Draft, mark: str) -> Made:
        """Make an issue."""
        with opened(tracker.scope, KIND, refuses=REFUSES) as reach:
            fields: dict[str, Any] = {
                "project": {"key": tracker.key},
                "summary": " ".join(draft.title.split())[:SUMMARY],
                "description": _written(reach, draft.text),
            }
            if draft.type:
                fields["issuetype"] = {"id": draft.type}
            if draft.labels:
                # A label of Jira's has no blanks.
                fields["labels"] = ["-".join(label.split()) for label in draft.labels]
            body = {"fields": fields, "properties": [_property(mark)]}
            answer = reach.send("jira:CreateIssue", "POST", f"{api(reach)}/issue", body)
            return _made(reach, answer.body)

    def made(self, tracker: Tracker, mark: str, since: datetime) -> Made | None:
        """Look through the issues made since for one that bears the mark.

        Jira's search trails what was made by some seconds: none found soon proves nothing.
        """
        minutes = max(1, math.ceil((now() - since) / timedelta(minutes=1)) + 1)
        jql = f'project = "{tracker.key}" AND created >= "-{minutes}m" ORDER BY created DESC'
        with opened(tracker.scope, KIND, refuses=REFUSES) as reach:
            path = f"{api(reach)}/search{'/jql' if reach.method == CLOUD else ''}"
            found = reach.get(
                "jira:SearchIssues", path, jql=jql, fields="key", maxResults=LOOKED
            ).body
            for one in found.get("issues") or ():
                told = reach.get(
                    "jira:GetIssue",
                    f"{api(reach)}/issue/{one['key']}",
                    fields="created",
                    properties=PROPERTY,
                ).body
                if _marks(told.get("properties"), mark):
                    return _made(reach, told)
        return None

    def comment(self, issue: Issue, text: str, mark: str) -> Made:
        """Say something on an issue."""
        with opened(issue.scope, KIND, refuses=REFUSES) as reach:
            body = {"body": _written(reach, text), "properties": [_property(mark)]}
            answer = reach.send(
                "jira:AddComment", "POST", f"{_address(reach, issue)}/comment", body
            )
            return _said(reach, issue, answer.body)

    def said(self, issue: Issue, mark: str, since: datetime) -> Made | None:  # noqa: ARG002 - all are newest first
        """Look through the newest comments of an issue for one that bears the mark."""
        with opened(issue.scope, KIND, refuses=REFUSES) as reach:
            told = reach.get(
                "jira:GetComments",
                f"{_address(reach, issue)}/comment",
                orderBy="-created",
                maxResults=LOOKED,
                expand="properties",
            ).body
            for one in told.get("comments") or ():
                if _marks(one.get("properties"), mark):
                    return _said(reach, issue, one)
        return None

    def transition(self, issue: Issue, transition: str) -> None:
        """Do what the workflow allows."""
        with opened(issue.scope, KIND, refuses=REFUSES) as reach:
            path = f"{_address(reach, issue)}/transitions"
            reach.send("jira:DoTransition", "POST", path, {"transition": {"id": transition}})

    def assign(self, issue: Issue, person: str) -> None:
        """Give an issue to a person; "" takes it from whoever has it."""
        with opened(issue.scope, KIND, refuses=REFUSES) as reach:
            name = "accountId" if reach.method == CLOUD else "name"
            path = f"{_address(reach, issue)}/assignee"
            reach.send("jira:AssignIssue", "PUT", path, {name: person or None})

    def standing(self, issue: Issue) -> Standing:
        """Return how an issue stands now."""
        with opened(issue.scope, KIND, refuses=REFUSES) as reach:
            told = reach.get("jira:GetIssue", _address(reach, issue), fields="status,assignee").body
        fields = told.get("fields") or {}
        return Standing(
            status=str((fields.get("status") or {}).get("name") or ""),
            assignee_id=person_id(fields.get("assignee") or {}),
        )

    def people(self, tracker: Tracker) -> Sequence[Person]:
        """Return whom issues of a project may be assigned to."""
        with opened(tracker.scope, KIND, refuses=REFUSES) as reach:
            told = reach.get(
                "jira:FindAssignableUsers",
                f"{api(reach)}/user/assignable/search",
                project=tracker.key,
                maxResults=MOST_PEOPLE,
            ).body
        return [
            Person(person_id(one), person(one))
            for one in (told if isinstance(told, list) else ())
            if person_id(one) and one.get("active") is not False
        ]


def _address(reach: Reach, issue: Issue) -> str:
    return f"{api(reach)}/issue/{issue.key}"


def _written(reach: Reach, text: str) -> Any:
    return document_of(text) if reach.method == CLOUD else wiki_of(text)


def _property(mark: str) -> dict[str, Any]:
    return {"key": PROPERTY, "value": {"mark": mark}}


def _marks(told: Any, mark: str) -> bool:
    """Whether properties bear a mark: an issue's are a mapping, a comment's a list."""
    if isinstance(told, Mapping):
        value = told.get(PROPERTY)
    else:
        listed = [one for one in told or () if isinstance(one, Mapping)]
        value = next((one.get("value") for one in listed if one.get("key") == PROPERTY), None)
    return isinstance(value, Mapping) and value.get("mark") == mark


def _made(reach: Reach, told: Mapping[str, Any]) -> Made:
    key = str(told.get("key") or "")
    return Made(key=key, id=str(told.get("id") or ""), url=f"{reach.base_url}/browse/{key}")


def _said(reach: Reach, issue: Issue, told: Mapping[str, Any]) -> Made:
    number = str(told.get("id") or "")
    url = f"{reach.base_url}/browse/{issue.key}?focusedCommentId={number}"
    return Made(key=issue.key, id=number, url=url)
