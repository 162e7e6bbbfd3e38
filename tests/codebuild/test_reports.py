"""What the tests of builds came to is read once a build has ended, within its calls, and shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils.timezone import now

from apps.codebuild import reports, tasks
from apps.codebuild.models import Build
from apps.codebuild.reports import Results, results_of
from apps.mirror.models import Operation, Scope
from tests.factories import make_build, make_user
from tests.flight import Fault, Flight

pytestmark = pytest.mark.django_db
ARN = "arn:aws:codebuild:eu-west-1:111122223333:report"
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\x1b[31m"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache.clear()


def arn(group: str = "unit", number: int = 1) -> str:
    return f"{ARN}/{group}:{number:08x}-0000-4000-8000-000000000001"


def kept(name: str, counts: dict[str, int], failed: Any = (), **more: Any) -> dict[str, Any]:
    told = {"arn": name, "type": "TEST", "status": "FAILED" if failed else "SUCCEEDED"}
    return {**told, "counts": counts, "failed": list(failed), "cut": False, **more}


class Aws:
    """CodeBuild that has these reports, {ARN: (status, counts)}; tests are called by a number."""

    def __init__(self, told: dict[str, tuple[str, dict[str, int]]]) -> None:
        self.told = told
        self.flight = (
            Flight()
            .on("codebuild:BatchGetReports", self.reports)
            .on("codebuild:DescribeTestCases", self.cases)
        )

    def reports(self, params: Any) -> dict[str, Any]:
        assert len(params["reportArns"]) <= 100
        return {
            "reports": [self.report(name) for name in params["reportArns"] if name in self.told],
            "reportsNotFound": [name for name in params["reportArns"] if name not in self.told],
        }

    def report(self, name: str) -> dict[str, Any]:
        status, counts = self.told[name]
        summary = {
            "total": sum(counts.values()),
            "statusCounts": counts,
            "durationInNanoSeconds": 0,
        }
        return {"arn": name, "type": "TEST", "status": status, "testSummary": summary}

    def cases(self, params: Any) -> dict[str, Any]:
        word = params["filter"]["status"]
        count = min(self.told[params["reportArn"]][1][word], params["maxResults"])
        return {"testCases": [{"name": f"{word} {n}", "status": word} for n in range(count)]}


def ended(scope: Scope, *arns: str, **more: Any) -> Build:
    return make_build(
        scope=scope, ended_at=now() - timedelta(minutes=1), report_arns=list(arns), **more
    )


# --- Added up -------------------------------------------------------------------------------------


def test_all_reports_of_a_build_are_added_up():
    both = [arn("unit"), arn("browser", 2)]
    told = results_of(
        both,
        [
            kept(both[0], {"SUCCEEDED": 10, "FAILED": 1, "SKIPPED": 2}, ["a"]),
            kept(both[1], {"SUCCEEDED": 5, "ERROR": 2, "UNKNOWN": 1}, ["b"]),
        ],
    )
    assert told == Results(passed=15, failed=3, skipped=2, others=1, names=("a", "b"))
    assert (told.total, told.more) == (21, 1)
    assert told.told == "15 passed, 3 failed, 2 skipped, 1 without a result"


def test_what_is_no_test_report_is_none_and_what_is_not_read_is_told():
    assert results_of([], []) is None
    coverage = kept(arn("coverage"), {}, type="CODE_COVERAGE")
    assert results_of([arn("coverage")], [coverage]) is None
    unread = results_of([arn("my-unit")], [])
    assert unread is not None
    assert (unread.unread, unread.total) == (("my-unit",), 0)
    gone = results_of([arn("unit")], [kept(arn("unit"), {}, type="", status="GONE")])
    assert gone is not None
    assert (gone.gone, gone.unread) == (("unit",), ())


def test_a_report_without_tests_says_so():
    told = results_of([arn()], [kept(arn(), {})])
    assert told is not None
    assert told.told == "no tests"


# --- Read -----------------------------------------------------------------------------------------


@pytest.mark.sql
def test_the_reports_of_what_ended_are_read_once(scope: Scope, aws: Any):
    told = Aws({arn(): ("FAILED", {"SUCCEEDED": 3, "FAILED": 2, "ERROR": 1, "SKIPPED": 0})})
    aws(told.flight)
    build = ended(scope, arn())
    ended(scope)
    make_build(scope=scope, status="IN_PROGRESS", report_arns=[arn("runs")])
    for _ in range(2):
        tasks.read_reports(scope.pk)
    results = Build.objects.get(pk=build.pk).tests
    assert results == Results(passed=3, failed=3, names=("FAILED 0", "FAILED 1", "ERROR 0"))
    assert told.flight.count() == {
        "codebuild:BatchGetReports": 1,
        "codebuild:DescribeTestCases": 2,
    }


def test_it_makes_no_more_calls_than_its_page_says(scope: Scope, aws: Any, queued: Any):
    """docs/services/codebuild.md: a call for 100 reports, and one for each word for what failed."""
    good = {arn("good", n): ("SUCCEEDED", {"SUCCEEDED": 5}) for n in range(130)}
    bad = {arn("bad", n): ("FAILED", {"SUCCEEDED": 5, "FAILED": 400}) for n in range(4)}
    told = Aws({**good, **bad})
    aws(told.flight)
    ended(scope, *good)
    for name in bad:
        ended(scope, name)
    tasks.read_reports(scope.pk)
    assert told.flight.count() == {
        "codebuild:BatchGetReports": 2,
        "codebuild:DescribeTestCases": 4,
    }
    names = [len(one.tests.names) for one in Build.objects.all() if one.tests.failed]
    assert names == [reports.MOST_NAMES] * 4
    assert queued == []


def test_so_many_builds_at_once_and_the_rest_in_another_turn(scope: Scope, aws: Any, queued: Any):
    many = {arn("unit", n): ("SUCCEEDED", {"SUCCEEDED": 1}) for n in range(tasks.AT_ONCE + 3)}
    aws(Aws(many).flight)
    for name in many:
        ended(scope, name)
    tasks.read_reports(scope.pk)
    assert Build.objects.exclude(reports=[]).count() == tasks.AT_ONCE
    assert queued == [("codebuild.read_reports", (scope.pk, tasks.TURNS - 1), 0)]
    tasks.read_reports(*queued[0][1])
    assert not Build.objects.filter(reports=[]).exists()
    assert len(queued) == 1


def test_a_report_that_is_still_made_is_asked_for_again(scope: Scope, aws: Any, queued: Any):
    told = Aws({arn(): ("GENERATING", {})})
    aws(told.flight)
    build = ended(scope, arn())
    tasks.read_reports(scope.pk)
    again = Build.objects.get(pk=build.pk).tests
    assert again is not None
    assert again.unread == ("unit",)
    assert queued == [("codebuild.read_reports", (scope.pk, tasks.TURNS - 1), tasks.STILL_MADE)]
    told.told[arn()] = ("SUCCEEDED", {"SUCCEEDED": 7})
    tasks.read_reports(*queued[0][1])
    assert Build.objects.get(pk=build.pk).tests == Results(passed=7)


def test_one_that_codebuild_forgot_is_told_as_gone_and_not_asked_for_again(scope: Scope, aws: Any):
    told = Aws({})
    aws(told.flight)
    build = ended(scope, arn())
    for _ in range(2):
        tasks.read_reports(scope.pk)
    results = Build.objects.get(pk=build.pk).tests
    assert results is not None
    assert results.gone == ("unit",)
    assert told.flight.count() == {"codebuild:BatchGetReports": 1}


def test_what_may_not_be_read_is_told_on_the_scope_and_left_for_an_hour(
    scope: Scope, aws: Any, queued: Any
):
    flight = Flight().on("codebuild:BatchGetReports", Fault("AccessDeniedException", "no"))
    aws(flight)
    ended(scope, arn())
    for _ in range(3):
        tasks.read_reports(scope.pk)
    assert flight.count() == {"codebuild:BatchGetReports": 1}
    assert queued == []
    assert Operation.objects.get(operation="codebuild:BatchGetReports").health == "denied"


def test_where_the_names_may_not_be_read_there_are_the_counts(scope: Scope, aws: Any):
    told = Aws({arn(): ("FAILED", {"SUCCEEDED": 3, "FAILED": 2})})
    aws(
        told.flight.on("codebuild:DescribeTestCases", Fault("AccessDeniedException", "no")),
    )
    build = ended(scope, arn())
    tasks.read_reports(scope.pk)
    assert Build.objects.get(pk=build.pk).tests == Results(passed=3, failed=2)
    assert Operation.objects.get(operation="codebuild:DescribeTestCases").health == "denied"


# --- Shown ----------------------------------------------------------------------------------------


@pytest.fixture
def page() -> Any:
    client = Client()
    client.force_login(make_user("reader"))
    return lambda build: client.get(build.get_absolute_url()).text


def test_the_page_of_a_build_tells_counts_and_the_names_of_what_failed(page: Any):
    counts = {"SUCCEEDED": 312, "FAILED": 3, "SKIPPED": 1}
    report = kept(arn(), counts, ["cart / rounds half up", HOSTILE])
    text = page(make_build(report_arns=[arn()], reports=[report]))
    assert "312 passed, 3 failed, 1 skipped" in text
    assert "cart / rounds half up" in text
    assert "and 1 more" in text
    assert "<script>alert(1)" not in text
    assert "\x1b" not in text


def test_the_page_of_a_build_without_reports_says_so(page: Any):
    assert "No test reports" in page(make_build())


def test_the_page_says_what_is_not_read_yet_and_what_is_gone(page: Any):
    assert "results of unit not read yet" in page(make_build(report_arns=[arn()]))
    gone = kept(arn(), {}, type="", status="GONE")
    assert "are gone from CodeBuild" in page(make_build(report_arns=[arn()], reports=[gone]))
