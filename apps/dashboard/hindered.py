"""What of the page of a row cannot be read, whatever kind it is of: the notice on its top."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.live.fragment import FRAGMENTS
from apps.mirror.causes import Cause, causes_of
from apps.mirror.health import KindHealth, why_unread
from apps.mirror.provider import Health
from apps.mirror.resource import REGISTER

from .progress import House

# Kinds that are named, and actions.
NAMED = 4


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why some kinds of a page are not read as they should be.

    state   "cannot", "paused" or "waits" (for its first reading).
    since   when all of it was read last; None where some never was.
    partly  whether what fails worked for others in the same sweep (one query that Jira rejects).
    """

    state: str
    cause: Cause
    since: datetime | None = None
    partly: bool = False

    @property
    def labels(self) -> str:
        """What is not read, in words: "Stages and executions"."""
        found = list(dict.fromkeys(kind.label for kind in self.cause.kinds))
        named, rest = found[:NAMED], len(found) - NAMED
        if rest > 0:
            named.append(f"{rest} more")
        told = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
        return told[:1].upper() + told[1:]

    @property
    def lacking(self) -> list[str]:
        """The actions that the policy lacks, where they are several and few enough to be named."""
        actions = self.cause.lacking
        return actions if 1 < len(actions) <= NAMED else []


def kinds_of_page(topics: Iterable[str], refresh_on: Iterable[str]) -> set[str]:
    """Return the kinds that a page shows, by what it wants to hear of, with their children."""
    shown = {kind for kind in refresh_on if kind in REGISTER.by_kind}
    for topic in topics:
        fragment = FRAGMENTS.by_name.get(topic.partition(":")[0])
        if fragment is not None:
            shown |= {fragment.of, *fragment.also}
    below = {r.kind for r in REGISTER if {r.asked_by, r.parent and r.parent[0]} & shown}
    return shown | below


def hindrances(house: House, scope: int, kinds: Iterable[str]) -> list[Hindrance]:
    """Return what keeps rows of these kinds from being read in a scope, each cause once."""
    wanted = set(kinds)
    here = house.kinds_in(scope)
    unread = why_unread(here, list(wanted))
    every = [*unread, *(item for item in here if item.kind in wanted and item.troubled)]
    found = list({item.kind: item for item in every}.values())
    waits = [item for item in found if item.state in (Health.OK, Health.NOT_TRIED)]
    told = []
    if any(item.scope.paused for item in found):
        told.append(Hindrance("paused", Cause(found[0], found)))
    else:
        causes = causes_of(item for item in found if item not in waits)
        told.extend(
            Hindrance("cannot", cause, _since(cause.kinds), all(map(_partly, cause.kinds)))
            for cause in causes
        )
        if waits:
            told.append(Hindrance("waits", Cause(waits[0], waits)))
    return told


def _since(kinds: Iterable[KindHealth]) -> datetime | None:
    """Return when what fails now worked last; None where some of it never did."""
    found = [_worked(kind) for kind in kinds]
    known = [at for at in found if at is not None]
    return min(known) if len(known) == len(found) else None


def _worked(kind: KindHealth) -> datetime | None:
    at = (row.last_success for row in kind.operations if row.operation == kind.operation)
    return next(at, None) or kind.last_success


def _partly(kind: KindHealth) -> bool:
    """Whether all that fails of a kind worked so shortly before that it was the same sweep."""
    close = REGISTER.get(kind.kind).cadence.cold / 2
    failed = [row for row in kind.operations if row.health == Health.FAILING]
    return bool(failed) and all(
        row.last_success is not None
        and row.last_error is not None
        and row.last_error - row.last_success < close
        for row in failed
    )


def hindered_context(house: House, scope: int, kinds: Iterable[str]) -> dict[str, Any]:
    """Return what templates/dashboard/hindered.html draws, and the address that draws it anew."""
    wanted = sorted(kinds)
    given = urlencode({"scope": scope, "kinds": " ".join(wanted)})
    return {
        "hindrances": hindrances(house, scope, wanted),
        "hindered_url": f"{reverse('dashboard:hindered')}?{given}",
    }


def hindered_page(house: House, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same for a page, {} where it is no row's: lists say it where they are empty."""
    reads, live = context.get("reads"), context.get("live")
    scope = reads.get("scope") if reads else None
    if scope is None or not live:
        return {}
    kinds = kinds_of_page(live.get("topics", "").split(), live.get("refresh_on", "").split())
    return hindered_context(house, scope, kinds) if kinds else {}
