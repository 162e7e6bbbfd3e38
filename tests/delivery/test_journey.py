"""How far a change has come, and what holds it up: the answer and the way, from rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.codepipeline.models import Stage
from apps.delivery import journey as journeys
from apps.issues.meant import Meant
from apps.mirror.models import Link
from apps.source.models import Commit
from tests import factories
from tests.delivery.making import STAGES, act, make_line, make_pipeline, name_issue, of, point, run
from tests.factories import action_definition, hold, make_project, make_user, stage_definition
from tests.source.making import make_commit, make_pull, sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def test_a_commit_that_went_through_is_in_production(reader: Any):
    make_line(3)
    execution = run(make_pipeline(), 2)
    found = of(reader, 2)
    assert (found.answer.state, found.answer.text) == ("done", "In production")
    [way] = found.ways
    assert [(step.name, step.state) for step in way.steps] == [
        ("Source", "done"),
        ("Build", "done"),
        ("Staging", "done"),
        ("Production", "done"),
    ]
    assert way.hold is None
    assert found.answer.since == execution.started_at + timedelta(minutes=3, seconds=30)


def test_one_that_was_batched_under_a_later_commit_is_found_there(reader: Any):
    make_line(5)
    execution = run(make_pipeline(), 4)
    for number in (1, 2, 3, 4):
        found = of(reader, number)
        assert found.answer.text == "In production"
        assert found.ways[0].runs == [execution]
    assert of(reader, 5).answer.text == "No pipeline has taken it yet"


def test_the_first_run_that_brought_it_through_each_stage_counts(reader: Any):
    make_line(3)
    pipeline = make_pipeline()
    first = run(pipeline, 1, to="Staging", status="Succeeded")
    second = run(pipeline, 2)
    run(pipeline, 3)
    [way] = of(reader, 1).ways
    assert [step.run for step in way.steps] == [first, first, first, second]


def test_a_failure_holds_it_up_and_says_why(reader: Any):
    make_line(1)
    execution = run(make_pipeline(), 1, to="Staging", status="Failed")
    execution.actions.filter(stage="Staging").update(error_message="Tasks stopped")
    found = of(reader, 1)
    assert found.answer.state == "failed"
    assert found.answer.text == "Not in production: failed in Staging: Stage"
    assert found.answer.why == "Tasks stopped"
    assert found.answer.url == execution.get_absolute_url()
    assert [step.state for step in found.ways[0].steps] == ["done", "done", "failed", ""]


def test_the_cause_is_that_of_what_the_action_ran(reader: Any):
    make_line(1)
    execution = run(make_pipeline(), 1, to="Build", status="Failed")
    build = factories.make_build(status="FAILED")
    factories.link_runs("codepipeline.action", execution.actions.get(stage="Build"), build)
    [way] = of(reader, 1).ways
    ran = way.steps[1].acts[0].ran
    assert ran is not None
    assert (ran.label, ran.url) == (str(build), build.get_absolute_url())


def test_what_waits_for_approval_says_so(reader: Any):
    make_line(1)
    run(make_pipeline(), 1, to="Production", status="Waiting")
    answer = of(reader, 1).answer
    assert answer.state == "waiting"
    assert answer.text == "Not in production: waits for approval in Production"


def test_a_disabled_transition_says_who_and_why(reader: Any):
    make_line(1)
    pipeline = make_pipeline()
    execution = run(pipeline, 1, to="Staging", status="Succeeded")
    type(execution).objects.filter(pk=execution.pk).update(state="moving", status="InProgress")
    Stage.objects.filter(pipeline=pipeline, name="Production").update(
        transition_enabled=False,
        transition_reason="Sale until Monday",
        transition_changed_by="arn:aws:iam::111122223333:user/release-manager",
        inbound_execution_ids=[execution.key],
    )
    answer = of(reader, 1).answer
    assert answer.text == "Not in production: the transition into Production is disabled"
    assert (answer.state, answer.why, answer.by) == (
        "waiting",
        "Sale until Monday",
        "release-manager",
    )


def test_one_that_was_superseded_goes_on_in_the_run_that_contains_it(reader: Any):
    make_line(2)
    pipeline = make_pipeline()
    second = run(pipeline, 2, to="Build", status="InProgress")
    run(
        pipeline,
        1,
        to="Staging",
        status="Superseded",
        state="stopped",
        status_summary=f"Superseded by {second.key}",
    )
    answer = of(reader, 1).answer
    assert (answer.state, answer.text) == ("moving", "Not in production: is in Build")
    assert answer.url == second.get_absolute_url()


def test_one_that_was_superseded_by_another_line_is_held_up_by_it(reader: Any):
    repository, _ = make_line(1)
    make_commit(repository, 9, parents=[])
    pipeline = make_pipeline()
    other = run(pipeline, 9)
    run(
        pipeline,
        1,
        to="Build",
        status="Superseded",
        state="stopped",
        status_summary=f"Superseded by {other.key}",
    )
    found = of(reader, 1)
    assert found.answer.state == "stopped"
    assert "superseded" in found.answer.text.lower()


def test_a_rollback_takes_it_out_again(reader: Any):
    make_line(2)
    pipeline = make_pipeline()
    run(pipeline, 1, at=10)
    run(pipeline, 2, at=20)
    back = run(pipeline, 1, at=40, execution_type="ROLLBACK")
    found = of(reader, 2)
    assert found.answer.state == "stopped"
    assert found.answer.text == (
        "Not in production: it was in Production; what runs there now does not contain it"
    )
    assert found.answer.why == "It was rolled back."
    assert found.ways[0].goal is not None
    assert found.ways[0].goal.instead is not None
    assert found.ways[0].goal.instead.url == back.get_absolute_url()
    assert of(reader, 1).answer.text == "In production"


def test_what_failed_is_told_beside_the_newer_run_that_mends_it(reader: Any):
    make_line(2)
    pipeline = make_pipeline()
    run(pipeline, 1, to="Production", status="Failed")
    newer = run(pipeline, 2, to="Build", status="InProgress")
    [way] = of(reader, 1).ways
    assert way.hold is not None
    assert way.beside is not None
    assert way.hold.state == "failed"
    assert (way.beside.state, way.beside.url) == ("moving", newer.get_absolute_url())


def test_a_squashed_pull_request_is_followed_to_what_it_was_merged_as(reader: Any):
    repository, _ = make_line(2)
    make_commit(repository, 11, parents=[sha(1)])
    make_commit(repository, 12, parents=[sha(11)])
    make_commit(repository, 3, parents=[sha(2)])
    point(repository, main=3)
    pull = make_pull(
        repository,
        7,
        source_commit=sha(12),
        merge_base=sha(1),
        merged=True,
        merge_commit=sha(3),
        status="CLOSED",
        state="done",
    )
    run(make_pipeline(), 3)
    for number in (11, 12):
        found = of(reader, number)
        assert found.answer.text == "In production"
        assert found.pulls == [pull]
    assert of(reader, 1).pulls == []
    assert journeys.of_pull(reader, pull).answer.text == "In production"


def test_an_open_pull_request_says_that_it_is_not_merged(reader: Any):
    repository, _ = make_line(1)
    make_commit(repository, 11, parents=[sha(1)])
    pull = make_pull(repository, 7, source_commit=sha(11), merge_base=sha(1))
    point(repository, main=1, feature=11)
    for found in (of(reader, 11), journeys.of_pull(reader, pull)):
        assert found.answer.state == "waiting"
        assert found.answer.text == "Pull request #7 is not merged yet"


def test_a_force_push_is_followed_to_the_new_history_and_told(reader: Any):
    repository, commits = make_line(2)
    lost = commits[1]
    written = factories.LONG_AGO + timedelta(minutes=2)
    Commit.objects.filter(pk=lost.pk).update(authored_at=written)
    again = make_commit(
        repository,
        22,
        parents=[sha(1)],
        message=lost.message,
        authored_at=written,
        committed_at=factories.LONG_AGO + timedelta(minutes=30),
    )
    point(repository, main=22)
    run(make_pipeline(), 22, at=40)
    found = of(reader, 2)
    assert found.changes[0].rewritten
    assert found.changes[0].anew == again
    assert found.answer.text == "In production"


def test_an_open_pull_request_that_was_checked_by_a_pipeline_still_waits(reader: Any):
    repository, _ = make_line(1)
    make_commit(repository, 11, parents=[sha(1)])
    make_pull(repository, 7, source_commit=sha(11), merge_base=sha(1))
    point(repository, main=1, feature=11)
    pipeline = make_pipeline("checks", definition=STAGES[:2])
    run(pipeline, 11, to="Build")
    answer = of(reader, 11).answer
    assert (answer.state, answer.text) == ("waiting", "Pull request #7 is not merged yet")


def test_a_commit_that_no_branch_contains_says_so(reader: Any):
    repository, _ = make_line(2)
    point(repository, main=1)
    assert of(reader, 2).answer.text == "No branch contains it any more"


def test_stages_that_are_not_called_production_are_named(reader: Any):
    make_line(1)
    pipeline = make_pipeline(definition=STAGES[:3])
    Stage.objects.filter(pipeline=pipeline, name="Production").delete()
    execution = run(pipeline, 1, to="Staging", status="Failed")
    assert of(reader, 1).answer.text == "Not through Staging: failed in Staging: Stage"
    execution.actions.update(state="done")
    type(execution).objects.filter(pk=execution.pk).update(state="done")
    assert of(reader, 1).answer.text == "Through Staging"


def test_the_run_that_stands_there_counts_though_it_is_one_of_very_many(reader: Any):
    make_line(20)
    pipeline = make_pipeline()
    for number in range(1, 7):
        run(pipeline, number, to="Production", status="Failed")
    through = run(pipeline, 8)
    for number in range(9, 14):
        run(pipeline, number, to="Build", status="Failed")
    found = of(reader, 1)
    assert found.answer.text == "In production"
    assert found.ways[0].goal is not None
    assert found.ways[0].goal.run == through


def test_a_pipeline_that_leads_elsewhere_says_nothing_of_production(reader: Any):
    make_line(1)
    run(make_pipeline("shop"), 1)
    elsewhere = make_pipeline("shop-dev", definition=STAGES[:3])
    run(elsewhere, 1, to="Staging", status="Failed")
    found = of(reader, 1)
    assert (found.answer.state, found.answer.text) == ("done", "In production")
    assert len(found.ways) == 2


def test_a_pipeline_that_is_gone_lags_behind_nobody(reader: Any):
    make_line(1)
    run(make_pipeline("shop"), 1)
    gone = make_pipeline("shop-before")
    run(gone, 1, to="Staging", status="Failed")
    assert of(reader, 1).answer.state == "failed"
    type(gone).objects.filter(pk=gone.pk).update(gone_at=now())
    assert (of(reader, 1).answer.state, of(reader, 1).answer.text) == ("done", "In production")


def test_what_a_build_brings_out_is_in_production_and_can_be_overwritten(reader: Any):
    make_line(2)
    stages = [*STAGES[:2], stage_definition("Production", action_definition("Ship", "Build"))]
    pipeline = make_pipeline(definition=stages)
    first = run(pipeline, 2, at=10)
    first.actions.filter(stage="Production").exclude(name="Ship").delete()
    first.actions.filter(name="Ship").update(category="Build")
    assert of(reader, 2).answer.text == "In production"
    back = run(pipeline, 1, at=60)
    back.actions.filter(name="Ship").update(category="Build")
    found = of(reader, 2)
    assert found.answer.text.startswith("Not in production: it was in Production")
    assert found.ways[0].goal is not None
    assert found.ways[0].goal.instead is not None
    assert found.ways[0].goal.instead.url == back.get_absolute_url()


def test_what_goes_out_by_two_pipelines_tells_which_lags(reader: Any):
    make_line(1)
    run(make_pipeline("shop-eu"), 1)
    run(make_pipeline("shop-us"), 1, to="Staging", status="Failed")
    found = of(reader, 1)
    assert found.answer.state == "failed"
    assert found.answer.text == (
        "In production by shop-eu, not by the others: failed in Staging: Stage"
    )
    assert [way.pipeline.key for way in found.ways] == ["shop-us", "shop-eu"]


def test_a_second_source_is_found_by_what_the_action_took(reader: Any):
    _, [commit] = make_line(1, name="templates")
    execution = run(make_pipeline(), 99)
    taken = act(execution, "Source", "Templates", "Source", "Succeeded", 0)
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=taken.pk,
        relation="takes",
        to_kind="codecommit.commit",
        to_arn=commit.arn,
    )
    assert of(reader, 1).answer.text == "In production"


def test_a_commit_of_a_repository_that_is_not_mirrored_is_followed_by_its_id(reader: Any):
    run(make_pipeline(), 7)
    found = of(reader, 7)
    assert found.answer.text == "In production"
    assert found.changes[0].row is None
    assert journeys.of_commit(reader, sha(8)) is None


# --- for whom, at what cost ----------------------------------------------------------------------


def test_a_stranger_cannot_tell_that_a_commit_exists():
    make_line(1)
    run(make_pipeline(), 1)
    stranger = make_user("stranger", reads_everything=False)
    assert journeys.of_commit(stranger, sha(1)) is None


def test_who_sees_the_repository_alone_learns_nothing_of_pipelines():
    repository, [commit] = make_line(1)
    run(make_pipeline("secret"), 1)
    viewer = make_user("viewer", reads_everything=False)
    hold(make_project("Source", viewer=viewer), repository)
    found = journeys.of_commit(viewer, commit.commit_id)
    assert found is not None
    assert found.ways == []
    assert found.answer.text == "No pipeline has taken it yet"


def test_the_number_of_queries_does_not_grow(reader: Any):
    _, commits = make_line(20)
    pipelines = [make_pipeline(f"shop-{turn}") for turn in range(4)]
    name_issue(commits[18], "SHOP-12")
    for pipeline in pipelines:
        run(pipeline, 20)

    def cost() -> int:
        with CaptureQueriesContext(connection) as told:
            journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
        return len(told)

    cost()
    few = cost()
    for number in range(1, 19):
        name_issue(commits[number - 1], "SHOP-12")
        for pipeline in pipelines:
            run(pipeline, number)
    assert cost() == few
    assert few <= 32
