"""What follows from changes: quoted failures, adopted builds, the columns of projects, reasons."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from botocore.exceptions import EndpointConnectionError
from django.core.cache import cache
from django.utils.timezone import now

from apps.codebuild import digest, tasks
from apps.codebuild.models import Build, Project
from apps.codebuild.records import BuildRecord, ProjectRecord
from apps.codebuild.resources import BUILD, PROJECT
from apps.mirror.links import explain_of, url_of
from apps.mirror.models import Scope
from apps.mirror.reconcile import Everything, Nothing, reconcile
from apps.mirror.state import State
from tests.codebuild.conftest import FLIGHTS
from tests.flight import Fault, Flight

KEY = "checkout-build:8745a7a9-c340-456a-9166-edf953571bee"
ENDED = datetime.fromtimestamp(1767260075, UTC)


def failed(scope: Scope, key: str = KEY, **more: Any) -> None:
    values: dict[str, Any] = {
        "key": key,
        "parent": key.partition(":")[0],
        "project_name": key.partition(":")[0],
        "status": "FAILED",
        "state": "failed",
        "started_at": ENDED - timedelta(seconds=75),
        "ended_at": ENDED,
        "logs": {"group": "/builds/checkout", "stream": "8745a7a9"},
    }
    reconcile(BUILD, scope, [BuildRecord(**{**values, **more})], extent=Nothing())


@pytest.fixture
def _an_hour_later() -> Any:
    with time_machine.travel(ENDED + timedelta(hours=1), tick=True):
        yield


@pytest.mark.usefixtures("_an_hour_later")
def test_a_new_failure_is_quoted_without_anybody_asking(scope: Scope, aws: Any, queued: Any):
    flight = aws(Flight().load(FLIGHTS / "full"))
    failed(scope)
    assert [(name, args) for name, args, _ in queued] == [
        ("codebuild.read_reports", (scope.pk,)),
        ("codebuild.quote_failures", (scope.pk,)),
    ]
    tasks.quote_failures(scope.pk)
    assert "rounds tax half up" in Build.objects.get().excerpt
    asked = len(flight.asked)
    tasks.quote_failures(scope.pk)
    assert len(flight.asked) == asked


@pytest.mark.usefixtures("_an_hour_later")
def test_an_old_failure_waits_until_somebody_opens_it(scope: Scope, aws: Any):
    flight = aws(Flight())
    failed(scope, ended_at=ENDED - timedelta(days=2))
    tasks.quote_failures(scope.pk)
    assert flight.asked == []


@pytest.mark.usefixtures("_an_hour_later")
def test_a_log_that_cannot_be_read_is_not_tried_all_the_time(scope: Scope, aws: Any):
    flight = aws(Flight().load(FLIGHTS / "full"))
    flight.on("logs:GetLogEvents", Fault("AccessDeniedException", "no"))
    failed(scope)
    for _ in range(3):
        tasks.quote_failures(scope.pk)
    assert len(flight.calls("logs:GetLogEvents")) == 1


@pytest.mark.usefixtures("_an_hour_later")
def test_a_call_that_breaks_off_costs_only_the_logs_after_it(
    scope: Scope, aws: Any, monkeypatch: pytest.MonkeyPatch
):
    aws(Flight())
    for n in range(3):
        failed(scope, f"p:{n}")
    asked: list[set[str]] = []

    def breaks_off(_reach: Any, keys: list[str]) -> Any:
        asked.append(set(keys))
        yield BuildRecord(key=keys[0], excerpt="npm ERR!")
        raise EndpointConnectionError(endpoint_url="https://logs.example.com")

    monkeypatch.setattr(tasks.collect, "excerpts", breaks_off)
    tasks.quote_failures(scope.pk)
    found = Build.objects.get(excerpt="npm ERR!")
    tasks.quote_failures(scope.pk)
    assert len(asked[0]) == 3
    assert asked[1] == asked[0] - {found.key}


def turns_of(queued: Any) -> list[tuple[Any, ...]]:
    """What was asked for by the task itself, not by a change."""
    return [args for name, args, _ in queued if name.endswith("quote_failures") and len(args) == 2]


@pytest.mark.usefixtures("_an_hour_later")
def test_what_one_turn_leaves_is_read_without_another_failure(scope: Scope, aws: Any, queued: Any):
    asked: list[str] = []

    def batch(params: Any) -> dict[str, Any]:
        asked.extend(params["ids"])
        return {"builds": []}

    aws(Flight().on("codebuild:BatchGetBuilds", batch))
    for n in range(90):
        failed(scope, f"p:{n}")
    queued.clear()
    tasks.quote_failures(scope.pk)
    while again := turns_of(queued):
        queued.clear()
        tasks.quote_failures(*again[0])
    assert len(asked) == len(set(asked)) == 90


@pytest.mark.usefixtures("_an_hour_later")
def test_a_cache_that_forgets_what_was_tried_is_no_endless_loop(
    scope: Scope, aws: Any, queued: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tasks, "AT_ONCE", 1)
    aws(Flight().on("codebuild:BatchGetBuilds", {"builds": []}))
    failed(scope)
    queued.clear()
    turns, again = 0, [(scope.pk, 3)]
    while again:
        turns += 1
        queued.clear()
        cache.clear()
        tasks.quote_failures(*again[0])
        again = turns_of(queued)
    assert turns == 3


@pytest.mark.usefixtures("_an_hour_later")
def test_a_call_that_breaks_off_is_not_asked_again_at_once(
    scope: Scope, aws: Any, queued: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tasks, "AT_ONCE", 1)
    aws(Flight().on("codebuild:BatchGetBuilds", Fault("AccessDeniedException", "no")))
    failed(scope)
    queued.clear()
    tasks.quote_failures(scope.pk)
    assert turns_of(queued) == []


@pytest.mark.redis
@pytest.mark.usefixtures("_an_hour_later")
def test_no_more_than_twenty_logs_are_read_at_once_and_the_rest_later(scope: Scope, aws: Any):
    asked: list[int] = []

    def batch(params: Any) -> dict[str, Any]:
        asked.append(len(params["ids"]))
        return {"builds": []}

    aws(Flight().on("codebuild:BatchGetBuilds", batch))
    for n in range(30):
        failed(scope, f"p:{n}")
    for _ in range(3):
        tasks.quote_failures(scope.pk)
    assert asked == [20, 10]


@pytest.mark.sql
def test_builds_get_the_project_that_was_mirrored_after_them(scope: Scope, queued: Any):
    failed(scope, "late:1")
    assert Build.objects.get().project is None
    queued.clear()
    reconcile(PROJECT, scope, [ProjectRecord(key="late")], extent=Everything())
    assert [(name, args) for name, args, _ in queued] == [("codebuild.adopt_builds", (scope.pk,))]
    tasks.adopt_builds(scope.pk)
    build, project = Build.objects.get(), Project.objects.get()
    assert build.project == project
    assert project.latest_build == build
    assert project.state == State.FAILED


def test_a_deleted_projects_builds_stay(scope: Scope):
    reconcile(PROJECT, scope, [ProjectRecord(key="late")], extent=Everything())
    failed(scope, "late:1")
    reconcile(PROJECT, scope, [], extent=Everything())
    assert Project.objects.get().gone_at is not None
    assert Build.objects.get().gone_at is None


def run(scope: Scope, number: int, state: str, **more: Any) -> None:
    started = now() - timedelta(hours=30) + timedelta(minutes=number)
    record = BuildRecord(
        **{
            "key": f"shop:{number}",
            "parent": "shop",
            "build_number": number,
            "status": {"done": "SUCCEEDED", "failed": "FAILED", "moving": "IN_PROGRESS"}[state],
            "state": state,
            "started_at": started,
            "seconds": None if state == "moving" else 10 * number,
            **more,
        }
    )
    reconcile(BUILD, scope, [record], extent=Nothing())


@pytest.mark.sql
def test_a_project_tells_of_its_newest_builds(scope: Scope):
    reconcile(PROJECT, scope, [ProjectRecord(key="shop")], extent=Everything())
    for number, state in enumerate(["failed", "done", "failed", "failed", "moving"], start=1):
        run(scope, number, state)
    project = Project.objects.get()
    assert (project.state, project.status, project.urgency) == ("moving", "IN_PROGRESS", 2)
    assert project.latest_build == Build.objects.get(key="shop:5")
    assert (project.latest_seconds, project.median_seconds) == (40, 25)
    assert project.failing_since == Build.objects.get(key="shop:3").started_at
    assert [entry["name"] for entry in project.recent] == ["#1", "#2", "#3", "#4", "#5"]
    run(scope, 5, "done")
    project.refresh_from_db()
    assert (project.state, project.failing_since) == ("done", None)


@pytest.mark.sql
def test_builds_that_come_in_any_order_leave_the_same_project(scope: Scope):
    reconcile(PROJECT, scope, [ProjectRecord(key="shop")], extent=Everything())
    for number in (3, 1, 2):
        run(scope, number, "done")
    assert Project.objects.get().latest_build == Build.objects.get(key="shop:3")


def test_only_so_many_builds_make_the_strip(scope: Scope):
    reconcile(PROJECT, scope, [ProjectRecord(key="shop")], extent=Everything())
    for number in range(1, digest.RECENT + 6):
        run(scope, number, "done")
    recent = Project.objects.get().recent
    assert len(recent) == digest.RECENT
    assert recent[-1]["name"] == f"#{digest.RECENT + 5}"


def test_a_failure_is_explained_by_phase_message_and_the_logs_own_words(scope: Scope):
    failed(
        scope,
        failing_phase="BUILD",
        failing_message="COMMAND_EXECUTION_ERROR: npm test\nmore",
        excerpt="before\n\x1b[31mError: boom\x1b[0m\nat line 3",
        excerpt_mark=1,
    )
    build = Build.objects.get()
    assert explain_of("codebuild.build", build) == (
        "BUILD: COMMAND_EXECUTION_ERROR: npm test\nError: boom\nat line 3"
    )
    assert url_of("codebuild.build", build) == f"/codebuild/builds/{build.pk}/"


def test_a_failure_without_any_word_is_still_explained(scope: Scope):
    failed(scope, status="FAULT")
    assert digest.why_build(Build.objects.get()) == "FAULT, and CodeBuild says no more"


def test_what_did_not_fail_needs_no_explanation(scope: Scope):
    failed(scope, status="SUCCEEDED", state="done")
    assert digest.why_build(Build.objects.get()) == ""
