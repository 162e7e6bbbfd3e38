"""What services tell of their rows to the page of a project, beside their tiles.

The head of the page weighs how everything fares; one tile says what runs where and another where it
answers, whichever service it is. Each service declares its part in its `tiles.py`; projects knows
none of them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.mirror.state import State, urgency_of

from .held import Held

# --- The head of the page -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A change that came in: what, by whom, when."""

    at: datetime | None
    title: str
    url: str
    sha: str = ""
    author: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How one thing of the project fares.

    One thing may stand in several ways at once: it is broken where one change failed, while the
    next one waits. It tells each, for none of them undoes another.

    name    what it is called.              what   the step it is at or failed in, "" for none.
    since   when it came to that.           url    its page.
    word    what is said of it, "Deploying"; "" where its state says it.
    runs    whether it brings changes out: what runs counts more than what merely is.
    change  the very change that failed, waits or moves; None where nobody knows.
    first   the change it broke by, where others failed in the same way since.
    behind  a newer change that is still to come to where this one is.
    whole   whether it is said of the project as a whole: it is being undone. That comes first.
    every   seconds after which it is asked for anew, where nothing tells of its changes.
    """

    state: str
    name: str
    url: str
    since: datetime | None = None
    what: str = ""
    word: str = ""
    runs: bool = False
    whole: bool = False
    change: Change | None = None
    first: Change | None = None
    behind: Change | None = None
    every: int | None = None

    @property
    def said(self) -> str:
        """Its state as the head says it."""
        return self.word or WORDS.get(State(self.state), "")


WORDS = {
    State.FAILED: "Failed",
    State.WAITING: "Waiting for approval",
    State.MOVING: "Deploying",
    State.DONE: "All is well",
}
# What is not so besides.
QUIET = {
    State.FAILED: "Nothing waits or moves.",
    State.WAITING: "Nothing is broken, nothing moves.",
    State.MOVING: "Nothing is broken, nothing waits.",
    State.DONE: "Nothing is broken, waits or moves.",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the project's source lies: a repository, a branch."""

    repository: str
    branch: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """What a service tells the head of the page.

    kinds      held kinds of which it tells anything; () for what it knows of any project.
    heard      kinds whose changes move what it tells.
    failing    the column that says since when a row of these kinds is broken, whatever newer does
               with it; "" where none does.
    wholes     how projects fare by it as a whole, whatever they hold: their ids -> {id: state and
               word}, for many in one query.
    """

    kinds: Sequence[str]
    heard: Sequence[str]
    standings: Callable[[Held], Iterable[Standing]]
    failing: str = ""
    change: Callable[[Held], Change | None] = lambda _: None
    origins: Callable[[Held], Iterable[Origin]] = lambda _: ()
    wholes: Callable[[Collection[int]], Mapping[int, tuple[State, str]]] = lambda _: {}


@dataclass(frozen=True, slots=True)
class Headline:
    """The one state of a project, and what it is because of.

    cause   of a project that is well, what came out last; None where nothing that runs did.
    others  how many more things are in that state.
    beside  the gravest of what is in another one: what moves does not hide what is broken, nor
            that what moves.
    """

    state: str
    word: str
    cause: Standing | None = None
    others: int = 0
    beside: Standing | None = None

    @property
    def quiet(self) -> str:
        """What is in no other state, in words: "" where something is."""
        return "" if self.beside else QUIET.get(State(self.state), "") if self.state else ""

    @property
    def behind(self) -> Change | None:
        """A newer change than those it names, on its way to where they are."""
        told = [one for one in (self.cause, self.beside) if one is not None]
        named = {one.change.url for one in told if one.change is not None}
        coming = (one.behind for one in told if one.behind is not None)
        return next((one for one in coming if one.url not in named), None)


def headline(standings: Iterable[Standing]) -> Headline:
    """Weigh how everything fares: the worst counts, and of equals what came to it last."""
    told = list(standings)
    known = [one for one in told if one.state in WORDS]
    if not known:
        rests = next((one for one in told if one.word), None)
        if rests is not None:
            return Headline(rests.state, rests.word, rests)
        return Headline("", "Nothing has run yet" if not told else "Nothing is known yet")
    first, *rest = sorted(known, key=_gravest)
    state = State(first.state)
    if state is State.DONE:
        return Headline(state, WORDS[state], first if first.change else None)
    others = sum(one.state == state for one in rest)
    elsewhere = (one for one in rest if one.state not in (state, State.DONE))
    return Headline(state, first.said, first, others, next(elsewhere, None))


def _gravest(one: Standing) -> tuple[bool, int, bool, float]:
    since = one.since.timestamp() if one.since else 0.0
    # What happens to the project as a whole tells why its parts fare as they do.
    return not one.whole, urgency_of(one.state), not one.runs, -since


# --- What runs where ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """A segment of a strip: an instance, a task, a part of the traffic."""

    state: str
    title: str
    to_come: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What runs in one place, and since when.

    version   what runs, as people call it; `exactly` the whole of it.
    counts    how much of it is there, in words.
    arns      what may be named as what an execution did this with.
    """

    name: str
    url: str
    what: str
    state: str
    status: str
    version: str = ""
    exactly: str = ""
    since: datetime | None = None
    counts: str = ""
    strip: Sequence[Share] = ()
    arns: Sequence[str] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address at which something of the project answers. It was written by others."""

    url: str
    name: str
    of: str
    page: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A row as `Runs` is given it: columns of whichever table, under one name each."""

    kind: str
    pk: int
    scope: int
    key: str
    arn: str
    state: str
    status: str
    changed_at: datetime
    at: datetime | None
    failing: datetime | None
    name: str
    version: str
    address: str
    told: Any
    also: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """How the rows of a kind say what runs in them, and where that answers.

    columns    of `at`, `failing` (since when it is broken, whatever newer does), `name`, `version`,
               `address`, `told` and `also` (both JSON) the expression that fills it; `at` falls
               back to when the row last changed. One query reads the rows of all kinds, so there
               are these and no others.
    heard      kinds whose changes move it, beside its own.
    places     whether its rows are places in which something runs, or only answer.
    running    what runs there; None where nothing does.
    endpoints  where it answers; None of a kind whose rows never do.
    """

    kind: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    heard: Sequence[str] = ()
    places: bool = True
    running: Callable[[Facts], Running | None] = lambda _: None
    endpoints: Callable[[Facts], Iterable[Endpoint]] | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """The execution that brought something out."""

    label: str
    url: str
    sha: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that came out, at the moment it ended: what metrics are marked with."""

    at: datetime
    title: str
    url: str
    state: str
    status: str


@dataclass(slots=True)
class Offers:
    """What was declared.

    starts   each: held -> ARN of what was begun -> what began it.
    moments  each: held -> what came out lately.
    """

    tellers: list[Teller] = field(default_factory=list)
    runs: list[Runs] = field(default_factory=list)
    starts: list[Callable[[Held], Mapping[str, Start]]] = field(default_factory=list)
    moments: list[Callable[[Held], Iterable[Moment]]] = field(default_factory=list)

    def add(self, offer: Teller | Runs) -> None:
        """Add one."""
        if isinstance(offer, Teller):
            self.tellers.append(offer)
        else:
            self.runs.append(offer)


OFFERS = Offers()
