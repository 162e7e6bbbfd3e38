"""Looks: reads on demand that pages follow, cached and capped, one follower for all who watch.

    page or stream ──watch──▶ a task reads ──▶ LineStore (cache) ──bus──▶ stream ──since──▶ page

A service registers a look with the topic's name. Everything here lives in Django's cache and goes
through the bus alone, so that it is the same in one process and in many.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from apps.live.bus import BUS

from .linestore import Contents, LineStore

# A stream says this often at the latest that somebody still watches.
RENEW_SECONDS = 20
WATCHED_SECONDS = 45
# A follower that died is followed by another this much later. Longer than the longest call with all
# its retries (4 times 25 s and the pauses between), or two would read at once.
LEASE_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A read on demand, and what the stream does for its topic "<name>:<id>".

    provider   where it reads: "aws".
    calls      operations it makes, as `Resource.calls`; they count into the IAM policy.
    statements what the policy says for them instead, where that is not just their names.
    permitted  (user, id) -> whether this user may see it; asked again for as long as it streams.
    watch      id -> None: somebody looks; begins to read where nobody does. Say it again at least
               every `RENEW_SECONDS`, or reading stops.
    since      (id, first line wanted) -> {"id": element, "html", "first", "next", "done", "more",
               "fragments": [{"id", "html"}]}: lines from `first` (counted from 0) up to `next`.
               With `more`, ask again from `next` at once. `fragments` are elements beside the
               lines (what reading has to say), to be morphed.
    """

    name: str
    provider: str
    calls: Sequence[str]
    permitted: Callable[[Any, int], bool]
    watch: Callable[[int], None]
    since: Callable[[int, int], Mapping[str, Any]]
    statements: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class Looks:
    """The register of looks by name."""

    by_name: dict[str, Look] = field(default_factory=dict)

    def add(self, look: Look) -> Look:
        """Add one; its name is the part of a topic before the colon."""
        if look.name in self.by_name:
            raise ValueError(f"look {look.name} is declared twice")
        self.by_name[look.name] = look
        return look

    def of(self, provider: str) -> list[Look]:
        """Looks that read at this provider."""
        return [look for look in self.by_name.values() if look.provider == provider]


LOOKS = Looks()


@dataclass(frozen=True, slots=True)
class Follower:
    """Who reads one thing for all who watch it."""

    name: str

    def watch(self) -> str | None:
        """Say that somebody watches; return a ticket when a follower must be started with it."""
        cache.set(f"{self.name}:watched", 1, timeout=WATCHED_SECONDS)
        if cache.get(f"{self.name}:lease") is not None:
            return None
        # Until the started one takes its lease, the many that watch do not start more.
        if not cache.add(f"{self.name}:asked", 1, timeout=5):
            return None
        return secrets.token_hex(8)

    @property
    def watched(self) -> bool:
        """Whether somebody said so lately."""
        return cache.get(f"{self.name}:watched") is not None

    def take(self, ticket: str) -> bool:
        """Take the lease or renew one's own; False where another follower has it."""
        key = f"{self.name}:lease"
        if cache.add(key, ticket, timeout=LEASE_SECONDS):
            return True
        if cache.get(key) != ticket:
            return False
        cache.set(key, ticket, timeout=LEASE_SECONDS)
        return True

    def leave(self, ticket: str) -> None:
        """Give the lease back."""
        if cache.get(f"{self.name}:lease") == ticket:
            cache.delete_many([f"{self.name}:lease", f"{self.name}:asked"])


@dataclass(frozen=True, slots=True)
class Drawn:
    """Lines as HTML: from number `first` up to `next`, both counted from 0."""

    html: str
    first: int
    next: int
    more: bool


def watched(store: LineStore, follower: Follower, version: str | None = None) -> str | None:
    """Say that somebody looks; return a ticket where reading must be begun with it.

    What was read to its end is kept for another while. What could not be read is never `done`, so
    that it is asked for again. `version` tells what is read from what it was before; readers keep
    it as their `Contents.token`, where they have no other use for that.
    """
    contents = store.open()
    if contents is not None and contents.done and version in (None, contents.token):
        store.renew(contents)
        return None
    return follower.watch()


def read_whole(
    store: LineStore,
    follower: Follower,
    ticket: str,
    topic: str,
    read: Callable[[Contents], Sequence[str]],
) -> None:
    """Read all there is into the store and wake `topic`, where nobody else does.

    read  returns the lines, and says on the contents how reading them went.
    """
    if not follower.take(ticket):
        return
    earlier = store.open()
    contents = store.begin()
    if earlier is not None:
        # What pages say of an earlier reading they are told to say no more.
        contents.note, contents.noted = earlier.note, earlier.noted
    try:
        told = read(contents)
        if not follower.take(ticket):
            # Another reader came while a call hung; what it keeps is not mixed with this.
            return
        if told:
            store.extend(contents, told)
        store.save(contents)
        BUS.publish(topic, str(contents.next))
    finally:
        follower.leave(ticket)


def since(
    element: str,
    first: int,
    contents: Contents | None,
    draw: Callable[[Contents], Drawn],
    draw_note: Callable[[Contents], str],
) -> dict[str, Any]:
    """Return the lines of an element from number `first` (from 0) on; see `Look.since`.

    draw       draws what was read, from `first` on.
    draw_note  draws the element "<element>-note" beside the lines.
    """
    answer: dict[str, Any] = {
        "id": element,
        "html": "",
        "first": first,
        "next": first,
        "done": False,
        "more": False,
        "fragments": [],
    }
    if contents is None:
        return answer
    drawn = draw(contents)
    if first <= contents.noted:
        answer["fragments"].append({"id": f"{element}-note", "html": draw_note(contents)})
    done = contents.done and not drawn.more
    return answer | {"html": drawn.html, "next": drawn.next, "more": drawn.more, "done": done}
