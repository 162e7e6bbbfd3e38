"""Runs the whole suite on SQLite, then again on Postgres and Redis what is marked so, and adds up.

The last line printed is the total alone, `12 passed, 0 failed`; it is kept in .setup/test-summary.
Arguments are passed on to both runs of pytest.
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402

#: For two cores: almost half of the time is spent waiting for programs, browsers and their clocks.
WORKERS = ("-n", "4", "--dist", "worksteal")
NO_TESTS_COLLECTED = 5
CLEAN_UP_SECONDS = 60
SETTINGS = ROOT / "docs" / "settings.md"


def settings_read() -> frozenset[str]:
    """Return the variables that would bend the dashboard: whatever docs/settings.md explains.

    What `make up` was told must not reach the tests; what is said to the tests themselves must.
    """
    documented = re.findall(r"^\| `(\w+)` \|", SETTINGS.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset({"DJANGO_SETTINGS_MODULE", *documented}) - {"TEST_SQLITE"}


def files_that_run_twice() -> list[str]:
    """Return the files with tests that are marked so: to collect all others would take longer."""
    marked = re.compile(r"\bmark\.(sql|redis)\b")
    found = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        str(path.relative_to(ROOT))
        for path in found
        if marked.search(path.read_text(encoding="utf-8"))
    ]


def run_pytest(
    name: str, arguments: list[str], *, may_be_empty: bool = False, **environment: str
) -> Counter[str]:
    """Run pytest once, its output shown as it comes; counts of passed, failed and skipped tests.

    A run in which no test is found is a failure, unless a selection was asked for.
    """
    report = ROOT / ".setup" / f"tests-{name}.xml"
    report.unlink(missing_ok=True)
    print(f"\n=== tests on {name} ===", flush=True)
    command = [sys.executable, "-m", "pytest", *WORKERS, f"--junitxml={report}", *arguments]
    # Each worker would compile every module and every rewritten test for itself alone.
    unset = settings_read() | {"PYTHONDONTWRITEBYTECODE"}
    inherited = {key: value for key, value in os.environ.items() if key not in unset}
    with subprocess.Popen(
        command, cwd=ROOT, env=inherited | environment, stdin=subprocess.DEVNULL
    ) as pytest:
        try:
            status = pytest.wait()
        except KeyboardInterrupt:
            # The terminal told pytest too; it stops what its tests have started.
            pytest.wait(CLEAN_UP_SECONDS)
            raise
    counts = read_report(report) if report.exists() else Counter[str]()
    if status == NO_TESTS_COLLECTED and may_be_empty:
        return counts
    if status != 0 and not counts["failed"]:
        # It broke before, between or after the tests, which is no success either.
        counts["failed"] += 1
    return counts


def read_report(report: Path) -> Counter[str]:
    """Count a JUnit report's tests: an error in set-up or clean-up counts as failed."""
    counts: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            counts["failed"] += 1
        elif "skipped" in outcomes:
            counts["skipped"] += 1
        else:
            counts["passed"] += 1
    return counts


def total(counts: Counter[str]) -> str:
    """The closing line."""
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    return f"{line}, {counts['skipped']} skipped" if counts["skipped"] else line


def main() -> int:
    """Both runs, always; 0 only if nothing failed in either and something passed."""
    os.chdir(ROOT)
    arguments = sys.argv[1:]
    selected = bool(arguments)
    began = time.monotonic()
    with servers.postgres() as postgres, servers.redis_server() as redis:
        sqlite = run_pytest("SQLite", arguments, may_be_empty=selected, TEST_DATABASE_URL=postgres)
        name = f"codestar_dash_{os.getpid()}"
        try:
            real = run_pytest(
                "Postgres and Redis",
                [
                    *("-m", "sql or redis", "-p", "tests.on_servers"),
                    *(arguments or files_that_run_twice()),
                ],
                may_be_empty=selected,
                TEST_DATABASE_URL=postgres,
                DATABASE_URL=servers.with_path(postgres, name),
                REDIS_URL=redis,
            )
        finally:
            servers.drop_databases(postgres, f"test_{name}")
    counts = sqlite + real
    summary = total(counts)
    (ROOT / ".setup" / "test-summary").write_text(f"{summary}\n", encoding="utf-8")
    print(f"\nSQLite: {total(sqlite)}")
    print(f"Postgres and Redis: {total(real)}")
    print(f"in {time.monotonic() - began:.0f} s")
    print(summary)
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
