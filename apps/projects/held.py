"""What one project holds, as the tiles of its page are given it: ids by kind, read in one query."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model

from apps.mirror.resource import REGISTER
from apps.mirror.visibility import VISIBILITY

from .models import Holding, Project

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region in which a project has something."""

    pk: int
    account: str
    region: str
    label: str

    @property
    def name(self) -> str:
        """The account as people call it, and the region."""
        return " · ".join(filter(None, (self.label or self.account, self.region)))


@dataclass(slots=True)
class Held:
    """What the tiles of one page of a project are drawn from.

    user      who looks: what leads out of the project asks for them.
    ids       kind -> ids of the rows that the project holds.
    places    the scopes they lie in, by id.
    scopes    kind -> ids of the scopes that its rows lie in.
    asked     what the page's address says besides (the range of metrics).
    """

    project: Project
    user: Any
    ids: Mapping[str, list[int]] = field(default_factory=dict)
    places: Mapping[int, Place] = field(default_factory=dict)
    scopes: Mapping[str, frozenset[int]] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, kind: str) -> list[int]:
        """The ids of the rows of a kind; [] where it holds none."""
        return self.ids.get(kind, [])

    def any(self, kinds: Iterable[str]) -> bool:
        """Whether it holds a row of one of these kinds."""
        return any(kind in self.ids for kind in kinds)

    def rows(self, kind: str) -> Any:
        """The rows of a kind that it holds and that the outside still lists."""
        rows: Any = REGISTER.get(kind).model._default_manager
        return rows.filter(pk__in=self[kind], gone_at=None)

    def scopes_of(self, kinds: Iterable[str]) -> frozenset[int]:
        """The scopes in which it holds rows of these kinds."""
        return frozenset().union(*(self.scopes.get(kind, frozenset()) for kind in kinds))

    def once(self, name: str, make: Callable[["Held"], Made]) -> Made:
        """Return what `make` made of this, made once a page: tiles share what they read."""
        if name not in self._made:
            self._made[name] = make(self)
        made: Made = self._made[name]
        return made


def listed(held: Any) -> Iterator[tuple[str, Any]]:
    """Yield (kind, rows) of these holdings' rows, of what the outside still lists."""
    ids: dict[str, list[int]] = defaultdict(list)
    for kind, row_id in held.values_list("kind", "row_id"):
        ids[kind].append(row_id)
    for kind, of_kind in ids.items():
        if resource := REGISTER.by_kind.get(kind):
            yield kind, resource.model._default_manager.filter(pk__in=of_kind, gone_at=None)


def rows_in(project: Project, model: type[Model]) -> Any:
    """Return the rows of a model that a project holds, and what belongs to them, to be seen."""
    rows: Any = model._default_manager
    return rows.filter(VISIBILITY.rule.within(project.slug, model), scope__parked=False)


def held_by(project: Project, user: Any, asked: Mapping[str, str] | None = None) -> Held:
    """Read what a project holds; what lies in a scope that is put aside is nobody's to see."""
    ids: dict[str, list[int]] = {}
    scopes: dict[str, set[int]] = {}
    places: dict[int, Place] = {}
    rows = Holding.objects.shown().filter(project=project).order_by("pk")
    columns = "kind", "row_id", "scope", "scope__account", "scope__region", "scope__label"
    for kind, row_id, scope, account, region, label in rows.values_list(*columns):
        if kind not in REGISTER.by_kind:
            continue
        ids.setdefault(kind, []).append(row_id)
        scopes.setdefault(kind, set()).add(scope)
        places.setdefault(scope, Place(scope, account, region, label))
    return Held(
        project=project,
        user=user,
        ids=ids,
        places=places,
        scopes={kind: frozenset(some) for kind, some in scopes.items()},
        asked=asked or {},
    )
