"""What runs where and where it answers, over all services, read in one query; see `offers.Runs`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.db.models import CharField, DateTimeField, F, JSONField, Value
from django.db.models.functions import Cast, Coalesce

from apps.mirror.links import url_of
from apps.mirror.resource import REGISTER
from apps.mirror.state import State, urgency_of

from .held import Held, Place
from .offers import OFFERS, Change, Endpoint, Facts, Running, Runs, Standing, Start

# Targets and addresses that a tile shows; the others are counted.
SHOWN = 12
ENDPOINTS = 8
# Segments of one strip: more would be thinner than the eye can tell.
MOST_SHARES = 40

# What the head says of rows of which no service tells it.
TROUBLE = (State.FAILED, State.WAITING)

COMMON = ("scope_id", "key", "arn", "state", "status", "changed_at")
OWN = (
    "fact_at",
    "fact_failing",
    "fact_name",
    "fact_version",
    "fact_address",
    "fact_told",
    "fact_also",
)
LONGEST = 2048


def _text(expression: Any) -> Any:
    return Coalesce(Cast(expression, CharField(max_length=LONGEST)), Value(""))


def shaped(offer: Runs, rows: Any) -> Any:
    """Return rows of a kind in the shape that all kinds share, to be united; see `facts_of`."""
    given = offer.columns
    empty = Value("")
    columns = {
        "fact_kind": Value(offer.kind, CharField(max_length=64)),
        "fact_at": Coalesce(given["at"], F("changed_at")) if "at" in given else F("changed_at"),
        # Typed where there is none, too: databases unite columns of one type.
        "fact_failing": given.get("failing", Cast(Value(None), DateTimeField())),
        **{
            f"fact_{name}": _text(given.get(name, empty)) for name in ("name", "version", "address")
        },
        **{
            f"fact_{name}": Cast(given[name], JSONField())
            if name in given
            else Value([], JSONField())
            for name in ("told", "also")
        },
    }
    told = rows.order_by().annotate(**columns)
    return told.values_list("fact_kind", "pk", *COMMON, *OWN)


def facts_of(row: Sequence[Any]) -> Facts:
    """Return a row of `shaped` with its columns by name."""
    kind, pk, *told = row
    names = ("scope", *COMMON[1:], "at", "failing", "name", "version", "address", "told", "also")
    return Facts(kind=kind, pk=pk, **dict(zip(names, told, strict=True)))


def facts(held: Held) -> list[tuple[Runs, Facts]]:
    """Return the rows of every kind in which something runs or answers; one query for all."""
    return held.once("running", _read)


def _read(held: Held) -> list[tuple[Runs, Facts]]:
    offers = {one.kind: one for one in OFFERS.runs if held[one.kind]}
    asked = [shaped(one, held.rows(one.kind)) for one in offers.values()]
    for kind in sorted(untold_kinds(held) - offers.keys()):
        offers[kind] = Runs(kind=kind, places=False)
        asked.append(shaped(offers[kind], held.rows(kind)).filter(state__in=TROUBLE))
    if not asked:
        return []
    first, *others = asked
    rows = first.union(*others, all=True) if others else first
    told = map(facts_of, rows)
    return [(offers[one.kind], one) for one in told]


def untold_kinds(held: Held) -> set[str]:
    """The kinds that the project holds and of which no service tells its head."""
    told = {kind for teller in OFFERS.tellers for kind in teller.kinds}
    return {kind for kind in held.ids if REGISTER.get(kind).held and kind not in told}


def untold(held: Held) -> Iterator[Standing]:
    """How those fare that are broken or wait: what the list of projects counts, the page says."""
    kinds = untold_kinds(held)
    for offer, row in facts(held):
        if offer.kind in kinds and row.state in TROUBLE:
            # As much of the row as its name and its address take.
            known = REGISTER.get(row.kind).model(key=row.key, arn=row.arn)
            known.pk = row.pk
            url = url_of(row.kind, known)
            yield Standing(state=row.state, name=row.key, url=url, since=row.changed_at)


def running(held: Held) -> list[tuple[Facts, Running]]:
    """Return what runs where: what is broken first, then what moves."""
    told = [(row, one) for offer, row in facts(held) if (one := offer.running(row)) is not None]
    return sorted(told, key=_place)


def _place(told: tuple[Facts, Running]) -> tuple[int, bool, str, int]:
    """What is broken first, then what moves; what only holds the rest together comes last."""
    row, one = told
    return urgency_of(one.state), not (one.strip or one.version), row.key, row.pk


def starts(held: Held) -> Mapping[str, Start]:
    """Return what began what runs, by ARN."""
    return held.once("starts", _starts)


def _starts(held: Held) -> Mapping[str, Start]:
    found: dict[str, Start] = {}
    for tell in OFFERS.starts:
        found |= tell(held)
    return found


def deployments(held: Held) -> dict[str, Any] | None:
    """What the tile of deployments shows."""
    told = running(held)
    begun = starts(held)
    lines = [
        {
            "row": row,
            "one": one,
            "place": held.places.get(row.scope),
            "by": next((begun[arn] for arn in one.arns if arn in begun), None),
        }
        for row, one in told[:SHOWN]
    ]
    return {"lines": lines, "more": told[SHOWN:], "count": len(told)}


def endpoints(held: Held) -> dict[str, Any] | None:
    """What the tile of addresses shows; None where nothing answers."""
    told = list(_endpoints(held))
    return {"lines": told[:ENDPOINTS], "more": told[ENDPOINTS:]} if told else None


def _endpoints(held: Held) -> Iterator[tuple[Endpoint, Place | None]]:
    seen: set[str] = set()
    for offer, row in facts(held):
        for one in offer.endpoints(row) if offer.endpoints else ():
            if one.url not in seen and is_web(one.url):
                seen.add(one.url)
                yield one, held.places.get(row.scope)


def is_web(url: str) -> bool:
    """Whether an address, which others wrote, is one of the web that can be shown and followed."""
    lower = url.lower()
    if not lower.startswith(("https://", "http://")) or len(url) > LONGEST:
        return False
    host = url.partition("://")[2].partition("/")[0]
    # A name and a password before the host are for nobody else to read.
    return (
        bool(host)
        and "@" not in host
        and not any(letter.isspace() or ord(letter) < 32 or letter in "<>\"'`\\" for letter in url)
    )


def _change(found: Start) -> Change:
    return Change(at=None, title=found.label, url=found.url, sha=found.sha, author=found.author)


def fares(offer: Runs, what: str) -> Callable[[Held], Iterator[Standing]]:
    """Return how each row of a kind fares, as the head of the page asks it.

    what  what such a row is called.
    """

    def standings(held: Held) -> Iterator[Standing]:
        begun = starts(held)
        for of, row in facts(held):
            if of is offer and (one := offer.running(row)) is not None:
                found = next((begun[arn] for arn in one.arns if arn in begun), None)
                told = partial(Standing, name=one.name, what=what, url=one.url)
                if row.failing and row.state != State.FAILED:
                    # What came after it is no success yet.
                    yield told(state=State.FAILED, since=row.failing, word="Failing")
                change = _change(found) if found else None
                since = row.failing if row.state == State.FAILED else None
                yield told(state=row.state, since=since or one.since, change=change)

    return standings
