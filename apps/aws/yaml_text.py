"""Writes plain documents (mappings, lists, texts, numbers, switches) as block-style YAML."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What YAML reads as itself without quotes, for certain; everything else is quoted.
_PLAIN = re.compile(r"[A-Za-z][\w./-]*(?:::?[\w./-]+)*(?: [\w./(-][\w./,;()-]*)*", re.ASCII)
_WORDS = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null"})
INDENT = "  "


def as_yaml(document: Any) -> str:
    """Return a document as YAML; `yaml.safe_load` of it is the document again."""
    return "\n".join(_lines(document)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for item in value:
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from (f"{INDENT}{line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(key: str, value: Any) -> Iterator[str]:
    nested = isinstance(value, Mapping | list | tuple) and len(value) > 0
    if not nested:
        yield f"{key} {_scalar(value)}"
        return
    yield key
    yield from (f"{INDENT}{line}" for line in _lines(value))


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(character: str) -> str:
    if " " <= character <= "~":
        return f"\\{character}" if character in '"\\' else character
    return f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
