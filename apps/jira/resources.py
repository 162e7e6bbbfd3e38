"""What this app mirrors, how often, what it calls and which webhooks it hears."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from apps.issues import digest
from apps.issues.models import Issue, Tracker
from apps.issues.why import why_tracker
from apps.mirror.resource import REGISTER, Cadence, Heard, Names, Resource

from . import collect, issues
from .following import follow, trackers_in

# https://developer.atlassian.com/server/jira/platform/webhooks/
ISSUE_EVENTS = (
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
)
PROJECT_EVENTS = ("project_updated", "project_deleted")


def _issue_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="jira.issue", key=detail["issue"]["key"])
    # One that was moved just now is known by the key that it had.
    changed = (detail.get("changelog") or {}).get("items") or ()
    for item in changed:
        if item.get("field") == "Key" and item.get("fromString"):
            yield Names(kind="jira.issue", key=item["fromString"])


def _project_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="jira.tracker", key=detail["project"]["key"])


TRACKER = REGISTER.add(
    Resource(
        kind="jira.tracker",
        label="Jira trackers",
        provider="jira",
        model=Tracker,
        collect=collect.trackers,
        cadence=Cadence(cold=timedelta(minutes=5)),
        calls=("jira:GetProject", "jira:SearchIssues", "jira:CountIssues"),
        optional=("jira:CountIssues",),
        events=tuple(
            Heard(source="jira", detail_type=name, names=_project_of) for name in PROJECT_EVENTS
        ),
        keyed=True,
        given=trackers_in,
        aside=follow,
        held=True,
        url=Tracker.get_absolute_url,
        explain=why_tracker,
    )
)

ISSUE = REGISTER.add(
    Resource(
        kind="jira.issue",
        label="issues",
        provider="jira",
        model=Issue,
        collect=issues.issues,
        cadence=Cadence(cold=timedelta(seconds=60)),
        calls=("jira:SearchIssues", "jira:GetIssue", "jira:GetComments", "jira:GetFields"),
        optional=("jira:GetIssue", "jira:GetComments", "jira:GetFields"),
        events=tuple(
            Heard(source="jira", detail_type=name, names=_issue_of) for name in ISSUE_EVENTS
        ),
        parent=("jira.tracker", "tracker"),
        asked_by="jira.tracker",
        parent_fields=("query", "state"),
        # Never judged gone by a list: what is deleted is found out by its key.
        history=True,
        keyed=True,
        # Of what webhooks name, what lies in these is read.
        given=trackers_in,
        stamp="described",
        goes_with=("holds",),
        digest=digest.trackers,
        happened=digest.HAPPENED,
        url=Issue.get_absolute_url,
        listed="issues:issues",
    )
)
