"""What a reader is offered to do on a thing's page, and what is told of earlier deeds there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Case, Q, When
from django.urls import reverse
from django.utils.timezone import now

from apps.people.rights import is_administrator

from .acts import ACTS, Act, Part
from .models import Deed
from .permits import account_of, permit_url
from .rights import Standing, leave, standings

# What did not work out is told so long; what did, until the thing was read again.
TOLD = timedelta(days=1)
JUST_NOW = timedelta(minutes=2)
# Of one thing at once.
MOST = 10
# Of which something is still to come, from the house or from a person: `Deed.open`.
OPEN = Q(outcome__in=(Deed.Outcome.WAITING, Deed.Outcome.UNKNOWN))


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: `why_not` is "" where it can be pressed, else why it cannot be now."""

    act: Act
    url: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """What can be done to one thing: `name` is "" for that whose page it is."""

    name: str
    offers: Sequence[Offer]

    @property
    def hindered(self) -> list[tuple[str, str]]:
        """What cannot be done now, and why: (labels, reason), each reason once."""
        labels: dict[str, list[str]] = {}
        for one in self.offers:
            if one.why_not:
                labels.setdefault(one.why_not, []).append(one.act.label)
        return [(", ".join(some), reason) for reason, some in labels.items()]


def offers_on(user: Any, kind: str, row: Any, found: Sequence[Standing]) -> dict[str, Any]:
    """Return what a reader may do to a thing and to its parts: {} for who may only look.

    `found` is what they are in the projects that have it, see `standings`.

    groups    what is offered, the thing itself first.
    read_only why nothing is, where their role would do; `permit` is where that is changed, "" for
              who cannot.
    As many queries for many parts as for none: they belong to what the thing belongs to.
    """
    if not found:
        return {}
    account = account_of(row.scope)
    groups: list[Group] = []
    rare: list[Group] = []
    reasons: list[str] = []
    for part in (Part(kind, row, ""), *parts_of(kind, row)):
        offers = []
        for act in ACTS.of(part.kind):
            possible = act.offered(part.row)
            if possible is None:
                continue
            given = leave(act, found, account)
            if given.standing is not None:
                offers.append(Offer(act, ask_url(act, part.row), possible))
            elif given.why:
                reasons.append(given.why)
        for into, folded in ((groups, False), (rare, True)):
            some = [one for one in offers if one.act.rare is folded]
            if some:
                into.append(Group(part.name, some))
    told: dict[str, Any] = {"groups": groups, "rare": rare}
    if not (groups or rare) and reasons:
        told["read_only"] = reasons[0]
        told["permit"] = permit_url(account) if account and is_administrator(user) else ""
    return told


def parts_of(kind: str, row: Any) -> Sequence[Part]:
    """Return the parts of a thing on which its page offers acts, too."""
    return ACTS.parts[kind](row) if kind in ACTS.parts else ()


def ask_url(act: Act, row: Any) -> str:
    """Return the page that asks before an act is done to a thing."""
    return reverse("deeds:ask", args=[act.name, row.pk])


def deeds_on(user: Any, kind: str, row: Any, found: Sequence[Standing]) -> dict[str, Any]:
    """Return what of the deeds on a thing and its parts is still to be told.

    Who sees the thing sees what was asked for; earlier ones are those that the list has for them.
    decidable  those on which the reader is asked, by what they are in the projects that have the
               thing; its parts belong to the same.
    """
    of_these = Q(pk__in=[])
    by_kind: dict[str, list[int]] = {}
    for part in (Part(kind, row, ""), *parts_of(kind, row)):
        by_kind.setdefault(part.kind, []).append(part.row.pk)
    for of_kind, ids in by_kind.items():
        of_these |= Q(kind=of_kind, row_id__in=ids)
    rows = Deed.objects.for_list().filter(of_these)
    told = list(_open_first(rows.filter(_still_told()))[:MOST])
    # Of those that ended well the newest: more would push the thing itself off its page.
    ended_well = [one for one in told if one.outcome == Deed.Outcome.DONE]
    told = [one for one in told if one not in ended_well[1:]]
    return {
        "deeds": told,
        "moves": any(one.waits for one in told),
        "earlier": Deed.objects.visible_to(user).on(kind, row.pk).exists(),
        "decidable": [one.pk for one in told if _decides(user, one, found)],
    }


def _open_first(rows: Any) -> Any:
    """What still asks somebody, whatever ended since; then the newest."""
    return rows.order_by(Case(When(OPEN, then=0), default=1), "-asked_at", "-pk")


def _still_told() -> Q:
    """Deeds of which something is to come, and those that ended lately."""
    at = now()
    return (
        OPEN
        | Q(outcome__in=(Deed.Outcome.REFUSED, Deed.Outcome.FAILED), ended_at__gte=at - TOLD)
        | Q(outcome=Deed.Outcome.DONE, ended_at__gte=at - JUST_NOW)
    )


def deeds_on_each(kind: str, ids: Collection[int]) -> dict[int, list[Deed]]:
    """Return what of the deeds on each of many things is still to be told; in one query."""
    found: dict[int, list[Deed]] = defaultdict(list)
    rows = Deed.objects.for_list().filter(_still_told(), kind=kind, row_id__in=ids)
    for deed in _open_first(rows)[: MOST * len(ids)]:
        found[deed.row_id].append(deed)
    return found


def decides(user: Any, deed: Deed, row: Any) -> bool:
    """Whether a reader is asked where nobody knows how a deed ended."""
    if row is None:
        return is_administrator(user)
    return _decides(user, deed, standings(user, deed.kind, row))


def _decides(user: Any, deed: Deed, found: Iterable[Standing]) -> bool:
    """Whether they are asked by what they are: it takes the role that the act itself takes."""
    act = deed.declared
    if act is None:
        return is_administrator(user)
    return any(one.role.rank >= act.needed.rank for one in found)


def about(deed: Deed) -> Mapping[str, Any]:
    """Return what a person chose, by the labels of the form that asked them."""
    act = deed.declared
    fields = act.form.base_fields if act is not None and act.form is not None else {}
    return {
        str(fields[name].label or name) if name in fields else name.capitalize(): _in_words(value)
        for name, value in deed.said.items()
        if value not in ("", None, [], {})
    }


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
