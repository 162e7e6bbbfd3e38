"""Spreads labels over a graph until each node is somebody's, shared by several, or nobody's.

No Django and nothing of AWS in it. A label starts at its seeds and goes along the edges. Where two
labels meet, the node is shared: it is neither's, and neither goes on from there. So what all use (a
network, a balancer) merges nothing, however much hangs on it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Node = tuple[str, str]
Label = str


@dataclass(frozen=True, slots=True)
class Edge:
    """That `to` belongs where this node belongs; `words` is said of it, about this node.

    cost  how far away it is: what is found by a dear edge gives way to what others find by cheap
          ones.
    """

    to: Node
    words: str
    detail: str = ""
    cost: int = 1


class Step(NamedTuple):
    """One step of the way from a node back to where its label started."""

    words: str
    node: Node
    detail: str


class Met(NamedTuple):
    """When a label reached a node, and by which step; None where it started there."""

    at: int
    step: Step | None


Walk = dict[Node, dict[Label, Met]]


@dataclass(frozen=True, slots=True)
class Spread:
    """What came of it.

    claims  node -> the one label it belongs to.
    shared  node -> the labels that reach it, where it is not theirs alone.
    """

    claims: Mapping[Node, Label]
    shared: Mapping[Node, Sequence[Label]]
    walked: Walk

    def way(self, node: Node, label: Label) -> list[Step]:
        """The steps from a node back to where the label started."""
        steps: list[Step] = []
        while (met := self.walked[node].get(label)) is not None and met.step is not None:
            steps.append(met.step)
            node = met.step.node
        return steps


def spread(
    edges: Mapping[Node, Sequence[Edge]],
    seeds: Mapping[Node, Sequence[Label]],
    closed: Collection[Node] = frozenset(),
    barred: Mapping[Node, Collection[Label]] | None = None,
) -> Spread:
    """Return whose each node is.

    seeds   node -> the labels that start there. One with a single label stays that label's: others
            that reach it are told so and end there. One with several is shared from the start.
    closed  nodes that nobody enters.
    barred  node -> labels that do not enter it.

    A node that is found shared may have been gone through before, so all is walked again without
    that. Each time the nodes at which labels meet soonest are settled; taking away ways to others
    can only make these meet later, so it is done again once for each distance at most.
    """
    shared = {node for node, labels in seeds.items() if len(labels) > 1}
    while True:
        walked = _walk(edges, seeds, shared, closed, barred or {})
        met = {
            node: sorted(one.at for one in labels.values())[1]
            for node, labels in walked.items()
            if len(labels) > 1 and node not in shared and node not in seeds
        }
        if not met:
            break
        soonest = min(met.values())
        shared |= {node for node, at in met.items() if at == soonest}
    claims = {node: labels[0] for node, labels in seeds.items() if len(labels) == 1}
    for node, found in walked.items():
        if node not in seeds and node not in shared:
            (claims[node],) = found
    several = {
        node: list(found)
        for node, found in walked.items()
        if node in shared or (node in seeds and len(found) > 1)
    }
    return Spread(claims, several, walked)


def _walk(
    edges: Mapping[Node, Sequence[Edge]],
    seeds: Mapping[Node, Sequence[Label]],
    shared: Collection[Node],
    closed: Collection[Node],
    barred: Mapping[Node, Collection[Label]],
) -> Walk:
    walked: Walk = {
        node: {label: Met(0, None) for label in labels} for node, labels in seeds.items()
    }
    due = {0: [(node, label, Met(0, None)) for node, labels in seeds.items() for label in labels]}
    while due:
        at = min(due)
        arrived: list[tuple[Node, Label]] = []
        for node, label, met in due.pop(at):
            known = walked.setdefault(node, {})
            if met.step is None or label not in known:
                known[label] = met
                arrived.append((node, label))
        for node, label in arrived:
            first = len(walked[node]) == 1
            own = node in seeds and len(seeds[node]) == 1 and label == seeds[node][0]
            # Two labels met here, or it is known to be shared, or it is another's own.
            if node in shared or not (own or (first and node not in seeds)):
                continue
            for edge in edges.get(node, ()):
                if label in walked.get(edge.to, ()) or edge.to in closed:
                    continue
                if label not in barred.get(edge.to, ()):
                    then = Met(at + edge.cost, Step(edge.words, node, edge.detail))
                    due.setdefault(at + edge.cost, []).append((edge.to, label, then))
    return walked
