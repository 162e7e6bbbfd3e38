"""What a measurement says: a value, its bound, and how it came about."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

MARK = "bench-result "
TIMES = "\u00d7"
T = TypeVar("T")


@dataclass(kw_only=True)
class Result:
    """One line of the table.

    value   the ratio or quantity that is held to `bound`; both in `unit`.
    how     the medians behind it, in words.
    """

    name: str
    value: float
    bound: float
    unit: str = TIMES
    how: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.value <= self.bound

    def tell(self) -> None:
        """Hand it to the parent process on stdout, and a person sees it pass by."""
        print(f"{MARK}{json.dumps(asdict(self))}", flush=True)


def read(line: str) -> Result | None:
    """The result that a child told in this line."""
    return Result(**json.loads(line.removeprefix(MARK))) if line.startswith(MARK) else None


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def wall(work: Callable[[], object]) -> float:
    """Seconds that passed."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu(work: Callable[[], object]) -> float:
    """Seconds of processor time that this process spent."""
    began = time.process_time()
    work()
    return time.process_time() - began


def interleaved(
    one: Callable[[], T], other: Callable[[], T], rounds: int
) -> tuple[list[T], list[T]]:
    """Measure ABAB…, so that what else the machine does falls on both alike."""
    pairs = [(one(), other()) for _ in range(rounds)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(ours) / statistics.median(theirs)


def shown(times: Sequence[float]) -> str:
    """A median with its spread, in a unit that reads well."""
    middle = statistics.median(times)
    factor, unit = (1000.0, "ms") if middle < 1 else (1.0, "s")
    low, high = min(times) * factor, max(times) * factor
    return f"{middle * factor:.3g} {unit} ({low:.3g} to {high:.3g})"
