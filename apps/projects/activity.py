"""What happened in a project: one line of time out of every history that its resources have.

Services declare how their rows stand in it (`Resource.happened`); what is no mirrored row has a
`Source`. It is read from the rows themselves, so it reaches as far back as they do, and tells of a
project that was made today what happened before.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.audit.models import Outcome, Record
from apps.audit.verbs import VERBS
from apps.mirror.linked import lineage_of
from apps.mirror.links import url_of
from apps.mirror.resource import REGISTER, Happened, Resource

from .held import rows_in
from .models import Project
from .told import RESOURCES, SUBJECT, TEAM

PAGE = 50
# Of a `Source`, what happened at the very moment at which a page ends is told on the next one.
AT_ONCE = 50
# The greatest number that a database takes for an id.
GREATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `key` tells it from others of the same moment."""

    at: datetime
    key: str
    group: str
    icon: str
    name: str
    told: str = ""
    by: str = ""
    state: str = ""
    status: str = ""
    url: str = ""

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in time."""
        return self.at, self.key


# (project, not after, so many) -> the newest entries.
Fetch = Callable[[Project, datetime | None, int], Iterable[Entry]]


@dataclass(frozen=True, slots=True)
class Source:
    """Something besides mirrored rows that happens in projects."""

    group: str
    fetch: Fetch


SOURCES: list[Source] = []


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page of entries, the newest first; `following` is the place of the next ("" for none)."""

    entries: Sequence[Entry]
    following: str


def groups() -> list[str]:
    """What the activity can be narrowed by, in the order in which things are declared."""
    declared = [one.happened.group for one in REGISTER if one.happened]
    return list(dict.fromkeys([*declared, *(source.group for source in SOURCES)]))


def kinds_of(group: str = "") -> list[str]:
    """The kinds whose rows stand in a group, or in any."""
    return [r.kind for r in REGISTER if r.happened and group in ("", r.happened.group)]


def stretch(project: Project, *, group: str = "", state: str = "", after: str = "") -> Stretch:
    """Return what happened, from the place `after` back; one query a kind."""
    place = _read(after)
    found = sorted(
        _every(project, group, state, place), key=lambda entry: entry.place, reverse=True
    )
    if place is not None:
        found = [entry for entry in found if entry.place < place]
    shown = found[:PAGE]
    following = _written(shown[-1]) if len(found) > PAGE else ""
    return Stretch(shown, following)


# A moment, and the key of what was told last.
Place = tuple[datetime, str]


def _every(project: Project, group: str, state: str, place: Place | None) -> Iterator[Entry]:
    seen: set[Any] = set()
    for resource in REGISTER:
        happened = resource.happened
        # Hosts of repositories share their tables.
        if happened is None or resource.model in seen or group not in ("", happened.group):
            continue
        seen.add(resource.model)
        yield from _of_rows(project, resource, happened, state, place)
    before = place[0] if place else None
    for source in SOURCES:
        if group in ("", source.group) and not state:
            yield from source.fetch(project, before, PAGE + AT_ONCE)


def _of_rows(
    project: Project, resource: Resource, happened: Happened, state: str, place: Place | None
) -> Iterator[Entry]:
    rows = rows_in(project, resource.model).exclude(**{happened.at: None})
    if happened.which is not None:
        rows = rows.filter(happened.which)
    if state:
        rows = rows.filter(state=state)
    if place is not None:
        rows = rows.filter(_behind(resource.kind, happened.at, place))
    rows = rows.select_related("scope", *lineage_of(resource), *happened.needs)
    rows = rows.defer(*happened.wide).order_by(f"-{happened.at}", "-pk")
    for row in rows[: PAGE + 1]:
        yield Entry(
            at=getattr(row, happened.at),
            key=f"{resource.kind}:{row.pk:020}",
            group=happened.group,
            icon=happened.icon,
            name=happened.name(row),
            told=happened.told(row).split("\n", 1)[0],
            by=happened.by(row),
            state=row.state,
            status=row.status,
            url=happened.url(row) if happened.url else url_of(resource.kind, row),
        )


def _behind(kind: str, column: str, place: Place) -> Q:
    """The condition on rows of a kind that come after a place, however many are of one moment."""
    moment, key = place
    last_kind, _, last = key.rpartition(":")
    at_once = Q(**{column: moment})
    if kind == last_kind and last.isascii() and last.isdigit():
        return Q(**{f"{column}__lt": moment}) | at_once & Q(pk__lt=min(int(last[:20]), GREATEST))
    # Kinds have no colon: their order is that of the keys.
    return Q(**{f"{column}__lt{'e' if f'{kind}:' < key else ''}": moment})


def _written(entry: Entry) -> str:
    return f"{entry.at.isoformat()}~{entry.key}"


def _read(text: str) -> Place | None:
    at, _, key = text.partition("~")
    try:
        told = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (told, key) if told.tzinfo else None


# --- What people did in the project ---------------------------------------------------------------


def done(group: str) -> Fetch:
    """What was done, as it was recorded, by a group of verbs.

    What was refused changed nothing, and is not told.
    """

    def fetch(project: Project, before: datetime | None, limit: int) -> Iterator[Entry]:
        verbs = [verb.name for verb in VERBS if verb.group == group]
        rows = Record.objects.about(SUBJECT, project.pk).filter(verb__in=verbs)
        rows = rows.exclude(outcome=Outcome.REFUSED)
        if before is not None:
            rows = rows.filter(at__lte=before)
        for one in rows.order_by("-at", "-pk")[:limit]:
            yield Entry(
                at=one.at,
                key=f"record:{one.pk:020}",
                group=group,
                icon=one.icon,
                name=one.who_name or "By itself",
                told=one.told,
            )

    return fetch


SOURCES.append(Source(TEAM, done(TEAM)))
SOURCES.append(Source(RESOURCES, done(RESOURCES)))
