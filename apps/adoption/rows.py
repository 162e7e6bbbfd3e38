"""Reads what is mirrored into the engine's world, in batches: a few queries a kind."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.mirror.linked import lineage
from apps.mirror.links import UNTOLD
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER, Resource
from apps.mirror.ties import REPOSITORY, Tie
from apps.projects.models import Holding, Project

from .graph import Node
from .models import Adoption, Declined, Row, ShapeRow
from .seeds import Thing, Tied, World
from .ways import STACK, STACK_ID, STACK_NAME, WAYS

BATCH = 500
# Whose repositories are named by "owner/name", as pipelines name theirs.
GITHUB = "github.repository"
# What is longer than this is no name that anybody reads.
LONGEST = 500
# So many are named by one name of which a part is not told: the services of all previews.
MOST = 50
# What a deployment deployed to is told by its targets alone, of these the newest so many.
BY_HISTORY = ("codedeploy.target", "deploys to", ("awslambda.function", "ecs.service"))
NEWEST = 5000


@dataclass(slots=True)
class Known:
    """The rows that may be in projects, as the engine's nodes and back."""

    things: dict[Node, Thing] = field(default_factory=dict)
    rows: dict[Node, tuple[Row, int]] = field(default_factory=dict)
    nodes: dict[Row, Node] = field(default_factory=dict)
    ties: list[Tied] = field(default_factory=list)
    arns: dict[str, "Arns"] = field(default_factory=dict)


class Arns:
    """The ARNs of a kind, found also where a part of one is not told."""

    def __init__(self) -> None:
        self._whole: dict[str, Node] = {}
        self._sorted: list[str] | None = None
        self._by_end: dict[str, list[str]] = {}

    def add(self, arn: str, node: Node) -> None:
        """Take one in."""
        self._whole.setdefault(arn, node)
        self._by_end.setdefault(arn.rpartition("/")[2], []).append(arn)

    def find(self, arn: str) -> list[Node]:
        """Return what an ARN names; several only where a part of it is not told."""
        if UNTOLD not in arn:
            return [self._whole[arn]] if arn in self._whole else []
        head, _, tail = arn.partition(UNTOLD)
        if "/" in tail and not tail.endswith("/"):
            near: Iterable[str] = self._by_end.get(tail.rpartition("/")[2], ())
        else:
            near = self._beginning(head)
        fit = (one for one in near if one.startswith(head) and one.endswith(tail))
        return [self._whole[one] for one in sorted(set(fit))[:MOST]]

    def _beginning(self, head: str) -> Iterator[str]:
        if self._sorted is None:
            self._sorted = sorted(self._whole)
        for arn in self._sorted[bisect_left(self._sorted, head) :]:
            if not arn.startswith(head):
                return
            yield arn


def read_world() -> tuple[World, Known]:
    """Return what the engine looks at, and which rows its nodes are."""
    known = Known()
    named: list[tuple[Node, Tie]] = []
    parents: list[tuple[Node, Row]] = []
    for resource in REGISTER:
        if resource.held:
            _read_kind(resource, known, named, parents)
    for node, above in parents:
        if above in known.nodes:
            known.ties.append(Tied(node, "part of", known.nodes[above]))
    for node, tie in named:
        for target in _targets(known, tie.to_kind, tie.to):
            known.ties.append(Tied(node, tie.relation, target, tie.detail))
    _read_links(known)
    shaped = {
        known.nodes[kind, row_id]: (shape, why)
        for kind, row_id, shape, why in ShapeRow.objects.values_list(
            "kind", "row_id", "shape_id", "why"
        )
        if (kind, row_id) in known.nodes
    }
    world = World(
        things=known.things,
        ties=known.ties,
        held=_by_node(known, Holding.objects.exclude(how=Holding.How.FOLLOWS), "project_id"),
        shapes={node: shape for node, (shape, _) in shaped.items()},
        whys={node: why for node, (_, why) in shaped.items() if why},
        barred=_by_node(known, Declined.objects, "project_id"),
        shape_names=dict(ShapeRow.objects.values_list("shape_id", "shape__name").distinct()),
        project_names=dict(Project.objects.values_list("pk", "name")),
        tag_key=Adoption.here().tag_key,
    )
    return world, known


def _by_node(known: Known, rows: Any, column: str) -> dict[Node, Sequence[int]]:
    found: dict[Node, list[int]] = {}
    for kind, row_id, value in rows.values_list("kind", "row_id", column).order_by("pk"):
        node = known.nodes.get((kind, row_id))
        if node is not None:
            found.setdefault(node, []).append(value)
    return dict(found)


def _targets(known: Known, kind: str, arn: str) -> list[Node]:
    if kind == REPOSITORY:
        mirrored = known.arns.get(GITHUB)
        found = mirrored.find(arn) if mirrored is not None else []
        return found or [(REPOSITORY, arn[:LONGEST])]
    arns = known.arns.get(kind)
    return [] if arns is None else arns.find(arn)


def _read_kind(
    resource: Resource,
    known: Known,
    named: list[tuple[Node, Tie]],
    parents: list[tuple[Node, Row]],
) -> None:
    """Read the rows of a kind: what their columns name, their tags, what they are part of."""
    model = resource.model
    columns = {one.name for one in model._meta.get_fields()}
    of_ties, ties = resource.ties or ((), None)
    above, path = resource.parent or ("", "")
    above = above if above and REGISTER.get(above).held and resource.kind not in APART else ""
    wanted = [name for name in ("name", "tags", "was") if name in columns]
    rows = (
        model._default_manager.filter(
            gone_at=None, scope__parked=False, scope__provider=resource.provider
        )
        .order_by("pk")
        .values_list(
            "pk",
            "scope_id",
            "key",
            "arn",
            "first_seen_at",
            "scope__region",
            "scope__account",
            "scope__label",
            path or "pk",
            *wanted,
            *of_ties,
        )
    )
    arns = known.arns.setdefault(resource.kind, Arns())
    for pk, scope, key, arn, since, region, account, label, parent, *more in rows.iterator(BATCH):
        told = dict(zip((*wanted, *of_ties), more, strict=True)) | {"arn": arn, "key": key}
        tags = told.get("tags")
        tags = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, Mapping) else {}
        node = (resource.kind, arn or f"{account}/{region}/{key}")
        if node in known.things:
            node = (resource.kind, f"{node[1]}#{pk}")
        name = key if above else str(told.get("name") or key)
        known.things[node] = Thing(
            node, name[:LONGEST], f"{label or account} {region}".strip(), tags, since.isoformat()
        )
        known.rows[node] = ((resource.kind, pk), scope)
        known.nodes[resource.kind, pk] = node
        if arn:
            arns.add(arn, node)
        # A pipeline goes on naming a repository as it was called when it was made.
        for before in told.get("was") or ():
            arns.add(str(before).lower(), node)
        if above and parent is not None:
            parents.append((node, (above, parent)))
        if ties is not None:
            named += [(node, tie) for tie in ties(*(told[column] for column in of_ties))]
        if stack := _stack_of(tags, arn):
            named.append((node, Tie("made by", STACK, stack)))


# What a target group has to do with its balancer is told by a link, and no part of it.
APART = frozenset({"ec2.targetgroup"})


def _stack_of(tags: Mapping[str, str], arn: str) -> str:
    if tags.get(STACK_ID):
        return tags[STACK_ID]
    parts = arn.split(":")
    if tags.get(STACK_NAME) and len(parts) > 5:
        place = ":".join((parts[0], parts[1], "cloudformation", parts[3], parts[4]))
        return f"{place}:stack/{tags[STACK_NAME]}/*"
    return ""


def _holder(resource: Resource | None) -> tuple[str, str] | None:
    """Return (column path, kind) of what rows of a kind are held with; None for nothing."""
    if resource is None:
        return None
    return next(((path, kind) for path, kind in lineage(resource) if REGISTER.get(kind).held), None)


def _read_links(known: Known) -> None:
    """Read what rows of today name; what a row of another kind names, its holder does."""
    lasting = [one.kind for one in REGISTER if not one.history and _holder(one) is not None]
    links = Link.objects.filter(from_kind__in=lasting, relation__in=list(WAYS))
    told = [
        one
        for one in links.order_by("pk").values_list(*LINK).iterator(BATCH)
        # What a stage took last is some commit; the definition says of which repository.
        if one[2] != "takes"
    ]
    past, relation, targets = BY_HISTORY
    if past in REGISTER.by_kind:
        newest = Link.objects.filter(from_kind=past, relation=relation, to_kind__in=targets)
        told += newest.order_by("-pk").values_list(*LINK)[:NEWEST]
    found = _resolved(known, told)
    # A service's logs are named by what it runs now, which is a history's row.
    runs: dict[str, set[int]] = {}
    for (kind, _, relation, to_kind, _), (_, pk) in found.items():
        resource = REGISTER.by_kind.get(to_kind)
        if relation == "runs" and REGISTER.get(kind).held and resource and resource.history:
            runs.setdefault(to_kind, set()).add(pk)
    more: list[tuple[str, int, str, str, str]] = []
    for kind, ids in runs.items():
        wanted = sorted(ids)
        for start in range(0, len(wanted), BATCH):
            some = Link.objects.filter(
                from_kind=kind, from_id__in=wanted[start : start + BATCH], relation__in=list(WAYS)
            )
            more += some.order_by("pk").values_list(*LINK)
    found |= _resolved(known, more)
    sources = _sources(known, [*told, *more])
    for link, (target, _) in found.items():
        source = sources.get((link[0], link[1]))
        if source is not None:
            known.ties.append(Tied(source[0], link[2], target, source[1]))


LINK = ("from_kind", "from_id", "relation", "to_kind", "to_arn")
Told = tuple[str, int, str, str, str]


def _resolved(known: Known, links: Iterable[Told]) -> dict[Told, tuple[Node, int]]:
    """Return (node, row id of what is named) of the links that name something that may be held."""
    found: dict[Told, tuple[Node, int]] = {}
    by_kind: dict[str, dict[str, list[Told]]] = {}
    for link in links:
        kind, arn = link[3], link[4]
        if kind in known.arns:
            for node in known.arns[kind].find(arn)[:1]:
                found[link] = (node, known.rows[node][0][1])
        else:
            by_kind.setdefault(kind, {}).setdefault(arn, []).append(link)
    for kind, by_arn in by_kind.items():
        resource = REGISTER.by_kind.get(kind)
        holder = _holder(resource)
        if resource is None or holder is None:
            continue
        wanted = sorted(by_arn)
        for start in range(0, len(wanted), BATCH):
            rows = resource.model._default_manager.filter(arn__in=wanted[start : start + BATCH])
            for pk, arn, above in rows.values_list("pk", "arn", holder[0]):
                held = known.nodes.get((holder[1], above))
                if held is not None:
                    found |= dict.fromkeys(by_arn[arn], (held, pk))
    return found


def _sources(known: Known, links: Iterable[Told]) -> dict[Row, tuple[Node, str]]:
    """Return what holds the rows that name something, and where in it that is said."""
    found: dict[Row, tuple[Node, str]] = {}
    ids: dict[str, set[int]] = {}
    for kind, row_id, *_ in links:
        node = known.nodes.get((kind, row_id))
        if node is not None:
            found[kind, row_id] = (node, "")
        elif kind not in known.arns:
            ids.setdefault(kind, set()).add(row_id)
    for kind, wanted in ids.items():
        resource = REGISTER.get(kind)
        holder = _holder(resource)
        if holder is None:
            continue
        named = "name" in {one.name for one in resource.model._meta.get_fields()}
        rows = resource.model._default_manager.filter(scope__parked=False)
        if not resource.history:
            rows = rows.filter(gone_at=None)
        columns = ("pk", holder[0], "name" if named else "pk")
        numbers = sorted(wanted)
        for start in range(0, len(numbers), BATCH):
            for pk, above, name in rows.filter(pk__in=numbers[start : start + BATCH]).values_list(
                *columns
            ):
                held = known.nodes.get((holder[1], above))
                if held is not None:
                    detail = f"{resource.label.removesuffix('s')} {name}" if named else ""
                    found[kind, pk] = (held, detail)
    return found
