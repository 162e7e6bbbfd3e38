"""What pipelines and executions say of themselves follows from their children."""

from datetime import timedelta

import pytest

from apps.codepipeline import digest
from apps.codepipeline.models import URGENCY, Execution, Pipeline
from apps.mirror.state import State
from tests.factories import (
    LONG_AGO,
    link_runs,
    make_action,
    make_build,
    make_execution,
    make_pipeline,
    make_scope,
    make_stage,
)

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


@pytest.fixture
def pipeline():
    return make_pipeline("checkout")


def run(pipeline, minute, status, **more):
    return make_execution(pipeline, status, started_at=LONG_AGO + timedelta(minutes=minute), **more)


def of(pipeline):
    return digest.pipelines([pipeline.pk]).get(pipeline.pk, {})


def test_a_pipeline_that_never_ran_has_no_state(pipeline):
    assert of(pipeline) == {}


def test_a_pipeline_is_what_its_newest_execution_is(pipeline):
    newest = run(pipeline, 2, "Succeeded")
    run(pipeline, 1, "Failed")
    told = of(pipeline)
    assert (told["latest_execution_id"], told["state"], told["status"]) == (
        newest.pk,
        State.DONE,
        "Succeeded",
    )
    assert told["latest_started_at"] == newest.started_at
    assert told["failing_since"] is None


def test_an_execution_without_a_start_is_never_the_newest(pipeline):
    newest = run(pipeline, 1, "Succeeded")
    odd = run(pipeline, 2, "Failed")
    type(odd).objects.filter(pk=odd.pk).update(started_at=None)
    assert of(pipeline)["latest_execution_id"] == newest.pk


def test_failing_since_is_the_first_failure_after_the_last_success(pipeline):
    for minute, status in enumerate(["Failed", "Succeeded", "Failed", "Stopped", "Failed"]):
        run(pipeline, minute, status)
    assert of(pipeline)["failing_since"] == LONG_AGO + timedelta(minutes=2)


def test_a_pipeline_that_runs_after_a_failure_is_still_failing_since_then(pipeline):
    run(pipeline, 1, "Failed")
    run(pipeline, 2, "InProgress")
    told = of(pipeline)
    assert (told["state"], told["failing_since"]) == (
        State.MOVING,
        LONG_AGO + timedelta(minutes=1),
    )


def test_an_approval_in_a_stage_makes_a_moving_pipeline_wait_and_a_finished_one_not(pipeline):
    execution = run(pipeline, 1, "InProgress")
    stage = make_stage(pipeline, "Approve", execution, "InProgress", state=State.WAITING)
    assert of(pipeline)["state"] == State.WAITING
    run(pipeline, 2, "Failed")
    assert of(pipeline)["state"] == State.FAILED
    assert of(pipeline)["urgency"] == URGENCY[State.FAILED]
    type(stage).objects.update(gone_at=LONG_AGO)
    run(pipeline, 3, "InProgress")
    assert of(pipeline)["state"] == State.MOVING


def test_a_status_nobody_has_heard_of_has_a_place_in_the_list(pipeline):
    run(pipeline, 1, "Pondering")
    assert of(pipeline)["urgency"] == URGENCY[State.UNKNOWN]


def test_queries_for_executions_do_not_grow_with_them(pipeline, django_assert_num_queries):
    rows = [run(pipeline, minute, "InProgress") for minute in range(5)]
    for row in rows:
        make_action(row, "Approve", "Release", "InProgress", state=State.WAITING)
    with django_assert_num_queries(2):
        told = digest.executions([row.pk for row in rows])
    assert {values["state"] for values in told.values()} == {"waiting"}


def test_a_finished_execution_is_not_set_moving_by_an_action_that_still_waits(pipeline):
    row = run(pipeline, 1, "Stopped")
    make_action(row, "Approve", "Release", "InProgress", state=State.WAITING)
    assert "state" not in digest.executions([row.pk])[row.pk]


def test_an_author_is_told_by_name_before_by_address(pipeline):
    row = run(pipeline, 1, "Succeeded")
    said = {"AuthorEmail": "checkout-developer@example.com", "AuthorId": "7"}
    make_action(row, "Source", "Git", category="Source", output_variables=said)
    assert digest.executions([row.pk])[row.pk]["author"] == "7"
    said = {"AuthorName": "checkout-developer", "AuthorEmail": "x@example.com"}
    make_action(row, "Source", "Hub", category="Source", output_variables=said)
    assert digest.executions([row.pk])[row.pk]["author"] == "checkout-developer"


def test_each_revision_has_the_author_that_its_own_source_action_told(pipeline):
    revisions = [
        {"action": name, "id": name, "summary": "", "url": "", "provider": ""}
        for name in ("App", "Chart", "Bucket")
    ]
    row = run(pipeline, 1, "InProgress", revisions=revisions, author="")
    for name, author in (("Chart", "platform-developer"), ("App", "checkout-developer")):
        said = {"AuthorDisplayName": author}
        make_action(row, "Source", name, category="Source", output_variables=said)
    make_action(row, "Build", "Bucket", output_variables={"AuthorDisplayName": "nobody"})
    for column, value in digest.executions([row.pk])[row.pk].items():
        setattr(row, column, value)
    assert [one["author"] for one in row.credited] == [
        "checkout-developer",
        "platform-developer",
        "",
    ]
    assert row.author == "checkout-developer"


def test_digesting_again_finds_the_same_author_on_every_database(pipeline):
    row = run(pipeline, 1, "Succeeded", author="")
    for name, author in (("a-long-name", "first-developer"), ("Hub", "second-developer")):
        said = {"AuthorName": author}
        make_action(row, "Source", name, category="Source", output_variables=said)
    once = digest.executions([row.pk])[row.pk]
    type(row).objects.filter(pk=row.pk).update(**once)
    assert digest.executions([row.pk])[row.pk] == once
    assert once["author"] == "second-developer"


def test_a_try_that_a_retry_repaired_is_not_why_an_execution_failed(pipeline):
    row = run(pipeline, 1, "Failed")
    make_action(row, "Build", "Compile", "Failed", error_code="FirstTry")
    later = row.started_at + timedelta(minutes=5)
    make_action(row, "Build", "Compile", "Succeeded", started_at=later, last_update=later)
    make_action(
        row, "Deploy", "Ship", "Failed", error_code="NoRoom", started_at=later, last_update=later
    )
    assert digest.why_execution(row) == "Deploy / Ship: NoRoom"


def test_what_an_action_ran_in_another_account_does_not_say_why_it_failed(pipeline):
    row = run(pipeline, 1, "Failed")
    failed = make_action(row, "Build", "Compile", "Failed", error_code="JobFailed")
    elsewhere = make_scope("444455556666")
    build = make_build(status="FAILED", failing_message="only theirs to read", scope=elsewhere)
    link_runs("codepipeline.action", failed, build)
    assert digest.why_execution(row) == "Build / Compile: JobFailed"


def test_a_failed_pipeline_says_what_the_build_says(pipeline):
    row = run(pipeline, 1, "Failed")
    failed = make_action(
        row, "Build", "Compile", "Failed", error_code="JobFailed", error_message="It failed"
    )
    pipeline = Pipeline.objects.get()
    assert digest.why_pipeline(pipeline) == "Build / Compile: JobFailed: It failed"
    build = make_build(status="FAILED", failing_phase="BUILD", failing_message="exit status 2")
    link_runs("codepipeline.action", failed, build)
    assert digest.why_pipeline(pipeline) == "Build / Compile: BUILD: exit status 2"


def test_what_works_has_nothing_to_explain(pipeline):
    row = run(pipeline, 1, "Succeeded")
    done = make_action(row, "Build", "Compile")
    assert digest.why_action(done) == digest.why_execution(row) == ""
    assert digest.why_pipeline(make_pipeline("idle")) == ""


def test_a_failed_execution_without_a_failed_action_says_its_own_summary(pipeline):
    row = run(pipeline, 1, "Failed", status_summary="Source was not found")
    assert digest.why_execution(row) == "Source was not found"


def test_queries_for_pipelines_that_work_do_not_grow_with_them(django_assert_max_num_queries):
    rows = [make_pipeline(f"service-{number}") for number in range(6)]
    for row in rows:
        run(row, 1, "Failed")
        run(row, 2, "Succeeded")
    with django_assert_max_num_queries(3):
        told = digest.pipelines([row.pk for row in rows])
    assert {values["state"] for values in told.values()} == {State.DONE}
    assert len(told) == 6


def test_where_no_action_failed_the_conditions_of_the_stage_are_named(pipeline):
    rules = [
        {"when": "onSuccess", "name": "Healthy", "provider": "CloudWatchAlarm", "alarm": "red"},
        {"when": "onSuccess", "name": "Asked", "provider": "LambdaInvoke", "alarm": ""},
    ]
    row = run(pipeline, 1, "Failed")
    Pipeline.objects.filter(pk=pipeline.pk).update(
        definition=[{"name": "Deploy", "rules": rules, "actions": []}]
    )
    row = Execution.objects.select_related("pipeline").get(pk=row.pk)
    assert digest.why_execution(row) == ""
    make_stage(pipeline, "Deploy", row, "Failed")
    assert digest.why_execution(row) == (
        "Deploy: no action failed; a condition of the stage was not met: "
        "Healthy (alarm red), Asked."
    )
