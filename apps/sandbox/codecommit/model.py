"""What CodeCommit holds: repositories with their objects, pull requests and comments."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.operations import AwsError

if TYPE_CHECKING:
    from apps.sandbox.world import Place

#: FileMode and git's own mode.
MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}
WORDS = {mode: word for word, mode in MODES.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a tree: its blob's id, and git's mode."""

    blob: str
    mode: str = MODES["NORMAL"]


#: Closed pull requests kept in a place beside the open ones (AWS keeps all).
KEPT_PULLS = 300

#: A whole tree, flat: path → file.
Files = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Who:
    """An author or committer."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; ``at`` in epoch seconds."""

    id: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: Who
    at: float


@dataclass(slots=True, eq=False)
class Comment:
    """A comment on a commit or pull request, with where it stands in a file, if anywhere."""

    id: str
    content: str
    author: str
    created: float
    modified: float
    before: str | None
    after: str
    location: dict[str, Any] | None = None
    reply_to: str | None = None
    deleted: bool = False


@dataclass(slots=True, eq=False)
class Repository:
    """A repository: its branches, and its objects by id.

    ``trouble`` (code, message) is how each use of its contents ends, None while its key works.
    """

    place: Place
    name: str
    id: str
    created: float
    modified: float
    kms_key: str
    description: str | None = None
    default_branch: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    triggers: list[dict[str, Any]] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    trees: dict[str, Files] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    trouble: tuple[str, str] | None = None
    made: int = 0

    @property
    def arn(self) -> str:
        """``arn:aws:codecommit:<region>:<account>:<name>``."""
        return self.place.arn("codecommit", self.name)

    def files(self, commit_id: str) -> Files:
        """The tree of a commit."""
        return self.trees[self.commits[commit_id].tree]

    def commit(self, specifier: str) -> Commit | None:
        """The commit of an id, a branch or a full reference."""
        name = specifier.removeprefix("refs/heads/")
        if name == "HEAD":
            name = self.default_branch or ""
        return self.commits.get(self.branches.get(name, name))


@dataclass(slots=True, eq=False)
class PullRequest:
    """A pull request; ``rules`` as AWS shows them, ``approvals`` user ARN → APPROVE or REVOKE."""

    id: str
    repository: Repository
    title: str
    description: str | None
    author: str
    source: str
    destination: str
    created: float
    activity: float
    source_commit: str
    destination_commit: str
    merge_base: str
    revision: str
    token: str
    status: str = "OPEN"
    merge: dict[str, Any] = field(default_factory=lambda: {"isMerged": False})
    rules: list[dict[str, Any]] = field(default_factory=list)
    approvals: dict[str, str] = field(default_factory=dict)
    overridden_by: str | None = None
    comments: list[Comment] = field(default_factory=list)


class SourceStore:
    """CodeCommit in one place: repositories by name, pull requests by id."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.repositories: dict[str, Repository] = {}
        self.pulls: dict[str, PullRequest] = {}
        self.given = 0
        #: How often a repository of a name was made.
        self.made: Counter[str] = Counter()

    def remember(self, pull: PullRequest) -> None:
        """Keep a new pull request, and forget the oldest closed one beyond what is kept."""
        self.pulls[pull.id] = pull
        closed = [key for key, one in self.pulls.items() if one.status == "CLOSED"]
        if len(closed) > KEPT_PULLS:
            del self.pulls[closed[0]]

    def next_pull(self) -> str:
        """The id of the next pull request: one count for the whole account and region."""
        self.given += 1
        return str(self.given)


def missing(name: str) -> AwsError:
    """What AWS says of a repository that is not there."""
    return AwsError("RepositoryDoesNotExistException", f"{name} does not exist")
