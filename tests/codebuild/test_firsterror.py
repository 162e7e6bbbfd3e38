"""The first error in logs of common tools, as CodeBuild wraps them."""

from pathlib import Path

import pytest

from apps.codebuild import firsterror
from apps.mirror.ansi import plain

LOGS = Path(__file__).parent / "logs"


def log(name: str) -> list[str]:
    return (LOGS / f"{name}.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("npm-jest", "  ● Totals \u203a rounds tax half up"),
        ("pytest", "E       AssertionError: assert Decimal('0') == Decimal('5.00')"),
        ("maven", "[ERROR] COMPILATION ERROR : "),
        ("gradle", "InvoiceTest > totalIncludesShipping() FAILED"),
        ("go", "--- FAIL: TestRouteLongestPrefix (0.00s)"),
        ("docker", "#8 9.871 npm error code E404"),
        (
            "tsc",
            "src/api/errors.ts(12,5): error TS2322: "
            "Type 'string | undefined' is not assignable to type 'string'.",
        ),
        ("terraform", "│ Error: creating S3 Bucket (assets): BucketAlreadyExists"),
    ],
)
def test_the_first_error_is_the_tools_own_and_not_its_echo(name: str, line: str):
    lines = log(name)
    found = firsterror.find(lines)
    assert found is not None
    assert plain(lines[found.mark]) == line
    assert found.sure
    assert found.whole
    assert found.first <= found.mark < found.last


def test_a_failure_in_post_build_is_not_taken_for_the_cause():
    lines = log("npm-jest")
    found = firsterror.find(lines)
    assert found is not None
    quoted = firsterror.quote(lines, found)
    assert "Expected: 10.35" in quoted
    assert "lcov.info" not in quoted


def test_the_excerpt_stays_inside_the_failed_command():
    lines = log("go")
    found = firsterror.find(lines)
    assert found is not None
    quoted = firsterror.quote(lines, found)
    assert quoted.startswith("?   ")
    assert "[Container]" not in quoted


def test_a_command_that_says_no_error_is_quoted_up_to_its_end():
    lines = log("silent")
    found = firsterror.find(lines)
    assert found is not None
    assert not found.sure
    assert "Command did not exit successfully ./check-quota.sh" in lines[found.mark]
    assert "quota used: 104 %" in firsterror.quote(lines, found)


def test_what_codebuild_itself_says_is_quoted_where_no_command_ran():
    lines = log("buildspec-missing")
    found = firsterror.find(lines)
    assert found is not None
    quoted = firsterror.quote(lines, found)
    assert "Phase complete: DOWNLOAD_SOURCE State: FAILED" in lines[found.mark]
    assert "YAML_FILE_ERROR" in quoted


def test_a_command_cannot_speak_for_codebuild():
    lines = [
        "[Container] 2024/03/05 10:00:26 Running command ./fake.sh",
        "Command did not exit successfully rm -rf / exit status 1",
        "error: the true one",
        "[Container] 2024/03/05 10:00:27 Command did not exit successfully ./fake.sh exit status 1",
    ]
    found = firsterror.find(lines)
    assert found is not None
    assert lines[found.mark] == "error: the true one"


def test_the_tail_of_a_log_finds_its_error_and_says_that_older_lines_may_matter():
    lines = log("pytest")[5:]
    found = firsterror.find(lines)
    assert found is not None
    assert lines[found.mark].startswith("E       AssertionError")
    assert not found.whole


@pytest.mark.parametrize("lines", [[], [""], ["", "  ", "\x1b[0m"]])
def test_a_log_without_words_has_no_excerpt(lines: list[str]):
    assert firsterror.find(lines) is None


def test_an_excerpt_holds_no_nul_no_lone_surrogate_and_no_endless_line():
    lines = ["Error: \x00\ud800 broken", "x" * 100_000]
    found = firsterror.find(lines)
    assert found is not None
    quoted = firsterror.quote(lines, found)
    assert "\x00" not in quoted
    quoted.encode()
    assert len(quoted) < 1200


@pytest.mark.parametrize(
    "line",
    [
        "0 errors, 0 warnings",
        "Tests run: 12, Failures: 0, Errors: 0, Skipped: 0",
        "ok  	example.com/errors	0.012s",
        "npm warn deprecated error@1.0.0: no longer maintained",
        "INFO error handler installed",
        "tests/test_errors.py::test_failed_payment PASSED",
    ],
)
def test_talk_of_errors_is_no_error(line: str):
    lines = [
        "[Container] 2024/03/05 10:00:26 Running command make",
        line,
        "gave up",
        "[Container] 2024/03/05 10:00:27 Command did not exit successfully make exit status 2",
    ]
    found = firsterror.find(lines)
    assert found is not None
    assert found.mark == 3


def test_a_log_of_twenty_thousand_lines_is_searched_in_no_time():
    import time

    lines = [f"{n} compiling error-free module {'x' * 80}" for n in range(20_000)]
    began = time.perf_counter()
    firsterror.find(lines)
    assert time.perf_counter() - began < 5
