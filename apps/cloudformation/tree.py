"""Reads YAML, and JSON with it, into nodes that know where in the text they stand; no Django.

Nothing is constructed: a tag (!Ref, !Sub) is kept as a word, an alias is a name. The parser gives
events one after the other, so that no depth of nesting is a depth of calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

# libyaml's, which is in the wheels, takes a tenth of a second where Python's takes many.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The parser looks at every open bracket for each token: so deep no person writes.
DEEPEST = 100
Kind = Literal["scalar", "mapping", "sequence", "alias"]


class UnreadableError(Exception):
    """A text that is no YAML, or nested deeper than `DEEPEST`."""


@dataclass(slots=True)
class Node:
    """A node of the text; `text[start:end]` is what it is written as, its tag included.

    value     a scalar's value, an alias' name.
    style     how a scalar is quoted: "'", '"', "|", ">" or "".
    tag       "!Ref", "" for none.
    anchor    the name by which aliases mean it, "" for none.
    children  of a sequence its items; of a mapping its keys and values in turn.
    """

    kind: Kind
    start: int
    end: int
    value: str = ""
    style: str = ""
    tag: str = ""
    anchor: str = ""
    children: "list[Node]" = field(default_factory=list)

    @property
    def pairs(self) -> Iterator[tuple["Node", "Node"]]:
        """Keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=False)


def read(text: str) -> list[Node]:
    """Return the documents' root nodes. Raises UnreadableError."""
    roots: list[Node] = []
    above: list[Node] = []
    try:
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.CollectionEndEvent):
                above.pop().end = _end(event)
                continue
            node = _node(event)
            if node is None:
                continue
            (above[-1].children if above else roots).append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                above.append(node)
                if len(above) > DEEPEST:
                    raise UnreadableError
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError from error
    return roots


def _end(event: Any) -> int:
    return int(event.end_mark.index)


def _node(event: Any) -> Node | None:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", start, end, value=event.anchor or "")
    if not isinstance(event, yaml.NodeEvent):
        return None
    told: Any = event
    kind: Kind = "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
    if isinstance(event, yaml.ScalarEvent):
        kind = "scalar"
    return Node(
        kind,
        start,
        end,
        value=told.value if kind == "scalar" else "",
        style=(told.style or "") if kind == "scalar" else "",
        tag=told.tag or "",
        anchor=told.anchor or "",
    )
