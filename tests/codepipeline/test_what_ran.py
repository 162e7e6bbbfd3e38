"""What an action started is found by its own id, and shown to nobody who may not know of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.cloudformation.models import Stack
from apps.cloudformation.records import stack_record
from apps.codepipeline import answers, load
from apps.codepipeline.board import ActionView, Ran, ran_by
from apps.codepipeline.digest import why_action
from apps.codepipeline.records import ActionRecord
from apps.codepipeline.starters import started
from apps.mirror.links import linked_from, unexplained, write_links
from apps.mirror.models import Link
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from tests.cloudformation.making import make_stack
from tests.codepipeline.reading import ask_children, collect, parent
from tests.dashboard.conftest import _fresh_cache, member, signed_in
from tests.factories import (
    action_definition,
    link_runs,
    live_action,
    make_action,
    make_build,
    make_execution,
    make_parallel_pipeline,
    make_pipeline,
    make_project,
    make_running_pipeline,
    make_scope,
    make_stage,
    stage_definition,
)
from tests.flight import Flight

__all__ = ["_fresh_cache", "member", "signed_in"]

BUILD = "arn:aws:codebuild:eu-west-1:111122223333:build/shop:77f0b104"
BEGAN, ENDED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC), datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
FAILED = ActionView("Compile", state=State.FAILED, started_at=BEGAN, ended_at=ENDED)
WORKS = ActionView("Compile", state=State.DONE, started_at=BEGAN, ended_at=ENDED)


def said_then(since: datetime | None, until: datetime | None) -> str:
    return f"from {since} to {until}"


THAT = Ran(label="shop #104", url="/codebuild/builds/1/", why=said_then)
OTHER = Ran(label="lint #7", url="/codebuild/builds/2/", why=said_then)


def test_an_action_of_a_stage_ran_what_it_names_whole():
    started = [(f"{BUILD}0", OTHER), (BUILD, THAT)]
    assert ran_by(started, WORKS, BUILD) is THAT
    assert ran_by(started, WORKS, "shop:77f0b104") is None


def test_a_recorded_action_ran_what_it_alone_links_to():
    assert ran_by([(BUILD, THAT)], WORKS) is THAT
    assert ran_by([], WORKS) is None


def test_what_an_action_ran_says_why_it_failed_while_the_action_ran():
    ran = ran_by([(BUILD, THAT)], FAILED)
    assert ran is not None
    assert (ran.label, ran.explain) == (THAT.label, f"from {BEGAN} to {ENDED}")


@pytest.mark.django_db
def test_what_outlives_what_is_done_to_it_says_why_that_failed_then(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
):
    build = make_build("stack-like", "SUCCEEDED")
    asked = []

    def then(row: object, since: datetime | None, until: datetime | None) -> str:
        asked.append((row, since, until))
        return "it was full then"

    lasting = replace(REGISTER.get("codebuild.build"), explain_then=then)
    monkeypatch.setitem(REGISTER.by_kind, "codebuild.build", lasting)
    pipeline = make_running_pipeline("orders", "Failed")
    failed = make_action(pipeline.latest_execution, "Build", "Compile", "Failed")
    link_runs("codepipeline.action", failed, build)
    assert why_action(failed) == "it was full then"
    page = signed_in.get(pipeline.latest_execution.get_absolute_url()).content.decode()
    assert "it was full then" in page
    assert set(asked) == {(build, failed.started_at, failed.last_update)}


@pytest.mark.parametrize(
    ("owner", "provider", "external_id", "arn"),
    [
        ("AWS", "CodeBuild", "shop:77f0b104", BUILD),
        ("Custom", "CodeBuild", "shop:77f0b104", ""),
        ("AWS", "CodeBuild", "104", ""),
        ("AWS", "CodeDeploy", "d-ABCDEF123", "d-ABCDEF123"),
        ("AWS", "CodeDeployToECS", "d-ABCDEF123", "d-ABCDEF123"),
        ("AWS", "CodeDeploy", "", ""),
        ("ThirdParty", "CodeDeploy", "d-ABCDEF123", ""),
        ("AWS", "S3", "d-ABCDEF123", ""),
    ],
)
def test_what_awss_own_providers_start_is_linked_by_its_arn(
    owner: str, provider: str, external_id: str, arn: str
):
    kind = {"category": "Build", "owner": owner, "provider": provider, "version": "1"}
    detail = {
        "pipelineExecutionId": "e1",
        "actionExecutionId": "a1",
        "stageName": "Build",
        "actionName": "Compile",
        "status": "Succeeded",
        "input": {"actionTypeId": kind},
        "output": {"executionResult": {"externalExecutionId": external_id}},
    }
    flight = Flight().on("codepipeline:ListActionExecutions", {"actionExecutionDetails": [detail]})
    record = collect("codepipeline.action", flight.reach(), ask_children())[0]
    assert [link.to for link in record.links] == [arn] * bool(arn)
    named = {"name": "Compile", "provider": provider, "owner": owner}
    pipeline = parent(definition=[stage_definition("Build", named)])
    latest = {"status": "Succeeded", "externalExecutionId": external_id}
    state = {
        "stageName": "Build",
        "actionStates": [{"actionName": "Compile", "latestExecution": latest}],
    }
    stage = answers.stage_record(flight.reach(), pipeline, 0, state)
    assert list(stage.links) == list(record.links)
    assert stage.actions[0]["runs"] == arn


def test_an_action_runs_where_its_region_and_its_role_say():
    role = "arn:aws:iam::444455556666:role/deployer"
    action = {"owner": "AWS", "provider": "CodeBuild", "region": "us-east-1", "role_arn": role}
    link = started(Flight().reach(), action, "shop:1")
    assert link is not None
    assert link.to == "arn:aws:codebuild:us-east-1:444455556666:build/shop:1"


@pytest.mark.parametrize(
    ("external_id", "repository", "named"),
    [("a1" * 20, "shop", f"shop#{'a1' * 20}"), ("main", "shop", ""), ("a1" * 20, "", "")],
)
def test_a_source_in_codecommit_takes_a_commit_and_does_not_own_it(external_id, repository, named):
    asked = {"RepositoryName": repository, "BranchName": "main"}
    action = {"owner": "AWS", "provider": "CodeCommit", "configuration": asked}
    link = started(Flight().reach(), action, external_id)
    if not named:
        assert link is None
        return
    assert link is not None
    assert (link.relation, link.to_kind, link.owning) == ("takes", "codecommit.commit", False)
    assert link.to == f"arn:aws:codecommit:eu-west-1:111122223333:{named}"


@pytest.mark.django_db
def test_what_ran_in_another_project_is_in_no_picture_that_readers_share(signed_in: Client):
    elsewhere = make_scope("444455556666")
    build = make_build("theirs", "FAILED", failing_message="only for them", scope=elsewhere)
    pipeline = make_running_pipeline("orders", "Failed")
    stage = pipeline.stages.get(name="Build")
    stage.actions = [{**stage.actions[0], "runs": build.arn}, *stage.actions[1:]]
    stage.save()
    link_runs("codepipeline.stage", stage, build)
    beside = make_parallel_pipeline("previews")
    for run in (pipeline.latest_execution, beside.latest_execution):
        failed = make_action(run, "Build", "Compile", "Failed", external_id=build.key)
        link_runs("codepipeline.action", failed, build)
    make_project("Ours", pipeline, beside)
    for path in (
        "/",
        pipeline.get_absolute_url(),
        pipeline.latest_execution.get_absolute_url(),
        beside.get_absolute_url(),
    ):
        html = signed_in.get(path).content.decode()
        assert "only for them" not in html, path
        assert build.get_absolute_url() not in html, path


@pytest.mark.django_db
def test_what_ran_in_another_region_of_the_account_is_shown(signed_in: Client):
    build = make_build(
        "ours", "FAILED", failing_message="npm test: 1", scope=make_scope(region="us-east-1")
    )
    execution = make_execution(make_pipeline("orders"), "Failed")
    failed = make_action(execution, "Build", "Compile", "Failed", external_id=build.key)
    link_runs("codepipeline.action", failed, build)
    assert "npm test: 1" in signed_in.get(execution.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_every_execution_that_waits_to_enter_a_stage_is_linked(signed_in: Client):
    pipeline = make_running_pipeline("orders")
    first, second = make_execution(pipeline, "InProgress"), make_execution(pipeline, "InProgress")
    unknown = "0b6c1f2e-0000-4000-8000-123456789012"
    waiting = [first.key, second.key, unknown]
    pipeline.stages.filter(name="Deploy").update(inbound_execution_ids=waiting)
    html = signed_in.get(pipeline.get_absolute_url()).content.decode()
    assert html.count("waits to enter") == 3
    for execution in (first, second):
        link = f'href="{execution.get_absolute_url()}" title="{execution.key}">'
        assert f'<a class="cut" {link}{execution.summary}</a> waits to enter' in html
    assert "0b6c1f2e</code> waits to enter" in html


def test_all_that_wait_to_enter_a_stage_are_read_in_their_order():
    def inbound(*keys: str) -> list[dict[str, str]]:
        return [{"pipelineExecutionId": key, "status": "InProgress"} for key in keys]

    def told(**stage: Any) -> list[str]:
        state = {"stageName": "Deploy", **stage}
        parent = ask_children().parents[0]
        return answers.stage_record(Flight().reach(), parent, 0, state).inbound_execution_ids

    first = inbound("e1")[0]
    assert told(inboundExecution=first, inboundExecutions=inbound("e1", "e2")) == ["e1", "e2"]
    assert told(inboundExecution=first) == ["e1"]
    assert told() == []


@pytest.mark.django_db
def test_a_stage_tells_what_happens_where_it_fails():
    stage = {**stage_definition("Deploy", action_definition("Ship")), "on_failure": "ROLLBACK"}
    pipeline = make_pipeline("orders", definition=[stage])
    make_stage(pipeline, "Deploy", make_execution(pipeline), "Succeeded", live_action("Ship"))
    (shown,) = load.pipeline_board([pipeline.pk])[pipeline.pk]["board"]
    assert shown.on_failure == "ROLLBACK"


# --- What outlives the actions that run it --------------------------------------------------------

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0a1b2c3d"
DEPLOYS_SHOP = {
    "name": "Ship",
    "owner": "AWS",
    "provider": "CloudFormation",
    "configuration": {"StackName": "shop"},
}


def deployed(number: int, status: str = "Succeeded") -> ActionRecord:
    """What ListActionExecutions tells of an action on the stack."""
    kind = {"category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1"}
    detail = {
        "pipelineExecutionId": f"e{number}",
        "actionExecutionId": f"a{number}",
        "stageName": "Deploy",
        "actionName": "Ship",
        "status": status,
        "input": {"actionTypeId": kind},
        "output": {"executionResult": {"externalExecutionId": STACK}},
    }
    return answers.action_record(Flight().reach(), parent(), detail)


@pytest.mark.parametrize(
    ("provider", "external_id", "configuration", "lasts"),
    [
        ("CloudFormation", STACK, {}, True),
        ("ECS", "ecs-svc/1", {"ClusterName": "live", "ServiceName": "shop"}, True),
        ("Lambda", "1a2b", {"FunctionName": "smoke"}, True),
        ("ElasticBeanstalk", "v7", {"ApplicationName": "a", "EnvironmentName": "e"}, True),
        ("CodeBuild", "shop:77f0b104", {}, False),
        ("CodeDeploy", "d-ABCDEF123", {}, False),
    ],
)
def test_an_action_that_is_over_owns_only_what_is_over_with_it(
    provider: str, external_id: str, configuration: dict[str, str], lasts: bool
):
    action = {"owner": "AWS", "provider": provider, "configuration": configuration}
    today = started(Flight().reach(), action, external_id)
    history = started(Flight().reach(), action, external_id, over=True)
    assert today is not None
    assert history is not None
    assert (today.owning, history.owning) == (True, not lasts)
    assert replace(history, owning=True) == today


@pytest.mark.django_db
def test_a_change_of_a_stack_touches_the_stage_and_what_runs_and_no_history():
    pipeline = make_pipeline("shop", definition=[stage_definition("Deploy", DEPLOYS_SHOP)])
    wanted = {}
    for number in range(20):
        ended = make_action(make_execution(pipeline), "Deploy", "Ship")
        wanted[ended.pk] = deployed(number).links
    execution = make_execution(pipeline, "InProgress")
    running = make_action(execution, "Deploy", "Ship", "InProgress")
    wanted[running.pk] = deployed(21, "InProgress").links
    write_links("codepipeline.action", wanted)
    stage = make_stage(pipeline, "Deploy", execution, "InProgress", live_action("Ship"))
    state = {"actionName": "Ship", "latestExecution": {"externalExecutionId": STACK}}
    told = answers.stage_record(
        Flight().reach(),
        parent(definition=pipeline.definition),
        0,
        {"stageName": "Deploy", "actionStates": [state]},
    )
    write_links("codepipeline.stage", {stage.pk: told.links})
    # All of them still lead to the stack.
    assert len(linked_from("cloudformation.stack", [STACK])[STACK]) == 22
    moved = stack_record(
        {"StackId": STACK, "StackName": "shop", "StackStatus": "UPDATE_IN_PROGRESS"}
    )
    stacks = REGISTER.get("cloudformation.stack")
    (change,) = reconcile(stacks, pipeline.scope, [moved], extent=Nothing()).changes
    assert set(change.subjects) == {
        f"cloudformation.stack:{change.row_id}",
        f"codepipeline.stage:{stage.pk}",
        f"codepipeline.action:{running.pk}",
        f"codepipeline.execution:{execution.pk}",
        f"codepipeline.pipeline:{pipeline.pk}",
    }


@pytest.mark.django_db
def test_what_would_explain_a_failed_action_and_was_not_read_is_told_with_where_the_cure_is(
    signed_in: Client,
):
    stack = make_stack("shop", "UPDATE_ROLLBACK_COMPLETE", stamp="2", events_stamp="1")
    pipeline = make_running_pipeline("orders", "Failed")
    execution = pipeline.latest_execution
    failed = make_action(
        execution,
        "Deploy",
        "UpdateStack",
        "Failed",
        error_code="JobFailed",
        error_message="Stack shop failed",
        started_at=stack.moved_at - timedelta(seconds=5),
        last_update=stack.moved_at + timedelta(minutes=2),
    )
    write_link(failed, stack)
    unread = "Its events were not read, so what failed first is not known."
    assert why_action(failed) == f"JobFailed: Stack shop failed\n{unread}"
    page = signed_in.get(execution.get_absolute_url()).text
    assert unread in page
    assert f'href="/health/#scope-{stack.scope_id}"' in page
    # That they were read is no change of the execution, and yet its picture is another.
    Stack.objects.update(events_stamp="2")
    assert unread not in signed_in.get(execution.get_absolute_url()).text
    assert why_action(failed) == "JobFailed: Stack shop failed"


@pytest.mark.django_db
def test_of_an_earlier_action_a_stacks_unread_events_say_nothing():
    stack = make_stack("shop", "UPDATE_ROLLBACK_COMPLETE", stamp="2", events_stamp="1")
    before = stack.moved_at - timedelta(days=1)
    assert unexplained("cloudformation.stack", stack, before, before + timedelta(minutes=5)) == ""
    assert unexplained("cloudformation.stack", stack, stack.moved_at, None) != ""


def write_link(action: Any, row: Any) -> None:
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=action.pk,
        relation="runs",
        to_kind="cloudformation.stack",
        to_arn=row.arn,
    )
