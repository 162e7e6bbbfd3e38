"""What drifted in a stack, property by property, as lines that a look keeps; no Django.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDrift.html

A line is JSON: ["R", logical id, type, physical id, status, checked (ISO), reason, differences] for
a resource, followed by ["P", difference, path, expected, actual] for each property that differs.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.mirror.masking import MASK, masked, named_masked, sounds_secret

from . import template, tree

# What is shown of a stack, of a resource, and of one value.
MOST_RESOURCES, MOST_DIFFERENCES, LONGEST_VALUE = 200, 100, 2_000
# A value is looked through for secrets as a whole, unless it is so long.
LONGEST_READ = 50_000
# Scripts that CloudFormation tells in base64: what is in them cannot be masked by its name.
UNREADABLE = frozenset({"userdata"})
# What the template takes from elsewhere when it is deployed: what is there may be a secret.
_RESOLVED = re.compile(r"\{\{resolve:(?!ssm:)")


def lines_of(drifts: Iterable[Mapping[str, Any]], withheld: "Withheld") -> Iterator[str]:
    """Yield the lines of what DescribeStackResourceDrifts answered, masked and cut.

    Of more resources than are shown the last line is "M" alone: there are more.
    """
    every = list(drifts)
    for drift in every[:MOST_RESOURCES]:
        differences = drift.get("PropertyDifferences") or ()
        checked = drift.get("Timestamp")
        yield json.dumps(
            [
                "R",
                _cut(drift.get("LogicalResourceId")),
                _cut(drift.get("ResourceType")),
                _masked(drift.get("PhysicalResourceId")),
                _cut(drift.get("StackResourceDriftStatus")),
                checked.isoformat() if isinstance(checked, datetime) else "",
                _masked(drift.get("DriftStatusReason")),
                len(differences),
            ]
        )
        documents = [_document(drift.get(f"{side}Properties")) for side in ("Expected", "Actual")]
        for one in differences[:MOST_DIFFERENCES]:
            yield json.dumps(_difference(drift, one, documents, withheld))
    if len(every) > MOST_RESOURCES:
        yield json.dumps(["M", MOST_RESOURCES])


def _cut(value: Any) -> str:
    return str(value or "")[:LONGEST_VALUE]


def _masked(value: Any) -> str:
    """Return text without secrets, cut afterwards: half a key is a secret, too."""
    return named_masked(masked(str(value or "")[:LONGEST_READ]))[:LONGEST_VALUE]


def _document(text: Any) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}


def _difference(
    drift: Mapping[str, Any],
    one: Mapping[str, Any],
    documents: Sequence[Any],
    withheld: "Withheld",
) -> list[Any]:
    path = _cut(one.get("PropertyPath"))
    names = [_name(part) for part in path.split("/")[1:]]
    values = [one.get("ExpectedValue"), one.get("ActualValue")]
    secret = (
        withheld.holds(drift.get("LogicalResourceId"), names)
        or any(sounds_secret(name) or name.lower() in UNREADABLE for name in names)
        or any(_named_secret(document, names) for document in documents)
        or bool(_RESOLVED.search(str(values[0] or "")))
    )
    shown = [_value(value, secret=secret) for value in values]
    return ["P", str(one.get("DifferenceType") or ""), path, *shown]


def _name(part: str) -> str:
    """Return a step of a JSON pointer as it is called."""
    return part.replace("~1", "/").replace("~0", "~")


def _named_secret(document: Any, names: Sequence[str]) -> bool:
    """Whether what a path leads to stands beside a name that sounds secret: {Name, Value}."""
    at = document
    for name in names:
        if isinstance(at, dict):
            if name.lower() in template.VALUES and any(
                str(key).lower() in template.NAMES and sounds_secret(value)
                for key, value in at.items()
            ):
                return True
            at = at.get(name)
        elif isinstance(at, list) and name.isdecimal() and int(name) < len(at):
            at = at[int(name)]
        else:
            break
    return False


def _value(value: Any, *, secret: bool) -> str:
    """Return a value as it is shown: what is structured over several lines; "" where none is."""
    if value in (None, "", "null"):
        return ""
    if secret:
        return MASK
    told = str(value)
    if len(told) > LONGEST_READ:
        return f"{len(told):,} characters, too long to be shown"
    structured = _document(told) if told.startswith(("{", "[")) else None
    lines = template.lines_of(structured) if structured else [named_masked(masked(told))]
    told = "\n".join(lines)
    cut = len(told) > LONGEST_VALUE or (not structured and len(str(value)) > LONGEST_VALUE)
    return f"{told[:LONGEST_VALUE]} …" if cut else told


class Withheld:
    """Which properties hold what a stack does not echo: CloudFormation may tell them here.

    body   the template; None where it could not be read: then every value is withheld.
    names  the parameters that are not echoed.
    """

    def __init__(self, body: Any, names: Collection[str]) -> None:
        self.by_resource: dict[str, set[str]] = {}
        self.all = bool(names) and body is None
        if not names or body is None:
            return
        text = body if isinstance(body, str) else json.dumps(body, default=str)
        meant = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b")
        try:
            roots = tree.read(text)
        except tree.UnreadableError:
            self.all = True
            return
        for name, resource in _members(roots, "Resources"):
            for section, properties in resource.pairs:
                if section.value == "Properties" and properties.kind == "mapping":
                    self.by_resource[name] = {
                        key.value
                        for key, value in properties.pairs
                        if meant.search(text[value.start : value.end])
                    }

    def holds(self, logical_id: Any, names: Sequence[str]) -> bool:
        """Whether the property on a path of names is one of them."""
        held = self.by_resource.get(str(logical_id), ())
        return self.all or bool(held and (not names or names[0] in held))


def _members(roots: Iterable[tree.Node], section: str) -> Iterator[tuple[str, tree.Node]]:
    for root in roots:
        for key, node in root.pairs if root.kind == "mapping" else ():
            if key.value == section and node.kind == "mapping":
                yield from ((name.value, one) for name, one in node.pairs if one.kind == "mapping")
