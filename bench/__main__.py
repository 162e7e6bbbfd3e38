"""`make bench`: every measurement, side by side in one run, into docs/performance.md.

With names (`sync collecting home up calm page`) only those are measured and nothing is written.
"""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import home, running
from bench.children import results_of
from bench.result import Result, note

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

MEASUREMENTS: dict[str, Callable[[], list[Result]]] = {
    "sync": lambda: [
        *results_of("bench.sync", "500", "20"),
        *results_of("bench.sync", "500", "0"),
    ],
    "collecting": lambda: results_of("bench.collecting"),
    "home": lambda: [*home.measure("sqlite"), *home.measure("postgresql")],
    "up": running.memory_and_start,
    "calm": running.calm,
    "page": running.event_to_page,
}


def main(names: list[str]) -> int:
    results: list[Result] = []
    for name in names or MEASUREMENTS:
        note(f"--- {name}")
        results += MEASUREMENTS[name]()
    table = as_table(results)
    note(table)
    if not names:
        text = PAGE.read_text()
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}")
    return 0 if all(result.met for result in results) else 1


def as_table(results: list[Result]) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {when}"
    lines = [f"{machine}", "", "| what | measured | bound | |", "|---|---|---|---|"]
    for result in results:
        verdict = "met" if result.met else "**missed**"
        lines.append(
            f"| {result.name} | {result.value:.3g}{result.unit} "
            f"| {result.bound:g}{result.unit} | {verdict}. {result.how} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
