"""What can be done to things outside: each service declares its acts; the register has them all.

    page ──ask──▶ Deed ──perform──▶ Doer ──▶ record and keyed re-read

An `Act` is what is offered, to whom, in which words; its `Doer` is how it is done. Whatever goes
wrong while it is done is one of three errors, because what follows differs: what was refused is
told, what was not sent is sent later, and what may have been done is looked for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from apps.audit.verbs import VERBS, Verb
from apps.aws.policy import WRITE_OPERATIONS
from apps.mirror.resource import Names
from apps.projects.roles import Role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from .forms import ActForm
    from .models import Deed


# What acts stand under in the activity of projects.
ACTIVITY = "Deeds"


class RefusedError(Exception):
    """Whoever was asked said no, and nothing was done.

    The text is their own words, without anything secret; `cure` says what to do, "" where nobody
    knows; `request` is the id of the request, "" where it has none.
    """

    def __init__(self, reason: str, cure: str = "", request: str = "") -> None:
        super().__init__(reason)
        self.cure, self.request = cure, request


class LaterError(Exception):
    """Nothing was sent, or it was turned away unread (throttled): it may be sent again.

    after  how long that is no use; None where nobody said.
    """

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class UnsureError(Exception):
    """It was sent and no answer came (a timeout, a 5xx): it may have been done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What came of a deed.

    request  id of the request that did it, "" where it was not that request (it was so already).
    kind     of what it made, and its `key` there: ("codepipeline.execution", its id). "" for none.
    name     what people call that.
    url      its page outside, "" for none.
    told     a sentence on how it ended, where more is known than that it was done.
    """

    request: str = ""
    kind: str = ""
    key: str = ""
    name: str = ""
    url: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """That a thing stands otherwise by now than the person saw it: what it is, in a sentence."""

    told: str


@dataclass(frozen=True, slots=True)
class Untold:
    """That what was sent has its effect, by whosever hand: what stands there now, in words.

    Where AWS keeps no token, reason or description of a request, somebody else's effect looks like
    ours. It is never told as ours: a person is asked.
    """

    stands: str

    @property
    def told(self) -> str:
        """As the end of a deed."""
        return f"{self.stands}; whether by this or by somebody else cannot be told."


class Doer(Protocol):
    """How an act is done. Called in a task, never by a page; each may raise the errors above.

    Where an API takes a client token, `repeats` is how long the same deed may be sent again and is
    still one; what was sent before that is looked for. Where it takes none, it is None.
    """

    @property
    def repeats(self) -> timedelta | None:
        """How long; see above."""

    def stands(self, deed: "Deed", row: Any) -> Moved | Done | None:
        """Look at the thing before it is acted on.

        None where it stands as the person saw it; `Done` where it is already as it was to be.
        """

    def send(self, deed: "Deed", row: Any) -> Done:
        """Do it."""

    def found(self, deed: "Deed", row: Any) -> Done | Untold | None:
        """Look for the effect of what was sent and not answered; None where there is none.

        `Done` alone where something tells it from everybody else's.
        """


def _named(deed: "Deed") -> str:
    return deed.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """Something that people do to a thing.

    name      "codepipeline.release"; the part before the dot is the room's.
    kind      of what it is done to.
    label     what its button says: "Release change".
    group     what acts are listed under, and allowed by: "Pipelines".
    icon      of Lucide.
    told      how it is read after a person's name: "released a change of {what}".
    needed    the least role in a project that holds the thing.
    calls     operations that it makes and that no sweep makes, "service:Operation". The IAM
              statement is printed from them. None: it is done outside AWS, where no account's
              permit is asked for.
    arns      what it needs them for, with {partition} and {account}; none: whatever the services
              of its calls have in the account.
    grants    (partition, account) -> what IAM has to allow instead, as {tuple of ARNs: actions},
              where that is more than its calls: CloudFormation calls as whoever asks it.
    beyond    (partition, account) -> statements of what AWS does besides those calls with the
              caller's permissions, {Action, Resource, Condition}; `beyond_page` is where AWS
              tells it.
    offered   row -> "" where it can be done as things stand, why not where it cannot be now, None
              where it is no act of such a thing at all: then no button is shown.
    form      what the person is asked.
    effect    (row, what they said) -> what will happen, each a sentence.
    seen      row -> what the person goes by; where it differs when it is to be done, it is refused.
    doer      how it is done.
    reread    (deed, row) -> what is read again afterwards; the thing itself by its key.
    grave     it takes something away or cannot be taken back: its button says so, and it asks why.
    rare      it is folded away where a page offers much.
    bundle    what is allowed together with others of the same name, "" for what stands alone.
    alone     not two of it at once on one thing: whoever comes second is told of the first.
    called    row -> what people call the thing, where its key says nothing to them.
    words     deed -> what it was done to, as it is told: its name, and whatever says more.
    activity  what it stands under in the activity of projects.
    page      how the page of such a deed is drawn, where not as all others are.
    """

    name: str
    kind: str
    label: str
    group: str
    icon: str
    told: str
    doer: Doer
    needed: Role = Role.CONTRIBUTOR
    calls: Sequence[str] = ()
    arns: Sequence[str] = ()
    grants: Callable[[str, str], Mapping[tuple[str, ...], Iterable[str]]] | None = None
    beyond: Callable[[str, str], Sequence[Mapping[str, Any]]] = lambda _partition, _account: ()
    beyond_page: str = ""
    offered: Callable[[Any], str | None] = lambda _row: ""
    form: "type[ActForm] | None" = None
    effect: Callable[[Any, Mapping[str, Any]], Iterable[str]] = lambda _row, _said: ()
    seen: Callable[[Any], Mapping[str, Any]] = lambda _row: {}
    reread: "Callable[[Deed, Any], Iterable[Names]] | None" = None
    grave: bool = False
    rare: bool = False
    bundle: str = ""
    alone: bool = True
    called: Callable[[Any], str] = str
    words: "Callable[[Deed], str]" = _named
    activity: str = ACTIVITY
    page: "Callable[[HttpRequest, Deed], HttpResponse] | None" = None

    def names(self, deed: "Deed", row: Any) -> Iterable[Names]:
        """What is read again after a deed."""
        if self.reread is not None:
            return self.reread(deed, row)
        return [Names(kind=self.kind, key=row.key)]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a thing that can be acted on: `name` is what it is called on the thing's page."""

    kind: str
    row: Any
    name: str


# (reader, row, what they said) -> what else they are told will happen, by who knows more of it than
# the act's own service; as far as that reader may know of it.
Besides = Callable[[Any, Any, Mapping[str, Any]], Iterable[str]]
# The row of a thing -> its parts on which the thing's page offers acts, too.
Parts = Callable[[Any], Sequence[Part]]


@dataclass(slots=True)
class Acts:
    """The register of acts, in the order in which pages offer them."""

    by_name: dict[str, Act] = field(default_factory=dict)
    # By kind: what its page offers acts on besides the thing itself.
    parts: dict[str, Parts] = field(default_factory=dict)
    # By kind: of which kinds these may be. A page hears of them from its first moment on.
    part_kinds: dict[str, Sequence[str]] = field(default_factory=dict)
    # By act: what rooms above its service tell of its effect.
    besides: dict[str, list[Besides]] = field(default_factory=lambda: defaultdict(list))

    def add_parts(self, kind: str, parts: Parts, *kinds: str) -> None:
        """Let the page of a kind offer acts on parts, which are of these kinds."""
        self.parts[kind], self.part_kinds[kind] = parts, kinds

    def heard_by(self, kind: str) -> str:
        """The kinds whose changes may bring or take what a page offers, with spaces between."""
        return " ".join(dict.fromkeys((kind, *self.part_kinds.get(kind, ()))))

    def add(self, act: Act) -> Act:
        """Add one. Raises ValueError for a name that is taken."""
        if act.name in self.by_name:
            raise ValueError(f"act {act.name} is declared twice")
        VERBS.add(Verb(act.name, act.told, act.activity, act.icon))
        WRITE_OPERATIONS.update(act.calls)
        self.by_name[act.name] = act
        return act

    def effect(self, user: Any, act: Act, row: Any, meant: Mapping[str, Any]) -> list[str]:
        """What a reader is told will happen."""
        told = [
            act.effect(row, meant),
            *(tell(user, row, meant) for tell in self.besides[act.name]),
        ]
        return [line for lines in told for line in lines]

    def of(self, kind: str) -> list[Act]:
        """Acts on things of a kind."""
        return [act for act in self.by_name.values() if act.kind == kind]

    def grouped(self, *, at_aws: bool = False) -> dict[str, list[Act]]:
        """All of them, by group; or those alone that an account's permit is asked for."""
        found: dict[str, list[Act]] = {}
        for act in self.by_name.values():
            if act.calls or not at_aws:
                found.setdefault(act.group, []).append(act)
        return found


ACTS = Acts()
