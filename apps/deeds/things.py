"""The things that deeds are done to: mirrored rows, and what other rooms say they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.http import Http404

from apps.mirror.linked import lineage_of
from apps.mirror.links import url_of
from apps.mirror.panels import row_for
from apps.mirror.resource import REGISTER
from apps.projects.acting import belongs_to

if TYPE_CHECKING:
    from .rights import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """A kind of things that are no mirrored rows.

    load        id -> the row with its `scope`, None where it is gone.
    for_reader  (user, id) -> the row; raises Http404 where the user may not know of it.
    url         row -> its page.
    standings   (user, row) -> what the user is in the projects in whose name it is acted on.
    touches     row -> (kind, id) of the mirrored rows on whose pages its deeds are told, too.
    """

    load: Callable[[int], Any]
    for_reader: Callable[[Any, int], Any]
    url: Callable[[Any], str]
    standings: "Callable[[Any, Any], list[Standing]]"
    touches: Callable[[Any], list[tuple[str, int]]] = lambda _row: []


@dataclass(slots=True)
class Things:
    """The register of things besides mirrored rows, by kind."""

    by_kind: dict[str, Thing] = field(default_factory=dict)

    def add(self, kind: str, thing: Thing) -> None:
        """Add a kind. Raises ValueError for one that is there."""
        if kind in self.by_kind or kind in REGISTER.by_kind:
            raise ValueError(f"{kind} is declared twice")
        self.by_kind[kind] = thing


THINGS = Things()


def load(kind: str, row_id: int) -> Any:
    """Return a thing, whoever asks; None where it is gone."""
    if kind in THINGS.by_kind:
        return THINGS.by_kind[kind].load(row_id)
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        return None
    rows = resource.model._default_manager.select_related("scope", *lineage_of(resource))
    return rows.filter(pk=row_id).first()


def for_reader(user: Any, kind: str, row_id: int) -> Any:
    """Return a thing that a user may know of. Raises Http404 for any other."""
    if kind in THINGS.by_kind:
        return THINGS.by_kind[kind].for_reader(user, row_id)
    return row_for(user, kind, row_id)[1]


def within(kind: str, row: Any) -> list[tuple[str, int]]:
    """Return a thing and all that it belongs to, or touches, as (kind, id)."""
    if kind in THINGS.by_kind:
        return [(kind, row.pk), *THINGS.by_kind[kind].touches(row)]
    return belongs_to(row)


def url(kind: str, row: Any) -> str:
    """Return the page of a thing; of what has none, of what it belongs to; "" for none."""
    if kind in THINGS.by_kind:
        return THINGS.by_kind[kind].url(row)
    resource = REGISTER.get(kind)
    if resource.url is None and resource.parent is not None:
        above, column = resource.parent
        return url_of(above, getattr(row, column))
    return url_of(kind, row)


def url_for(user: Any, kind: str, row_id: int) -> str:
    """Return the page of a thing for a reader; "" where they may not know of it."""
    try:
        return url(kind, for_reader(user, kind, row_id))
    except Http404:
        return ""
