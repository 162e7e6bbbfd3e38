"""Everything that exists in the simulated accounts: places, their stores, and chance."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from apps.sandbox.clock import Scheduler
from apps.sandbox.principals import Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apps.sandbox.eventbridge import Bus
    from apps.sandbox.gateway import Gateway
    from apps.sandbox.posting import Poster

T = TypeVar("T")

#: Members of the event envelope's detail.
Detail = dict[str, Any]


class Place:
    """One account in one region; each service keeps its store here: ``place.of(PipelineStore)``."""

    def __init__(self, world: World, account: str, region: str) -> None:
        self.world, self.account, self.region = world, account, region
        self._stores: dict[Callable[[Place], Any], Any] = {}

    def of(self, kind: Callable[[Place], T]) -> T:
        """The store of class ``kind`` here, made with ``kind(place)`` when first asked for."""
        if kind not in self._stores:
            self._stores[kind] = kind(self)
        store: T = self._stores[kind]
        return store

    def arn(self, service: str, resource: str) -> str:
        """``arn:aws:<service>:<region>:<account>:<resource>``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def emit(self, source: str, detail_type: str, detail: Detail, resources: list[str]) -> None:
        """Put a service event on this place's default bus; a past that is replayed sends none."""
        bus = self.world.bus
        if bus is not None:
            bus.emit(self, source, detail_type, detail, resources)


class World:
    """All places, the scheduler, the seed, and the counts of calls."""

    def __init__(self, *, seed: int, speed: float) -> None:
        self.seed = seed
        self.scheduler = Scheduler(speed)
        self.lock = self.scheduler.lock
        self.directory = Directory()
        self.bus: Bus | None = None
        self._counting = threading.Lock()
        self.calls: Counter[tuple[str, str, str, str]] = Counter()
        self._places: dict[tuple[str, str], Place] = {}
        self._stores: dict[Callable[[World], Any], Any] = {}
        #: Where this world answers (``http://host:port``), as it calls itself in what it sends.
        self.address = "http://127.0.0.1"
        #: Sends webhooks; None while a past is replayed, which tells nobody.
        self.poster: Poster | None = None
        #: The front door, for calls that AWS's services make of each other (see ``inside``).
        self.door: Gateway | None = None
        #: Nobody works in it of their own accord: what happens is what somebody asks for.
        self.quiet = False

    @property
    def lives(self) -> bool:
        """Whether people go on working in it; at speed 0 all of that would be at once."""
        return self.scheduler.speed > 0 and not self.quiet

    def of(self, kind: Callable[[World], T]) -> T:
        """The store of class ``kind`` of what belongs to no account: GitHub's, Jira's."""
        if kind not in self._stores:
            self._stores[kind] = kind(self)
        store: T = self._stores[kind]
        return store

    def count(self, account: str, region: str, service: str, operation: str) -> None:
        """Count one call."""
        with self._counting:
            self.calls[account, region, service, operation] += 1

    def now(self) -> float:
        """Seconds since the epoch by the sandbox's clock."""
        return self.scheduler.now()

    def place(self, account: str, region: str) -> Place:
        """The place; every account and region exists, most are empty."""
        place = self._places.get((account, region))
        if place is None:
            place = self._places.setdefault((account, region), Place(self, account, region))
        return place

    def places(self) -> Iterator[Place]:
        """Every place that was ever named."""
        yield from list(self._places.values())

    def chance(self, *names: object) -> random.Random:
        """A random source of its own for these names.

        The same seed and names give the same numbers, whatever else happens at the same time.
        """
        seed = "/".join(str(part) for part in (self.seed, *names))
        return random.Random(seed)  # noqa: S311 - reproducible on purpose


def uuid_from(chance: random.Random) -> str:
    """A version 4 UUID drawn from ``chance``."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def hex_from(chance: random.Random, digits: int) -> str:
    """``digits`` hexadecimal digits drawn from ``chance`` (40 make a commit id)."""
    return f"{chance.getrandbits(digits * 4):0{digits}x}"
