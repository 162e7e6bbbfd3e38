"""How connected accounts fare, in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from apps.mirror.causes import Cause, causes_of
from apps.mirror.health import KindHealth, kind_health, scope_ages

from .models import Account, Place
from .purge import is_being_purged

if TYPE_CHECKING:
    from apps.mirror.models import Scope


@dataclass(kw_only=True, slots=True)
class Card:
    """An account in the list.

    causes  what keeps kinds from being read, each told once, the gravest first.
    oldest  (scope, when it was read) of the region whose rows are the oldest.
    """

    account: Account
    places: list[Place]
    swept: int
    troubles: int
    causes: list[Cause]
    last_event: datetime | None
    oldest: tuple[int, datetime | None] | None
    purging: bool

    @property
    def was_read(self) -> bool:
        """Whether something of it was read."""
        return self.oldest is not None and self.oldest[1] is not None

    @property
    def state(self) -> str:
        """The state whose colour and icon show it."""
        if self.account.parked_at:
            return "stopped"
        if self.account.identity_error:
            return "failed"
        if not self.swept:
            return "stopped" if self.account.account_id or self.account.paused else "moving"
        if self.troubles:
            return "failed"
        return "done" if self.was_read else "moving"

    @property
    def word(self) -> str:
        """How it fares, in a few words."""
        if self.purging:
            return "being deleted"
        if self.account.parked_at:
            return "put aside by this start"
        if self.account.identity_error:
            return "not identified"
        if not self.swept:
            resting = self.account.account_id or self.account.paused
            return "not swept" if resting else "being identified"
        if self.troubles:
            return f"{self.troubles} in trouble"
        return "healthy" if self.was_read else "first sweep"


@dataclass(kw_only=True, slots=True)
class PlaceHealth:
    """A region of an account, its kinds, and how old what pages show of it is."""

    place: Place
    kinds: list[KindHealth]
    at: datetime | None

    @property
    def troubles(self) -> list[KindHealth]:
        """Kinds that somebody should do something about."""
        return [kind for kind in self.kinds if kind.troubled]

    @property
    def causes(self) -> list[Cause]:
        """What keeps kinds from being read, each told once."""
        return causes_of(self.troubles)


def cards(accounts: Iterable[Account]) -> list[Card]:
    """Return one card an account; their places and scopes must be prefetched."""
    accounts = list(accounts)
    health = _health_by_scope(accounts)
    ages = _ages(accounts)
    return [_card(account, health, ages) for account in accounts]


def places_of(account: Account) -> list[PlaceHealth]:
    """Return the regions of one account with their kinds; prefetched as for `cards`."""
    health, ages = _health_by_scope([account]), _ages([account])
    return [
        PlaceHealth(place=place, kinds=health.get(place.scope_id, []), at=ages[place.scope_id])
        for place in account.places.all()
    ]


def events_of(account: Account) -> datetime | None:
    """Return when the last event of any region came."""
    return _latest(place.scope.last_event_at for place in account.places.all())


def _card(
    account: Account, health: dict[int, list[KindHealth]], ages: dict[int, datetime | None]
) -> Card:
    places = list(account.places.all())
    kinds = [kind for place in places for kind in health.get(place.scope_id, [])]
    troubled = [kind for kind in kinds if kind.troubled]
    return Card(
        account=account,
        places=places,
        swept=sum(place.scope.enabled for place in places),
        troubles=len(troubled),
        causes=causes_of(troubled),
        last_event=events_of(account),
        oldest=_oldest([place for place in places if place.scope.enabled] or places, ages),
        purging=is_being_purged(account),
    )


def _health_by_scope(accounts: Iterable[Account]) -> dict[int, list[KindHealth]]:
    scopes: list[Scope] = [
        place.scope for account in accounts for place in account.places.all() if place.scope.enabled
    ]
    found: dict[int, list[KindHealth]] = {}
    for item in kind_health(scopes):
        found.setdefault(item.scope.pk, []).append(item)
    return found


def _ages(accounts: Iterable[Account]) -> dict[int, datetime | None]:
    """Return how old what pages show of each region is, as Health and the foot of pages say it."""
    return scope_ages(place.scope for account in accounts for place in account.places.all())


def _oldest(
    places: Iterable[Place], ages: dict[int, datetime | None]
) -> tuple[int, datetime | None] | None:
    """Return the scope whose rows are the oldest; one that was never read, where none was."""
    told = [(place.scope_id, ages[place.scope_id]) for place in places]
    read = [(at, scope) for scope, at in told if at is not None]
    if read:
        at, scope = min(read)
        return scope, at
    return told[0] if told else None


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
