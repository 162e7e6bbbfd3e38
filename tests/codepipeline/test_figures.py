"""The figures of delivery are counted as they say, and say so where there is not enough."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.codepipeline import figures
from apps.codepipeline.figures import Run, figures_of, lasting
from apps.projects.held import held_by
from tests.factories import (
    hold,
    make_action,
    make_execution,
    make_pipeline,
    make_project,
    make_user,
)
from tests.source.making import make_commit, make_repository

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG = 62 * 24


def run(hours: float, *, well: bool = True, lead: float | None = 2, pipeline: int = 1) -> Run:
    """A deployment that ended so many hours ago, of a commit so many hours older than its end."""
    ended = AT - timedelta(hours=hours)
    committed = None if lead is None else ended - timedelta(hours=lead)
    return Run(pipeline, well, ended - timedelta(minutes=9), ended, f"{hours:g}", committed)


def told(*runs: Run) -> dict[str, figures.Figure]:
    by_age = sorted(runs, key=lambda one: one.began)
    return {one.name: one for one in figures_of(by_age, AT)}


def test_with_nothing_known_there_is_not_enough():
    found = told()
    assert all(one.value == "" and one.lacks and one.counted for one in found.values())
    assert found["restoring"].lacks == "nothing was restored yet"


def test_deployments_a_day_are_those_that_succeeded():
    found = told(*(run(24 * day + 1) for day in range(30)), run(5, well=False))["frequency"]
    assert (found.value, found.unit) == ("1.0", "a day")
    assert found.spark.startswith("M")


def test_few_deployments_are_told_by_the_week():
    found = told(*(run(24 * 7 * week + 1) for week in range(4)), run(LONG))["frequency"]
    assert (found.value, found.unit) == ("0.9", "a week")


def test_what_began_lately_is_counted_over_the_days_that_are_known():
    assert told(*(run(hours) for hours in (1, 20, 40, 47)))["frequency"].value == "2.0"


def test_a_trend_takes_two_whole_windows():
    late = [run(24 * day + 1) for day in range(30)]
    before = [run(24 * day + 1) for day in range(30, 60, 2)]
    assert told(*late, *before[:3])["frequency"].trend == ""
    found = told(*late, *before)["frequency"]
    assert (found.trend, found.rises, found.better) == ("100 %", True, True)


def test_lead_time_is_the_median_of_the_first_time_out():
    again = run(1, lead=90)
    runs = [run(10, lead=2), run(20, lead=4), run(30, lead=6), run(40, lead=None)]
    found = told(*runs, Run(1, True, again.began, again.ended, "10", again.committed))["lead"]
    assert (found.value, found.unit) == ("4h 00m", "median")


def test_lead_time_without_times_of_commits_says_that():
    found = told(*(run(hours, lead=None) for hours in range(1, 9)))["lead"]
    assert (found.value, found.lacks) == ("", "0 of 3 changes with a time so far")


def test_the_failure_rate_is_the_share_that_failed():
    found = told(run(1), run(2), run(3), run(4, well=False))["failures"]
    assert (found.value, found.unit) == ("25.0", "%")


def test_a_rising_failure_rate_is_worse():
    late = [run(hours, well=hours != 3) for hours in range(1, 5)]
    before = [run(24 * 40 + hours) for hours in range(1, 5)]
    found = told(*late, *before, run(LONG))["failures"]
    assert (found.trend, found.rises, found.better) == ("25.0 pt", True, False)


def test_restoring_is_from_the_first_failure_in_a_row_to_the_next_success():
    runs = [run(10, well=False), run(9, well=False), run(7), run(5, well=False, pipeline=2), run(1)]
    assert told(*runs)["restoring"].value == "3h 00m"


def test_that_nothing_failed_is_said():
    found = told(*(run(hours) for hours in range(1, 5)))["restoring"]
    assert found.lacks == "nothing failed in 30 days"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "20s"), (90, "2m"), (1440, "24m"), (11_520, "3h 12m"), (190_000, "2d 4h")],
)
def test_lengths_are_told_in_two_units(seconds: int, words: str):
    assert lasting(seconds) == words


@pytest.mark.django_db
@pytest.mark.sql
def test_only_executions_that_began_to_deploy_are_counted():
    commit = make_commit(make_repository("shop"), 7, committed_at=datetime.now(UTC))
    deploys = [{"name": "Out", "actions": [{"name": "Deploy", "category": "Deploy"}]}]
    pipeline = make_pipeline("checkout", definition=deploys)
    for turn in range(4):
        execution = make_execution(pipeline, "Failed" if turn == 3 else "Succeeded")
        make_action(execution, "Out", "Deploy", category="Deploy")
    known = make_execution(pipeline, revision_id=commit.commit_id)
    make_action(known, "Out", "Deploy", category="Deploy")
    # This one never came so far, and that one moves.
    make_action(make_execution(pipeline, "Failed"), "Build", "Compile")
    moves = make_execution(pipeline, "InProgress")
    make_action(moves, "Out", "Deploy", "InProgress", category="Deploy")
    project = make_project("Checkout", pipeline)
    found = figures.figures(held_by(project, make_user()))
    assert found is not None
    rate = next(one for one in found["figures"] if one.name == "failures")
    assert rate.value == "20.0"
    runs = figures._runs([pipeline.pk], datetime.now(UTC) + timedelta(seconds=1))
    assert [one.committed for one in runs if one.committed] == [commit.committed_at]


@pytest.mark.django_db
def test_pipelines_that_deploy_nothing_have_no_figures():
    project = make_project("Checkout")
    nothing = [{"name": "Build", "actions": [{"name": "Compile", "category": "Build"}]}]
    hold(project, make_pipeline("checkout", definition=nothing))
    assert figures.figures(held_by(project, make_user())) is None
