"""The closing line of `make test`, and what counts as a failure."""

import os
import subprocess
import sys
from collections import Counter

import pytest


@pytest.fixture
def run_tests(project_root, monkeypatch):
    monkeypatch.syspath_prepend(project_root / "setup")
    import run_tests

    return run_tests


def test_errors_in_set_up_count_as_failures_and_skips_are_told(run_tests, tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase name="a"/><testcase name="b"/>'
        '<testcase name="c"><failure/></testcase>'
        '<testcase name="d"><error/></testcase>'
        '<testcase name="e"><skipped/></testcase>'
        "</testsuite></testsuites>"
    )
    counts = run_tests.read_report(report)
    assert counts == Counter(passed=2, failed=2, skipped=1)
    assert run_tests.total(counts) == "2 passed, 2 failed, 1 skipped"


def test_the_total_names_no_skips_where_there_are_none(run_tests):
    assert run_tests.total(Counter(passed=7)) == "7 passed, 0 failed"


def test_a_run_that_breaks_before_its_first_test_is_a_failure(run_tests, tmp_path, monkeypatch):
    (tmp_path / ".setup").mkdir()
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    broken = tmp_path / "conftest.py"
    broken.write_text("raise RuntimeError('broken')\n")
    counts = run_tests.run_pytest("nothing", ["-n", "0", "-p", "no:django", str(tmp_path)])
    assert counts["failed"] == 1


def test_a_run_that_collects_nothing_is_a_failure(run_tests, tmp_path, monkeypatch):
    (tmp_path / ".setup").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    counts = run_tests.run_pytest("nothing", ["-n", "0"])
    assert counts["failed"] == 1


@pytest.mark.parametrize("name", ["AWS", "ALLOWED_HOSTS", "AWS_REGIONS", "LOG_LEVEL", "SITE_URL"])
def test_no_setting_of_who_runs_the_tests_reaches_them(run_tests, tmp_path, monkeypatch, name):
    (tmp_path / ".setup").mkdir()
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_seen.py").write_text(
        f"import os\ndef test_it(): assert {name!r} not in os.environ\n"
    )
    monkeypatch.setenv(name, "what make up was told")
    counts = run_tests.run_pytest("seen", ["-n", "0", "-p", "no:django"])
    assert counts == Counter(passed=1)


def test_the_checks_unset_what_the_tests_unset(run_tests, project_root):
    line = next(
        line
        for line in (project_root / "setup" / "check").read_text().splitlines()
        if line.startswith("unset ")
    )
    told = subprocess.run(
        ["sh", "-c", line.replace("unset", "echo", 1)],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(told.stdout.split()) - {"TEST_SQLITE"} == run_tests.settings_read()


def test_each_worker_gets_its_own_redis_database(project_root):
    def number(worker):
        return subprocess.run(
            [sys.executable, "-c", "import tests.on_servers, os; print(os.environ['REDIS_URL'])"],
            env={**os.environ, "REDIS_URL": "redis://127.0.0.1:1", "PYTEST_XDIST_WORKER": worker},
            cwd=project_root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert number("gw0") == "redis://127.0.0.1:1/1"
    assert number("gw1") == "redis://127.0.0.1:1/2"


def test_the_second_run_misses_no_test_that_is_marked(run_tests, request, project_root):
    """Of all that this run collected: the whole suite, where the whole suite is run."""
    files = {project_root / one for one in run_tests.files_that_run_twice()}
    assert project_root / "tests" / "mirror" / "test_append.py" in files
    marked = {
        item.path
        for item in request.session.items
        if item.get_closest_marker("sql") or item.get_closest_marker("redis")
    }
    assert marked <= files
