"""How connected sites fare, in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.mirror.causes import Cause, causes_of
from apps.mirror.health import KindHealth, kind_health, scope_ages

from .kinds import SITES
from .models import Site
from .quota import Standing, quota_of


@dataclass(kw_only=True, slots=True)
class Card:
    """A site in the list and on its page.

    causes  what keeps kinds from being read, each told once, the gravest first.
    at      how old what pages show of it is; None where nothing was read.
    """

    site: Site
    label: str
    method: str
    kinds: list[KindHealth]
    causes: list[Cause]
    at: datetime | None

    @property
    def troubles(self) -> int:
        """How many kinds somebody should do something about."""
        return sum(kind.troubled for kind in self.kinds)

    @property
    def chosen(self) -> list[tuple[str, int]]:
        """What of it is read: (label, how many), without what is none."""
        kind = SITES.by_name.get(self.site.provider)
        found = [
            (one.label.lower(), len(self.site.selection.get(one.name) or ()))
            for one in (kind.chosen if kind is not None else ())
        ]
        return [(label, number) for label, number in found if number]

    @property
    def quota(self) -> Standing | None:
        """How its quota stood when it last said so."""
        return quota_of(self.site.pk)

    @property
    def state(self) -> str:
        """The state whose colour and icon show it."""
        if self.site.removed_at or self.site.parked_at or self.site.paused:
            return "stopped"
        if self.site.identity_error or self.troubles:
            return "failed"
        return "done" if self.at is not None else "moving"

    @property
    def word(self) -> str:
        """How it fares, in a few words."""
        if self.site.removed_at:
            return "being deleted"
        if self.site.parked_at:
            return "put aside by this start"
        if self.site.paused:
            return "not swept"
        if self.site.identity_error:
            return "refuses us"
        if self.troubles:
            return f"{self.troubles} in trouble"
        return "healthy" if self.at is not None else "first sweep"


def cards(sites: Iterable[Site]) -> list[Card]:
    """Return one card a site; their scopes must be selected."""
    sites = list(sites)
    scopes = [site.scope for site in sites]
    ages = scope_ages(scopes)
    health: dict[int, list[KindHealth]] = {}
    for item in kind_health(scope for scope in scopes if scope.enabled):
        health.setdefault(item.scope.pk, []).append(item)
    return [_card(site, health.get(site.scope_id, []), ages[site.scope_id]) for site in sites]


def _card(site: Site, kinds: list[KindHealth], at: datetime | None) -> Card:
    kind = SITES.by_name.get(site.provider)
    methods = {method.name: method.label for method in kind.methods} if kind is not None else {}
    return Card(
        site=site,
        label=kind.label if kind is not None else site.provider,
        method=methods.get(site.method, site.method),
        kinds=kinds,
        causes=causes_of([item for item in kinds if item.troubled]),
        at=at,
    )
