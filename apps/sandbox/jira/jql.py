"""A small JQL: which issues a query finds, in which order, and Jira's words of what it rejects.

https://support.atlassian.com/jira-software-cloud/docs/jql-fields/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apps.sandbox.jira.jqlfields import PRIORITY, TEXTS, TIMES, Fields, JqlError, at_of, order

if TYPE_CHECKING:
    from apps.sandbox.jira.model import Issue, Jira

Test = Callable[["Issue"], bool]

_WORD = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"|(?P<sign>!=|!~|>=|<=|[=~<>(),])|(?P<word>[^\s=~<>!(),\"']+))"
)
_AGO = re.compile(r"([+-]?)(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"
#: Other names of fields.
_ALIASES = {
    "issue": "key",
    "issuekey": "key",
    "id": "key",
    "type": "issuetype",
    "createddate": "created",
    "updateddate": "updated",
    "resolutiondate": "resolved",
    "labels": "labels",
    "label": "labels",
    "due": "duedate",
    "cf[10020]": "sprint",
}
_NAMED = frozenset(
    [
        "project",
        "key",
        "issuetype",
        "status",
        "statuscategory",
        "assignee",
        "reporter",
        "labels",
        "priority",
        "sprint",
        "component",
        "parent",
        "resolution",
        "creator",
    ]
)
_ORDERED = frozenset(
    [
        "key",
        "created",
        "updated",
        "resolved",
        "duedate",
        "priority",
        "status",
        "summary",
        "assignee",
        "issuetype",
        "rank",
    ]
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood: a test, an order, and whether it restricts anything."""

    test: Test
    orders: tuple[tuple[str, bool], ...]
    bounded: bool

    def find(self, jira: Jira) -> list[Issue]:
        """The issues, in order (by default the newest first)."""
        found = [issue for issue in jira.issues.values() if self.test(issue)]
        for name, falls in reversed(self.orders or (("created", True),)):
            found.sort(key=lambda issue: order(jira, issue, name), reverse=falls)
        return found


def parse(jira: Jira, text: str, me: str) -> Query:
    """Understand a query, asked by ``me``; raises JqlError."""
    return _Reader(jira, text, me).query()


class _Reader:
    def __init__(self, jira: Jira, text: str, me: str) -> None:
        self.jira, self.text, self.fields = jira, text, Fields(jira, me)
        self.words: list[tuple[str, bool, int]] = []
        at = 0
        while text[at:].strip():
            match = _WORD.match(text, at)
            if match is None:
                raise self._wrong(
                    f"The character '{text[at:].strip()[0]}' is a reserved JQL "
                    "character. You must enclose it in a string or use the escape "
                    "'\\u0022' instead.",
                    at,
                )
            quoted = match["text"] is not None
            word = re.sub(r"\\(.)", r"\1", match["text"][1:-1]) if quoted else match[0].strip()
            self.words.append((word, quoted, match.end() - len(match[0].lstrip())))
            at = match.end()
        self.at = 0

    def _wrong(self, message: str, at: int | None = None) -> JqlError:
        if at is None:
            at = self.words[self.at][2] if self.at < len(self.words) else len(self.text)
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        return JqlError(f"Error in the JQL Query: {message} (line {line}, character {column})")

    def _peek(self) -> str:
        return self.words[self.at][0] if self.at < len(self.words) else ""

    def _is(self, *words: str) -> bool:
        here = self.words[self.at : self.at + len(words)]
        return [word.lower() for word, quoted, _ in here if not quoted] == list(words)

    def _take(self, *words: str) -> bool:
        if self._is(*words):
            self.at += len(words)
            return True
        return False

    def query(self) -> Query:
        """The whole query."""
        bounded = bool(self.words) and not self._is("order", "by")
        test: Test = self._either() if bounded else _everything
        orders: list[tuple[str, bool]] = []
        if self._take("order", "by"):
            orders = self._orders()
        if self.at < len(self.words):
            raise self._wrong(f"Expecting either 'OR' or 'AND' but got '{self._peek()}'.")
        return Query(test, tuple(orders), bounded)

    def _orders(self) -> list[tuple[str, bool]]:
        orders = []
        while True:
            name = self._field(for_order=True)
            falls = self._take("desc")
            if not falls:
                self._take("asc")
            orders.append((name, falls))
            if not self._take(","):
                return orders

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("or") or self._take("||"):
            tests.append(self._both())
        return lambda issue: any(test(issue) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and") or self._take("&&"):
            tests.append(self._one())
        return lambda issue: all(test(issue) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            test = self._one()
            return lambda issue: not test(issue)
        if self._take("("):
            test = self._either()
            if not self._take(")"):
                raise self._wrong("Expecting ')' before the end of the query.")
            return test
        name = self._field()
        return self._clause(name)

    def _field(self, *, for_order: bool = False) -> str:
        if self.at >= len(self.words):
            raise self._wrong("Expecting a field name at the end of the query.")
        word = self.words[self.at][0]
        name = _ALIASES.get(word.lower(), word.lower())
        known = _ORDERED if for_order else _NAMED | TEXTS | TIMES
        if re.fullmatch(r"[(),=~<>!]+", word):
            raise self._wrong(
                f"Expecting a field name but got '{word}'. You must surround "
                f"'{word}' in quotation marks to use it as a field name."
            )
        if name not in known:
            if for_order and name in _NAMED | TEXTS:
                raise JqlError(f"Not able to sort using field '{word}'.")
            raise JqlError(
                f"Field '{word}' does not exist or you do not have permission to view it."
            )
        self.at += 1
        return name

    def _clause(self, name: str) -> Test:
        if self._take("is", "not"):
            self._empty()
            return lambda issue: bool(self.fields.values(name, issue))
        if self._take("is"):
            self._empty()
            return lambda issue: not self.fields.values(name, issue)
        if self._take("not", "in"):
            return self._among(name, wanted=False)
        if self._take("in"):
            return self._among(name, wanted=True)
        operator = self._peek()
        if operator not in ("=", "!=", "~", "!~", "<", ">", "<=", ">="):
            if self.at >= len(self.words):
                raise self._wrong(
                    "Expecting operator before the end of the query. The valid "
                    f"operators are {_OPERATORS}."
                )
            raise self._wrong(
                f"Expecting operator but got '{operator}'. The valid operators are {_OPERATORS}."
            )
        self.at += 1
        return self._compared(name, operator, self._value())

    def _empty(self) -> None:
        if not (self._take("empty") or self._take("null")):
            raise self._wrong(f"Expecting 'EMPTY' or 'NULL' but got '{self._peek()}'.")

    def _value(self) -> str:
        if self.at >= len(self.words):
            raise self._wrong(
                "Expecting either a value, list or function before the end of the query."
            )
        word = self._peek()
        if not self.words[self.at][1] and re.fullmatch(r"[(),=~<>!]+", word):
            raise self._wrong(f"Expecting either a value, list or function but got '{word}'.")
        self.at += 1
        if self._take("("):
            if not self._take(")"):
                raise self._wrong("Expecting ')' before the end of the query.")
            return f"{word}()"
        return word

    def _among(self, name: str, *, wanted: bool) -> Test:
        if not self._take("("):
            value = self._value()
            values = [value]
            if not value.endswith("()"):
                raise self._wrong(
                    f"Operator 'in' does not support the non-list value '{value}' "
                    f"for field '{name}'."
                )
        else:
            values = [self._value()]
            while self._take(","):
                values.append(self._value())
            if not self._take(")"):
                raise self._wrong("Expecting ')' before the end of the query.")
        allowed = {one for value in values for one in self.fields.meant(name, value)}
        return lambda issue: bool(allowed & self.fields.values(name, issue)) == wanted

    def _compared(self, name: str, operator: str, value: str) -> Test:
        if name in TIMES:
            return self._in_time(name, operator, value)
        if name in TEXTS or (operator in ("~", "!~") and name in ("sprint", "component")):
            if operator not in ("~", "!~"):
                raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
            words = value.lower().replace("*", "").split()
            wanted = operator == "~"
            return lambda issue: all(w in self.fields.text(name, issue) for w in words) == wanted
        if name == "priority" and operator in ("<", ">", "<=", ">="):
            limit = PRIORITY.get(value.lower(), 0)
            return lambda issue: _holds(PRIORITY[issue.priority.lower()], operator, limit)
        if name == "key" and operator in ("<", ">", "<=", ">="):
            project, _, number = value.rpartition("-")
            return lambda issue: (
                issue.project == project.upper() and _holds(issue.number, operator, int(number))
            )
        if operator not in ("=", "!="):
            raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
        allowed = set(self.fields.meant(name, value))
        return lambda issue: bool(allowed & self.fields.values(name, issue)) == (operator == "=")

    def _in_time(self, name: str, operator: str, value: str) -> Test:
        if operator in ("~", "!~"):
            raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
        limit = self._moment(name, value)

        def test(issue: Issue) -> bool:
            at = at_of(issue, name)
            return at is not None and _holds(at, operator, limit)

        return test

    def _moment(self, name: str, value: str) -> float:
        now = datetime.fromtimestamp(self.jira.world.now(), UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        known = {"now()": now, "startofday()": midnight, "endofday()": midnight + timedelta(days=1)}
        if value.lower() in known:
            return known[value.lower()].timestamp()
        ago = _AGO.fullmatch(value)
        if ago:
            span = timedelta(**{_UNITS[ago[3]]: int(ago[2])})
            return (now - span if ago[1] == "-" else now + span).timestamp()
        if value.isdecimal() and len(value) > 10:
            return int(value) / 1000
        for pattern in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
            try:
                return datetime.strptime(value, pattern).replace(tzinfo=UTC).timestamp()
            except ValueError:
                continue
        raise JqlError(
            f"Date value '{value}' for field '{name}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period "
            "format e.g. '-5d', '4w 2d'."
        )


def _everything(_issue: Issue) -> bool:
    return True


def _holds(value: float, operator: str, limit: float) -> bool:
    match operator:
        case "=":
            return value == limit
        case "!=":
            return value != limit
        case "<":
            return value < limit
        case ">":
            return value > limit
        case "<=":
            return value <= limit
    return value >= limit
