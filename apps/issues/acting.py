"""What those who keep issues let be done with them: the one shape that Jira and GitHub fill.

A service registers its `Keeper` under its provider's name when its app is ready. Deeds call it in a
task, never a page. Whatever goes wrong is one of three errors, because what follows differs: what
was refused is told, what was not sent is sent later, and what may have been done is looked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from apps.deeds.acts import LaterError, RefusedError, UnsureError

if TYPE_CHECKING:
    from apps.mirror.models import Scope

    from .models import Issue, Tracker


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom issues may be assigned to: the keeper's id, and what they are called."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An issue to be made.

    text  Markdown, as the tracker's readers are to read it: a keeper with a format of its own turns
          it into that.
    type  id of one of the tracker's `types`, "" where it has none.
    """

    title: str
    text: str
    type: str = ""
    labels: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of a deed, as the keeper tells it.

    key  the issue's key; of a comment its issue's.
    id   the keeper's own id of what was made: of the issue, or of the comment.
    url  its page at the keeper.
    """

    key: str = ""
    id: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How an issue stands at the keeper at this moment."""

    status: str
    assignee_id: str = ""


class Keeper(Protocol):
    """Who keeps issues. Every method but `allowed` calls out and may raise the errors above.

    `mark` is a text of letters, digits and hyphens that is the deed's own. What is made bears it so
    that it can be told from all else, where people don't read it: in a hidden comment of the
    Markdown, or in a property. Whatever is asked of `made` and `said` must come from what lists
    tell at once, and from no search index that follows later.
    """

    def allowed(self, scope: "Scope") -> str:
        """Return why nothing may be written in this scope, "" where it may.

        Reads rows alone: pages ask it before they show a button.
        """

    def create(self, tracker: "Tracker", draft: Draft, mark: str) -> Made:
        """Make an issue."""

    def made(self, tracker: "Tracker", mark: str, since: datetime) -> Made | None:
        """Return the issue that bears the mark, of those made since then; None for none."""

    def comment(self, issue: "Issue", text: str, mark: str) -> Made:
        """Say something, Markdown, on an issue."""

    def said(self, issue: "Issue", mark: str, since: datetime) -> Made | None:
        """Return the comment that bears the mark, of those written since then; None for none."""

    def transition(self, issue: "Issue", transition: str) -> None:
        """Do one of the issue's `transitions`, by its id."""

    def assign(self, issue: "Issue", person: str) -> None:
        """Give an issue to a person, by their id; "" takes it from whoever has it."""

    def standing(self, issue: "Issue") -> Standing:
        """Return how an issue stands now."""

    def people(self, tracker: "Tracker") -> Sequence[Person]:
        """Return whom issues of a tracker may be assigned to; the first thousand where many."""


@dataclass(slots=True)
class Keepers:
    """The register of keepers by provider."""

    by_provider: dict[str, Keeper] = field(default_factory=dict)

    def register(self, provider: str, keeper: Keeper) -> None:
        """Add one. Raises ValueError for a provider that has one."""
        if provider in self.by_provider:
            raise ValueError(f"issues of {provider} are kept by two")
        self.by_provider[provider] = keeper

    def why_not(self, scope: "Scope") -> str:
        """Return why nothing may be written in a scope, "" where it may; asks rows alone."""
        keeper = self.by_provider.get(scope.provider)
        if keeper is None:
            return "Nothing is written there: it is only read."
        return keeper.allowed(scope)


KEEPERS = Keepers()

__all__ = [
    "KEEPERS",
    "Draft",
    "Keeper",
    "Keepers",
    "LaterError",
    "Made",
    "Person",
    "RefusedError",
    "Standing",
    "UnsureError",
]
