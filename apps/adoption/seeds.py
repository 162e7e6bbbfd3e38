"""Which pipelines and tagged things are of one project to begin with; no Django."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .graph import Label, Node
from .naming import stem
from .ways import CODESTAR, DIRECT, PIPELINE

# A repository out of which pipelines of more projects than these are fed is no project's own.
FEW = 3


@dataclass(frozen=True, slots=True)
class Thing:
    """A row as far as the engine knows it. `since` sorts: the oldest is what others join."""

    node: Node
    name: str
    place: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    since: str = ""

    @property
    def kind(self) -> str:
        """What it is."""
        return self.node[0]


@dataclass(frozen=True, slots=True)
class Tied:
    """That one thing names another; the other may be mirrored nowhere."""

    source: Node
    relation: str
    target: Node
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that is looked at.

    held    thing -> the projects that hold it.
    shapes  thing -> the number of what an administrator put together by hand.
    whys    thing -> why it is there, of what stayed where it was found when more was split off.
    barred  thing -> projects it was taken out of: it is not proposed to them again.
    taken   the names of the projects that are there.
    """

    things: Mapping[Node, Thing]
    ties: Sequence[Tied]
    held: Mapping[Node, Sequence[int]] = field(default_factory=dict)
    shapes: Mapping[Node, int] = field(default_factory=dict)
    whys: Mapping[Node, list[list[str]]] = field(default_factory=dict)
    barred: Mapping[Node, Sequence[int]] = field(default_factory=dict)
    shape_names: Mapping[int, str] = field(default_factory=dict)
    project_names: Mapping[int, str] = field(default_factory=dict)
    tag_key: str = ""


def of_project(number: int) -> Label:
    """Return the label of a project that is there."""
    return f"project:{number}"


def of_shape(number: int) -> Label:
    """Return the label of what was put together by hand."""
    return f"shape:{number}"


class Groups:
    """Pipelines that belong together. Two that have labels of their own never do."""

    def __init__(self) -> None:
        self._above: dict[Node, Node] = {}
        self._label: dict[Node, Label] = {}

    def root(self, node: Node) -> Node:
        """Return what stands for the group of a node."""
        while (above := self._above.get(node, node)) != node:
            self._above[node] = self._above.get(above, above)
            node = above
        return node

    def label(self, node: Node) -> Label:
        """Return the label of its group, "" for none yet."""
        return self._label.get(self.root(node), "")

    def give(self, node: Node, label: Label) -> None:
        """Give its group a label."""
        self._label[self.root(node)] = label

    def join(self, one: Node, other: Node) -> None:
        """Put two together, unless each has a label of its own."""
        first, second = self.root(one), self.root(other)
        mine, theirs = self._label.get(first, ""), self._label.get(second, "")
        if first == second or (mine and theirs and mine != theirs):
            return
        self._above[second] = first
        if theirs:
            self._label[first] = theirs


def tag_of(thing: Thing, tag_key: str) -> Label:
    """Return the label that a thing's tags give it, "" for none."""
    if tag_key and (told := thing.tags.get(tag_key, "").strip()):
        return f"tag:{tag_key}={told}"
    arn = thing.tags.get(CODESTAR, "").strip()
    return f"codestar:{arn}" if arn else ""


def seeds_of(world: World) -> dict[Node, list[Label]]:
    """Return where labels start: what projects hold, what was shaped, tagged things, pipelines."""
    seeds = {node: [of_project(one) for one in sorted(ids)] for node, ids in world.held.items()}
    for node, number in world.shapes.items():
        seeds.setdefault(node, [of_shape(number)])
    for node, label in _tagged(world, seeds).items():
        seeds.setdefault(node, [label])
    pipelines = sorted(
        (one for one in world.things.values() if one.kind == PIPELINE),
        key=lambda one: (one.since, one.node),
    )
    several = {node for node, labels in seeds.items() if len(labels) > 1}
    alone = [one for one in pipelines if one.node not in several]
    labels = _of_pipelines(world, alone, {node: mine[0] for node, mine in seeds.items()})
    for node, label in labels.items():
        seeds.setdefault(node, [label])
    return seeds


def _of_pipelines(
    world: World, pipelines: Sequence[Thing], given: Mapping[Node, Label]
) -> dict[Node, Label]:
    """Return the label of each pipeline; `given` ones stay, and others join them."""
    groups = Groups()
    for one in pipelines:
        if one.node in given:
            groups.give(one.node, given[one.node])
    own = _sources(world, pipelines)
    for those in _by(own).values():
        for some in _of_one_source(those):
            _join(groups, some, world.barred)
    for those in _by(_direct(world, pipelines)).values():
        for some in _by_stem(those).values():
            _join(groups, some, world.barred)
    # What a group is known by: the repository of its oldest pipeline, or that itself.
    anchors = _anchors(own)
    for one in pipelines:
        if not groups.label(one.node):
            groups.give(one.node, anchors.get(one.node, f"pipeline:{one.node[1]}"))
    return {one.node: groups.label(one.node) for one in pipelines}


def _tagged(world: World, seeds: Mapping[Node, Sequence[Label]]) -> dict[Node, Label]:
    """Return the label by tag of what has one; where a project has the others, it is that one's.

    Where several projects have things of a tag, the tag tells nothing any more.
    """
    by_tag: dict[Label, list[Node]] = {}
    for node, thing in world.things.items():
        if label := tag_of(thing, world.tag_key):
            by_tag.setdefault(label, []).append(node)
    found: dict[Node, Label] = {}
    for label, nodes in by_tag.items():
        projects = {one for node in nodes for one in world.held.get(node, ())}
        if len(projects) > 1:
            continue
        of = of_project(*projects) if projects else label
        barred = {node for node in nodes if projects & set(world.barred.get(node, ()))}
        found |= {node: of for node in nodes if node not in seeds and node not in barred}
    return found


def _sources(world: World, pipelines: Iterable[Thing]) -> list[tuple[Node, Thing]]:
    """Return (repository, pipeline) of what each pipeline takes first."""
    mine = {one.node: one for one in pipelines}
    found = {
        (tie.target, mine[tie.source].node): None
        for tie in world.ties
        if tie.relation == "takes" and tie.source in mine
    }
    pairs = [(target, mine[node]) for target, node in found]
    return sorted(pairs, key=lambda pair: (pair[1].since, pair[1].node, pair[0]))


def _direct(world: World, pipelines: Iterable[Thing]) -> list[tuple[Node, Thing]]:
    mine = {one.node: one for one in pipelines}
    found = {
        (tie.target, tie.source)
        for tie in world.ties
        if tie.relation in DIRECT and tie.source in mine
    }
    pairs = [(target, mine[node]) for target, node in found]
    return sorted(pairs, key=lambda pair: (pair[1].since, pair[1].node, pair[0]))


def _by(pairs: Iterable[tuple[Node, Thing]]) -> dict[Node, list[Thing]]:
    found: dict[Node, list[Thing]] = {}
    for node, thing in pairs:
        found.setdefault(node, []).append(thing)
    return dict(sorted(found.items()))


def _by_stem(things: Iterable[Thing]) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for thing in things:
        found.setdefault(stem(thing.name), []).append(thing)
    return found


def _of_one_source(things: list[Thing]) -> list[list[Thing]]:
    stems = _by_stem(things)
    return [things] if len(stems) <= FEW else list(stems.values())


def _join(groups: Groups, things: Sequence[Thing], barred: Mapping[Node, Sequence[int]]) -> None:
    """Put those together that may be: with the label that most of them have, if any has one."""
    told = Counter(label for one in things if (label := groups.label(one.node)))
    most = min(told, key=lambda label: (-told[label], label), default="")
    main = next((one for one in things if groups.label(one.node) == most), things[0])
    for one in things:
        if most not in map(of_project, barred.get(one.node, ())):
            groups.join(main.node, one.node)


def _anchors(own: Sequence[tuple[Node, Thing]]) -> dict[Node, Label]:
    """Return the repository of each pipeline as a group's anchor, where few are fed by it."""
    return {
        one.node: f"source:{source[1]}"
        for source, those in _by(own).items()
        if len(_by_stem(those)) <= FEW
        for one in those
    }
