"""What the tests of builds came to: their reports as CodeBuild keeps them; no Django.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Report.html
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_TestCase.html
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.aws.calls import Reach, batches
from apps.mirror.masking import masked

# What one BatchGetReports takes.
BATCH = 100
# Names of failed tests that are kept of a report, of each word of AWS for that.
MOST_NAMES = 50
LONGEST_NAME = 300
TEST = "TEST"
PASSED, SKIPPED = "SUCCEEDED", "SKIPPED"
FAILED = ("FAILED", "ERROR")
GENERATING = "GENERATING"
# What is said of a report that CodeBuild does not know any more: it keeps them for 30 days.
GONE = "GONE"


@dataclass(frozen=True, slots=True)
class Results:
    """What the tests of a build came to, over all of its reports.

    others   tests that AWS says nothing certain of (UNKNOWN).
    names    of those that failed, as far as they are kept; hostile.
    unread   names of report groups whose reports are not read, or were not finished.
    gone     names of those that CodeBuild does not know any more.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    others: int = 0
    names: Sequence[str] = ()
    unread: Sequence[str] = ()
    gone: Sequence[str] = ()

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped + self.others

    @property
    def more(self) -> int:
        """How many failed tests have no name here."""
        return max(0, self.failed - len(self.names))

    @property
    def told(self) -> str:
        """In words: "310 passed, 2 failed, 1 skipped"."""
        counts = (
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.others, "without a result"),
        )
        return ", ".join(f"{count} {word}" for count, word in counts if count) or "no tests"


def group_of(arn: str) -> str:
    """Return the name of the group of a report: "…:report/<group>:<id>"."""
    return arn.partition(":report/")[2].rpartition(":")[0]


def results_of(arns: Sequence[str], reports: Iterable[Mapping[str, Any]]) -> Results | None:
    """Add up reports as they are kept; None for a build that has no test report."""
    by_arn = {str(one["arn"]): one for one in reports}
    told = [by_arn[arn] for arn in arns if arn in by_arn]
    unread = [group_of(arn) for arn in arns if arn not in by_arn]
    tests = [one for one in told if one["type"] == TEST]
    gone = [group_of(one["arn"]) for one in told if one["status"] == GONE]
    if not (tests or unread or gone):
        return None
    counts: Counter[str] = Counter()
    for one in tests:
        counts.update(one["counts"])
    failed = sum(counts.pop(word, 0) for word in FAILED)
    return Results(
        passed=counts.pop(PASSED, 0),
        skipped=counts.pop(SKIPPED, 0),
        failed=failed,
        others=sum(counts.values()),
        names=tuple(name for one in tests for name in one["failed"]),
        unread=tuple(unread),
        gone=tuple(gone),
    )


def described(reach: Reach, arns: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield reports by their ARNs, as they are kept: {arn, type, status, counts, failed, cut}.

    counts  how many tests by AWS's word.
    failed  names of tests that failed, no more than `MOST_NAMES` of each word for that; one call
            for each word that is counted.
    cut     AWS left tests out of the report, though it counts them.
    Yields nothing of those that CodeBuild still makes. Where the names may not be read, there are
    the counts; that stands on the reach's outcomes.
    """
    for batch in batches(arns, BATCH):
        answer = reach.call("codebuild:BatchGetReports", reportArns=list(batch))
        for report in answer.get("reports", ()):
            if report.get("status") != GENERATING:
                yield _report(reach, report)
        for arn in answer.get("reportsNotFound", ()):
            yield {"arn": arn, "type": "", "status": GONE, "counts": {}, "failed": [], "cut": False}


def _report(reach: Reach, report: Mapping[str, Any]) -> dict[str, Any]:
    summary = report.get("testSummary") or {}
    counts = {word: int(count) for word, count in (summary.get("statusCounts") or {}).items()}
    return {
        "arn": report["arn"],
        "type": report.get("type") or "",
        "status": report.get("status") or "",
        "counts": {word: count for word, count in counts.items() if count},
        "failed": [
            name for word in FAILED if counts.get(word) for name in _names(reach, report, word)
        ],
        "cut": bool(report.get("truncated")),
    }


def _names(reach: Reach, report: Mapping[str, Any], word: str) -> Iterator[str]:
    answer = reach.detail(
        "codebuild:DescribeTestCases",
        reportArn=report["arn"],
        filter={"status": word},
        maxResults=MOST_NAMES,
    )
    for case in (answer or {}).get("testCases", ()):
        # The prefix depends on what wrote the report: a class, a file, a suite.
        words = (case.get("prefix") or case.get("testSuiteName") or "", case.get("name") or "")
        yield masked(" / ".join(filter(None, words)))[:LONGEST_NAME]
