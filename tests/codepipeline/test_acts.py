"""What people let pipelines do is really done, as they said, and stands so in AWS's answers.

What goes wrong meanwhile is in `tests/deeds/test_faults.py`, for every act.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from apps.codepipeline.models import Action, Execution
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from tests.acting import Acting, acting, effect_of, form_of
from tests.deeds.making import performed
from tests.sandbox.shapes import approval, deploy, pipeline

from . import cases

__all__ = ["acting"]

pytestmark = pytest.mark.django_db
DONE, REFUSED = Deed.Outcome.DONE, Deed.Outcome.REFUSED


def signed(deed: Deed) -> str:
    return f"for the sale (contributor by CodeStar Dash, {deed.mark})"


def state_of(acting: Acting, stage: str = cases.STAGE) -> dict[str, Any]:
    told = cases.client(acting).get_pipeline_state(name=cases.NAME)["stageStates"]
    (found,) = [one for one in told if one["stageName"] == stage]
    return dict(found)


def lost(acting: Acting, name: str, row: Any, said: Any = None) -> Deed:
    """A deed that was sent, and whose request never came to AWS, as nobody knows."""
    deed = acting.ask(name, row, said, why="for the sale")
    Deed.objects.filter(pk=deed.pk).update(begun_at=now() - timedelta(minutes=6))
    return deed


# --- Release --------------------------------------------------------------------------------------


def test_a_release_takes_the_variables_and_revisions_that_were_given(acting: Acting):
    row, _ = cases.quiet(acting)
    form = form_of(
        "codepipeline.release", row, **{"variable-target": "green", "revision-Source": cases.COMMIT}
    )
    assert form.is_valid(), form.errors
    deed = acting.do("codepipeline.release", row, form.said())
    acting.clock.advance(600)
    newest = cases.executions(acting)[0]
    assert (deed.outcome, deed.made["key"]) == (DONE, newest["pipelineExecutionId"])
    assert newest["sourceRevisions"][0]["revisionId"] == cases.COMMIT
    told = cases.client(acting).get_pipeline_execution(
        pipelineName=cases.NAME, pipelineExecutionId=deed.made["key"]
    )["pipelineExecution"]
    assert told["variables"] == [{"name": "target", "resolvedValue": "green"}]


def test_what_these_credentials_began_since_may_be_for_somebody_else(acting: Acting):
    row, _ = cases.quiet(acting)
    deed = lost(acting, "codepipeline.release", row)
    other = cases.start(acting)
    over = performed(deed)
    assert (over.outcome, over.made) == (Deed.Outcome.UNKNOWN, {})
    assert f"Execution {other[:8]} has begun since" in over.reason
    assert "whether by this or by somebody else cannot be told" in over.reason


def test_a_revision_that_can_be_none_is_said(acting: Acting):
    row, _ = cases.quiet(acting)
    form = form_of("codepipeline.release", row, **{"revision-Source": "main"})
    assert form.errors["revision-Source"] == ["Give a commit's full SHA, or nothing."]


def test_a_variable_that_may_be_a_secret_is_refused_and_kept_nowhere(acting: Acting):
    row, _ = cases.quiet(acting)
    form = form_of("codepipeline.release", row, **{"variable-target": "AKIAIOSFODNN7EXAMPLE"})
    assert "looks like a secret" in form.errors["variable-target"][0]
    row.variables = [{"name": "DEPLOY_TOKEN", "description": ""}]
    form = form_of("codepipeline.release", row, **{"variable-DEPLOY_TOKEN": "blue"})
    assert "looks like a secret" in form.errors["variable-DEPLOY_TOKEN"][0]
    form = form_of("codepipeline.release", row, **{"variable-DEPLOY_TOKEN": ""})
    assert "looks like a secret" not in str(form.errors)


# --- Stop -----------------------------------------------------------------------------------------


def deploying(acting: Acting) -> Execution:
    """An execution whose deployment runs."""
    cases.client(acting).create_pipeline(pipeline=pipeline(cases.NAME, [deploy()]))
    until_it_runs(acting)
    cases.mirrored(acting)
    return cases.newest()


def until_it_runs(acting: Acting) -> None:
    while state_of(acting).get("latestExecution", {}).get("status") != "InProgress":
        acting.clock.advance(5)


@pytest.mark.parametrize("how", ["wait", "abandon"])
@pytest.mark.parametrize("reason", ["by hand", ""])
def test_what_somebody_else_stopped_is_not_told_as_stopped_by_this(
    acting: Acting, how: str, reason: str
):
    row = deploying(acting)
    deed = lost(acting, "codepipeline.stop", row, {"how": how})
    cases.client(acting).stop_pipeline_execution(
        pipelineName=cases.NAME,
        pipelineExecutionId=row.key,
        **({"reason": reason} if reason else {}),
    )
    over = performed(deed)
    told = f"It is Stopping, for {'“by hand”' if reason else 'no reason'}"
    assert (over.outcome, over.told) == (Deed.Outcome.UNKNOWN, "")
    assert over.reason == f"{told}; whether by this or by somebody else cannot be told."


@pytest.mark.parametrize(("how", "status"), [("wait", "Stopping"), ("abandon", "Stopped")])
def test_what_runs_is_waited_for_or_abandoned(acting: Acting, how: str, status: str):
    row = deploying(acting)
    deed = acting.do("codepipeline.stop", row, {"how": how}, why="for the sale")
    assert deed.name == f"{row.pipeline.key} · {row.key[:8]}"
    (run,) = cases.executions(acting)
    assert (deed.outcome, run["status"]) == (DONE, status)
    assert run["stopTrigger"]["reason"] == signed(deed)


def test_who_waits_for_it_to_stop_may_still_abandon_it(acting: Acting):
    row = deploying(acting)
    acting.do("codepipeline.stop", row, {"how": "wait"})
    again = acting.do("codepipeline.stop", row, {"how": "wait"})
    assert (again.outcome, again.told) == (DONE, "It was stopping already.")
    assert acting.do("codepipeline.stop", row, {"how": "abandon"}).outcome == DONE
    assert cases.executions(acting)[0]["status"] == "Stopped"


# --- Retry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "deployed"), [("codepipeline.retry", 1), ("codepipeline.retry_all", 2)]
)
def test_what_failed_runs_again_or_all_of_the_stage(acting: Acting, name: str, deployed: int):
    cases.make(acting, [deploy(), approval(order=2)])
    cases.answer(acting, "Rejected")
    cases.mirrored(acting)
    deed = acting.do(name, cases.stage())
    acting.clock.advance(600)
    assert deed.outcome == DONE
    assert [one["status"] for one in cases.ran(acting, "Approve")] == ["InProgress", "Failed"]
    assert len(cases.ran(acting, "Deploy")) == deployed


def test_of_an_execution_among_others_the_stage_is_chosen(acting: Acting):
    row, _ = cases.failed_beside(acting)
    form = form_of("codepipeline.retry_beside", row)
    assert form.fields["stage"].choices == [(cases.STAGE, cases.STAGE)]
    assert form.is_valid(), form.errors
    assert f"In {cases.STAGE}, what failed runs again" in effect_of(
        "codepipeline.retry_beside", row
    )
    assert acting.do("codepipeline.retry_beside", row, form.said()).outcome == DONE
    assert [one["status"] for one in cases.ran(acting, "Approve")] == ["InProgress", "Failed"]


def test_elsewhere_it_is_the_stage_that_is_retried(acting: Acting):
    cases.failed(acting)
    beside = ACTS.by_name["codepipeline.retry_beside"]
    assert beside.offered(cases.newest()) is None


# --- Approvals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["SUPERSEDED", "PARALLEL"])
@pytest.mark.parametrize(
    ("name", "status"), [("codepipeline.approve", "Succeeded"), ("codepipeline.reject", "Failed")]
)
def test_an_approval_is_answered_with_a_comment(acting: Acting, mode: str, name: str, status: str):
    cases.make(acting, [approval()], executionMode=mode)
    cases.mirrored(acting)
    row = Action.objects.select_related("execution__pipeline", "scope").get(name="Approve")
    deed = acting.do(name, row, why="for the sale")
    (run,) = cases.ran(acting, "Approve")
    assert (deed.outcome, run["status"]) == (DONE, status)
    assert run["output"]["executionResult"]["externalExecutionSummary"] == signed(deed)


def test_the_token_of_an_approval_is_kept_nowhere(acting: Acting):
    cases.make(acting, [approval()], executionMode="PARALLEL")
    cases.mirrored(acting)
    (run,) = cases.ran(acting, "Approve")
    token = run["output"]["executionResult"]["externalExecutionId"]
    row = Action.objects.get(name="Approve")
    assert token
    assert (row.external_id, row.state) == ("", "waiting")


def test_an_approval_whose_token_cannot_be_read_was_not_sent(acting: Acting):
    row, _ = cases.waiting(acting)
    faults = acting.server.faults
    faults.add("error", service="codepipeline", operation="GetPipelineState", times=20)
    deed = acting.do("codepipeline.approve", row)
    assert (deed.outcome, deed.begun_at) == (Deed.Outcome.WAITING, None)
    faults.clear()
    assert performed(deed).outcome == DONE


def test_an_answer_in_the_same_words_is_not_taken_for_this_one(acting: Acting):
    """The same person says the same of another act, or the same again: the mark tells them."""
    row, _ = cases.waiting(acting)
    first = acting.do("codepipeline.approve", row, why="for the sale")
    assert first.outcome == DONE
    doer: Any = ACTS.by_name["codepipeline.reject"].doer
    second = acting.ask("codepipeline.reject", row, why="for the sale")
    assert doer.found(second, row) is None
    assert ACTS.by_name["codepipeline.approve"].doer.found(first, row) is not None


# --- Transitions ----------------------------------------------------------------------------------


def test_a_closed_way_says_why_in_letters_that_aws_takes(acting: Acting):
    row, _ = cases.open_way(acting)
    deed = acting.do("codepipeline.disable", row, why="frozen: see <runbook>")
    told = state_of(acting)["inboundTransitionState"]
    assert (deed.outcome, told["enabled"]) == (DONE, False)
    assert told["disabledReason"] == f"frozen- see -runbook- (owner by CodeStar Dash- {deed.mark})"
    # What was done to a stage was done to its pipeline, too, whatever becomes of the stage.
    assert list(Deed.objects.on("codepipeline.pipeline", row.pipeline_id)) == [deed]
    assert list(Deed.objects.on("codepipeline.stage", row.pk)) == [deed]
    assert not Deed.objects.on("codepipeline.pipeline", row.pipeline_id + 1).exists()


def test_what_waits_goes_in_when_the_way_is_open(acting: Acting):
    row, _ = cases.closed_way(acting)
    waiting = cases.executions(acting)[0]["pipelineExecutionId"]
    assert acting.do("codepipeline.enable", row).outcome == DONE
    assert state_of(acting)["latestExecution"]["pipelineExecutionId"] == waiting


# --- Roll back ------------------------------------------------------------------------------------


def test_a_stage_goes_back_alone_to_what_was_chosen(acting: Acting):
    row, said = cases.two_came_through(acting)
    before = state_of(acting, "Three")["latestExecution"]
    form = form_of("codepipeline.rollback", row, to=said["to"], why="too slow")
    assert [value for value, _ in form.fields["to"].choices] == [said["to"]]
    assert form.is_valid(), form.errors
    deed = acting.do("codepipeline.rollback", row, form.said(), why="too slow")
    newest = cases.executions(acting)[0]
    assert (deed.outcome, deed.made["key"]) == (DONE, newest["pipelineExecutionId"])
    assert newest["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": said["to"]}
    assert state_of(acting)["latestExecution"]["pipelineExecutionId"] == deed.made["key"]
    assert state_of(acting, "Three")["latestExecution"] == before


def test_what_stands_there_or_never_came_through_is_no_choice(acting: Acting):
    row, _ = cases.two_came_through(acting)
    stands = Execution.objects.get(key=row.execution_id)
    form = form_of("codepipeline.rollback", row, to=stands.key, why="too slow")
    assert form.errors["to"] == [
        "AWS does not accept that one, as far as was read. Choose another."
    ]
    assert form_of("codepipeline.rollback", row, why="x").errors["to"] == [
        "Choose the execution that it goes back to."
    ]


def test_a_stage_that_began_to_run_meanwhile_is_not_rolled_back(acting: Acting):
    row, said = cases.two_came_through(acting)
    deed = acting.ask("codepipeline.rollback", row, said)
    cases.client(acting).start_pipeline_execution(name=cases.NAME)
    until_it_runs(acting)
    over = performed(deed)
    assert over.outcome == REFUSED
    assert over.reason.startswith("It is running")
    assert cases.rollbacks(acting) == 0


def test_a_rollback_that_something_came_after_is_still_found(acting: Acting):
    row, said = cases.two_came_through(acting)
    doer: Any = ACTS.by_name["codepipeline.rollback"].doer
    deed = acting.do("codepipeline.rollback", row, said)
    acting.clock.advance(600)
    cases.start(acting)
    found = doer.found(Deed.objects.get(pk=deed.pk), row)
    assert deed.made["key"][:8] in found.told
    # Nor is one of another stage taken for it.
    cases.client(acting).rollback_stage(
        pipelineName=cases.NAME, stageName="Three", targetPipelineExecutionId=said["to"]
    )
    acting.clock.advance(600)
    assert doer.found(Deed.objects.get(pk=deed.pk), row) == found


def test_source_stages_and_parallel_pipelines_offer_none(acting: Acting):
    cases.two_came_through(acting)
    act = ACTS.by_name["codepipeline.rollback"]
    assert act.offered(cases.stage()) == ""
    assert act.offered(cases.stage("Source")) is None
    row = cases.stage()
    row.pipeline.execution_mode = "PARALLEL"
    assert act.offered(row) is None


def test_the_approval_is_shown_with_its_stage(acting: Acting):
    row, _ = cases.waiting(acting)
    told = effect_of("codepipeline.approve", row)
    assert f"goes on behind {cases.STAGE} / Approve" in told
