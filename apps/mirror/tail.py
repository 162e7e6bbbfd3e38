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
from dataclasses import replace
from itertools import islice

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Max
from django.utils.timezone import now

from apps.live.bus import AUDIENCE, BUS, CHANGES
from apps.live.fragment import FRAGMENTS, Fragment

from .listener import LOST, Listener, Message, Seen, is_somebodys, may_stay, number_in
from .looks import LOOKS
from .models import Change, Scope
from .visibility import VISIBILITY

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
        if listener.incomplete:
            # Since it was drawn, a row of it went, or its reader may not know of it any more.
            listener.send(Message("refresh", json.dumps({"topic": AUDIENCE})))
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
        if AUDIENCE in topics:
            listeners = self._still_there(listeners)
        changes = self._new_changes()
        if changes and listeners:
            self._tell(changes, listeners, self.last)
        self._tell_scopes(listeners, topics)
        for topic in topics:
            name, _, number = topic.partition(":")
            wanted = (name, number_in(number) or 0)
            if name in LOOKS.by_name:
                self._tell_look(
                    *wanted,
                    [(one, one.looks[wanted]) for one in listeners if wanted in one.looks],
                )
        self._tell_asides(listeners, topics)
        self._pay(listeners)

    def _tell_scopes(self, listeners: list[Listener], topics: set[str]) -> None:
        """Let pages know that scopes were swept, or went; of those that readers may know of."""
        told = {number_in(topic.partition(":")[2]) for topic in topics if topic[:6] == "scope:"}
        scopes = {scope_id for scope_id in told if scope_id is not None}
        if not scopes:
            return
        seen = Seen({}, scopes)
        there = set(Scope.objects.filter(pk__in=scopes, parked=False).values_list("pk", flat=True))
        for listener in listeners:
            if listener.scopes and (
                scopes - there or any(seen.somewhere(one, listener.user) for one in there)
            ):
                listener.owed.add("scope")

    def _tell_asides(self, listeners: list[Listener], topics: set[str]) -> None:
        """Let pages know that what a scope keeps beside rows is newer; who may not see it, not."""
        told: set[tuple[str, int]] = set()
        for topic in topics:
            name, _, rest = topic.partition(":")
            kind, _, place = rest.partition("@")
            if name == "aside" and (scope_id := number_in(place)) is not None:
                told.add((kind, scope_id))
        seen = Seen({}, (scope_id for _, scope_id in told))
        for listener in listeners:
            for kind, scope_id in listener.asides & told:
                if seen.somewhere(scope_id, listener.user):
                    listener.owed.add(kind)

    def _still_there(self, listeners: list[Listener]) -> list[Listener]:
        """End the streams of who may not know any more what their pages show; the others look anew.

        Lists have other rows, and pictures other links, where others than before may know of them.
        """
        staying = []
        for listener in listeners:
            if not is_somebodys(listener):
                # It hears nothing more; the next heartbeat leads to the door.
                self.remove(listener)
                continue
            if not may_stay(listener):
                listener.send(Message(LOST, "{}"))
                self.remove(listener)
                continue
            staying.append(listener)
            listener.generation = VISIBILITY.rule.generation(listener.user)
            listener.send(Message("refresh", json.dumps({"topic": AUDIENCE})))
        return staying

    def look_again(self, listener: Listener) -> None:
        """Where another process changed who may know of what, and nobody told this one."""
        if not is_somebodys(listener):
            self.remove(listener)
        elif listener.generation != VISIBILITY.rule.generation(listener.user):
            self._still_there([listener])

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
        self, fragment: Fragment, kind: str, listeners: list[Listener], seen: Seen
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
