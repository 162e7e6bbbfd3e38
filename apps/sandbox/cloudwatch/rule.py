"""Reads the rules of composite alarms: ``ALARM("a") AND NOT (OK(b) OR TRUE)``.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

States = Mapping[str, str]
#: A rule that was read: whether it holds for these states.
Test = Callable[[States], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s()"]+))\s*\)
    |(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))""",
    re.VERBOSE | re.IGNORECASE,
)


class RuleError(ValueError):
    """A rule that cannot be read; the text says where."""


def holds(text: str, states: States) -> bool:
    """Whether a rule is true; an alarm that does not exist is in no state."""
    return _read(text)[0](states)


def names(text: str) -> frozenset[str]:
    """Names of the alarms that a rule asks."""
    return _read(text)[1]


@functools.lru_cache(maxsize=512)
def _read(text: str) -> tuple[Test, frozenset[str]]:
    tokens = _tokens(text)
    asked: set[str] = set()
    test, rest = _any(tokens, asked)
    if rest:
        raise RuleError(f"Error in AlarmRule: unexpected {rest[0][1]}")
    return test, frozenset(asked)


def _tokens(text: str) -> list[tuple[str, str, str]]:
    """(kind, word, alarm name) of each token."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise RuleError(f"Error in AlarmRule: cannot read at character {at}")
        at = match.end()
        if match["state"]:
            name = match["quoted"] or match["bare"]
            # A rule may name an alarm by its ARN, too.
            found.append(("state", match["state"].upper(), name.rpartition(":alarm:")[2]))
        elif match["word"]:
            found.append(("word", match["word"].upper(), ""))
        else:
            found.append(("word", match["bracket"], ""))
    return found


_Tokens = list[tuple[str, str, str]]


def _any(tokens: _Tokens, asked: set[str]) -> tuple[Test, _Tokens]:
    test, rest = _all(tokens, asked)
    tests = [test]
    while rest and rest[0][1] == "OR":
        test, rest = _all(rest[1:], asked)
        tests.append(test)
    return (lambda states: any(test(states) for test in tests)), rest


def _all(tokens: _Tokens, asked: set[str]) -> tuple[Test, _Tokens]:
    test, rest = _one(tokens, asked)
    tests = [test]
    while rest and rest[0][1] == "AND":
        test, rest = _one(rest[1:], asked)
        tests.append(test)
    return (lambda states: all(test(states) for test in tests)), rest


def _one(tokens: _Tokens, asked: set[str]) -> tuple[Test, _Tokens]:
    if not tokens:
        raise RuleError("Error in AlarmRule: it ends too early")
    (kind, word, name), rest = tokens[0], tokens[1:]
    if kind == "state":
        asked.add(name)
        return (lambda states: states.get(name) == word), rest
    match word:
        case "TRUE" | "FALSE":
            return (lambda _: word == "TRUE"), rest
        case "NOT":
            test, rest = _one(rest, asked)
            return (lambda states: not test(states)), rest
        case "(":
            test, rest = _any(rest, asked)
            if not rest or rest[0][1] != ")":
                raise RuleError("Error in AlarmRule: a bracket is not closed")
            return test, rest[1:]
    raise RuleError(f"Error in AlarmRule: unexpected {word}")
