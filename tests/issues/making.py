"""Makes rows of issues as collectors and reconcile would leave them, and a keeper to act on."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import now

from apps.issues.acting import Draft, Made, Person, Standing
from apps.issues.models import STATES, Category, Issue, Tracker
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.resource import REGISTER

HOST = "example.atlassian.net"
HOSTILE = "<script>alert(1)</script>\x1b[31m\"onmouseover='x' [a](javascript:alert(2))"
number = itertools.count(1001)


class Keeper:
    """A keeper in memory: what was sent, in order. `fails` raises from the next calls, in turn.

    `silent` names methods that do what they are asked and then raise that, as where an answer is
    lost on its way.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.fails: list[Exception] = []
        self.silent: dict[str, Exception] = {}
        self.why_not = ""
        self.issues: dict[str, Draft] = {}
        self.comments: dict[str, str] = {}
        self.stands: dict[str, Standing] = {}

    def _called(self, name: str, *what: Any) -> None:
        self.calls.append((name, what))
        if self.fails:
            raise self.fails.pop(0)

    def _answered(self, name: str) -> None:
        if name in self.silent:
            raise self.silent.pop(name)

    def sent(self, *names: str) -> list[str]:
        """The calls that wrote, or those of these names."""
        wanted = names or ("create", "comment", "transition", "assign")
        return [name for name, _ in self.calls if name in wanted]

    def allowed(self, scope: Scope) -> str:
        return self.why_not

    def create(self, tracker: Tracker, draft: Draft, mark: str) -> Made:
        self._called("create", tracker.key, draft, mark)
        self.issues[mark] = draft
        self._answered("create")
        return self._made(mark)

    def _made(self, mark: str) -> Made:
        at = list(self.issues).index(mark) + 100
        return Made(key=f"SHOP-{at}", id=str(at), url=f"https://{HOST}/browse/SHOP-{at}")

    def made(self, tracker: Tracker, mark: str, since: datetime) -> Made | None:
        self._called("made", tracker.key, mark)
        return self._made(mark) if mark in self.issues else None

    def comment(self, issue: Issue, text: str, mark: str) -> Made:
        self._called("comment", issue.key, text, mark)
        self.comments[mark] = text
        self._answered("comment")
        return Made(key=issue.key, id="1")

    def said(self, issue: Issue, mark: str, since: datetime) -> Made | None:
        self._called("said", issue.key, mark)
        return Made(key=issue.key, id="1") if mark in self.comments else None

    def transition(self, issue: Issue, transition: str) -> None:
        self._called("transition", issue.key, transition)
        way = next(one for one in issue.transitions if one["id"] == transition)
        before = self.standing_of(issue)
        self.stands[issue.key] = Standing(status=way["to"], assignee_id=before.assignee_id)
        self._answered("transition")

    def assign(self, issue: Issue, person: str) -> None:
        self._called("assign", issue.key, person)
        self.stands[issue.key] = Standing(status=self.standing_of(issue).status, assignee_id=person)
        self._answered("assign")

    def standing_of(self, issue: Issue) -> Standing:
        as_read = Standing(status=issue.status, assignee_id=issue.assignee_id)
        return self.stands.get(issue.key, as_read)

    def standing(self, issue: Issue) -> Standing:
        self._called("standing", issue.key)
        return self.standing_of(issue)

    def people(self, tracker: Tracker) -> Sequence[Person]:
        self._called("people", tracker.key)
        return [Person("p-1", "Checkout Developer"), Person("p-2", "Release Manager")]


def make_site(provider: str = "jira", host: str = HOST, **more: Any) -> Scope:
    """A site that was swept."""
    known = Scope.objects.filter(provider=provider, place=f"{host}/1").first()
    if known:
        return known
    over = now()
    values = {"account": host, "label": "", "first_swept_at": over, **more}
    scope = Scope.objects.create(provider=provider, place=f"{host}/1", **values)
    for resource in REGISTER.of(provider):
        times = {"started_at": over, "finished_at": over, "last_success": over}
        Sweep.objects.create(scope=scope, kind=resource.kind, **times)
        for call in resource.calls:
            Operation.objects.create(
                scope=scope, kind=resource.kind, operation=call, health="ok", last_success=over
            )
    return scope


def make_tracker(key: str = "SHOP", scope: Scope | None = None, **more: Any) -> Tracker:
    """A Jira project; with another scope, what that keeps."""
    return Tracker.objects.create(
        **{
            "scope": scope or make_site(),
            "key": key,
            "arn": key,
            "name": f"{key.capitalize()} board",
            "prefix": key,
            "url": f"https://{HOST}/browse/{key}",
            "types": [{"id": "10001", "name": "Bug"}, {"id": "10002", "name": "Task"}],
            **more,
        }
    )


def make_issue(tracker: Tracker, category: str = Category.TODO, **more: Any) -> Issue:
    """An issue that was read whole."""
    turn = next(number)
    status = {"todo": "To Do", "doing": "In Progress", "done": "Done"}[category]
    key = more.pop("key", f"{tracker.key}-{turn}")
    return Issue.objects.create(
        **{
            "scope": tracker.scope,
            "tracker": tracker,
            "key": key,
            "arn": key,
            "issue_id": str(10_000 + turn),
            "title": f"Basket forgets item {turn}",
            "type": "Bug",
            "status": status,
            "category": category,
            "state": STATES[Category(category)],
            "assignee": "Checkout Developer",
            "assignee_id": "p-1",
            "reporter": "Release Manager",
            "labels": ["checkout"],
            "priority": "Medium",
            "body": "It *should* remember.",
            "created": now() - timedelta(days=3),
            "updated": now() - timedelta(minutes=turn % 50),
            "resolved": now() if category == Category.DONE else None,
            "url": f"https://{HOST}/browse/{key}",
            "described": "1",
            "transitions": [
                {"id": "21", "name": "Start", "to": "In Progress", "category": "doing"},
                {"id": "31", "name": "Done", "to": "Done", "category": "done"},
            ],
            **more,
        }
    )
