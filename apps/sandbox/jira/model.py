"""What the simulated Jira holds: people, projects with their workflow and sprints, issues."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.sandbox.world import World

#: Who a token's caller is.
VIEWER = "codestar-dash"
PEOPLE = (
    VIEWER,
    "checkout-developer",
    "payments-developer",
    "platform-engineer",
    "release-manager",
    "security-reviewer",
)
CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
SPRINT_FIELD, POINTS_FIELD = "customfield_10020", "customfield_10016"
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
TYPES = {"Epic": "10000", "Story": "10001", "Task": "10002", "Bug": "10004", "Sub-task": "10005"}
#: Category → its id, name and colour at Jira.
CATEGORIES = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
LINK_TYPES = {
    "Blocks": ("10000", "is blocked by", "blocks"),
    "Duplicate": ("10002", "is duplicated by", "duplicates"),
    "Relates": ("10003", "relates to", "relates to"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody; ``name`` is what Data Center calls them by, ``account`` what Cloud does."""

    name: str
    account: str
    display: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """A status of a workflow."""

    id: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A way from some statuses (none: from all) to another."""

    id: str
    name: str
    to: str
    out_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """Statuses by name, the first one of a new issue, and the ways between them."""

    statuses: dict[str, Status]
    transitions: tuple[Transition, ...]

    @property
    def first(self) -> str:
        """The status of a new issue."""
        return next(iter(self.statuses))

    def ways(self, status: str) -> list[Transition]:
        """What may be done with an issue that stands there."""
        return [
            way
            for way in self.transitions
            if way.to != status and (not way.out_of or status in way.out_of)
        ]

    def last(self) -> str:
        """The status of what is done."""
        return next(one.name for one in self.statuses.values() if one.category == "done")


@dataclass(slots=True, eq=False)
class Sprint:
    """A sprint: future, active or closed; times in epoch seconds."""

    id: int
    name: str
    board: int
    state: str
    goal: str
    begins: float
    ends: float


@dataclass(slots=True, eq=False)
class Comment:
    """A comment; ``body`` is an Atlassian document."""

    id: int
    author: str
    body: Any
    created: float
    updated: float
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class RemoteLink:
    """A link to something elsewhere."""

    id: int
    global_id: str
    object: dict[str, Any]
    application: dict[str, Any]
    relationship: str


@dataclass(slots=True, eq=False)
class Issue:
    """An issue; ``body`` is an Atlassian document or None, ``links`` are (type, inward?, key)."""

    id: int
    number: int
    project: str
    type: str
    summary: str
    status: str
    reporter: str
    created: float
    updated: float
    body: Any = None
    priority: str = "Medium"
    assignee: str | None = None
    labels: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    sprints: list[int] = field(default_factory=list)
    points: float | None = None
    parent: str | None = None
    due: str | None = None
    resolved: float | None = None
    resolution: str | None = None
    links: list[tuple[str, bool, str]] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    remote: dict[str, RemoteLink] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``SHOP-12``."""
        return f"{self.project}-{self.number}"


@dataclass(slots=True, eq=False)
class Project:
    """A project and its workflow."""

    id: int
    key: str
    name: str
    description: str
    lead: str
    workflow: Workflow
    components: tuple[str, ...] = ()
    sprints: dict[int, Sprint] = field(default_factory=dict)
    given: int = 0
    archived: bool = False

    def active(self) -> Sprint | None:
        """The sprint that runs."""
        return next((one for one in self.sprints.values() if one.state == "active"), None)


@dataclass(slots=True, eq=False)
class Hook:
    """Who hears what happens."""

    id: int
    url: str
    secret: str


class Jira:
    """The whole of the simulated Jira: ``world.of(Jira)``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ids = itertools.count(10_001)
        self.people: dict[str, Person] = {}
        self.projects: dict[str, Project] = {}
        #: By key, in the order they were made.
        self.issues: dict[str, Issue] = {}
        #: Keys that issues had before they moved → their id.
        self.moved: dict[str, int] = {}
        self.by_id: dict[int, Issue] = {}
        self.listeners: dict[int, Hook] = {}
        #: OAuth tokens of the deployments' client → when they end.
        self.tokens: dict[str, float] = {}
        #: (pipeline, environment, sequence number) → the deployment as it was told last.
        self.deployments: dict[tuple[str, str, int], dict[str, Any]] = {}
        for name in PEOPLE:
            self.add_person(name)

    def next_id(self) -> int:
        """A number that nothing else has."""
        return next(self._ids)

    def skip_ids(self, to: int) -> None:
        """Give no id again that somebody knows of another issue: all up to this one are taken."""
        self._ids = itertools.count(max(next(self._ids), to + 1))

    def add_person(self, name: str, display: str = "", *, active: bool = True) -> Person:
        """Make an account, or return it."""
        account = f"557058:{uuid_from(self.world.chance('jira', 'person', name))}"
        words = display or name.replace("-", " ").capitalize()
        return self.people.setdefault(name, Person(name, account, words, active))

    def person(self, known_as: str) -> Person | None:
        """Somebody by their name or account id."""
        if known_as in self.people:
            return self.people[known_as]
        return next((one for one in self.people.values() if one.account == known_as), None)

    def find(self, key: str) -> Issue | None:
        """The issue of a key (one it had before will do) or id."""
        found = self.issues.get(key.upper())
        if found is not None:
            return found
        number = int(key) if key.isdecimal() else self.moved.get(key.upper(), 0)
        return self.by_id.get(number)

    def of_project(self, project: Project) -> Iterator[Issue]:
        """A project's issues, oldest first."""
        return (issue for issue in self.issues.values() if issue.project == project.key)

    def status(self, issue: Issue) -> Status:
        """Where an issue stands."""
        return self.projects[issue.project].workflow.statuses[issue.status]
