"""Answers metric queries: single metrics, and expressions over them."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudwatch.metrics import Metric, MetricStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Moment (epoch seconds) → value.
Points = dict[float, float]

_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


class ExpressionError(ValueError):
    """An expression that cannot be read."""


class Queries:
    """The queries of one GetMetricData call, or of one alarm, which may name each other."""

    def __init__(
        self, store: MetricStore, queries: Iterable[dict[str, Any]], start: float, end: float
    ) -> None:
        self.store, self.start, self.end = store, start, end
        self.queries = {query["Id"]: query for query in queries}
        self._read: dict[str, Points] = {}
        self._under_way: set[str] = set()

    def points(self, name: str) -> Points:
        """The points of the query of this id; raises ExpressionError."""
        if name in self._read:
            return self._read[name]
        if name not in self.queries or name in self._under_way:
            raise ExpressionError(f"Error in expression: Unknown identifier '{name}'")
        self._under_way.add(name)
        query = self.queries[name]
        if "Expression" in query:
            found = self._expression(query["Expression"])
        else:
            stat = query["MetricStat"]
            found = dict(
                self.store.points(
                    Metric.of(stat["Metric"]), stat["Stat"], stat["Period"], self.start, self.end
                )
            )
        self._read[name] = found
        return found

    def period(self, name: str) -> int:
        """Seconds between a query's points."""
        query = self.queries[name]
        if "MetricStat" in query:
            return int(query["MetricStat"]["Period"])
        if query.get("Period"):
            return int(query["Period"])
        told = [q["MetricStat"]["Period"] for q in self.queries.values() if "MetricStat" in q]
        return int(max(told, default=60))

    def _expression(self, text: str) -> Points:
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            raise ExpressionError(f"Error in expression '{text}': Invalid syntax") from None
        found = self._value(tree, text)
        if isinstance(found, float):
            raise ExpressionError(f"Error in expression '{text}': it must be a time series")
        return found

    def _value(self, node: ast.expr, text: str) -> Points | float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.points(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return _combined(0.0, self._value(inner, text), operator.sub)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                one, other = self._value(left, text), self._value(right, text)
                return _combined(one, other, _OPERATORS[type(op)])
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                one, other = self._value(left, text), self._value(right, text)
                return _combined(one, other, _OPERATORS[type(op)])
            case ast.Call(func=ast.Name(id="FILL"), args=[inner, ast.Constant(value=filler)]):
                return self._filled(self._value(inner, text), float(str(filler)))
        raise ExpressionError(f"Error in expression '{text}': Unsupported function or operand")

    def _filled(self, found: Points | float, filler: float) -> Points | float:
        if isinstance(found, float):
            return found
        period = max((self.period(name) for name in self.queries), default=60)
        first = -int(-self.start // period) * period
        every = range(first, int(self.end), period)
        return {float(moment): found.get(float(moment), filler) for moment in every}


def _combined(
    one: Points | float, other: Points | float, how: Callable[[float, float], float]
) -> Points | float:
    """Two series where both have a point, or a series and a number."""
    if isinstance(one, float) and isinstance(other, float):
        return float(how(one, other)) if other or how is not operator.truediv else 0.0
    moments = set(one if isinstance(one, dict) else other)  # type: ignore[arg-type]
    if isinstance(one, dict) and isinstance(other, dict):
        moments &= set(other)
    found: Points = {}
    for moment in sorted(moments):
        left = one[moment] if isinstance(one, dict) else one
        right = other[moment] if isinstance(other, dict) else other
        if how is operator.truediv and not right:
            continue  # as AWS: no point where it would divide by nothing
        found[moment] = float(how(left, right))
    return found
