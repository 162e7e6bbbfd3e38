"""Proposes projects: what hangs together, why, and what several share; no Django.

What projects hold already, and each group of pipelines, starts a label; labels spread along what
belongs to what (`ways`) and stop where they meet. What no pipeline claims starts its own, kind by
kind. The answer depends on what there is and not on the order in which it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .graph import Edge, Label, Node, Spread, spread
from .naming import in_words, short, together, told_apart
from .seeds import Thing, World, of_project, seeds_of
from .ways import ASIDE, CODESTAR, CORE, DEAR, LATER, PIPELINE, STACK, UPWARDS, WAYS

Why = list[list[str]]
# Of those who share a thing so many are named.
MOST = 8


@dataclass(frozen=True, slots=True)
class Member:
    """A thing of a proposal: the path by which it belongs, and who else it belongs to.

    why     [[what it has to do, kind, name], …], from the thing to where the proposal starts.
    shared  the names of the others that reach it: then it is nobody's until somebody says so.
    """

    node: Node
    why: Why
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """A project that is proposed, or what seems to belong to one that is there (`project`).

    anchor  what it is known by as things come and go.
    """

    anchor: str
    name: str
    members: tuple[Member, ...]
    project: int | None = None

    @property
    def alone(self) -> bool:
        """Whether it is one thing and what watches that, without a pipeline: hardly a project."""
        kinds = [one.node[0] for one in self.certain]
        return PIPELINE not in kinds and sum(kind not in ASIDE for kind in kinds) < 2

    @property
    def certain(self) -> list[Member]:
        """What is its alone."""
        return [one for one in self.members if not one.shared]


@dataclass(slots=True)
class _Found:
    """What is known of a label while it is put together."""

    claimed: dict[Node, Why] = field(default_factory=dict)
    offered: dict[Node, Why] = field(default_factory=dict)


def propose(world: World) -> list[Proposed]:
    """Return what is proposed, in the order of names."""
    edges = _edges(world)
    barred = {node: [of_project(one) for one in ids] for node, ids in world.barred.items()}
    seeds = seeds_of(world)
    found: dict[Label, _Found] = {}
    claims: dict[Node, Label] = {}
    several: dict[Node, list[Label]] = {}
    first = spread(edges, seeds, barred=barred)
    _gather(world, first, seeds, found)
    claims.update(first.claims)
    several.update({node: list(labels) for node, labels in first.shared.items()})
    carried = {tie.target for tie in world.ties if tie.relation == "runs on"}
    inside = {tie.source for tie in world.ties if tie.relation == "nested in"}
    for kind in LATER:
        passed_over = carried | inside if kind == STACK else set()
        starts = {
            node: [f"{kind}:{_lasting(node[1])}"]
            for node in sorted(world.things)
            if node[0] == kind
            and node not in claims
            and node not in several
            and node not in passed_over
        }
        if not starts:
            continue
        later = spread(edges, starts, closed={*claims, *several}, barred=barred)
        kept: dict[Label, _Found] = {}
        _gather(world, later, starts, kept)
        hollow = {label for label, one in kept.items() if not _core(one.claimed)}
        found |= {label: one for label, one in kept.items() if label not in hollow}
        claims.update({n: label for n, label in later.claims.items() if label not in hollow})
        several.update(
            {
                node: labels
                for node, told in later.shared.items()
                if len(labels := [one for one in told if one not in hollow]) > 1
            }
        )
    return _told(world, found, several, claims)


def _lasting(ident: str) -> str:
    """Return what of an ARN stays when the thing is made anew: a stack's without its id."""
    return ident.rpartition("/")[0] if ":cloudformation:" in ident else ident


def _core(nodes: Iterable[Node]) -> bool:
    return any(kind in CORE for kind, _ in nodes)


def _edges(world: World) -> dict[Node, list[Edge]]:
    order = {relation: place for place, relation in enumerate(WAYS)}
    edges: dict[Node, dict[Edge, None]] = {}
    told = (tie for tie in world.ties if tie.relation in order and tie.source != tie.target)
    for tie in sorted(
        told, key=lambda tie: (order[tie.relation], tie.source, tie.target, tie.detail)
    ):
        way = WAYS[tie.relation]
        if way.forward:
            edge = Edge(tie.target, way.forward, tie.detail, _cost(way.forward))
            edges.setdefault(tie.source, {})[edge] = None
        if way.backward:
            edge = Edge(tie.source, way.backward, tie.detail, _cost(way.backward))
            edges.setdefault(tie.target, {})[edge] = None
    return {node: list(mine) for node, mine in edges.items()}


def _cost(words: str) -> int:
    return DEAR if words in UPWARDS else 1


def _gather(
    world: World, told: Spread, seeds: Mapping[Node, Sequence[Label]], found: dict[Label, _Found]
) -> None:
    """Take in what a spreading found, by label; what is mirrored nowhere is no member."""
    sources: dict[Node, Node] = {}
    for tie in world.ties:
        if tie.relation == "takes" and tie.source[0] == PIPELINE:
            # Of several the first by name, in whatever order they are told.
            sources[tie.source] = min(sources.get(tie.source, tie.target), tie.target)
    for node, label in told.claims.items():
        if node in world.things:
            one = found.setdefault(label, _Found())
            one.claimed[node] = _why(world, told, node, label, sources)
    for node, labels in told.shared.items():
        if node not in world.things or node[0] == PIPELINE:
            continue
        for label in labels:
            if label not in seeds.get(node, ()):
                one = found.setdefault(label, _Found())
                one.offered[node] = _why(world, told, node, label, sources)


def _why(world: World, told: Spread, node: Node, label: Label, sources: Mapping[Node, Node]) -> Why:
    steps = told.way(node, label)
    why = [
        [step.words, step.node[0], _called(world, step.node, step.detail)]
        for step in steps
        if step.node != node
    ]
    if not why and label.startswith("shape:") and (kept := world.whys.get(node)):
        return [list(step) for step in kept]
    return why or [_beginning(world, node, label, sources)]


def _called(world: World, node: Node, detail: str = "") -> str:
    thing = world.things.get(node)
    name = thing.name if thing is not None else node[1]
    return f"{name}, {detail}" if detail else name


def _beginning(world: World, node: Node, label: Label, sources: Mapping[Node, Node]) -> list[str]:
    """Return why a label starts at a thing."""
    sort, _, rest = label.partition(":")
    tags = world.things[node].tags
    if sort == "tag" and "=" in rest and tags.get(rest.partition("=")[0], "").strip():
        return ["has the tag", "", rest]
    if sort == "codestar":
        return ["has the tag", "", f"{CODESTAR}={rest}"]
    if sort == "shape":
        return ["was put there by hand", "", ""]
    if sort == "project" and world.tag_key and (told := tags.get(world.tag_key)):
        return ["has the tag", "", f"{world.tag_key}={told}"]
    if node in sources:
        return ["takes its source from", sources[node][0], _called(world, sources[node])]
    return ["is what the rest hangs on", "", ""]


def _told(
    world: World,
    found: Mapping[Label, _Found],
    several: Mapping[Node, Sequence[Label]],
    claims: Mapping[Node, Label],
) -> list[Proposed]:
    labels = sorted(label for label, one in found.items() if _stands(label, one))
    # What a pipeline feeds has the first choice of names.
    fresh = sorted(
        (label for label in labels if not label.startswith("project:")),
        key=lambda label: (label.partition(":")[0] in LATER, label),
    )
    names = {of_project(number): name for number, name in world.project_names.items()}
    named = [(_name(world, label, found[label]), _places(world, found[label])) for label in fresh]
    taken = {name.lower() for name in world.project_names.values()}
    names |= dict(zip(fresh, told_apart(named, taken), strict=True))
    sharers = {
        node: sorted({names[one] for one in (*told, claims.get(node, "")) if one in names})
        for node, told in several.items()
    }
    proposed = []
    for label in labels:
        one = found[label]
        project = int(label.partition(":")[2]) if label.startswith("project:") else None
        members = [Member(node, why) for node, why in one.claimed.items()]
        if project is not None:
            members = [one for one in members if project not in world.held.get(one.node, ())]
        else:
            for node, why in one.offered.items():
                # Of very many, the first tell enough. Perhaps nobody else is left of who met there.
                met = sharers.get(node, [])
                told = [name for name in met[: MOST + 1] if name != names[label]]
                more = len(met) - 1 - len(told[:MOST])
                told = told[:MOST] + ([f"{more} more"] if more > 0 else [])
                members.append(Member(node, why, tuple(told) or ("others",)))
        members.sort(key=lambda member: (bool(member.shared), member.node))
        if members:
            proposed.append(Proposed(label, names[label], tuple(members), project))
    return sorted(proposed, key=lambda one: (one.name.lower(), one.anchor))


def _stands(label: Label, found: _Found) -> bool:
    """Whether there is something to propose: to a project that is there, anything that is new.

    What a person put together stands as it is.
    """
    return label.startswith(("project:", "shape:")) or _core(found.claimed)


def _places(world: World, found: _Found) -> list[str]:
    places = {world.things[node].place for node in found.claimed}
    return sorted(places) if len(places) == 1 else []


def _name(world: World, label: Label, found: _Found) -> str:
    sort, _, rest = label.partition(":")
    if sort == "shape":
        given = world.shape_names.get(int(rest), "")
        if given:
            return given
    if sort == "tag":
        return in_words(rest.partition("=")[2])
    if sort == "codestar":
        return in_words(rest.rpartition("/")[2])
    things = sorted((world.things[node] for node in found.claimed), key=_oldest_first)
    pipelines = [thing for thing in things if thing.kind == PIPELINE]
    if len(pipelines) > 1:
        common = together([one.name for one in pipelines])
        if common:
            return in_words(common)
        if sort == "source":
            return in_words(rest.rpartition("/")[2].rpartition(":")[2])
    if pipelines:
        return in_words(short(pipelines[0].name))
    anchor = next((one for one in things if f"{one.kind}:{_lasting(one.node[1])}" == label), None)
    chosen = anchor or next((one for one in things if one.kind in CORE), things[0])
    return in_words(short(chosen.name))


def _oldest_first(thing: Thing) -> tuple[str, Node]:
    return (thing.since, thing.node)
