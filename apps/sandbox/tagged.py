"""YAML as templates are written in it: CloudFormation's short forms become its long ones."""

from __future__ import annotations

from typing import Any

import yaml

_TEXT_ONLY = frozenset({"Ref", "Condition"})


class Tagged(yaml.SafeLoader):
    """YAML with CloudFormation's tags; dates stay text."""


Tagged.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: Any, suffix: str, node: Any) -> Any:
    name = suffix if suffix in _TEXT_ONLY else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


Tagged.add_multi_constructor("!", _short_form)


def dumped(template: dict[str, Any]) -> str:
    """A template as YAML, intrinsic functions in their long form."""
    return str(yaml.safe_dump(template, sort_keys=False))
