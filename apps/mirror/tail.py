"""Follows the log of the house in one thread per web process and tells open pages what moved.

The thread reads `Change` by id; the bus only wakes it, so a change written by another process
reaches pages within a second even where no bus joins the two. A row's picture is rendered once per
change, whoever looks at it, and only if somebody does.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Max
from django.utils.timezone import now

from apps.live.bus import BUS, CHANGES
from apps.live.fragment import FRAGMENTS, Fragment

from .looks import LOOKS
from .models import Change
from .resource import REGISTER

log = logging.getLogger(__name__)

# Without a wake-up the log is read this often (seconds).
PATIENCE = 1.0
# Ids may commit out of order: a missing id is waited for this long before it is given up.
GAP_PATIENCE = 5.0
# More changes than this while a page was away, and it had better fetch itself anew.
LONGEST_REPLAY = 500
READ_AT_ONCE = 2_000
TOUCH_EVERY = 2.0
# With no page open for so long the thread ends; the next page starts another.
IDLE = 30.0
# Not sent: it ends a stream.
CLOSING = "closing"
# So many ids before the newest are looked at for gaps when following begins.
OVERLAP = 100


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
    """

    user: Any
    send: Callable[[Message], None]
    fragments: dict[str, set[int]] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    looks: dict[tuple[str, int], int] = field(default_factory=dict)
    scopes: bool = False
    asides: set[tuple[str, int]] = field(default_factory=set)
    owed: set[str] = field(default_factory=set)
    told_at: float = 0.0
    closed: bool = False


def listener_for(user: Any, topics: Iterable[str], send: Callable[[Message], None]) -> Listener:
    """Read a page's topics: "pipeline-row:12", "list:<kind>", "touched:<kind>", "log:5@120".

    And "aside:<kind>@<scope id>": what was read aside there touches that kind.

    Topics nobody knows are left out: a page of an older release keeps working.
    """
    listener = Listener(user=user, send=send)
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
        elif name in LOOKS.by_name:
            listener.looks[name, row_id] = number_in(first) or 0
        elif name in FRAGMENTS.by_name:
            listener.fragments.setdefault(name, set()).add(row_id)
    return listener


def number_in(text: str) -> int | None:
    """Return the id a page has sent, None where it is none that a database can hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class Tail:
    """The one follower of a process."""

    def __init__(self) -> None:
        self.last = 0
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._deaf: Callable[[], None] = lambda: None
        self._waiting: set[str] = set()
        self._ahead: dict[int, float] = {}

    def add(self, listener: Listener) -> None:
        """Begin to tell a page; starts the thread with the first one."""
        with self._lock:
            if listener.closed:
                # The page went while this was waiting for its turn.
                return
            self._listeners.add(listener)
            if self._thread is None or not self._thread.is_alive():
                self._begin()
                BUS.start()
                self._deaf = BUS.subscribe(self._heard)
                self._thread = threading.Thread(target=self._follow, name="tail", daemon=True)
                self._thread.start()

    def remove(self, listener: Listener) -> None:
        """Stop telling a page."""
        with self._lock:
            listener.closed = True
            self._listeners.discard(listener)

    def replay(self, listener: Listener, since: int | None) -> None:
        """Tell a page what it missed since a change, or that it had better fetch itself anew.

        None: it knows of no change that it could have missed; only what it follows is told.
        """
        if since is not None:
            missed = list(Change.objects.filter(pk__gt=since).order_by("pk")[: LONGEST_REPLAY + 1])
            oldest = Change.objects.order_by("pk").values_list("pk", flat=True).first()
            if len(missed) > LONGEST_REPLAY or (oldest is not None and oldest > since + 1):
                listener.send(Message("refresh", json.dumps({"topic": "gap"}), newest_change()))
            elif missed:
                self._tell(missed, [listener], max(since, min(missed[-1].pk, self.last)))
        self.tell_looks(listener)

    def _begin(self) -> None:
        """Begin at the newest change; an id missing shortly before it may still be committed."""
        newest = newest_change()
        self.last = max(0, newest - OVERLAP)
        known = Change.objects.filter(pk__gt=self.last, pk__lte=newest)
        self._ahead = dict.fromkeys(known.values_list("pk", flat=True), time.monotonic())

    def tell_looks(self, listener: Listener) -> None:
        """Tell a page what its followed logs have that it has not: a message may have been lost."""
        for (name, row_id), first in list(listener.looks.items()):
            self._tell_look(name, row_id, [(listener, first)])

    def close(self) -> None:
        """Let every open stream of this process end, because the process does."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.send(Message(CLOSING, ""))

    def _heard(self, topic: str, text: str) -> None:
        if topic != CHANGES:
            with self._lock:
                self._waiting.add(f"scope:{text}" if topic == "scope" else topic)
        self._wake.set()

    def _follow(self) -> None:
        try:
            used_at = time.monotonic()
            while not self._is_over(used_at):
                if self._listeners:
                    used_at = time.monotonic()
                self._wake.wait(PATIENCE)
                self._wake.clear()
                try:
                    close_old_connections()
                    self._turn()
                except Exception:
                    # A database that is away for a moment must not end the stream for good.
                    log.exception("tail.failed")
                    time.sleep(1)
        finally:
            connection.close()

    def _is_over(self, used_at: float) -> bool:
        """Whether nobody has listened for long; then the next to come begins anew."""
        with self._lock:
            if self._listeners or time.monotonic() - used_at < IDLE:
                return False
            self._thread = None
            self._deaf()
            return True

    def _turn(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
            topics, self._waiting = self._waiting, set()
        before = self.last, dict(self._ahead)
        try:
            self._tell_all(listeners, topics)
        except DatabaseError:
            # Nothing is lost: all of it is told in the next turn.
            self.last, self._ahead = before
            with self._lock:
                self._waiting |= topics
            raise

    def _tell_all(self, listeners: list[Listener], topics: set[str]) -> None:
        changes = self._new_changes()
        if changes and listeners:
            self._tell(changes, listeners, self.last)
        if any(topic.startswith("scope:") for topic in topics):
            for listener in listeners:
                if listener.scopes:
                    listener.owed.add("scope")
        for topic in topics:
            name, _, number = topic.partition(":")
            if name == "aside":
                kind, _, place = number.partition("@")
                for listener in listeners:
                    if (kind, number_in(place) or 0) in listener.asides:
                        listener.owed.add(kind)
                continue
            wanted = (name, number_in(number) or 0)
            if name in LOOKS.by_name:
                self._tell_look(
                    *wanted,
                    [(one, one.looks[wanted]) for one in listeners if wanted in one.looks],
                )
        self._pay(listeners)

    def _new_changes(self) -> list[Change]:
        """Read on from the newest id; a gap is waited for, what came after it is told already."""
        newest = max(self._ahead, default=self.last)
        gaps = (pk for pk in range(self.last + 1, newest) if pk not in self._ahead)
        awaited = list(islice(gaps, READ_AT_ONCE))
        found = [
            # An id that a writer has taken may be committed late, or never.
            *Change.objects.filter(pk__in=awaited).order_by("pk"),
            *Change.objects.filter(pk__gt=newest).order_by("pk")[:READ_AT_ONCE],
        ]
        at = time.monotonic()
        self._ahead.update({change.pk: at for change in found})
        while self._ahead:
            following = self.last + 1
            if following in self._ahead:
                del self._ahead[following]
                self.last = following
                continue
            first = min(self._ahead)
            if at - self._ahead[first] < GAP_PATIENCE:
                break
            self.last = first - 1
        return found

    def _tell(self, changes: Iterable[Change], listeners: list[Listener], upto: int) -> None:
        """Tell of changes; the last message to each page bears the id `upto`.

        Nothing up to there is missing, so a connection that is cut before asks for all again.
        """
        moved, listed = _moved(changes)
        seen = Seen(moved)
        news: dict[Listener, list[Message]] = {listener: [] for listener in listeners}
        for kind in moved:
            for fragment in FRAGMENTS.of(kind):
                for listener, message in self._fragments(fragment, kind, listeners, seen):
                    news[listener].append(message)
        for listener, messages in news.items():
            for kind in sorted(listener.lists & listed.keys()):
                if not seen.some(kind, listed[kind], listener.user):
                    continue
                messages.append(Message("refresh", json.dumps({"topic": f"list:{kind}"})))
            for message in messages[:-1]:
                listener.send(message)
            for message in messages[-1:]:
                listener.send(replace(message, change=upto))
            listener.owed |= {
                kind
                for kind in listener.touched & moved.keys()
                if seen.some(kind, moved[kind], listener.user)
            }

    def _fragments(
        self, fragment: Fragment, kind: str, listeners: list[Listener], seen: "Seen"
    ) -> Iterator[tuple[Listener, Message]]:
        """Yield what each page shows of a kind's rows that moved, rendered once for all."""
        ids = seen.moved[kind]
        interested = [
            (listener, shown)
            for listener in listeners
            if (shown := listener.fragments.get(fragment.name, set()) & ids)
        ]
        if not interested:
            return
        wanted = sorted(set().union(*(shown for _, shown in interested)))
        try:
            drawn = fragment.render(wanted)
        except DatabaseError:
            raise
        except Exception:
            # One broken picture must not keep the others from anybody.
            log.exception("fragment.failed", extra={"fragment": fragment.name})
            return
        messages = {
            pk: Message("fragment", json.dumps({"id": fragment.element_id(pk), "html": html}))
            for pk, html in drawn.items()
        }
        for listener, shown in interested:
            allowed = seen.among(kind, listener.user)
            for pk in sorted(shown & allowed & messages.keys()):
                yield listener, messages[pk]

    def _tell_look(self, name: str, row_id: int, listeners: list[tuple[Listener, int]]) -> None:
        look = LOOKS.by_name[name]
        for listener, first in listeners:
            if not look.permitted(listener.user, row_id):
                continue
            more = True
            while more:
                told = dict(look.since(row_id, first))
                for beside in told.pop("fragments", ()):
                    listener.send(Message("fragment", json.dumps(beside)))
                more = bool(told.pop("more", False)) and told["next"] > first
                first = listener.looks[name, row_id] = int(told["next"])
                if told["html"] or told["done"]:
                    listener.send(Message("append", json.dumps(told)))

    def _pay(self, listeners: list[Listener]) -> None:
        """Send owed "touched" messages, to each page at most one every two seconds."""
        at = time.monotonic()
        for listener in listeners:
            if listener.owed and at - listener.told_at >= TOUCH_EVERY:
                kinds, listener.owed, listener.told_at = sorted(listener.owed), set(), at
                listener.send(Message("touched", json.dumps({"kinds": kinds})))


class Seen:
    """Which of the rows that moved each reader may know of, asked once a turn for each of them.

    Asked anew each turn, so that losing a membership ends the news at once.
    """

    def __init__(self, moved: dict[str, set[int]]) -> None:
        self.moved = moved
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


def _moved(changes: Iterable[Change]) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """Return the ids by kind that may look different, and those that came or went."""
    moved: dict[str, set[int]] = {}
    listed: dict[str, set[int]] = {}
    for change in changes:
        if change.verb != Change.Verb.CHANGED:
            listed.setdefault(change.kind, set()).add(change.row_id)
        for subject in change.subjects:
            kind, _, number = subject.rpartition(":")
            moved.setdefault(kind, set()).add(int(number))
    return moved, listed


def newest_change() -> int:
    """Return the id of the newest change, 0 where there is none."""
    return int(Change.objects.aggregate(newest=Max("pk"))["newest"] or 0)


def iso_now() -> str:
    """Return the present as pages read it."""
    return now().isoformat()


def tell_aside(kind: str, scope_id: int) -> None:
    """Let open pages know that what a scope keeps beside a kind's rows is newer.

    That is no mirrored row, so there is no Change that would tell.
    """
    BUS.publish(f"aside:{kind}@{scope_id}")


TAIL = Tail()
