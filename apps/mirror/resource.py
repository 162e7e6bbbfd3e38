"""What a service declares about each thing it mirrors, and the register of all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .ask import Ask, Parent

if TYPE_CHECKING:
    from .models import Mirrored, Scope
    from .ties import Tie

Collect = Callable[[Any, Ask], Iterable[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cadence:
    """How often to look. `hot` is for rows that move, `waiting` for rows that wait for a person.

    `deep` re-reads details whose stamp did not change.
    """

    cold: timedelta
    hot: timedelta | None = None
    waiting: timedelta | None = None
    deep: timedelta = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What a hint says to re-read: rows of `kind` by key, or the children of parents by key."""

    kind: str
    key: str = ""
    parent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """An event this resource listens to and the names it gives.

    `names(detail)` gets EventBridge's `detail` object, with the envelope's `resources` where it has
    none of that name, and yields what to re-read.
    `where` narrows it down: members of the detail, and the values of which each must have one. It
    goes into the rule that sends the events, too, so that no others are paid for.
    """

    source: str
    detail_type: str
    names: Callable[[Mapping[str, Any]], Iterable[Names]]
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def hears(self, source: Any, detail_type: Any, detail: Mapping[str, Any]) -> bool:
        """Whether this is such an event. Whatever comes from outside may be of any type."""
        return (
            self.source == source
            and self.detail_type == detail_type
            and all(detail.get(member) in values for member, values in self.where.items())
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """That rows of a kind are forgotten in time: those that hold lines of logs.

    `at` names the column with the time of a row; `keep` is how long it is kept from then on.
    """

    at: str
    keep: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended(Kept):
    """That rows are written once and never change, besides: events, the history of alarms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """How rows of a kind stand in a project's activity: each is one thing that happened.

    at      the column that says when it began.
    group   what people narrow the activity by: "Builds".
    icon    beside it.
    name    row -> what it is called there.
    told    row -> what happened, a few words after its name; "" for none.
    by      row -> who did it, "" where nobody knows.
    url     row -> the page that tells more; None: the kind's own.
    which   the condition on rows that are worth telling; None: all.
    needs   relations to be read with a row besides those above it.
    wide    columns that are not read.
    """

    at: str
    group: str
    icon: str
    told: Callable[[Any], str]
    name: Callable[[Any], str] = str
    by: Callable[[Any], str] = lambda _row: ""
    url: Callable[[Any], str] | None = None
    which: Any = None
    needs: Sequence[str] = ()
    wide: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What runs on a thing, as the row that brought it there tells.

    what  the version: "revision 1a2b3c4".       by   what brought it: "deployment d-ABC".
    url   our page of that.                      at   when it was there; None where nobody says.
    """

    what: str
    by: str
    url: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Serves:
    """That rows say what runs on the things they name; see `running.py`.

    relation  by which they name those: "deploys to".
    among     rows -> those that say what runs there now or ran before (that succeeded), with
              whatever else `told` needs of them.
    newest    what they are ordered by, the last of it unique: the first row is what runs.
    told      row -> what runs. Must not ask the database.
    """

    relation: str
    among: Callable[[Any], Any]
    newest: Sequence[Any]
    told: Callable[[Any], Running]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One mirrored kind.

    kind           "codepipeline.pipeline"; the part before the dot is the app label.
    label          what people call them, plural: "pipelines".
    provider       which scopes it is swept in: "aws".
    model          the `Mirrored` subclass its rows live in.
    collect        `(reach, ask) -> records`; see `ask.py`.
    cadence        how often.
    calls          operations it makes, "service:Operation" by boto3's name of the service; the list
                   first.
    optional       those of `calls` whose denial costs details only.
    heard_wholly   its events tell of everything that a reader waits for: while they flow, it is
                   polled slowly. False where some of what its rows show moves without one (the
                   health of targets, status checks): such a kind keeps its cadence.
    parent         (kind, field): the row each record belongs to; records carry the parent's key in
                   `parent`.
    asked_by       the kind whose rows are the `ask.parents`; None: the list is scope-wide.
    parent_fields  columns of the asked_by rows the collector wants to see in `Parent.fields`.
    parent_stamp   (column, column) of the asked_by rows: what tells one version of a row from the
                   next, and the version whose children were read, which the mirror writes. Only
                   children of rows that moved since are read again (all of them in deep sweeps).
    spot_check     where no asked_by row moved since its children were read, those of one are read
                   all the same: a denial that came later is noticed by a call alone.
    history        rows are never judged gone.
    appended       rows are written once, without a `Change` each, and forgotten in time; what they
                   belong to changes instead. Such a kind is a history, has no links, wakes nobody.
    kept           rows are forgotten in time, though each has its `Change`; of a history alone.
    given          `(scope) -> [Parent]`: what a scope-wide collector must know of other rows, as
                   `ask.parents` (the things whose metrics are read).
    awaits         kinds that must have been tried once before the first reading, because `given` is
                   made of their rows; one that is not installed, or fails, keeps nobody waiting.
    aside          `(scope, {key: record.aside})`, called after the records were written: keeps what
                   they hold besides columns, in its own way. The same twice ends the same.
    keyed          `ask.keys` is understood: hot rows are re-read by key.
    stamp          a column that proves that the details were read (see `Ask.known`).
    wakes          kinds whose children-of-the-same-parent are re-read when a row here changed.
    heeds          relations by which rows elsewhere say that they do something to an asked_by row
                   ("deploys to"): whenever one of them moves on, its children are read again.
    hot_parents    which asked_by rows are polled hot besides those with unfinished children.
    asked_among    of which asked_by rows the children are read where all are: the rest is read only
                   where a hint names it.
    open_among     which rows, of a kind that is no history, may be judged gone: where a list lacks
                   them, and where what they belong to is gone. The rest is over, and stays.
    digest         `(parent ids) -> {id: {column: value}}`, written to the parent in the same
                   transaction: the denormalised columns that lists are read from.
    after          `(scope id, [Change]) -> None`, called after commit: what follows from a change
                   (a failed build's log is looked at). Must only enqueue.
    ties           what its rows name by columns and not by links: the columns, and what makes
                   `Tie`s of their values; for finding what belongs together (`apps.adoption`).
    url            row -> path of its page.
    held           projects may hold its rows. What has a parent is seen with that, too.
    goes_with      relations by which rows elsewhere name rows that go where they go, though nobody
                   put them there: the instances that an Auto Scaling group "launched".
    seen_with      `(kind, rows) -> {row id: ids}`: rows of this kind that go with rows of that kind
                   where no link says so (the metrics of what they measure).
    happened       how its rows stand in the activity of projects; None: they don't.
    listed         name of the URL of the page that lists its rows, "codebuild:builds"; it stands in
                   the navigation, among those of its app's `face`.
    serves         that a row says what runs on what it names: its changes reach the pictures of
                   that, too, within its own scope.
    explain        row -> why it failed, in a few lines, or "". Reads the row's columns alone.
    explain_then   (row, since, until) -> why it failed between two moments (either may be None, for
                   open), for what outlives the things done to it: a stack that works today says why
                   last week's action on it failed, and not why today's did. Reads columns alone.
    unexplained    (row, since, until) -> what would say why it failed then and was not read, in a
                   sentence, "" where all was: of a row that `explain_then` says nothing of.
    """

    kind: str
    label: str
    provider: str
    model: "type[Mirrored]"
    collect: Collect
    cadence: Cadence
    calls: Sequence[str]
    optional: Sequence[str] = ()
    events: Sequence[Heard] = ()
    heard_wholly: bool = False
    parent: tuple[str, str] | None = None
    asked_by: str | None = None
    parent_fields: Sequence[str] = ()
    parent_stamp: tuple[str, str] | None = None
    spot_check: bool = False
    history: bool = False
    appended: Appended | None = None
    kept: Kept | None = None
    given: "Callable[[Scope], Sequence[Parent]] | None" = None
    awaits: Sequence[str] = ()
    aside: "Callable[[Scope, Mapping[str, Any]], None] | None" = None
    keyed: bool = False
    stamp: str | None = None
    wakes: Sequence[str] = ()
    heeds: Sequence[str] = ()
    hot_parents: Callable[[Any], Any] | None = None
    asked_among: Callable[[Any], Any] | None = None
    open_among: Callable[[Any], Any] | None = None
    digest: Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]] | None = None
    after: Callable[[int, Sequence[Any]], None] | None = None
    held: bool = False
    goes_with: Sequence[str] = ()
    seen_with: Callable[[str, Sequence[Any]], Mapping[int, Sequence[int]]] | None = None
    ties: "tuple[Sequence[str], Callable[..., Iterable[Tie]]] | None" = None
    url: Callable[[Any], str] | None = None
    happened: Happened | None = None
    listed: str = ""
    serves: Serves | None = None
    explain: Callable[[Any], str] | None = None
    explain_then: Callable[[Any, datetime | None, datetime | None], str] | None = None
    unexplained: Callable[[Any, datetime | None, datetime | None], str] | None = None

    @property
    def retention(self) -> Kept | None:
        """How long its rows are kept; None for always."""
        return self.appended or self.kept

    @property
    def in_projects(self) -> bool:
        """Whether projects have rows of it, by themselves or with what they go with."""
        return self.held or bool(self.goes_with) or self.seen_with is not None

    @property
    def app_label(self) -> str:
        """The app that declares it."""
        return self.kind.partition(".")[0]


@dataclass(slots=True)
class Register:
    """Every resource, in an order in which parents come before children."""

    by_kind: dict[str, Resource] = field(default_factory=dict)

    def add(self, resource: Resource) -> Resource:
        """Add one. A parent must be registered before its children."""
        if resource.kind in self.by_kind:
            raise ValueError(f"{resource.kind} is declared twice")
        if resource.appended and (not resource.history or resource.wakes or resource.after):
            raise ValueError(f"{resource.kind} is append-only: a history that wakes nobody")
        if resource.kept and not resource.history:
            raise ValueError(f"{resource.kind} is forgotten in time: a history")
        if resource.open_among and resource.history:
            raise ValueError(f"{resource.kind} is a history: none of its rows is judged gone")
        if resource.heard_wholly and not resource.events:
            raise ValueError(f"{resource.kind} hears nothing, so it is not heard wholly")
        for needed in filter(None, (resource.asked_by, resource.parent and resource.parent[0])):
            if needed not in self.by_kind:
                raise ValueError(f"{resource.kind} names {needed}, which is not declared before it")
        self.by_kind[resource.kind] = resource
        return resource

    def get(self, kind: str) -> Resource:
        """Return the resource of a kind; KeyError where its app is not installed."""
        return self.by_kind[kind]

    def of(self, provider: str) -> list[Resource]:
        """Resources swept in this provider's scopes, parents first."""
        return [resource for resource in self if resource.provider == provider]

    def kinds_in(self, model: "type[Mirrored]") -> list[str]:
        """Return the kinds whose rows lie in a model: several, where providers share a shape."""
        return [resource.kind for resource in self if resource.model is model]

    def kind_of(self, row: "Mirrored") -> str:
        """Return the kind of a row, which its scope's provider tells; the scope must be loaded."""
        mine = (r.kind for r in self.of(row.scope.provider) if isinstance(row, r.model))
        return next(mine)

    def children(self, kind: str) -> list[Resource]:
        """Resources whose parents are rows of `kind`."""
        return [resource for resource in self if resource.asked_by == kind]

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.by_kind.values())


REGISTER = Register()
