"""An open page: whose it is, which topics it follows, and what it may be told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model

from apps.live.fragment import FRAGMENTS

from .looks import LOOKS
from .models import Scope
from .resource import REGISTER
from .visibility import VISIBILITY

# What the end of a page's right to be open is called: the browser asks for the page anew, and is
# told what a stranger is told.
LOST = "lost"
# What is no mirrored row and has a page: "project" -> (user, id) -> whether they may be in.
ROOMS: dict[str, Callable[[Any, int], bool]] = {}


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event: its name, its data as JSON text, and the change it tells of."""

    event: str
    data: str
    change: int = 0

    def encode(self) -> bytes:
        """Return it as it goes over the wire."""
        head = f"id: {self.change}\n" if self.change else ""
        return f"{head}event: {self.event}\ndata: {self.data}\n\n".encode()


@dataclass(eq=False, slots=True)
class Listener:
    """One open page: whose it is, what it shows, and how to hand it a message.

    fragments  fragment name -> row ids shown.    lists    kinds whose list is shown.
    touched    kinds whose summaries are shown.   looks    (look, row id) that are followed.
    scopes     whether first-sweep progress or health is shown.
    asides     (kind, scope id) of what is kept beside rows and shown: it has no `Change`.
    rooms      (room, id) that the page is of; see `ROOMS`.
    generation of who may know of what, when that was last asked.
    incomplete whether it named a row that its reader may not know of, or that is not there.
    """

    user: Any
    send: Callable[[Message], None]
    fragments: dict[str, set[int]] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    looks: dict[tuple[str, int], int] = field(default_factory=dict)
    scopes: bool = False
    asides: set[tuple[str, int]] = field(default_factory=set)
    rooms: set[tuple[str, int]] = field(default_factory=set)
    generation: str = ""
    incomplete: bool = False
    owed: set[str] = field(default_factory=set)
    told_at: float = 0.0
    closed: bool = False


def listener_for(user: Any, topics: Iterable[str], send: Callable[[Message], None]) -> Listener:
    """Read a page's topics: "pipeline-row:12", "list:<kind>", "touched:<kind>", "log:5@120".

    And "aside:<kind>@<scope id>": what was read aside there touches that kind; "project:3": the
    page is of what has that name in `ROOMS`.

    Topics nobody knows are left out: a page of an older release keeps working. So are rows that
    the reader may not know of, like those that are not there.
    """
    listener = Listener(user=user, send=send, generation=VISIBILITY.rule.generation(user))
    for topic in topics:
        name, _, rest = topic.partition(":")
        number, _, first = rest.partition("@")
        if name == "list" and rest in REGISTER.by_kind:
            listener.lists.add(rest)
        elif name == "touched" and (rest in REGISTER.by_kind or rest == "scope"):
            listener.touched.add(rest)
            listener.scopes |= rest == "scope"
        elif name == "aside" and number in REGISTER.by_kind:
            listener.asides.add((number, number_in(first) or 0))
        elif (row_id := number_in(number)) is None:
            continue
        elif name in ROOMS:
            listener.rooms.add((name, row_id))
        elif name in LOOKS.by_name:
            listener.looks[name, row_id] = number_in(first) or 0
        elif name in FRAGMENTS.by_name:
            listener.fragments.setdefault(name, set()).add(row_id)
    _keep_what_is_seen(listener)
    return listener


def _keep_what_is_seen(listener: Listener) -> None:
    for name, ids in listener.fragments.items():
        rows = REGISTER.get(FRAGMENTS.by_name[name].of).model._default_manager.filter(pk__in=ids)
        seen = set(rows.visible_to(listener.user).order_by().values_list("pk", flat=True))
        listener.incomplete |= seen < ids
        listener.fragments[name] = seen


def is_somebodys(listener: Listener) -> bool:
    """Whether an open page's reader is still let in; what they are is asked for anew."""
    user = get_user_model().objects.filter(pk=listener.user.pk, is_active=True).first()
    listener.user = user or listener.user
    return user is not None


def may_stay(listener: Listener) -> bool:
    """Whether an open page may go on to be told: its reader may know of all that it showed."""
    user = listener.user
    if not all(ROOMS[name](user, row_id) for name, row_id in listener.rooms):
        return False
    shown: dict[str, set[int]] = {}
    for name, ids in listener.fragments.items():
        shown.setdefault(FRAGMENTS.by_name[name].of, set()).update(ids)
    for kind, ids in shown.items():
        rows: Any = REGISTER.get(kind).model._default_manager.filter(pk__in=ids).order_by()
        # What was forgotten in time is no secret.
        if rows.visible_to(user).count() < rows.count():
            return False
    return True


def number_in(text: str) -> int | None:
    """Return the id a page has sent, None where it is none that a database can hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class Seen:
    """Which of the rows and scopes that moved a reader may know of, asked once a turn for each.

    Asked anew each turn, so that losing a membership ends the news at once.
    """

    def __init__(self, moved: dict[str, set[int]], scopes: Iterable[int] = ()) -> None:
        self.moved = moved
        self.scopes = set(scopes)
        self._allowed: dict[tuple[Any, str], set[int]] = {}

    def among(self, kind: str, user: Any) -> set[int]:
        """Return the ids of a kind that moved and that this user may know of."""
        name = (user.pk, kind)
        if name not in self._allowed:
            rows = REGISTER.get(kind).model._default_manager.filter(pk__in=self.moved[kind])
            self._allowed[name] = set(rows.visible_to(user).values_list("pk", flat=True))
        return self._allowed[name]

    def some(self, kind: str, ids: set[int], user: Any) -> bool:
        """Whether this user may know of any of these."""
        return not self.among(kind, user).isdisjoint(ids)

    def somewhere(self, scope_id: int, user: Any) -> bool:
        """Whether this user may know of a scope in which something moved aside."""
        name = (user.pk, "scope")
        if name not in self._allowed:
            rows = Scope.objects.filter(VISIBILITY.of_scopes(user), pk__in=self.scopes)
            self._allowed[name] = set(rows.order_by().values_list("pk", flat=True))
        return scope_id in self._allowed[name]
