"""How far the first sweeps are, and how old what is shown is, by scope."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import now

from apps.mirror.causes import Cause, cause_of, causes_of, root_of
from apps.mirror.health import (
    KindHealth,
    events_flow,
    kind_health,
    kind_troubles,
    scope_ages,
    visible_scopes,
)
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.provider import HARMLESS, Health
from apps.mirror.resource import REGISTER
from apps.mirror.versions import STALE
from apps.mirror.visibility import VISIBILITY
from apps.mirror.working import just_begun

# More kinds than this are told by the scope.
FEW = 6
# What keeps every kind of a scope from being read.
NOBODY_IN = (Health.CREDENTIALS, Health.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Step:
    """One kind in one scope that was never read to its end. `total` is None until it is known."""

    scope: Scope
    label: str
    done: int
    total: int | None
    started: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """The first sweeps as a whole: `done` of `total` kinds are in.

    steps    kinds that are read or wait, one by one where they are few, else those being read.
    waiting  (scope, how many kinds wait) where they are many.
    blocked  what cannot begin, one for each account and reason.
    nothing  whether no scope that is to be swept could be read so far, and each says why.
    """

    done: int = 0
    total: int = 0
    steps: Sequence[Step] = ()
    waiting: Sequence[tuple[Scope, int]] = ()
    blocked: Sequence["Blocked"] = ()
    nothing: bool = False

    @property
    def running(self) -> bool:
        """Whether a first sweep runs, or is about to."""
        return self.total > 0


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why nothing of an account can be read."""

    scope: Scope
    error: str
    cure: str


def first_sweeps(scopes: Iterable[Scope]) -> Progress | None:
    """Return how far the first sweeps are; None when every scope had its own."""
    scopes = [scope for scope in scopes if not scope.paused]
    blocked = _blocked(scopes)
    reasons = {(why.scope.label or why.scope.account, why.error): why for why in blocked.values()}
    fresh = [scope for scope in scopes if scope.first_swept_at is None and scope.pk not in blocked]
    nothing = bool(scopes) and len(blocked) == len(scopes)
    if not fresh:
        return Progress(blocked=list(reasons.values()), nothing=nothing) if blocked else None
    done, total, steps = _steps({scope.pk: scope for scope in fresh})
    expected = sum(len(REGISTER.of(scope.provider)) for scope in fresh)
    # Of an account that is being identified nothing can begin: its kinds tell no more than it.
    shown = [step for step in steps if step.scope.enabled]
    if len(shown) > FEW:
        shown = [step for step in shown if step.started][:FEW]
    waiting = Counter(step.scope for step in steps if step not in shown)
    return Progress(
        done=done,
        total=max(total, expected),
        steps=shown,
        waiting=list(waiting.items()),
        blocked=list(reasons.values()),
    )


def _steps(fresh: Mapping[int, Scope]) -> tuple[int, int, list[Step]]:
    """Return how many kinds of these scopes are in, of how many, and the others."""
    rows = Sweep.objects.filter(scope__in=fresh, kind__in=REGISTER.by_kind.keys()).order_by("pk")
    total = done = 0
    steps = []
    for sweep in rows:
        total += 1
        if sweep.finished_at is not None:
            done += 1
            continue
        label = REGISTER.get(sweep.kind).label
        steps.append(
            Step(fresh[sweep.scope_id], label, sweep.done, sweep.total, bool(sweep.started_at))
        )
    steps.sort(key=lambda step: (not step.started, str(step.scope)))
    return done, total, steps


def _blocked(scopes: Sequence[Scope]) -> dict[int, Blocked]:
    """Return which of the scopes cannot begin, and why: nothing of them was ever read.

    One that is swept may have a kind that is denied before the others were asked; that ends none.
    """
    read = Sweep.objects.filter(scope__in=scopes).exclude(last_success=None)
    known = set(read.values_list("scope_id", flat=True).distinct())
    unread = {scope.pk: scope for scope in scopes if scope.pk not in known}
    if not unread:
        return {}
    answered: set[int] = set()
    found: dict[int, Blocked] = {}
    rows = Operation.objects.filter(scope__in=unread)
    for row in rows.exclude(health=Health.NOT_TRIED).order_by("-last_error", "pk"):
        scope = unread[row.scope_id]
        if row.last_success is not None:
            answered.add(scope.pk)
        elif row.health not in HARMLESS and (_is_over(scope) or _keeps_all_out(row)):
            found.setdefault(scope.pk, Blocked(scope, row.error or row.code, row.cure))
    return {pk: why for pk, why in found.items() if pk not in answered}


def _is_over(scope: Scope) -> bool:
    """Whether nothing more will be tried of a scope for now."""
    return not scope.enabled or scope.first_swept_at is not None


def _keeps_all_out(row: Operation) -> bool:
    """Whether a trouble is that of every kind: one of credentials, or of opening the scope."""
    resource = REGISTER.by_kind.get(row.kind)
    opening = resource is not None and row.operation not in resource.calls
    return opening or row.health in NOBODY_IN


@dataclass(frozen=True, slots=True)
class Age:
    """How old what pages show of a scope is, and what cannot be read there as it should.

    stale     whether that is long ago, though there was time to read it again.
    starting  whether that is long ago because nobody worked until now.
    """

    scope: Scope
    at: datetime | None
    stale: bool
    starting: bool
    troubles: Sequence[KindHealth]

    @property
    def troubled(self) -> bool:
        """Whether something is wrong there."""
        return bool(self.troubles)

    @property
    def slowed(self) -> bool:
        """Whether nothing is wrong but that AWS asks to slow down."""
        return bool(self.troubles) and _only_slow(self.troubles)

    @property
    def refusal(self) -> KindHealth | None:
        """A kind whose trouble is that of all: credentials, or one cause for every kind."""
        if len(self.troubles) > 1 and len({cause_of(kind) for kind in self.troubles}) == 1:
            return self.troubles[0]
        return next((kind for kind in self.troubles if kind.state == Health.CREDENTIALS), None)


def _only_slow(kinds: Iterable[KindHealth]) -> bool:
    return all(kind.state == Health.THROTTLED for kind in kinds)


class House:
    """What a reader may know of, and how it fares; read once a page, whoever asks for it there."""

    def __init__(self, user: Any) -> None:
        self.reader = user

    @cached_property
    def scopes(self) -> list[Scope]:
        """The scopes that the reader may know of."""
        return visible_scopes(self.reader)

    @cached_property
    def kinds(self) -> list[KindHealth]:
        """How each kind fares in each of them."""
        return kind_health(self.scopes)

    @cached_property
    def troubles(self) -> list[KindHealth]:
        """The kinds with which something is wrong, as `kinds` tells them."""
        if "kinds" in self.__dict__:
            return [item for item in self.kinds if item.troubled]
        return kind_troubles(self.scopes)

    def kinds_in(self, scope: int) -> list[KindHealth]:
        """How each kind fares in one of them."""
        if "kinds" in self.__dict__:
            return [item for item in self.kinds if item.scope.pk == scope]
        return kind_health(one for one in self.scopes if one.pk == scope)

    @property
    def causes(self) -> int:
        """How many things have to be cured; one account's in several regions is one."""
        return len({(_whose(item.scope), *root_of(item)) for item in self.troubles})

    @cached_property
    def ages(self) -> dict[int, datetime | None]:
        """How old what is shown of each of them is."""
        return scope_ages(self.scopes)


def _whose(scope: Scope) -> str:
    return scope.account or scope.label


def house_of(request: HttpRequest) -> House:
    """Return the house as the reader of this page may see it."""
    house: House | None = getattr(request, "house", None)
    if house is None:
        house = request.house = House(request.user)  # type: ignore[attr-defined]
    return house


def ages(
    scopes: Sequence[Scope],
    kinds: Iterable[KindHealth],
    service: str = "",
    found: Mapping[int, datetime | None] | None = None,
) -> list[Age]:
    """Return one for each scope, in their order; with `service`, its kinds' troubles alone.

    found  how old each is, where that is known already.
    `service` may name several, with spaces between: hosts of one shape share their pages.
    """
    found = scope_ages(scopes) if found is None else found
    troubles: dict[int, list[KindHealth]] = {}
    services = service.split()
    for item in kinds:
        if item.troubled and (not services or REGISTER.get(item.kind).app_label in services):
            troubles.setdefault(item.scope.pk, []).append(item)
    edge = now() - STALE
    began = just_begun(STALE)
    result = []
    for scope in scopes:
        at = found[scope.pk]
        old = at is not None and at < edge and not scope.paused
        result.append(
            Age(
                scope=scope,
                at=at,
                stale=old and not began,
                starting=old and began,
                troubles=troubles.get(scope.pk, ()),
            )
        )
    return result


@dataclass(slots=True)
class ScopeHealth:
    """A scope on the health page: its kinds, the gravest first."""

    scope: Scope
    at: datetime | None
    kinds: list[KindHealth]

    @property
    def troubled(self) -> list[KindHealth]:
        """Kinds somebody should do something about."""
        return [kind for kind in self.kinds if kind.troubled]

    @property
    def causes(self) -> list[Cause]:
        """What keeps kinds from being read, each told once."""
        return causes_of(self.troubled, len(self.kinds))

    @property
    def events_trouble(self) -> dict[str, Any]:
        """Why its events cannot be listened to, {} where what keeps all out has said so already."""
        told: dict[str, Any] = self.scope.events_trouble
        shut = {cause.first.state for cause in self.causes if cause.first.state in NOBODY_IN}
        return {} if self.scope.paused or told.get("health") in shut else told

    @property
    def unread(self) -> bool:
        """Whether it is to be swept and nothing of it was read, nor known to lack the service."""
        if self.scope.paused or any(kind.last_success for kind in self.kinds):
            return False
        return any(kind.state in (Health.NOT_TRIED, Health.OK) for kind in self.kinds)

    @property
    def events_flow(self) -> bool:
        """Whether events arrived lately."""
        return events_flow(self.scope.events_at, now())


class HouseHealth(list[ScopeHealth]):
    """Every scope, and what can be said of all of them."""

    @property
    def causes(self) -> int:
        """How many things have to be cured; one account's in several regions is one."""
        return len({(_whose(one.scope), *root_of(item)) for one in self for item in one.troubled})

    @property
    def slowed(self) -> bool:
        """Whether whatever is in trouble is so because AWS asks to slow down: that passes."""
        return bool(self.causes) and all(_only_slow(one.troubled) for one in self)

    @property
    def slower(self) -> str:
        """Who asks to slow down: AWS, or the sites that do by their names."""
        slow = [one.scope for one in self if one.troubled]
        sites = [scope.label or scope.place for scope in slow if scope.provider != "aws"]
        return " and ".join([*(["AWS"] if len(sites) < len(slow) else []), *sites])

    @property
    def unread(self) -> int:
        """In how many accounts and regions nothing was read yet."""
        return sum(one.unread for one in self)


def health_of(house: House) -> HouseHealth:
    """Return every scope with its kinds, trouble first, what is paused last."""
    scopes = house.scopes
    found = house.ages
    by_scope: dict[int, list[KindHealth]] = {scope.pk: [] for scope in scopes}
    for item in house.kinds:
        by_scope[item.scope.pk].append(item)
    result = [
        ScopeHealth(
            scope=scope,
            at=found[scope.pk],
            kinds=sorted(by_scope[scope.pk], key=lambda kind: not kind.troubled),
        )
        for scope in scopes
    ]
    result.sort(key=lambda one: (not one.troubled, one.scope.paused, str(one.scope)))
    return HouseHealth(result)


def ages_context(
    house: House, service: str = "", scope: int | None = None, within: str = ""
) -> dict[str, Any]:
    """Return what a page's last line tells: {ages, ages_url}.

    service  the app whose kinds the page shows, several with spaces between, "" for all of them;
             what is read of no such kind (a Jira of builds) is not told.
    scope    the one scope whose rows it shows, None for every scope that the reader may know of.
    within   the project whose rows it shows, "" for every one.
    """
    scopes = [one for one in house.scopes if scope is None or one.pk == scope]
    if providers := {one.provider for one in REGISTER if one.app_label in service.split()}:
        scopes = [one for one in scopes if one.provider in providers]
    if within:
        inside = Scope.objects.filter(VISIBILITY.rule.scopes_within(house.reader, within))
        ids = set(inside.values_list("pk", flat=True))
        scopes = [one for one in scopes if one.pk in ids]
    query = {"service": service, "scope": scope or "", "within": within}
    given = urlencode({name: value for name, value in query.items() if value})
    return {
        "ages": ages(scopes, house.troubles, service, house.ages),
        "ages_url": f"{reverse('dashboard:ages')}?{given}",
    }
