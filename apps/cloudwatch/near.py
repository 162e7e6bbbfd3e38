"""What happened near a resource, and which alarms watch it: found by links, whoever declared them.

Services are blind to each other: kinds are named here, and what a kind's rows are is the
register's to say. One that is not installed has marked nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Case, Q, When

from apps.mirror.links import url_of
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER

from .charts import Mark
from .models import Alarm
from .watched import WATCHED

# Kind → what one of its rows is called, and the columns that may say when it was over.
MARKED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "codedeploy.deployment": ("Deployment", ("completed_at",)),
    "codepipeline.execution": ("Execution", ("ended_at",)),
    "cloudformation.stack": ("Stack", ("updated_at",)),
}
# Links followed at each step, and marks drawn: the newest.
LINKS, MARKS = 400, 24
STEPS = 2

Node = tuple[str, int]


def marks_near(
    user: Any, kind: str, row: Any, since: datetime, until: datetime
) -> tuple[list[Mark], bool]:
    """Return what ended between two moments near a row, the oldest first.

    Near is what links lead to in two steps, or what belongs to such a thing. Where nothing is
    near, all of the row's account and region; the second says that it is so.
    """
    happened = _happened(user, row.scope_id, since, until)
    if not happened:
        return [], False
    near = _near(kind, row)
    close = [(kind, one, at) for kind, one, at in happened if _belongs(kind, one, near)]
    chosen = close or happened
    chosen.sort(key=lambda told: (told[2], told[1].pk))
    return [_mark(*told) for told in chosen[-MARKS:]], not close


def _happened(
    user: Any, scope_id: int, since: datetime, until: datetime
) -> list[tuple[str, Any, datetime]]:
    found: list[tuple[str, Any, datetime]] = []
    for kind, (_, columns) in MARKED.items():
        resource = REGISTER.by_kind.get(kind)
        if resource is None:
            continue
        names = {field.name for field in resource.model._meta.concrete_fields}
        column = next((name for name in columns if name in names), None)
        if column is None:
            continue
        rows: Any = resource.model._default_manager
        rows = rows.visible_to(user).filter(
            **{"scope": scope_id, f"{column}__gt": since, f"{column}__lte": until}
        )
        if resource.parent is not None:
            rows = rows.select_related(resource.parent[1])
        newest = rows.order_by(f"-{column}")[: MARKS * 5]
        found += [(kind, one, getattr(one, column)) for one in newest]
    return found


def _mark(kind: str, row: Any, at: datetime) -> Mark:
    name = MARKED[kind][0]
    return Mark(at, str(row), url_of(kind, row), row.state, row.status, name)


def _belongs(kind: str, row: Any, near: set[Node]) -> bool:
    if (kind, row.pk) in near:
        return True
    resource = REGISTER.get(kind)
    if resource.parent is None:
        return False
    return (resource.parent[0], getattr(row, f"{resource.parent[1]}_id")) in near


def _near(kind: str, row: Any) -> set[Node]:
    """Return rows from which links lead to this one, with what they belong to; two steps."""
    near: set[Node] = {(kind, row.pk)}
    targets = {(kind, row.arn)} if row.arn else set()
    for _ in range(STEPS):
        fresh = _sources(targets) - near
        if not fresh:
            break
        above, arns = _above(fresh)
        near |= fresh | above
        targets = arns
    return near


def _sources(targets: Iterable[tuple[str, str]]) -> set[Node]:
    by_kind: dict[str, list[str]] = {}
    for kind, arn in targets:
        by_kind.setdefault(kind, []).append(arn)
    wanted = Q(pk__in=[])
    for kind, arns in by_kind.items():
        wanted |= Q(to_kind=kind, to_arn__in=arns[:LINKS])
    if not by_kind:
        return set()
    links = Link.objects.filter(wanted).exclude(from_kind__startswith="cloudwatch.")
    return set(links.order_by("-pk").values_list("from_kind", "from_id")[:LINKS])


def _above(nodes: set[Node]) -> tuple[set[Node], set[tuple[str, str]]]:
    """Return what rows belong to, upward, and the names by which they may be linked to."""
    above: set[Node] = set()
    arns: set[tuple[str, str]] = set()
    level = nodes
    while level:
        by_kind: dict[str, set[int]] = {}
        for kind, pk in level:
            by_kind.setdefault(kind, set()).add(pk)
        level = set()
        for kind, ids in by_kind.items():
            resource = REGISTER.by_kind.get(kind)
            if resource is None:
                continue
            columns = ["arn"]
            if resource.parent is not None:
                columns.append(f"{resource.parent[1]}_id")
            rows = resource.model._default_manager.filter(pk__in=ids).values(*columns)
            for told in rows:
                if told["arn"]:
                    arns.add((kind, told["arn"]))
                if resource.parent is not None and told[columns[1]] is not None:
                    level.add((resource.parent[0], told[columns[1]]))
        level -= above | nodes
        above |= level
    return above, arns


def alarms_on(user: Any, kind: str, row: Any) -> list[Alarm]:
    """Return the alarms that watch a row, red first; of very many those that are linked.

    By link, or where an ARN cannot be made of a metric's dimensions, by the dimensions.
    """
    ids: set[int] = set()
    if row.arn:
        links = Link.objects.filter(to_kind=kind, to_arn=row.arn, from_kind="cloudwatch.alarm")
        ids |= set(links.values_list("from_id", flat=True))
    linked = Q(pk__in=ids)
    wanted = linked
    watched = WATCHED.get(kind)
    dimensions = watched.dimensions(row.key, row.arn) if watched else None
    if watched and dimensions:
        # The database compares: a namespace may have more alarms than anybody can look through.
        named = {f"dimensions__{name}": value for name, value in dimensions.items()}
        wanted |= Q(scope=row.scope_id, namespace=watched.namespace, **named)
    rows = Alarm.objects.for_list().visible_to(user).present().filter(wanted)
    by_link = Case(When(linked, then=0), default=1)
    first = rows.order_by(by_link, *rows.query.order_by)[:LINKS]
    return sorted(first, key=lambda alarm: (alarm.urgency, alarm.key, alarm.pk))
