# ruff: noqa: RUF001 - output is quoted as it is printed
"""Runs of a scripted project's tests: how each test of a build goes, and what the runner prints.

Log and report are both drawn from the same cases, so that they tell the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from apps.sandbox.codebuild.colours import BOLD, DIM, GREEN, OFF, RED, YELLOW
from apps.sandbox.codebuild.shell import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from apps.sandbox.codebuild.model import Build

PASSED, FAILED, SKIPPED = "SUCCEEDED", "FAILED", "SKIPPED"
#: How many tests fail in a build that fails of them; one is the rule.
_FAIL_AT_ONCE = (1, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Failing:
    """How a test fails: ``message`` in a line, ``shown`` as its runner prints it in full."""

    prefix: str
    name: str
    message: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Suite:
    """The tests of a project.

    ``runner``   who runs them: ``vitest``, ``pytest`` or ``surefire``; their report is called so.
    ``files``    names of tests by what a report has as their prefix: a file, module or class.
    ``skipped``  the names of those that never run.
    ``failing``  those that fail when a build fails of its tests: the first, or more of them.
                 Without any, builds that fail do so before their tests.
    """

    runner: str
    files: Mapping[str, tuple[str, ...]]
    skipped: frozenset[str] = frozenset()
    failing: tuple[Failing, ...] = ()


def of_build(build: Build, failing_command: str) -> tuple[Case, ...]:
    """How the tests of a scripted build go, by its plan; none where it does not come to them."""
    suite = build.project.tests
    phase = next((one for one in build.plan if one.type == "BUILD"), None)
    if suite is None or phase is None or build.outcome is not None:
        return ()
    chance = build.place.world.chance(build.id, "tests")
    broken: Sequence[Failing] = ()
    if phase.status == "FAILED":
        if not suite.failing or failing_command not in phase.message:
            return ()
        broken = suite.failing[: chance.choice(_FAIL_AT_ONCE)]
    wrong = {(one.prefix, one.name): one.message for one in broken}
    return tuple(
        _ran(case, wrong, suite, chance.uniform(0.001, 0.06))
        for case in (Case(prefix, name) for prefix, names in suite.files.items() for name in names)
    )


def _ran(case: Case, wrong: Mapping[tuple[str, str], str], suite: Suite, seconds: float) -> Case:
    if case.name in suite.skipped:
        return replace(case, status=SKIPPED, seconds=0.0)
    message = wrong.get((case.prefix, case.name))
    if message is None:
        return replace(case, seconds=seconds)
    return replace(case, status=FAILED, seconds=seconds, message=message)


def printed(suite: Suite, cases: Sequence[Case]) -> list[str]:
    """What the runner prints of a run, from the first test to its sums."""
    failed = {(case.prefix, case.name) for case in cases if case.status == FAILED}
    order = [(case.prefix, case.name) for case in cases]
    failing = [one for one in suite.failing if (one.prefix, one.name) in failed]
    failing.sort(key=lambda one: order.index((one.prefix, one.name)))
    files = len(suite.files)
    match suite.runner:
        case "vitest":
            # A file is printed when it has ended; one that fails takes longest.
            bad = {one.prefix for one in failing}
            lines = map(_vitest_line, sorted(cases, key=lambda case: case.prefix in bad))
            return [*lines, *vitest_end(failing, cases, (len(bad), files - len(bad)))]
        case "pytest":
            return [*_pytest_lines(cases), *pytest_end(failing, cases)]
        case _:
            return [*_surefire_lines(cases)]


def sums(cases: Iterable[Case]) -> dict[str, int]:
    """How many cases there are of each status."""
    counts: dict[str, int] = {}
    for case in cases:
        counts[case.status] = counts.get(case.status, 0) + 1
    return counts


def _vitest_line(case: Case) -> str:
    title = f"{case.prefix} > {case.name}"
    if case.status == SKIPPED:
        return f" {DIM}↓{OFF} {title}"
    milliseconds = f"{max(1, round(case.seconds * 1000))}ms"
    if case.status == FAILED:
        return f" {RED}×{OFF} {title} {RED}{milliseconds}{OFF}"
    return f" {GREEN}✓{OFF} {title} {DIM}{milliseconds}{OFF}"


def vitest_end(
    failing: Sequence[Failing], cases: Sequence[Case], files: tuple[int, int]
) -> tuple[str, ...]:
    """What vitest prints after the last test; ``files`` that failed and passed."""
    counts, lines = sums(cases), [""]
    if failing:
        lines += [f"{RED}⎯⎯⎯⎯⎯⎯⎯ Failed Tests {len(failing)} ⎯⎯⎯⎯⎯⎯⎯{OFF}", ""]
    for one in failing:
        lines += [f"{BOLD}{RED} FAIL {OFF} {one.prefix} > {one.name}", *one.shown, ""]
    bad, good = files
    tests = (counts.get(FAILED, 0), counts.get(PASSED, 0), counts.get(SKIPPED, 0))
    lines += [
        f" Test Files  {_vitest_sum(bad, good)} ({bad + good})",
        f"      Tests  {_vitest_sum(*tests)} ({len(cases)})",
    ]
    if failing:
        lines += ["npm error Lifecycle script `test` failed with error:", "npm error code 1"]
    return tuple(lines)


def _vitest_sum(bad: int, good: int, skipped: int = 0) -> str:
    told = (
        (bad, f"{RED}{bad} failed{OFF}"),
        (good, f"{GREEN}{good} passed{OFF}"),
        (skipped, f"{YELLOW}{skipped} skipped{OFF}"),
    )
    return " | ".join(text for count, text in told if count)


_MARKS = {
    PASSED: f"{GREEN}.{OFF}",
    FAILED: f"{RED}F{OFF}",
    SKIPPED: f"{YELLOW}s{OFF}",
}


def _pytest_lines(cases: Sequence[Case]) -> Iterator[str]:
    yield f"collected {len(cases)} items"
    yield ""
    done = 0
    for prefix, ran in groupby(cases, lambda case: case.prefix):
        marks = [_MARKS[case.status] for case in ran]
        done += len(marks)
        percent = 100 * done // len(cases)
        yield f"{prefix.replace('.', '/')}.py {''.join(marks)}   [{percent:3d}%]"


def pytest_end(failing: Sequence[Failing], cases: Sequence[Case]) -> tuple[str, ...]:
    """What pytest prints after the last test."""
    counts, lines = sums(cases), [""]
    if failing:
        lines += [
            "=================================== FAILURES ==================================="
        ]
    for one in failing:
        lines += [f"{RED}{BOLD}{f' {one.name} ':_^80}{OFF}", "", *one.shown]
    if failing:
        lines += [
            "=========================== short test summary info ============================"
        ]
    for one in failing:
        file = f"{one.prefix.replace('.', '/')}.py"
        error = one.message.partition(":")[0]
        lines += [f"{RED}FAILED{OFF} {file}::{BOLD}{one.name}{OFF} - {error}"]
    told = (
        (counts.get(FAILED, 0), RED, "failed"),
        (counts.get(PASSED, 0), GREEN, "passed"),
        (counts.get(SKIPPED, 0), YELLOW, "skipped"),
    )
    text = ", ".join(f"{colour}{count} {word}{OFF}" for count, colour, word in told if count)
    return (*lines, f"{text} in {sum(case.seconds for case in cases):.2f}s")


def _surefire_lines(cases: Sequence[Case]) -> Iterator[str]:
    for prefix, ran in groupby(cases, lambda case: case.prefix):
        tests = list(ran)
        seconds = sum(case.seconds for case in tests)
        yield f"[INFO] {_surefire_sum(tests)}, Time elapsed: {seconds:.3f} s -- in {prefix}"
    yield from ("[INFO]", "[INFO] Results:", "[INFO]", f"[INFO] {_surefire_sum(cases)}", "[INFO]")
    yield f"{BOLD}[INFO] {GREEN}BUILD SUCCESS{OFF}"


def _surefire_sum(cases: Sequence[Case]) -> str:
    skipped = sums(cases).get(SKIPPED, 0)
    return f"Tests run: {len(cases)}, Failures: 0, Errors: 0, Skipped: {skipped}"
