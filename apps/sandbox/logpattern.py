"""Reads CloudWatch Logs' filter patterns: terms, phrases, exclusions, and simple JSON ones.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

Test = Callable[[str], bool]

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_PLAIN = re.compile(r"\w+", re.ASCII)
_CONDITION = re.compile(
    r"""\s*\$\.(?P<path>[\w.\[\]*-]+)\s*(?P<how>=|!=|>=|<=|>|<)\s*(?P<value>"[^"]*"|[\w.*+-]+)\s*"""
)


class PatternError(ValueError):
    """A pattern that AWS would refuse; the text is AWS's."""


@functools.lru_cache(maxsize=256)
def matcher(pattern: str) -> Test:
    """Return whether a message matches; raises PatternError."""
    text = pattern.strip()
    if text.startswith("{"):
        return _json(text)
    if text.startswith("["):
        if not text.endswith("]"):
            raise PatternError("Invalid filter pattern")
        return lambda _: True
    wanted: list[str] = []
    either: list[str] = []
    unwanted: list[str] = []
    at = 0
    while text[at:].strip():
        found = _TERM.match(text, at)
        assert found is not None
        sign, phrase, bare = found.groups()
        if bare is not None and not _PLAIN.fullmatch(bare):
            raise PatternError(f"Invalid character(s) in term '{bare}'")
        term = bare if phrase is None else phrase.replace('\\"', '"')
        {"": wanted, "?": either, "-": unwanted}[sign].append(term)
        at = found.end()
    return lambda message: (
        all(term in message for term in wanted)
        and not any(term in message for term in unwanted)
        and (not either or any(term in message for term in either))
    )


def _json(text: str) -> Test:
    if not text.endswith("}"):
        raise PatternError("Invalid filter pattern")
    inner = text[1:-1]
    tests = []
    for some in inner.split("||"):
        conditions = [_CONDITION.fullmatch(one) for one in some.split("&&")]
        if not all(conditions):
            raise PatternError("Invalid filter pattern")
        tests.append([_condition(found) for found in conditions if found is not None])

    def holds(message: str) -> bool:
        try:
            told = json.loads(message)
        except ValueError:
            return False
        return any(all(test(told) for test in some) for some in tests)

    return holds


def _condition(found: re.Match[str]) -> Callable[[Any], bool]:
    path, how, value = found["path"].split("."), found["how"], found["value"]

    def holds(told: Any) -> bool:
        for name in path:
            if not isinstance(told, dict) or name not in told:
                return False
            told = told[name]
        if value.startswith('"') or (how in ("=", "!=") and isinstance(told, str)):
            same = re.fullmatch(re.escape(value.strip('"')).replace(r"\*", ".*"), str(told))
            return bool(same) is (how == "=")
        try:
            number, limit = float(told), float(value)
        except (TypeError, ValueError):
            return False
        return {
            "=": number == limit,
            "!=": number != limit,
            ">": number > limit,
            ">=": number >= limit,
            "<": number < limit,
            "<=": number <= limit,
        }[how]

    return holds
