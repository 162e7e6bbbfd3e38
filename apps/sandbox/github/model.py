"""What the simulated GitHub holds: accounts, repositories with their history, pulls and issues."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sandbox.codecommit.model import Files
    from apps.sandbox.world import World

ORGANIZATION = "example-shop"
#: Who a personal token's caller is; an installation acts as its app's bot.
VIEWER = "codestar-dash"
APP_ID, INSTALLATION_ID, APP_SLUG = 4711, 471101, "codestar-dash-app"
ROBOT = f"{APP_SLUG}[bot]"
ACTIONS = "github-actions[bot]"
PEOPLE = (
    VIEWER,
    "checkout-developer",
    "payments-developer",
    "platform-engineer",
    "release-manager",
    "security-reviewer",
)


@dataclass(frozen=True, slots=True)
class User:
    """A person, robot or organization."""

    login: str
    id: int
    kind: str = "User"


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit did to one file; ``status`` is GitHub's added, modified or removed."""

    path: str
    status: str
    additions: int
    deletions: int
    patch: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; ``at`` in epoch seconds, ``author`` a login or the name of nobody known.

    ``tree`` is the id of its files; one that the scenario made has none and is known by what it
    changed alone (see ``objects.files``).
    """

    sha: str
    parents: tuple[str, ...]
    message: str
    author: str
    at: float
    changes: tuple[Change, ...] = ()
    tree: str = ""


@dataclass(slots=True, eq=False)
class Status:
    """A commit status as somebody posted it."""

    id: int
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: str
    at: float


@dataclass(slots=True, eq=False)
class Check:
    """A check run of GitHub Actions."""

    id: int
    sha: str
    name: str
    status: str
    started: float
    conclusion: str | None = None
    completed: float | None = None


@dataclass(slots=True, eq=False)
class DeploymentStatus:
    """One status of a deployment."""

    id: int
    state: str
    description: str
    creator: str
    at: float
    environment: str
    environment_url: str = ""
    log_url: str = ""


@dataclass(slots=True, eq=False)
class Deployment:
    """A deployment as somebody posted it."""

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    description: str | None
    payload: Any
    creator: str
    at: float
    production: bool = False
    transient: bool = False
    statuses: list[DeploymentStatus] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Comment:
    """A comment on an issue or pull request."""

    id: int
    author: str
    body: str
    created: float
    updated: float


@dataclass(slots=True, eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str
    description: str | None = None


@dataclass(slots=True, eq=False)
class Milestone:
    """A milestone of a repository; ``due`` in epoch seconds."""

    id: int
    number: int
    title: str
    description: str
    created: float
    due: float | None = None
    closed: float | None = None


@dataclass(slots=True, eq=False)
class Review:
    """A review of a pull request: APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""

    id: int
    author: str
    state: str
    body: str
    sha: str
    at: float


@dataclass(slots=True, eq=False)
class Pull:
    """What makes an issue a pull request; ``merge_base`` is kept once it is merged or closed."""

    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    merged: float | None = None
    merged_by: str | None = None
    merge_sha: str | None = None
    reviews: list[Review] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Issue:
    """An issue, or a pull request: both count in one row of numbers."""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    created: float
    updated: float
    state: str = "open"
    reason: str | None = None
    closed: float | None = None
    closed_by: str | None = None
    assignees: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    milestone: int | None = None
    comments: list[Comment] = field(default_factory=list)
    pull: Pull | None = None


@dataclass(slots=True, eq=False)
class Hook:
    """A webhook; ``events`` may hold ``*``."""

    id: int
    url: str
    secret: str
    events: list[str]
    created: float
    active: bool = True


@dataclass(slots=True, eq=False)
class Repository:
    """A repository; ``default`` is its default branch. All times in epoch seconds."""

    id: int
    owner: str
    name: str
    created: float
    updated: float
    pushed: float
    description: str | None = None
    default: str = "main"
    language: str | None = None
    private: bool = True
    archived: bool = False
    has_issues: bool = True
    topics: tuple[str, ...] = ()
    branches: dict[str, str] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    commits: dict[str, Commit] = field(default_factory=dict)
    trees: dict[str, Files] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    checks: dict[str, list[Check]] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    made: int = 0
    #: The greatest number that an issue had in an earlier sandbox which somebody remembers.
    taken: int = 0

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    def find(self, ref: str) -> Commit | None:
        """The commit of a branch, a full reference, or the beginning of an id."""
        name = ref.removeprefix("refs/").removeprefix("heads/")
        sha = self.branches.get(self.default if name == "HEAD" else name, name)
        if sha in self.commits:
            return self.commits[sha]
        if len(sha) >= 7:
            return next((one for key, one in self.commits.items() if key.startswith(sha)), None)
        return None

    def pulls(self) -> list[Issue]:
        """Its pull requests, oldest first."""
        return [issue for issue in self.issues.values() if issue.pull is not None]


class GitHub:
    """The whole of the simulated GitHub: ``world.of(GitHub)``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ids = itertools.count(90001)
        self.users: dict[str, User] = {}
        self.repositories: dict[int, Repository] = {}
        #: "owner/name" in small letters, as it was → the repository's id.
        self.names: dict[str, int] = {}
        #: Webhooks given through the control path: every event of every repository.
        self.listeners: dict[int, Hook] = {}
        #: Issued installation tokens → when they end.
        self.tokens: dict[str, float] = {}
        #: Callers → requests that cost quota since the window began.
        self.spent: dict[str, int] = {}
        self.window = 0.0
        self.add_user(ORGANIZATION, "Organization")
        for login in PEOPLE:
            self.add_user(login)
        for robot in (ROBOT, ACTIONS):
            self.add_user(robot, "Bot")

    def next_id(self) -> int:
        """A number that nothing else has."""
        return next(self._ids)

    def skip_ids(self, to: int) -> None:
        """Give no id again that somebody knows of something else: all up to this one are taken."""
        self._ids = itertools.count(max(next(self._ids), to + 1))

    def add_user(self, login: str, kind: str = "User") -> User:
        """Make an account, or return it."""
        return self.users.setdefault(login, User(login, 1001 + len(self.users), kind))

    def find(self, full_name: str) -> Repository | None:
        """The repository of this name today."""
        wanted = full_name.lower()
        found = self.repositories.get(self.names.get(wanted, 0))
        return found if found is not None and found.full_name.lower() == wanted else None

    def moved(self, full_name: str) -> Repository | None:
        """The repository that once had this name."""
        return self.repositories.get(self.names.get(full_name.lower(), 0))
