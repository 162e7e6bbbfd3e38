"""How projects fare, many at a time: state, what is broken, what waits, and the last two weeks.

In a number of queries that what they hold does not change; so many projects at a time as one query
can name.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import CharField, Count, DateTimeField, F, Max, Value
from django.db.models.functions import Cast, TruncDate
from django.utils.timezone import now

from apps.mirror.linked import lineage, lineage_of
from apps.mirror.links import url_of
from apps.mirror.resource import REGISTER, Resource
from apps.mirror.state import State, urgency_of

from .models import Holding, Membership, Project
from .offers import OFFERS

# Of these a project's state is made; what is stopped or unknown says nothing of it.
TELLING = (State.FAILED, State.WAITING, State.MOVING, State.DONE)
WORDS = {
    State.FAILED: "Failed",
    State.WAITING: "Waiting",
    State.MOVING: "In progress",
    State.DONE: "All is well",
}
# What runs the project's changes; each day of so many is a bar, of its good and its bad runs.
RUNS = "Pipelines"
DAYS = 14
# What brings something out: that it ran is told apart from that something merely is.
BRINGS = (RUNS, "Builds", "Deployments")
# What is broken or waits, named in the list.
NAMED = 2
# Projects that one query names once a kind: databases bound how many values they are given.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is broken or waits; what is broken may wait besides, and is told twice."""

    kind: str
    row_id: int
    state: str
    since: datetime | None = None
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """What ran on a day (UTC): how many ended well, and how many did not."""

    on: date
    done: int = 0
    failed: int = 0

    @property
    def state(self) -> str:
        """Of the bar: "" where nothing ran."""
        return State.FAILED if self.failed else State.DONE if self.done else ""

    @property
    def mixed(self) -> bool:
        """Whether some ended well, and some did not."""
        return bool(self.done and self.failed)

    @property
    def told(self) -> str:
        """In words."""
        ran = self.done + self.failed
        if not ran:
            return "nothing ran"
        return f"{ran} ran" + (f", {self.failed} failed" if self.failed else "")


@dataclass(slots=True)
class Fares:
    """How one project fares.

    state    the gravest that anything is in, "" where nothing ever ran.
    said     its word where that is not the usual one: it is being undone.
    things   what is broken, then what waits; `counts` is how many rows are in each state.
    runs     whether it holds a pipeline; `last` is when one ran last.
    """

    project: Project
    state: str = ""
    said: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    things: list[Thing] = field(default_factory=list)
    days: Sequence[Day] = ()
    runs: bool = False
    last: datetime | None = None
    members: int = 0
    holds: int = 0

    @property
    def word(self) -> str:
        """Its state as people read it."""
        if self.said:
            return self.said
        if not self.holds:
            return "Holds nothing yet"
        return WORDS.get(State(self.state), "") if self.state else "Nothing ran"

    @property
    def states(self) -> list[State]:
        """Those that people look for it by: of what is broken also that something waits."""
        if self.state in ("", State.DONE):
            return [State.DONE] if self.state else []
        return [one for one in TELLING if one is not State.DONE and self.counts[one]]

    @property
    def named(self) -> list[Thing]:
        """The first of what is broken or waits."""
        return self.things[:NAMED]

    @property
    def others(self) -> int:
        """How many more there are."""
        return max(0, len(self.things) - NAMED)

    @property
    def highest(self) -> int:
        """How much ran on the busiest day."""
        return max((day.done + day.failed for day in self.days), default=0)


def fares_of(projects: Iterable[Project]) -> list[Fares]:
    """Return how these projects fare, in their order."""
    return tell(weigh(projects))


def weigh(projects: Iterable[Project]) -> list[Fares]:
    """Return in which state these projects are, and how much of theirs is in each.

    It reads a few columns of what they hold, so that very many can be sorted by it.
    """
    found = {one.pk: Fares(one) for one in projects}
    ids = list(found)
    for first in range(0, len(ids), BATCH):
        some = {pk: found[pk] for pk in ids[first : first + BATCH]}
        _weigh(_held(some), some)
        _weigh_wholes(some)
    return list(found.values())


def tell(fares: Sequence[Fares]) -> list[Fares]:
    """Fill in what a page shows of the projects on it: names, people, the last days."""
    found = {one.project.pk: one for one in fares}
    _count_members(found)
    _name(found)
    _run(_held(found, kinds=_running_kinds(), count=False), found)
    return list(found.values())


# Kind -> row id -> the projects that hold the row.
Held = dict[str, dict[int, list[int]]]


def _held(
    found: Mapping[int, Fares], *, kinds: Iterable[str] | None = None, count: bool = True
) -> Held:
    held: Held = defaultdict(lambda: defaultdict(list))
    rows = _holdings(found, kinds)
    for project, kind, row_id in rows.values_list("project_id", "kind", "row_id"):
        held[kind][row_id].append(project)
        if count:
            found[project].holds += 1
    return held


def _holdings(found: Iterable[int], kinds: Iterable[str] | None = None) -> Any:
    rows = Holding.objects.shown().put().filter(project__in=list(found)).order_by()
    return rows if kinds is None else rows.filter(kind__in=list(kinds))


def _count_members(found: Mapping[int, Fares]) -> None:
    rows = Membership.objects.filter(project__in=found).values_list("project_id", flat=True)
    for project, count in Counter(rows).items():
        found[project].members = count


def _weigh(held: Held, found: Mapping[int, Fares]) -> None:
    """Count the states of what is held; one query for all kinds."""
    rows = [_states(one, found) for one in REGISTER if one.held and one.kind in held]
    first, *others = rows or [None]
    told: Any = [] if first is None else first.union(*others, all=True) if others else first
    ran: dict[int, set[str]] = defaultdict(set)
    for kind, pk, state, at, failing in told:
        # What is broken stays so until something succeeds, whatever newer waits or moves.
        states = {State.FAILED, state} if failing else {state}
        for project in held[kind].get(pk, ()):
            for one in states.intersection(TELLING):
                ran[project].add(kind)
                found[project].counts[one] += 1
                if one in (State.FAILED, State.WAITING):
                    since = failing if one == State.FAILED and failing else at
                    found[project].things.append(Thing(kind, pk, one, since))
    brings, places = _bringing(), {one.kind for one in OFFERS.runs if one.places}
    kinds: dict[int, set[str]] = defaultdict(set)
    for kind, owners in held.items():
        for project in set().union(*owners.values()):
            kinds[project].add(kind)
    for pk, fares in found.items():
        fares.runs = bool(kinds[pk] & _running_kinds())
        states = {state for state in TELLING if fares.counts[state]}
        # That an alarm is calm or a stack is there does not say that anything was brought out.
        if states != {State.DONE} or ran[pk] & (kinds[pk] & brings or places):
            fares.state = min(states, key=urgency_of, default="")


def _weigh_wholes(found: Mapping[int, Fares]) -> None:
    """Add what services tell of projects as a whole, whatever they hold."""
    for teller in OFFERS.tellers:
        for pk, (state, word) in teller.wholes(list(found)).items():
            found[pk].counts[state] += 1
            mine = found[pk].state
            # What is over says nothing of what was put into the project since.
            rests = state not in WORDS
            if not rests or not mine or urgency_of(state) <= urgency_of(State(mine)):
                found[pk].state, found[pk].said = state, word


def _states(resource: Resource, found: Iterable[int]) -> Any:
    """Kind, id, state, since when, and since when it is failing whatever its state says."""
    held = _holdings(found, [resource.kind])
    rows = resource.model._default_manager.filter(pk__in=held.values("row_id"), gone_at=None)
    since = next((one.failing for one in OFFERS.tellers if resource.kind in one.kinds), None)
    return (
        rows.order_by()
        .annotate(
            of_kind=Value(resource.kind, CharField(max_length=64)),
            # Typed where there is none, too: databases unite columns of one type.
            failing_at=F(since) if since else Cast(Value(None), DateTimeField()),
        )
        .values_list("of_kind", "pk", "state", "changed_at", "failing_at")
    )


def _bringing() -> set[str]:
    """The kinds with whose rows changes are brought out."""
    return {
        kind
        for one in REGISTER
        if one.happened and one.happened.group in BRINGS
        for _, kind in lineage(one)
    }


def _name(found: Mapping[int, Fares]) -> None:
    """Name what is shown: the first of what is broken or waits in each project."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for one in found.values():
        # Kinds come in the order in which they are declared: what is worst stays first.
        one.things.sort(key=lambda thing: urgency_of(State(thing.state)))
        for thing in one.named:
            wanted[thing.kind].add(thing.row_id)
    rows = {
        (kind, pk): row
        for kind, ids in wanted.items()
        for pk, row in REGISTER.get(kind)
        .model._default_manager.select_related("scope", *lineage_of(REGISTER.get(kind)))
        .in_bulk(ids)
        .items()
    }
    for one in found.values():
        one.things[:NAMED] = [
            replace(thing, name=str(row), url=url_of(thing.kind, row))
            for thing in one.named
            if (row := rows.get((thing.kind, thing.row_id))) is not None
        ]


def _runs() -> list[Resource]:
    return [one for one in REGISTER if one.happened and one.happened.group == RUNS]


def _running_kinds() -> set[str]:
    """The kinds with whose rows anything runs."""
    return {kind for resource in _runs() for _, kind in lineage(resource)}


def _run(held: Held, found: Mapping[int, Fares]) -> None:
    """Count what ran on each of the last days, by its end; the database adds it up."""
    today = now().date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time.min, UTC)
    days: dict[int, dict[date, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for resource in _runs():
        at: Any = resource.happened and resource.happened.at
        for path, kind in lineage(resource):
            owners = held.get(kind)
            if not owners:
                continue
            rows = resource.model._default_manager.filter(
                **{f"{path}__in": _holdings(found, [kind]).values("row_id"), f"{at}__gte": since}
            )
            sums = rows.order_by().values(path, "state", day=TruncDate(at, tzinfo=UTC))
            for told in sums.annotate(number=Count("pk"), newest=Max(at)):
                for project in owners.get(told[path], ()):
                    days[project][told["day"]][told["state"]] += told["number"]
                    last = found[project].last
                    newest = told["newest"]
                    found[project].last = newest if last is None else max(last, newest)
    for pk, one in found.items():
        one.days = [
            Day(
                day := first + timedelta(days=number),
                done=days[pk][day][State.DONE],
                failed=days[pk][day][State.FAILED],
            )
            for number in range(DAYS)
        ]
