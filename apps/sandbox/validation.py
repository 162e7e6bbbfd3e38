"""Judges a request's members against botocore's model and words the complaint as AWS words it."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "float": (int, float),
    "double": (int, float),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}


def complaint(shape: Any, params: Any) -> str | None:
    """AWS's text for everything wrong with ``params``, or None.

    It begins with how many errors there are: ``2 validation errors detected: …``.
    """
    found = list(_judge(shape, params, ""))
    if not found:
        return None
    plural = "s" if len(found) > 1 else ""
    return f"{len(found)} validation error{plural} detected: " + "; ".join(found)


@functools.cache
def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:  # Java's regular expressions know things that Python's don't.
        return None


def _judge(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    expected = _TYPES.get(kind)
    number = kind in ("integer", "long")
    if expected is not None and (
        not isinstance(value, expected) or (number and isinstance(value, bool))
    ):
        yield _words("", path, f"Member must be of type {kind}")
    elif kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        yield from _bounds(shape, len(value), "", path, "length")
        for position, item in enumerate(value, 1):
            yield from _judge(shape.member, item, f"{path}.{position}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from _judge(shape.value, item, f"{path}.{key}.member")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif number:
        yield from _bounds(shape, value, value, path, "value")


def _structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _words("", _join(path, name), "Member must not be null")
    for name, item in value.items():
        member = shape.members.get(name)
        if member is not None and item is not None:
            yield from _judge(member, item, _join(path, name))


def _string(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield _words(value, path, f"Member must satisfy enum value set: [{allowed}]")
        return
    yield from _bounds(shape, len(value), value, path, "length")
    text = shape.metadata.get("pattern")
    compiled = _pattern(text) if text else None
    if compiled is not None and not compiled.fullmatch(value):
        yield _words(value, path, f"Member must satisfy regular expression pattern: {text}")


def _bounds(shape: Any, size: int, shown: object, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _words(shown, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _words(shown, path, f"Member must have {what} less than or equal to {high}")


def _words(shown: object, path: str, constraint: str) -> str:
    value = f"Value '{shown}'" if shown != "" else "Value"
    return f"{value} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
