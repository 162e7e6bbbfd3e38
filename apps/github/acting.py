"""Does what people ask for on issues at GitHub; called in tasks, never by a page.

https://docs.github.com/en/rest/issues/issues · https://docs.github.com/en/rest/issues/comments
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from apps.issues.acting import (
    Draft,
    Made,
    Person,
    RefusedError,
    Standing,
)
from apps.issues.at_sites import opened, why_not
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope

from .issues import CLOSES, REASONS, assignees_of, issue_key
from .listing import PAGE, items, path
from .records import login

# Pages looked through for what a deed made, and of people.
LOOKED, MOST_PEOPLE = 3, 10
KIND = "github.issue"


def marked(text: str, mark: str) -> str:
    """Return Markdown with a mark that only its source shows."""
    return f"{text}\n\n<!-- {mark} -->" if text else f"<!-- {mark} -->"


class GithubKeeper:
    """GitHub as a keeper of issues; see `apps.issues.acting.Keeper`."""

    def allowed(self, scope: Scope) -> str:
        """Say why nothing may be written, "" where it may."""
        return why_not(scope)

    def create(self, tracker: Tracker, draft: Draft, mark: str) -> Made:
        """Make an issue."""
        body: dict[str, Any] = {"title": draft.title, "body": marked(draft.text, mark)}
        if draft.labels:
            body["labels"] = list(draft.labels)
        with opened(tracker.scope, KIND) as reach:
            answer = reach.send("github:IssuesCreate", "POST", path(tracker.key, "/issues"), body)
        return _made(tracker, answer.body)

    def made(self, tracker: Tracker, mark: str, since: datetime) -> Made | None:
        """Look through the newest issues for one that bears the mark."""
        with opened(tracker.scope, KIND) as reach:
            pages = reach.pages(
                "github:IssuesListForRepo",
                path(tracker.key, "/issues"),
                state="all",
                sort="created",
                direction="desc",
                since=_text(since),
                per_page=PAGE,
            )
            for told in _among(pages):
                if mark in str(told.get("body") or ""):
                    return _made(tracker, told)
        return None

    def comment(self, issue: Issue, text: str, mark: str) -> Made:
        """Say something on an issue."""
        with opened(issue.scope, KIND) as reach:
            answer = reach.send(
                "github:IssuesCreateComment",
                "POST",
                f"{_address(issue)}/comments",
                {"body": marked(text, mark)},
            )
        return _said(issue, answer.body)

    def said(self, issue: Issue, mark: str, since: datetime) -> Made | None:
        """Look through the comments of an issue for one that bears the mark."""
        with opened(issue.scope, KIND) as reach:
            pages = reach.pages(
                "github:IssuesListComments",
                f"{_address(issue)}/comments",
                since=_text(since),
                per_page=PAGE,
            )
            for told in _among(pages):
                if mark in str(told.get("body") or ""):
                    return _said(issue, told)
        return None

    def transition(self, issue: Issue, transition: str) -> None:
        """Close an issue for a reason, or open it again."""
        if transition.startswith(CLOSES):
            reason = transition.removeprefix(CLOSES)
            self._update(issue, {"state": "closed", "state_reason": reason})
        else:
            self._update(issue, {"state": "open", "state_reason": "reopened"})

    def assign(self, issue: Issue, person: str) -> None:
        """Give an issue to one person in place of all who have it; "" takes it from them."""
        self._update(issue, {"assignees": [person] if person else []})
        # GitHub leaves out whom it may not be given to, and says nothing.
        if person and self.standing(issue).assignee_id.lower() != person.lower():
            raise RefusedError(f"GitHub does not let {person} be assigned to it.")

    def standing(self, issue: Issue) -> Standing:
        """Return how an issue stands now."""
        with opened(issue.scope, KIND) as reach:
            told = reach.get("github:IssuesGet", _address(issue)).body
        closed = told.get("state") == "closed"
        reason = REASONS.get(str(told.get("state_reason")), "Closed")
        whose = next(iter(assignees_of(told)), "")
        return Standing(status=reason if closed else "Open", assignee_id=whose)

    def people(self, tracker: Tracker) -> Sequence[Person]:
        """Return whom issues may be assigned to."""
        with opened(tracker.scope, KIND) as reach:
            pages = reach.pages(
                "github:IssuesListAssignees", path(tracker.key, "/assignees"), per_page=PAGE
            )
            told = [one for page in islice(pages, MOST_PEOPLE) for one in items(page)]
        return [Person(name, name) for one in told if (name := login(one))]

    def _update(self, issue: Issue, body: Mapping[str, Any]) -> None:
        with opened(issue.scope, KIND) as reach:
            reach.send("github:IssuesUpdate", "PATCH", _address(issue), body)


def _address(issue: Issue) -> str:
    tracker, _, number = issue.key.rpartition("#")
    return path(tracker, f"/issues/{number}")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _among(pages: Any) -> Iterator[Mapping[str, Any]]:
    return (told for page in islice(pages, LOOKED) for told in items(page))


def _made(tracker: Tracker, told: Mapping[str, Any]) -> Made:
    key = issue_key(tracker.key, told["number"])
    return Made(key=key, id=str(told.get("id") or ""), url=str(told.get("html_url") or ""))


def _said(issue: Issue, told: Mapping[str, Any]) -> Made:
    return Made(key=issue.key, id=str(told.get("id") or ""), url=str(told.get("html_url") or ""))
